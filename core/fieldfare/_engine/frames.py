"""Where in a file an exception passed, and what stood there."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
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


def deepest(trace: TracebackType | None, filename: str) -> Place | None:
    """The last moment of a traceback that belongs to this file; None when there is none."""
    found: Place | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == filename:
            line, end_line, start, end = list(code.co_positions())[trace.tb_lasti // 2]
            line = line or trace.tb_lineno
            found = Place(trace.tb_frame, trace.tb_next is None, line, end_line or line, start or 0, end or 0)
        trace = trace.tb_next
    return found


def value_of(node: ast.expr, frame: FrameType) -> Any:
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
            return getattr(value_of(inner, frame), attr, None)
        case _:
            return None


def parameters(callee: Any) -> list[str]:
    """The names that something callable can be given; none where that is not known."""
    try:
        found = inspect.signature(callee).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
