"""What people and programs read: results on stdout, messages on stderr, and nothing in either that a terminal obeys."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from .._domain.errors import Mistake

_JOINER = "\u200d"
"""Holds one emoji together; the only invisible character that is let through."""


def inert(text: str) -> str:
    """The text with everything that could move a cursor, colour a screen or turn a line around shown as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == _JOINER else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    if character == "\u00a0":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def lines(text: str) -> str:
    """As `inert`, and line breaks stay."""
    return "\n".join(map(inert, text.split("\n")))


def console(stream: TextIO | None = None) -> Console:
    """A console for stdout, or another stream; colour only on a terminal, and never with NO_COLOR."""
    from rich.console import Console

    return Console(file=stream or sys.stdout, highlight=False, soft_wrap=True, markup=False, emoji=False)


def say(text: str = "", *, style: str = "") -> None:
    """Print a result on stdout, a piece of text of any origin."""
    _print(sys.stdout, text, style)


def note(text: str, *, style: str = "") -> None:
    """Print a message on stderr."""
    _print(sys.stderr, text, style)


def fault(text: str) -> None:
    """Print a mistake on stderr, as `error: …`."""
    _print(sys.stderr, f"error: {text}", "red")


def _print(stream: TextIO, text: str, style: str) -> None:
    clean = lines(text)
    if style and _styled(stream):
        from rich.text import Text

        console(stream).print(Text(clean, style=style))
        return
    stream.write(clean + "\n")
    stream.flush()


def _styled(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")


def as_json(value: Any) -> None:
    """Print one JSON value on stdout; what stands in it is escaped down to ASCII."""
    import json

    sys.stdout.write(json.dumps(value, indent=2 if sys.stdout.isatty() else None, default=str) + "\n")
    sys.stdout.flush()


def refused(why: str, code: int) -> None:
    """Print in JSON why a command did not do what it should, as `failed` does."""
    as_json({"error": why, "mistakes": [], "exit": code})


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: aligned on a terminal, and elsewhere one line per row with tabs between, without the heading."""
    clean = [[inert(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(row) + "\n" for row in clean)
        return
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, header_style="bold" if _styled(sys.stdout) else "", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in clean:
        made.add_row(*(Text(cell) for cell in row))
    console().print(made, soft_wrap=False)


def mistakes(found: Sequence[Mistake]) -> None:
    """Print mistakes on stderr, each as `path:line:column`, with the line, a caret under the column, and the remedy."""
    for mistake in found:
        path = shown(mistake.path)
        place = f"{path}:{mistake.line}:{mistake.column}" if mistake.line else path
        _print(sys.stderr, f"{place}: {mistake.what}", "red")
        if mistake.source.strip():
            source, column = _around(mistake.source, mistake.column)
            note(f"    {source}")
            note(f"    {' ' * (column - 1)}^", style="red")
        if mistake.remedy:
            note(f"    {mistake.remedy}")


WIDEST = 160
"""Characters of a source line that are shown around the caret."""


def _around(source: str, column: int) -> tuple[str, int]:
    """The line without its indentation and its far ends, and the column moved along."""
    from rich.cells import cell_len

    text = source.rstrip("\r\n")
    start = len(text) - len(text.lstrip())
    start = max(start, column - WIDEST // 2)
    before = inert(text[start : max(column - 1, start)])
    return inert(text[start : start + WIDEST]), cell_len(before) + 1


def shown(path: Path) -> str:
    """A path as somebody in this folder would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)


def typed(path: Path) -> str:
    """A path as it is typed in a shell, quoted where it must be."""
    import shlex

    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def mistake_as_json(mistake: Mistake) -> dict[str, Any]:
    """A mistake for programs; `line` and `column` are null where the place within the file is not known."""
    return {
        "path": shown(mistake.path),
        "line": mistake.line or None,
        "column": mistake.column or None,
        "what": mistake.what,
        "remedy": mistake.remedy,
    }
