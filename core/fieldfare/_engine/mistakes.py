"""What went wrong while a file was loaded, as mistakes with the place where a person can mend them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from types import FrameType
from typing import Any

from pydantic import ValidationError

from .._contract.platform import Account
from .._domain.errors import ConfigError, Mistake
from .._domain.values import Secret
from .frames import Place, deepest, parameters, value_of
from .nearest import did_you_mean, nearest
from .project import Project
from .said import said
from .source import SourceFile
from .words import in_words, is_of_a_secret, worth_telling

_UNEXPECTED = re.compile(r"got an unexpected keyword argument '(?P<name>\w+)'")
_MISSING = re.compile(r"missing \d+ required [\w -]+: (?P<names>.+)")


def mistakes_from(exc: BaseException, file: SourceFile, project: Project) -> list[Mistake]:
    """Every mistake that an exception in a file of the project means, most often one; never empty."""
    if isinstance(exc, SyntaxError) and exc.filename == str(file.real):
        return [file.mistake(f"syntax error: {exc.msg}", line=exc.lineno or 1, column=max(exc.offset or 1, 1))]
    if isinstance(exc, OSError | UnicodeDecodeError) and exc.__traceback__ is not None and not file.data:
        why = getattr(exc, "strerror", None) or str(exc)
        return [file.mistake(f"the file cannot be read: {why.lower()}")]
    place = deepest(exc.__traceback__, str(file.real))
    if place is None:
        return [file.mistake(f"the file cannot be loaded: {type(exc).__name__}: {exc}", line=1, column=1)]
    if isinstance(exc, ConfigError) and exc.mistakes:
        return list(exc.mistakes)
    call = next((n for n in ast.walk(file.tree) if isinstance(n, ast.Call) and place.covers(n)), None)
    if isinstance(exc, ValidationError):
        return _invalid(exc, file, place, call)
    if isinstance(exc, TypeError) and call is not None and (found := _misspelt(exc, file, place, call)):
        return [found]
    what, remedy, node = said(exc, file, place, project)
    if node is not None:
        return [file.mistake_at(node, what, remedy)]
    column = file.column(place.line, place.start)
    if isinstance(exc, AttributeError) and exc.name and file.line(place.end_line):
        column = max(file.column(place.end_line, place.end) - len(exc.name), 1)
        return [file.mistake(what, remedy, line=place.end_line, column=column)]
    return [file.mistake(what, remedy, line=place.line, column=column)]


def _invalid(exc: ValidationError, file: SourceFile, place: Place, call: ast.Call | None) -> list[Mistake]:
    callee = value_of(call.func, place.frame) if call else None
    known = parameters(callee)
    owner = ast.unparse(call.func) if call else exc.title
    found: list[Mistake] = []
    hidden = exc.title == Secret.__name__
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
        found.append(_without_source(mistake) if hidden or is_of_a_secret(error) else mistake)
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


def _misspelt(exc: TypeError, file: SourceFile, place: Place, call: ast.Call) -> Mistake | None:
    owner = ast.unparse(call.func)
    callee = value_of(call.func, place.frame)
    known = parameters(callee)
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
        if callee is Secret:
            said = file.mistake_at(call, f"{owner} takes its name by name", "write secret('NAME')")
            return _without_source(said)
        example = ", ".join(f"{name}=…" for name in known[:2])
        return file.mistake_at(call, f"{owner} takes its settings by name", f"write {owner}({example})")
    return None


def _argument(
    call: ast.Call, callee: Any, where: tuple[int | str, ...], given: Any, frame: FrameType
) -> ast.expr | None:
    """The expression that the mistake is about: by its name, by its position, or because it has the offending value."""
    if where:
        for keyword in call.keywords:
            if keyword.arg == where[0]:
                return keyword.value
        known = parameters(callee)
        if where[0] in known and known.index(str(where[0])) < len(call.args):
            return call.args[known.index(str(where[0]))]
    return next((node for node in _given(call) if _same(value_of(node, frame), given)), None)


def _given(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)


def _same(a: Any, b: Any) -> bool:
    return a is not None and (a is b or (type(a) is type(b) and bool(a == b)))
