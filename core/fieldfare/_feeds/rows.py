"""Rows of a CSV file as drafts: what calendars and queues are made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .._domain.errors import NotSent
from .._domain.values import Draft, Media, Visibility
from . import table
from .walltime import moment

NAMED = 100
"""The most bad rows that are named at once."""
REMEMBERED = 1_000
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One usable row: `due` in UTC where rows have times. `waits` says why a good one cannot go yet."""

    id: str
    line: int
    due: datetime | None
    draft: Draft
    columns: Mapping[str, str]
    waits: str = ""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be used; `digest` stands for its content and the reason, wherever the row moves."""

    line: int
    why: str
    digest: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as it was read: usable rows in its order, and what is wrong with the others."""

    shown: str
    rows: Sequence[Row]
    bad: Sequence[BadRow]

    def news(self, told: Sequence[str]) -> tuple[list[str], list[str]]:
        """Sentences about the bad rows that were not told before, and what is told from now on."""
        old = frozenset(told)
        said = [f"{self.shown}:{bad.line}: {bad.why}" for bad in self.bad if bad.digest not in old]
        if len(said) > NAMED:
            said[NAMED:] = [f"{self.shown}: {len(said) - NAMED} more rows cannot be used"]
        return said, [bad.digest for bad in self.bad[:REMEMBERED]]


def objections(path: Path, project: Path, *, zone: str | None) -> list[str]:
    """Everything that is wrong with the file, in words."""
    try:
        return read(path, project, zone=zone).news(())[0]
    except NotSent as exc:
        return [str(exc)]


class _Unusable(Exception):
    """Why one row cannot be used."""


def read(path: Path, project: Path, *, zone: str | None) -> Sheet:
    """Every row of the file, dated in `zone` unless that is None. Raises NotSent when the file as a whole is no use."""
    shown = table.shown(path, project)
    lines = table.lines(path, shown)
    header = table.header(lines, shown, ["id", "publish_at", "text"] if zone else ["id", "text"])
    reader = _Reader(header, path.parent, project, zone)
    rows: list[Row] = []
    bad: list[BadRow] = []
    for record in table.records(lines, header.delimiter):
        try:
            if record.broken:
                raise _Unusable(record.broken)
            if any(cell.strip() for cell in record.cells):
                rows.append(reader.row(record.line, record.cells))
        except _Unusable as exc:
            bad.append(_bad(record.line, str(exc), record.cells))
    bad += [_bad(row.line, row.waits, list(row.columns.values())) for row in rows if row.waits]
    return Sheet(shown, rows, sorted(bad, key=lambda b: b.line))


def _bad(line: int, why: str, cells: Sequence[str]) -> BadRow:
    # Numbers of lines are left out: a row above that comes or goes makes no news of the rows below.
    content = "\x1f".join([re.sub(r" in line \d+", "", why), *cells])
    return BadRow(line, why, hashlib.sha256(content.encode()).hexdigest()[:16])


@dataclass(slots=True)
class _Reader:
    """Makes rows of records; knows the ids it has seen."""

    header: table.Header
    folder: Path
    project: Path
    zone: str | None
    seen: dict[str, int] = field(default_factory=dict[str, int])

    def row(self, line: int, cells: Sequence[str]) -> Row:
        names = self.header.names
        if found := UNUSABLE.search("".join(cells)):
            raise _Unusable(f"the row contains the control character {found.group()!r}")
        if any(cell.strip() for cell in cells[len(names) :]):
            raise _Unusable(
                f"{len(cells)} cells below {len(names)} columns; put double quotes around a cell that contains "
                f"{self.header.delimiter!r}"
            )
        # A file from Windows has its line ends inside of cells too.
        cells = [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells]
        columns = {name: cell for name, cell in zip(names, [*cells, *[""] * len(names)], strict=False) if name}
        given = {name: cells[at].strip() for name, at in self.header.places.items() if at < len(cells)}
        key = given.get("id", "")
        if not key:
            raise _Unusable("the row has no id")
        if key in self.seen:
            raise _Unusable(f"id {key!r} is already used in line {self.seen[key]}")
        self.seen[key] = line
        due = self._due(given.get("publish_at", "")) if self.zone else None
        draft, waits = self._draft(given)
        return Row(key, line, due, draft, columns, waits)

    def _due(self, written: str) -> datetime:
        if not written:
            raise _Unusable("publish_at is empty")
        try:
            parsed = datetime.fromisoformat(written).replace(microsecond=0)
        except ValueError as exc:
            raise _Unusable(f"publish_at {written!r} is not a time; write it as 2026-11-30 09:00") from exc
        if len(written) <= len("2026-11-30"):
            raise _Unusable(f"publish_at {written!r} has no time of day; write it as {parsed.date()} 09:00")
        try:
            return moment(parsed, self.zone or "UTC") if parsed.tzinfo is None else parsed.astimezone(UTC)
        except (ValueError, OverflowError) as exc:
            raise _Unusable(f"publish_at {written!r} is outside the calendar") from exc

    def _draft(self, given: Mapping[str, str]) -> tuple[Draft, str]:
        text, image, alt, link = (given.get(name, "") for name in ("text", "image", "alt", "link"))
        if not text and not image:
            raise _Unusable("the row has neither text nor image")
        if image and not alt:
            raise _Unusable(f"image {image!r} has no alt text; describe it in the column 'alt'")
        if alt and not image:
            raise _Unusable("there is an alt text and no image")
        if link and not re.fullmatch(r"https?://[^\s/]\S*", link):
            raise _Unusable(f"link {link!r} is not an http(s) address")
        path, waits = self._image(image)
        draft = Draft(
            # In the text it reaches every network; those that make previews find it there.
            text=text if link in text else f"{text}\n\n{link}".lstrip(),
            media=(Media(source=str(path), alt=alt),) if path else (),
            language=_language(given.get("language", "")),
            visibility=_visibility(given.get("visibility", "")),
            warning=given.get("warning") or None,
        )
        return draft, waits

    def _image(self, image: str) -> tuple[Path | None, str]:
        if not image:
            return None, ""
        try:
            path = (self.folder / image).resolve()
            there = path.is_file()
        except (OSError, ValueError) as exc:
            raise _Unusable(f"image {image!r} cannot be the name of a file") from exc
        if not any(path.is_relative_to(home.resolve()) for home in (self.folder, self.project)):
            raise _Unusable(f"image {image!r} is outside the folder of this file and of the project")
        return path, "" if there else f"image {image!r} is not there yet; the row goes when it is"


def _language(written: str) -> str | None:
    if written and not LANGUAGE.fullmatch(written):
        raise _Unusable(f"language {written!r} is not a language code; write it as en or pt-BR")
    return written or None


def _visibility(written: str) -> Visibility | None:
    if not written:
        return None
    try:
        return Visibility(written.lower())
    except ValueError as exc:
        raise _Unusable(f"visibility {written!r} is none of {', '.join(Visibility)}") from exc
