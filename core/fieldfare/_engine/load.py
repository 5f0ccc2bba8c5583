"""Loads the automation files of a project, and gathers every mistake of every file before it gives up.

A file is an ordinary module. What it defines at its top level runs, alone or in a list, tuple or dict; nothing
registers itself. Files are loaded one by one, under names of their own, so that loading again sees new code.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from .._domain.errors import ConfigError, Mistake
from .found import Found, Loaded
from .mistakes import mistakes_from
from .project import Broken, Project
from .source import SourceFile
from .watch import Forbidden, Seen, watched

__all__ = ["Loaded", "load"]

IGNORED = ("test_*.py", "*_test.py", "conftest.py", "setup.py", "tests/*", "node_modules/*")
"""Files that are no automation files, whatever `fieldfare.toml` says: patterns over the path from the folder."""


def load(paths: Sequence[Path], *, ignore: Iterable[str] = ()) -> Loaded:
    """The automations of these folders and files; of a folder, all of its Python files.

    Raises ConfigError with the mistakes of all files: what Python or a model refused, and what a file may not do while
    it is loaded. A project without any automation is a mistake too.
    """
    mistakes: list[Mistake] = []

    def failed(project: Project, file: SourceFile, exc: BaseException) -> None:
        # What a sibling did wrong was noted when it failed; what was refused is noted with the place that asked for it.
        if not isinstance(exc, Broken | Forbidden):
            mistakes.extend(mistakes_from(exc, file, project))

    roots = list(_roots(paths, (*IGNORED, *ignore), mistakes))
    projects = [(Project(root, shown, failed), files) for shown, root, files in roots]
    found = Found(mistakes)
    for project, files in projects:
        for module, path in _run(project, files, mistakes):
            found.take(project, module, project.file(path))
    if not found and not mistakes:
        where = Path(paths[0]) if paths else Path()
        mistakes.append(Mistake(where, 0, 0, "no automation is defined here", "fieldfare init writes a first one"))
    if mistakes:
        raise ConfigError("", sorted(dict.fromkeys(mistakes), key=lambda m: (str(m.path), m.line, m.column)))
    return found.loaded(projects[0][0], [file for project, _ in projects for file in project.files.values()])


def _roots(
    paths: Sequence[Path], ignore: Sequence[str], mistakes: list[Mistake]
) -> Iterator[tuple[Path, Path, list[Path]]]:
    """As shown, absolute, and its files: one for each folder, and one for all single files of another folder."""
    singles: dict[Path, tuple[Path, list[Path]]] = {}
    for path in dict.fromkeys(map(Path, paths)):
        if path.is_dir():
            yield path, path.resolve(), sorted(_files(path.resolve(), ignore))
        elif path.is_file() and path.suffix == ".py":
            singles.setdefault(path.parent.resolve(), (path.parent, []))[1].append(path.resolve())
        else:
            what = "is not a Python file" if path.exists() else "does not exist"
            mistakes.append(Mistake(path, 0, 0, what, "name a project's folder, or its automation files"))
    for root, (shown, files) in singles.items():
        yield shown, root, files


def _files(folder: Path, ignore: Sequence[str], inside: str = "") -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as exc:
        remedy = "let the user of the daemon read it, or name it in `ignore` of fieldfare.toml"
        what = f"the folder cannot be read: {(exc.strerror or str(exc)).lower()}"
        raise ConfigError("", [Mistake(folder, 0, 0, what, remedy)]) from exc
    for path in paths:
        name = f"{inside}{path.name}"
        if path.name.startswith((".", "__pycache__")) or _is_ignored(name, path, ignore):
            continue
        if path.is_dir():
            if not _is_environment(path) and not _leads_back(path):
                yield from _files(path, ignore, f"{name}/")
        elif path.suffix == ".py" and (path.is_file() or path.is_symlink()):
            yield path


def _is_environment(folder: Path) -> bool:
    return os.path.exists(folder / "pyvenv.cfg")


def _leads_back(folder: Path) -> bool:
    """Whether this is a link to a folder in which it lies itself."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_ignored(name: str, path: Path, ignore: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, p) or fnmatch.fnmatch(path.name, p) or f"{name}/*" == p for p in ignore)


def _run(project: Project, files: Sequence[Path], mistakes: list[Mistake]) -> Iterator[tuple[ModuleType, Path]]:
    """The modules of these files, those left out that have mistakes."""
    loaded: list[tuple[ModuleType, Path]] = []
    with watched(project.files) as seen:
        for path in files:
            try:
                loaded.append((project.module(path), path))
            except Broken:
                continue
    refused = {one.filename for one in seen}
    mistakes.extend(_refused(one, project.files[one.filename]) for one in seen)
    yield from ((module, path) for module, path in loaded if str(path) not in refused)


def _refused(seen: Seen, file: SourceFile) -> Mistake:
    column = file.column(seen.line, seen.column)
    return file.mistake(seen.what, "do it in an automation", line=seen.line, column=column)
