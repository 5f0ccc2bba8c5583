"""The workspace holds together: every member has the same skeleton, and nothing local leaks into the project."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "core" / "fieldfare"
MEMBERS = sorted(path.parent for path in ROOT.glob("plugins/*/*/pyproject.toml"))
RULE = re.compile(r"^\| `(?P<rule>[a-z-]+)` \| (?P<tier>\w+) \| (?P<asked_of>\w+) \|", re.MULTILINE)
ANSWER = re.compile(r"done|(todo|exempt): \S.*")
PIN = re.compile(r"(?P<name>[a-z0-9.-]+)==(?P<version>[A-Za-z0-9.]+)( ; (?P<marker>[^\\]+))? \\")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")
# Spelt in pieces, so that this file passes its own test.
HOSTS = re.compile("|".join(["py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(org|com)", "deb" + r"ian\.org"]))
PLACES = re.compile(
    r"(?<![\w.~$}-])/(" + "|".join(["ro" + "ot", "wo" + "rk", "ho" + "me", "Us" + "ers", "opt/py" + "pi"]) + r")/"
)

member = pytest.mark.parametrize("path", MEMBERS, ids=lambda path: path.name)


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def tracked_files() -> list[Path]:
    """What is in the repository, and what would be if everything were added now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> dict[str, str]:
    """Every text file of the repository by its path from the root; what is not UTF-8 is a picture or the like."""
    found = {}
    for path in tracked_files():
        try:
            found[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {found["name"]: found["version"] for line in lines if (found := PIN.fullmatch(line))}


def test_there_are_members() -> None:
    assert {path.name for path in MEMBERS} >= {"bluesky", "mastodon", "replies", "reposts", "publishing"}


@member
def test_a_member_has_the_skeleton(path: Path) -> None:
    package = f"src/fieldfare_{path.name}"
    wanted = ["README.md", "quality.toml", *(f"{package}/{name}" for name in ("__init__.py", "plugin.py", "py.typed"))]
    assert [name for name in wanted if not (path / name).is_file()] == []


@member
def test_a_member_holds_exactly_one_package(path: Path) -> None:
    found = [p.name for p in (path / "src").iterdir() if p.name != "__pycache__"]
    assert found == [f"fieldfare_{path.name}"]


@member
def test_a_member_is_named_like_its_folder(path: Path) -> None:
    project = toml(path / "pyproject.toml")["project"]
    assert project["name"] == f"fieldfare-{path.name}"
    assert project["entry-points"]["fieldfare"] == {path.name: f"fieldfare_{path.name}.plugin"}


@member
def test_a_member_shares_version_python_and_licence_with_the_core(path: Path) -> None:
    core, project = toml(ROOT / "pyproject.toml")["project"], toml(path / "pyproject.toml")["project"]
    for key in ("version", "requires-python", "license", "authors"):
        assert project[key] == core[key], key


@member
def test_a_member_bounds_the_core_on_both_sides_and_names_no_path(path: Path) -> None:
    needs = [Requirement(line) for line in toml(path / "pyproject.toml")["project"]["dependencies"]]
    assert [str(n.specifier) for n in needs if n.name == "fieldfare"] == ["<0.2,>=0.1"]
    assert [str(n) for n in needs if n.url] == []


@member
def test_a_member_answers_every_question_of_quality_that_is_asked_of_it(path: Path) -> None:
    rules = list(RULE.finditer((ROOT / "docs" / "quality.md").read_text(encoding="utf-8")))
    asked = {rule["rule"] for rule in rules if rule["asked_of"] in ("all", path.parent.name)}
    answers = toml(path / "quality.toml")
    assert asked, "docs/quality.md lists no rule"
    assert set(answers) == asked
    assert {rule: text for rule, text in answers.items() if not ANSWER.fullmatch(text)} == {}


def test_every_tool_knows_every_member() -> None:
    settings, names = toml(ROOT / "pyproject.toml")["tool"], {f"fieldfare_{path.name}" for path in MEMBERS}
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").split("\n")
    assert lines == ["-e .", *(f"-e {path.relative_to(ROOT)}" for path in MEMBERS), ""]
    assert set(settings["ruff"]["lint"]["isort"]["known-first-party"]) == {"fieldfare", *names}
    assert set(settings["importlinter"]["root_packages"]) == {"fieldfare", *names}
    sources = {f"$MYPY_CONFIG_FILE_DIR/{path.relative_to(ROOT)}/src" for path in MEMBERS}
    assert set(settings["mypy"]["mypy_path"]) >= {"$MYPY_CONFIG_FILE_DIR/core", *sources}
    for contract in settings["importlinter"]["contracts"]:
        listed = {n for n in contract.get("source_modules", contract.get("modules", [])) if n.startswith("fieldfare_")}
        assert not listed or listed == names, contract["name"]


def test_the_core_is_exactly_one_package_and_its_folders_are_no_packages() -> None:
    assert [p.name for p in (ROOT / "core").iterdir() if p.name != "__pycache__"] == ["fieldfare"]
    assert [str(p.parent.relative_to(ROOT)) for p in ROOT.glob("plugins/**/__init__.py") if "src" not in p.parts] == []


def test_every_source_file_is_loaded_under_its_own_name() -> None:
    """`core.fieldfare` would be a second copy of everything, and `isinstance` would fail across the two."""
    sources = [ROOT / "core", *(path / "src" for path in MEMBERS)]
    strangers = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        folder = next((s for s in sources if file and Path(file).is_relative_to(s)), None)
        if file and folder:
            inside = Path(file).relative_to(folder).with_suffix("")
            own = ".".join(inside.parts).removesuffix(".__init__")
            if name not in (own, "__main__"):
                strangers.append((name, own))
    assert strangers == []
    assert "core" not in sys.modules


def test_no_file_imports_a_source_folder() -> None:
    folder = re.compile(r"^\s*(?:from|import) (?:core|plugins)\b", re.MULTILINE)
    assert [name for name, text in texts().items() if name.endswith(".py") and folder.search(text)] == []


def test_no_file_names_a_registry_or_a_place_on_a_machine() -> None:
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts().items()
        for number, line in enumerate(text.split("\n"), start=1)
        if HOSTS.search(line) or PLACES.search(line)
    ]
    assert found == []


def test_the_core_names_no_network() -> None:
    others = {"discord", "facebook", "instagram", "linkedin", "pinterest", "reddit", "telegram", "tiktok", "youtube"}
    networks = others | {"twitter"} | {path.name for path in MEMBERS if path.parent.name == "platforms"}
    word = re.compile("|".join(re.escape(name) for name in sorted(networks)), re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked_files()
        if path.is_relative_to(ROOT / "core") and path.suffix in {".py", ".sql", ".toml", ".md", ".csv"}
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)
        if word.search(line)
    ]
    assert found == []


def test_no_module_grows_past_four_hundred_lines() -> None:
    modules = [*CORE.rglob("*.py"), *(p for path in MEMBERS for p in (path / "src").rglob("*.py"))]
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in modules}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {p.parent for p in CORE.rglob("*.py")} | {p.parent for m in MEMBERS for p in (m / "src").rglob("*.py")}
    assert sorted(str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").is_file()) == []


def test_constraints_hold_pins_and_hashes_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not PIN.fullmatch(line) and not HASH.fullmatch(line)] == []
    assert [a for a, b in zip(lines, [*lines[1:], ""], strict=True) if PIN.fullmatch(a) and not HASH.fullmatch(b)] == []


def test_whatever_is_needed_is_pinned_within_its_bounds() -> None:
    root, pinned = toml(ROOT / "pyproject.toml"), pins()
    lines = [*root["project"]["dependencies"], *root["dependency-groups"]["dev"], *root["build-system"]["requires"]]
    for extra in root["project"]["optional-dependencies"].values():
        lines += extra
    for path in MEMBERS:
        lines += toml(path / "pyproject.toml")["project"]["dependencies"]
        lines += toml(path / "pyproject.toml")["build-system"]["requires"]
    needs = [need for line in lines if not (need := Requirement(line)).name.startswith("fieldfare")]
    assert [str(n) for n in needs if not n.specifier.contains(pinned.get(n.name, "0.dev0"))] == []


def test_no_lock_file_with_addresses_is_kept() -> None:
    names = {path.name for path in tracked_files()}
    assert names & {"uv.lock", "poetry.lock", "Pipfile.lock", "yarn.lock", "pnpm-lock.yaml"} == set()


def test_the_page_of_licences_fits_what_is_installed() -> None:
    command = [sys.executable, "scripts/runtime.py", "licences"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    assert (ROOT / "docs" / "licences.md").read_text(encoding="utf-8") == said, (
        "run scripts/runtime.py licences --write"
    )


def test_nothing_that_is_needed_at_run_time_is_under_a_gpl_or_without_a_licence() -> None:
    rows = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").split("| --- | --- |\n")[1].splitlines()
    assert len(rows) > 20
    assert [row for row in rows if re.search(r"GPL|General Public|not stated|Proprietary", row, re.IGNORECASE)] == []
