"""What an exception at import means, in words, and what to do about it."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from importlib import metadata
from types import FrameType, ModuleType

from .._domain.errors import FieldfareError
from .._host import GROUP
from .frames import Place
from .interrupt import TooSlow
from .nearest import did_you_mean, nearest
from .project import Project
from .source import SourceFile

_NO_NAME = re.compile(r"cannot import name '(?P<name>\w+)'")


def said(exc: BaseException, file: SourceFile, place: Place, project: Project) -> tuple[str, str, ast.AST | None]:
    """What and remedy, and the piece of syntax that is at fault where it is not the one that was being evaluated."""
    match exc:
        case SystemExit():
            return (
                f"the file ends the program while it is loaded (exit code {exc.code!r})",
                "a file only defines; what should happen belongs into an automation",
                None,
            )
        case TooSlow():
            return f"the file does not come to its end: {exc}", "what takes long belongs into an automation", None
        case ModuleNotFoundError() if exc.name:
            missing = project.name_of(exc.name)
            remedy = _installable(missing, file)
            return f"there is no module {missing!r}", remedy, _import_of(file, place, missing)
        case ImportError() if (found := _NO_NAME.search(str(exc))) and exc.name:
            module, name = project.name_of(exc.name), found["name"]
            if exc.name in project.loading:
                return f"{module} cannot give {name!r}: it imports this file itself", "move it to a third file", None
            known = _public(sys.modules.get(exc.name))
            return f"{module} has no {name!r}", did_you_mean(name, known), _alias(file, place, name)
        case AttributeError() if exc.name and exc.obj is not None:
            owner: str = getattr(exc.obj, "__name__", None) or type(exc.obj).__name__
            return f"{project.name_of(owner)} has no {exc.name!r}", did_you_mean(exc.name, _public(exc.obj)), None
        case NameError() if exc.name:
            return f"{exc.name!r} is not defined", _definable(exc.name, place.frame), None
        case FieldfareError():
            return str(exc), "", None
        case ValueError() | TypeError() if not place.raised_here and _from_fieldfare(exc):
            return str(exc), "", None
        case _:
            text = f": {exc}" if str(exc) else ""
            return f"an exception while the file was loaded: {type(exc).__name__}{text}", "", None


def _installable(missing: str, file: SourceFile) -> str:
    top = missing.partition(".")[0]
    prefix = "fieldfare_"
    if top.startswith(prefix):
        plugins = {entry.value.partition(".")[0] for entry in metadata.entry_points(group=GROUP)}
        near = nearest(top.removeprefix(prefix), [name.removeprefix(prefix) for name in plugins])
        if near:
            return f"did you mean {prefix + near!r}?"
        return f"if it is a plugin: pip install {top.replace('_', '-')}"
    near = nearest(top, [*(path.stem for path in file.real.parent.glob("*.py")), "fieldfare"])
    near = near or nearest(top, sys.stdlib_module_names, cutoff=0.8)
    install = "install it into the environment of fieldfare, or write its file beside this one"
    return f"did you mean {near!r}?" if near else install


def _definable(name: str, frame: FrameType) -> str:
    package = sys.modules[__name__.partition(".")[0]]
    if name in _public(package):
        return f"write: from {package.__name__} import {name}"
    return did_you_mean(name, {*frame.f_globals, *frame.f_locals, *dir(builtins), *_public(package)})


def _import_of(file: SourceFile, place: Place, missing: str) -> ast.AST | None:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import) and node.lineno <= place.line <= (node.end_lineno or 0):
            return next((a for a in node.names if missing.startswith(a.name.partition(".")[0])), None)
    return None


def _alias(file: SourceFile, place: Place, name: str) -> ast.AST | None:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom) and node.lineno <= place.line <= (node.end_lineno or 0):
            return next((alias for alias in node.names if alias.name == name), None)
    return None


def _from_fieldfare(exc: BaseException) -> bool:
    """The innermost frame is ours: the text of the exception was written for the reader."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "fieldfare"


def _public(thing: object) -> list[str]:
    if isinstance(thing, ModuleType) and hasattr(thing, "__all__"):
        return list(thing.__all__)
    return [name for name in dir(thing) if not name.startswith("_")]
