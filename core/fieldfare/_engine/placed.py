"""An automation and the place where it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._contract.automation import Automation
from .._contract.conditions import Condition


@dataclass(frozen=True, slots=True)
class Placed:
    """An automation with its place: `path` as a person would type it, `line` and `column` from 1.

    `digest` is the start of the SHA-256 of the file; `inside` is the path from the project's folder, which stays the
    same wherever the project lies.
    """

    automation: Automation[Any]
    path: Path
    line: int
    column: int
    digest: str
    inside: str = ""

    @property
    def source(self) -> str:
        """`path:line@digest`, as the store keeps it beside a decision."""
        return f"{self.inside or self.path}:{self.line}@{self.digest}"

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


def asked(automation: Automation[Any]) -> tuple[list[Condition[Any]], list[Condition[Any]]]:
    """What must be true for this automation to decide: data conditions first, then those with a function inside.

    A conjunction is taken apart, so that its data half is answered by the matcher; anything else stays whole.
    """
    whole = [c for c in (automation.trigger.condition(), automation.when) if c is not None]
    parts = [part for condition in whole for part in _conjuncts(condition)]
    return [p for p in parts if p.data is not None], [p for p in parts if p.data is None]


def _conjuncts(condition: Condition[Any]) -> Iterator[Condition[Any]]:
    if condition.op == "and":
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        yield condition
