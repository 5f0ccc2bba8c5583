"""What an automation says that it may do: the actions in the return annotation of its decision."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .._contract.actions import Action
from .._contract.automation import Automation, Rule, Skip


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The actions that are named; `complete` when the annotation leaves no room for others."""

    actions: tuple[type[Action[Any]], ...]
    complete: bool


def function_of(automation: Automation[Any]) -> Callable[..., Any]:
    """The function that decides: the automation's own, or its rule's method."""
    decide: Any = automation.decide
    found: Any = decide.decide if isinstance(automation.decide, Rule) else decide
    while isinstance(found, functools.partial):
        found = found.func
    return found if inspect.isroutine(found) else found.__call__


def declared(automation: Automation[Any]) -> Outcomes:
    """The actions in the annotation of `decide`, in its order; none, and not complete, where it says nothing."""
    try:
        hints = typing.get_type_hints(function_of(automation))
    except Exception:
        # Names that only a type checker imports cannot be looked up here.
        return Outcomes((), complete=False)
    if "return" not in hints:
        return Outcomes((), complete=False)
    parts = list(_parts(hints["return"]))
    actions: list[type[Any]] = [part for part in parts if _is_action(part)]
    return Outcomes(tuple(dict.fromkeys(actions)), complete=all(p in actions or p in (Skip, type(None)) for p in parts))


def _is_action(part: object) -> bool:
    """A class that says what it does; `Action` itself does not."""
    named = hasattr(part, "kind")
    return named and isinstance(part, type) and issubclass(part, Action)


def _parts(annotation: Any) -> Iterator[Any]:
    """What a union, a sequence or an awaitable is made of, all the way down."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if not arguments or (isinstance(origin, type) and issubclass(origin, Action)):
        yield origin or annotation
        return
    for argument in arguments:
        if argument is not Ellipsis:
            yield from _parts(argument)
