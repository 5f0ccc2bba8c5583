"""What went wrong while a file was loaded, as mistakes with the place where a person can mend them."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from types import FrameType, ModuleType, TracebackType
from typing import Any

from pydantic import ValidationError

from .._contract.platform import Account
from .._domain.errors import ConfigError, FieldfareError, Mistake
from .._host import GROUP
from .nearest import did_you_mean, nearest
from .project import Project
from .source import SourceFile
from .words import in_words, is_of_a_secret, worth_telling

_UNEXPECTED = re.compile(r"got an unexpected keyword argument '(?P<name>\w+)'")
_MISSING = re.compile(r"missing \d+ required [\w -]+: (?P<names>.+)")
_NO_NAME = re.compile(r"cannot import name '(?P<name>\w+)'")
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class _Place:
    """The deepest moment of one file in a traceback: its frame, and the piece of text that was being evaluated."""

    frame: FrameType
    raised_here: bool
    line: int
    end_line: int
    start: int
    end: int

    def covers(self, node: ast.AST) -> bool:
        return (
            isinstance(node, ast.expr)
            and (node.lineno, node.col_offset) == (self.line, self.start)
            and (node.end_lineno, node.end_col_offset) == (self.end_line, self.end)
        )


def mistakes_from(exc: BaseException, file: SourceFile, project: Project) -> list[Mistake]:
    """Every mistake that an exception in a file of the project means, most often one; never empty."""
    if isinstance(exc, SyntaxError) and exc.filename == str(file.real):
        return [file.mistake(f"syntax error: {exc.msg}", line=exc.lineno or 1, column=max(exc.offset or 1, 1))]
    if isinstance(exc, OSError | UnicodeDecodeError) and exc.__traceback__ is not None and not file.data:
        return [file.mistake(f"the file cannot be read: {exc}")]
    place = _deepest(exc.__traceback__, str(file.real))
    if place is None:
        return [file.mistake(f"the file cannot be loaded: {type(exc).__name__}: {exc}", line=1, column=1)]
    if isinstance(exc, ConfigError) and exc.mistakes:
        return list(exc.mistakes)
    call = next((n for n in ast.walk(file.tree) if isinstance(n, ast.Call) and place.covers(n)), None)
    if isinstance(exc, ValidationError):
        return _invalid(exc, file, place, call)
    if isinstance(exc, TypeError) and call is not None and (found := _misspelt(exc, file, place, call)):
        return [found]
    what, remedy, node = _said(exc, file, place, project)
    if node is not None:
        return [file.mistake_at(node, what, remedy)]
    column = file.column(place.line, place.start)
    if isinstance(exc, AttributeError) and exc.name and file.line(place.end_line):
        column = max(file.column(place.end_line, place.end) - len(exc.name), 1)
        return [file.mistake(what, remedy, line=place.end_line, column=column)]
    return [file.mistake(what, remedy, line=place.line, column=column)]


def _deepest(trace: TracebackType | None, filename: str) -> _Place | None:
    found: _Place | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == filename:
            line, end_line, start, end = list(code.co_positions())[trace.tb_lasti // 2]
            line = line or trace.tb_lineno
            found = _Place(trace.tb_frame, trace.tb_next is None, line, end_line or line, start or 0, end or 0)
        trace = trace.tb_next
    return found


def _invalid(exc: ValidationError, file: SourceFile, place: _Place, call: ast.Call | None) -> list[Mistake]:
    callee = _value(call.func, place.frame) if call else None
    known = _parameters(callee)
    owner = ast.unparse(call.func) if call else exc.title
    found: list[Mistake] = []
    for error in worth_telling(exc.errors(include_url=False), known):
        what, remedy = in_words(error, owner, known)
        if error.get("ctx", {}).get("class") == Account.__name__:
            what, remedy = _no_account(error["input"], place.frame)
        node = _argument(call, callee, error["loc"], error["input"], place.frame) if call else None
        keyword = next((k for k in call.keywords if error["loc"] and k.arg == error["loc"][0]), None) if call else None
        at = keyword if keyword is not None and error["type"] == "extra_forbidden" else node or call
        mistake = (
            file.mistake_at(at, what, remedy)
            if at is not None
            else file.mistake(what, remedy, line=place.line, column=file.column(place.line, place.start))
        )
        found.append(_without_source(mistake) if is_of_a_secret(error) else mistake)
    return found


def _without_source(mistake: Mistake) -> Mistake:
    """What stands on the line may be the secret itself, and is not repeated."""
    return Mistake(mistake.path, mistake.line, mistake.column, mistake.what, mistake.remedy)


def _no_account(given: Any, frame: FrameType) -> tuple[str, str]:
    names = {value.name: name for name, value in frame.f_globals.items() if isinstance(value, Account)}
    near = nearest(given, names) if isinstance(given, str) else None
    if near:
        return f"{given!r} is not an account", f"write {names[near]}, the account itself, not its name"
    return f"{given!r} is not an account", "write the account itself: brand = Account('brand', …), then brand"


def _misspelt(exc: TypeError, file: SourceFile, place: _Place, call: ast.Call) -> Mistake | None:
    owner = ast.unparse(call.func)
    callee = _value(call.func, place.frame)
    known = _parameters(callee)
    unexpected = _UNEXPECTED.search(str(exc))
    if unexpected:
        name = unexpected["name"]
        keyword = next((k for k in call.keywords if k.arg == name), None)
        if keyword is None:
            return None
        offered = f"it has {', '.join(known)}" if known else ""
        return file.mistake_at(keyword, f"{owner} has no setting {name!r}", did_you_mean(name, known) or offered)
    missing = _MISSING.search(str(exc))
    if missing:
        return file.mistake_at(call, f"{owner} needs {missing['names']}")
    if str(exc).startswith("BaseModel.__init__() takes 1 positional"):
        example = ", ".join(f"{name}=…" for name in known[:2])
        return file.mistake_at(call, f"{owner} takes its settings by name", f"write {owner}({example})")
    return None


def _said(exc: BaseException, file: SourceFile, place: _Place, project: Project) -> tuple[str, str, ast.AST | None]:
    """What and remedy, and the piece of syntax that is at fault where it is not the one that was being evaluated."""
    match exc:
        case SystemExit():
            return (
                f"the file ends the program while it is loaded (exit code {exc.code!r})",
                "a file only defines; what should happen belongs into an automation",
                None,
            )
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
            said = f": {exc}" if str(exc) else ""
            return f"an exception while the file was loaded: {type(exc).__name__}{said}", "", None


def _installable(missing: str, file: SourceFile) -> str:
    top = missing.partition(".")[0]
    prefix = "fieldfare_"
    if top.startswith(prefix):
        plugins = {entry.value.partition(".")[0] for entry in metadata.entry_points(group=GROUP)}
        near = nearest(top.removeprefix(prefix), [name.removeprefix(prefix) for name in plugins])
        if near:
            return f"did you mean {prefix + near!r}?"
        return f"if it is a plugin: pip install {top.replace('_', '-')}"
    siblings = [path.stem for path in file.real.parent.glob("*.py")]
    loaded = [name for name in sys.modules if "." not in name and not name.startswith("_")]
    install = "install it into the environment of fieldfare, or write its file beside this one"
    return did_you_mean(top, [*siblings, *loaded]) or install


def _definable(name: str, frame: FrameType) -> str:
    package = sys.modules[__name__.partition(".")[0]]
    if name in _public(package):
        return f"write: from {package.__name__} import {name}"
    return did_you_mean(name, {*frame.f_globals, *frame.f_locals, *dir(builtins), *_public(package)})


def _import_of(file: SourceFile, place: _Place, missing: str) -> ast.AST | None:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import) and node.lineno <= place.line <= (node.end_lineno or 0):
            return next((a for a in node.names if missing.startswith(a.name.partition(".")[0])), None)
    return None


def _alias(file: SourceFile, place: _Place, name: str) -> ast.AST | None:
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


def _value(node: ast.expr, frame: FrameType) -> Any:
    """What a name or a dotted name stood for; `None` for any other expression."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            for scope in (frame.f_locals, frame.f_globals, frame.f_builtins):
                if name in scope:
                    return scope[name]
            return None
        case ast.Attribute(value=inner, attr=attr):
            return getattr(_value(inner, frame), attr, None)
        case _:
            return None


def _parameters(callee: Any) -> list[str]:
    try:
        found = inspect.signature(callee).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _argument(
    call: ast.Call, callee: Any, where: tuple[int | str, ...], given: Any, frame: FrameType
) -> ast.expr | None:
    """The expression that the mistake is about: by its name, by its position, or because it has the offending value."""
    if where:
        for keyword in call.keywords:
            if keyword.arg == where[0]:
                return keyword.value
        known = _parameters(callee)
        if where[0] in known and known.index(str(where[0])) < len(call.args):
            return call.args[known.index(str(where[0]))]
    return next((node for node in _given(call) if _same(_value(node, frame), given)), None)


def _given(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)


def _same(a: Any, b: Any) -> bool:
    return a is not None and (a is b or (type(a) is type(b) and bool(a == b)))
