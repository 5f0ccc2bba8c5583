"""The Python of every page is well-typed, as mypy sees it at its strictest; one run for all."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .blocks import PAGES, ROOT, Block, blocks

CACHE = ROOT / ".mypy_cache" / "docs"


def written(block: Block, folder: Path) -> str:
    """The block in a module of its own below `folder`; its path from there."""
    page = re.sub(r"\W+", "_", str(block.page.relative_to(ROOT).with_suffix(""))).lower()
    name = re.sub(r"[^\w/]+", "_", block.name.removesuffix(".py")) if block.name else f"line_{block.line}"
    path = folder / page / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    return str(path.relative_to(folder))


def within(folder: Path) -> None:
    """Let the modules of a page find each other: `accounts` is a name on more than one page."""
    for page in folder.iterdir():
        modules = list(page.rglob("*.py"))
        homes = {path.stem: path.with_suffix("") for path in modules}
        homes |= {path.parent.name: path.parent for path in modules if path.parent.parent.name == "src"}
        names = {name: ".".join(path.relative_to(folder).parts) for name, path in homes.items()}
        for path in modules:
            text = path.read_text(encoding="utf-8")
            for name, full in names.items():
                text = re.sub(rf"^from {re.escape(name)}(?=[ .])", f"from {full}", text, flags=re.MULTILINE)
            path.write_text(text, encoding="utf-8")


def test_the_python_of_every_page_is_well_typed(tmp_path: Path) -> None:
    found = [b for path in PAGES for b in blocks(path) if b.language == "python" and b.how not in ("shown", "refused")]
    places = {written(block, tmp_path): block for block in found}
    within(tmp_path)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"]
    command += ["--cache-dir", str(CACHE), "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    said = re.sub(
        r"^([^:\n]+):(\d+)",
        lambda m: f"{(b := places[m[1]]).page.relative_to(ROOT)}:{b.line + int(m[2]) - 1}",
        done.stdout,
        flags=re.MULTILINE,
    )
    assert done.returncode == 0, said + done.stderr
