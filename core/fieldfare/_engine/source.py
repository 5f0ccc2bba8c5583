"""The text of a file of the project, and where in it something stands."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .._domain.errors import Mistake


@dataclass(frozen=True)
class SourceFile:
    """One file as it was read. `path` is shown to people, `real` is absolute, `inside` starts at the project."""

    path: Path
    real: Path
    inside: str
    data: bytes = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """The first twelve hexadecimal digits of the SHA-256 of the file."""
        return hashlib.sha256(self.data).hexdigest()[:12]

    @cached_property
    def lines(self) -> list[str]:
        try:
            text = importlib.util.decode_source(self.data)
        except (SyntaxError, UnicodeDecodeError):
            text = self.data.decode("utf-8", "replace")
        return text.split("\n")

    def parse(self) -> ast.Module:
        """The file's syntax tree, made anew; raises SyntaxError or ValueError when it has none."""
        return ast.parse(self.data, str(self.real))

    @cached_property
    def tree(self) -> ast.Module:
        """As `parse`, kept; an empty one when the file has none."""
        try:
            return self.parse()
        except (SyntaxError, ValueError):
            return ast.Module([], [])

    def line(self, number: int) -> str:
        """Line `number`, from 1; empty when there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def column(self, line: int, offset: int) -> int:
        """The column, from 1 and in characters, of the `offset`th byte of a line: how syntax trees count."""
        return len(self.line(line).encode()[:offset].decode("utf-8", "ignore")) + 1

    def mistake(self, what: str, remedy: str = "", *, line: int = 0, column: int = 0) -> Mistake:
        return Mistake(self.path, line, column, what, remedy, self.line(line))

    def mistake_at(self, node: ast.AST | None, what: str, remedy: str = "") -> Mistake:
        """A mistake where this piece of syntax begins; of the file as a whole without one."""
        line = getattr(node, "lineno", 0)
        column = self.column(line, getattr(node, "col_offset", 0)) if line else 0
        return self.mistake(what, remedy, line=line, column=column)

    def call_at(self, line: int, column: int) -> ast.Call | None:
        """The call that made what stands here: a call itself, the right side of an assignment, a decorator."""
        for node in ast.walk(self.tree):
            if getattr(node, "lineno", 0) == line and self.column(line, getattr(node, "col_offset", -1)) == column:
                call = node if isinstance(node, ast.Call) else call_of(node)
                if call is not None:
                    return call
        return None

    def mistake_in(
        self, line: int, column: int, setting: str, what: str, remedy: str = "", *, position: int | None = None
    ) -> Mistake:
        """A mistake in one setting of the call that stands here; at the place itself when the setting is not given."""
        call = self.call_at(line, column)
        node = argument_of(call, setting, position) if call is not None else None
        if node is not None:
            return self.mistake_at(node, what, remedy)
        return self.mistake(what, remedy, line=line, column=column)


def bindings(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """Names that the top level of a file binds, each with the statement that did it last."""
    return {name: statement for statement in _statements(body) for name in _bound(statement)}


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for block in ("body", "handlers", "orelse", "finalbody"):
            for inner in getattr(statement, block, ()):
                yield from _statements(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _names(target)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.For(target=target):
            yield from _names(target)
        case _:
            pass


def _names(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


def call_of(statement: ast.AST | None) -> ast.Call | None:
    """The call that made what a statement binds: the right side, or the decorator of a function."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        calls = [d for d in statement.decorator_list if isinstance(d, ast.Call)]
        return next((c for c in calls if ast.unparse(c.func).endswith("automation")), calls[0] if calls else None)
    value = getattr(statement, "value", None)
    return value if isinstance(value, ast.Call) else None


def argument_of(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """The expression that is given to `name`, or without one what stands at `position`."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[position] if position is not None and position < len(call.args) else None
