"""Hook implementations held against their specifications, before anything is registered."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from .. import hookspecs

_SPEC, _IMPL = "fieldfare_spec", "fieldfare_impl"
"""Attributes that the two markers of `hookspecs` leave on a function."""


def specs() -> dict[str, Callable[..., Any]]:
    """Every hook by its name."""
    return {name: found for name, found in vars(hookspecs).items() if hasattr(found, _SPEC)}


def signature(hook: str) -> str:
    """How the hook is written: `def fieldfare_platforms() -> Iterable[type[Platform]]`."""
    return f"def {hook}{inspect.signature(specs()[hook])}".replace("'", "")


def mistaken_hooks(plugin: object) -> list[tuple[str, str]] | None:
    """What is wrong with the hooks of a plugin or file, each with the function's name; None when it has no hook."""
    found = list(_implementations(plugin))
    if not found:
        return None
    return [(name, what) for name, function, marks in found for what in _wrong(name, function, marks)]


def _implementations(plugin: object) -> Iterator[tuple[str, Callable[..., Any], Mapping[str, Any] | None]]:
    """Functions that are marked as hooks, and those that forgot the mark but have a hook's name."""
    module = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__
    for name in dir(plugin):
        function = getattr(plugin, name, None)
        if not inspect.isroutine(function):
            continue
        marks = getattr(function, _IMPL, None)
        if isinstance(marks, Mapping):
            yield name, function, marks
        elif getattr(function, "__module__", None) == module and name.startswith("fieldfare_") and _nearest(name):
            yield name, function, None


def _wrong(name: str, function: Callable[..., Any], marks: Mapping[str, Any] | None) -> Iterator[str]:
    hook = str((marks or {}).get("specname") or name)
    if hook not in specs():
        near = _nearest(hook)
        hint = f"did you mean: {signature(near)}" if near else f"there are {', '.join(specs())}"
        yield f"{hook!r} is not a hook; {hint}"
        return
    write = f"write: {signature(hook)}"
    if marks is None:
        yield f"{name} is not marked with @hookimpl, so it would never be called"
        return
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f"{name} is async, and hooks are plain functions; {write}"
    if marks.get("wrapper") or marks.get("hookwrapper"):
        yield f"{name} is a wrapper, and there are none here; {write}"
    known = list(inspect.signature(specs()[hook]).parameters)
    for argument in inspect.signature(function).parameters.values():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD, argument.KEYWORD_ONLY):
            yield f"{name} would never be given {str(argument).partition(':')[0]!r}; {write}"
        elif argument.default is not argument.empty:
            yield f"{name} has a default for {argument.name!r}, and would never be given it; {write}"
        elif argument.name not in known:
            yield f"{name} has an unknown argument {argument.name!r}; {write}"


def _nearest(name: str) -> str | None:
    found = difflib.get_close_matches(name, specs(), n=1, cutoff=0.75)
    return found[0] if found else None
