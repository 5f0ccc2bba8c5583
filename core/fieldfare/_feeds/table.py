"""A CSV file as people save it: any usual delimiter, with or without a byte order mark, one broken row or many."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._domain.errors import NotSent

LARGEST = 4 * 1024 * 1024
"""Bytes of the largest file that is read."""
RESTARTS = 100
"""How often reading goes on below a record that cannot be split, before the rest of the file is given up."""
DELIMITERS = ",;\t"


def shown(path: Path, project: Path) -> str:
    """The file's name for people: from the project's folder on, if it is there."""
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)


def stamp(path: Path, shown: str) -> str:
    """Changes when the file does. Raises NotSent when there is no such file."""
    try:
        status = path.stat()
    except OSError as exc:
        raise NotSent(f"{shown!r} cannot be read: {(exc.strerror or str(exc)).lower()}") from exc
    return f"{status.st_mtime_ns}:{status.st_size}"


def lines(path: Path, shown: str) -> list[str]:
    """The file's lines with their ends. Raises NotSent when it cannot be read, is too large or is not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as exc:
        raise NotSent(f"{shown!r} cannot be read: {(exc.strerror or str(exc)).lower()}") from exc
    if len(content) > LARGEST:
        raise NotSent(f"{shown!r} is larger than {LARGEST // 1024 // 1024} MiB; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content[: exc.start].count(b"\n") + 1
        raise NotSent(f"{shown}:{line}: the file is not UTF-8; save it as 'CSV UTF-8'") from exc
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: what the columns are called and what stands between them."""

    delimiter: str
    names: tuple[str, ...]
    """As written, without spaces around."""
    places: Mapping[str, int]
    """Where each name stands, in lower case."""


def header(lines: Sequence[str], shown: str, wanted: Sequence[str]) -> Header:
    """The header, however its names are written. Raises NotSent when one that is wanted is not there."""
    first = lines[0].strip() if lines else ""
    if not first:
        raise NotSent(f"{shown!r} is empty; its first line names the columns: {', '.join(wanted)}")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        names = tuple(name.strip() for name in next(csv.reader([first], delimiter=delimiter)))
    except csv.Error as exc:
        raise NotSent(f"{shown}:1: the header cannot be split into columns: {exc}") from exc
    places = {name.casefold(): place for place, name in reversed(list(enumerate(names))) if name}
    for column in wanted:
        if column not in places:
            near = difflib.get_close_matches(column, places, n=1)
            hint = f"; rename {near[0]!r} if it is that" if near else ""
            raise NotSent(f"{shown}:1: there is no column {column!r}, only {', '.join(filter(None, names))}{hint}")
    named = [name.casefold() for name in names if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise NotSent(f"{shown}:1: column {twice[0]!r} is there twice")
    return Header(delimiter, names, places)


@dataclass(frozen=True, slots=True)
class Record:
    """One record with the number of its first line; `broken` says why it could not be split into cells."""

    line: int
    cells: Sequence[str]
    broken: str = ""


def records(lines: Sequence[str], delimiter: str) -> Iterator[Record]:
    """Every record below the header. After a quotation mark that is never closed, reading goes on with the next line,
    not at the end of the file."""
    start = 1
    for _ in range(RESTARTS):
        reader = csv.reader(lines[start:], delimiter=delimiter, strict=True)
        begun = start
        try:
            for cells in reader:
                yield Record(begun + 1, cells)
                begun = start + reader.line_num
        except csv.Error as exc:
            why = f"the row cannot be split into columns ({exc}); check its quotation marks"
            yield Record(begun + 1, [lines[begun]], why)
            start = begun + 1
        else:
            return
    yield Record(start + 1, [], "nothing is read from here on: too many rows above have wrong quotation marks")
