"""What Fieldfare needs at run time, read from the installed packages: pins for an installation, licences for a reader.

python scripts/runtime.py pins              the part of constraints.txt that the distributions need, hashes included
python scripts/runtime.py licences          the table in docs/licences.md
python scripts/runtime.py licences --write  writes it there
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
LICENCES = ROOT / "docs" / "licences.md"
HEAD = """\
# Licences

What comes along when Fieldfare and the plugins of this repository are installed, on any supported Python; the words are
the packages' own. Fieldfare itself is MIT. `scripts/runtime.py licences --write` writes this page from the metadata of
the installed packages, and a test fails when the page no longer fits or a GPL enters the list.

| package | licence |
| --- | --- |
"""


def ours() -> list[str]:
    """The names of the distributions of this repository, the core first."""
    members = sorted(ROOT.glob("plugins/*/*/pyproject.toml"))
    return ["fieldfare", *(f"fieldfare-{path.parent.name}" for path in members)]


def closure() -> list[Distribution]:
    """Every third-party distribution that an installation without extras brings, sorted by name."""
    found: dict[str, Distribution] = {}
    waiting = ours()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # A marker that holds on another Python or system only.
        waiting.extend(needed(found[name]))
    return [found[name] for name in sorted(set(found) - set(ours()))]


def needed(dist: Distribution) -> Iterator[str]:
    """The names of the direct dependencies of `dist` on any supported Python."""
    for line in dist.requires or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"python_version": v, "extra": ""}) for v in PYTHONS):
            yield requirement.name


def licence(dist: Distribution) -> str:
    """The licence as the package states it, preferring the SPDX expression, then the short field, then classifiers."""
    meta = dist.metadata
    expression, short = (next(iter(meta.get_all(key) or []), "") for key in ("License-Expression", "License"))
    if expression or (short and len(short) < 40 and "\n" not in short):
        return str(expression or short)
    named = [c.split(" :: ")[-1] for c in meta.get_all("Classifier", []) if c.startswith("License :: ")]
    return ", ".join(named) or "not stated"


def pins() -> str:
    """The paragraphs of constraints.txt for `closure()`, each with all its hashes.

    Raises SystemExit when a package that is needed is not pinned.
    """
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    paragraphs = {
        canonicalize_name(p.split("==")[0]): p for p in re.split(r"\n(?=\S)", text.strip()) if not p.startswith("#")
    }
    names = [canonicalize_name(dist.metadata["Name"]) for dist in closure()]
    if missing := sorted(set(names) - set(paragraphs)):
        raise SystemExit(f"not in constraints.txt: {missing!r}; run `make pin`")
    return "\n".join(paragraphs[name] for name in names) + "\n"


def licences() -> str:
    """The whole of docs/licences.md."""
    return HEAD + "".join(f"| {dist.metadata['Name']} | {licence(dist)} |\n" for dist in closure())


def main(args: list[str]) -> None:
    match args:
        case ["pins"]:
            sys.stdout.write(pins())
        case ["licences"]:
            sys.stdout.write(licences())
        case ["licences", "--write"]:
            LICENCES.write_text(licences(), encoding="utf-8")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
