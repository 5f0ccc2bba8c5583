"""The notification list, read so that nothing is lost to its two habits.

An entry's time is what its author wrote into the post: a back-dated mention appears at the end of the list. And a page
ends at a bare time: what shares the last millisecond of a page is cut off (both seen on AppView 0.0.221 and 0.0.280,
2026-11-22). So a look goes back until a whole page is known, pages overlap by a millisecond, and once an hour a deep
look ignores what is known. More than a page full of entries of one millisecond, and back-dated entries behind the
2000 newest, are not seen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from fieldfare.plugin import Batch, Event

from ._records import written
from ._wire import Notification

E = TypeVar("E", bound=Event)

PAGE = 100
PAGES = 20
"""Most pages of one look; a longer backlog goes on in the next pull, at once."""
DEEP_EVERY = timedelta(hours=1)

Page: TypeAlias = tuple[Sequence[object], str | None]
Read: TypeAlias = Callable[[str | None], Awaitable[Page]]
"""One page of the list from a cursor of the network on, newest first, and the next cursor."""
Known: TypeAlias = Callable[[Sequence[str]], Awaitable[frozenset[str]]]


class Place(BaseModel):
    """A feed's cursor. What is not newer than `floor` was there before the first look and is history."""

    model_config = ConfigDict(frozen=True)

    floor: AwareDatetime | None = None
    """None: the first look reached the end of the list, so whatever is unknown is new."""
    rest: str | None = None
    """Where a look that was too long goes on."""
    swept: AwareDatetime
    """When the last deep look began."""


@dataclass
class _Look:
    """What one pull has seen so far."""

    known: Known
    floor: datetime | None
    fresh: dict[str, Notification]
    notes: list[str]
    oldest: datetime | None = None

    async def take(self, raw: Sequence[object]) -> bool:
        """Adds what is new on a page; False when the page held nothing new."""
        entries: list[Notification] = []
        for item in raw:
            try:
                entries.append(Notification.model_validate(item))
            except ValidationError as error:
                self.notes.append(f"an entry of the notification list could not be read: {error.errors()[0]['loc']}")
        for entry in entries:
            self.oldest = min(self.oldest or entry.indexed_at, entry.indexed_at)
        unseen = [e for e in entries if e.uri not in self.fresh and not self._history(e)]
        known = await self.known([entry.uri for entry in unseen]) if unseen else frozenset[str]()
        new = {entry.uri: entry for entry in unseen if entry.uri not in known}
        self.fresh.update(new)
        return bool(new)

    def _history(self, entry: Notification) -> bool:
        return self.floor is not None and entry.indexed_at <= self.floor


async def look(
    read: Read,
    cursor: str | None,
    known: Known,
    now: datetime,
    make: Callable[[Notification], E],
) -> Batch[E]:
    """New entries since `cursor` as events, oldest first; `make` may raise ValidationError for one it cannot read."""
    place = Place.model_validate_json(cursor) if cursor else None
    seen = _Look(known, place.floor if place else None, {}, [])
    rest, ended = await _walk(read, seen, place.rest if place else None, stop_at_known=place is not None)
    swept = place.swept if place else now
    if place is None:
        after = Place(floor=None if ended else seen.oldest, swept=now)
        rest = None
    else:
        if rest is None and now - swept >= DEEP_EVERY:
            swept = now
            await _walk(read, seen, None, stop_at_known=False)
        after = Place(floor=place.floor, rest=rest, swept=swept)
    events: list[E] = []
    for entry in sorted(seen.fresh.values(), key=lambda e: e.indexed_at):
        try:
            events.append(make(entry))
        except ValidationError as error:
            seen.notes.append(f"{entry.uri} could not be read: {error.errors()[0]['msg']}")
    return Batch(events, after.model_dump_json(), more=rest is not None, notes=seen.notes)


async def _walk(read: Read, seen: _Look, start: str | None, *, stop_at_known: bool) -> tuple[str | None, bool]:
    """Goes back from `start`; gives where to go on when there were too many pages, and whether the list ended."""
    at = start
    for _ in range(PAGES):
        raw, following = await read(at)
        anything_new = await seen.take(raw)
        if not following or not raw:
            return None, True
        step = _overlapping(following)
        stuck = step == at
        if stop_at_known and not anything_new and not stuck:
            return None, False
        at = following if stuck else step
    return at, False


def _overlapping(cursor: str) -> str:
    """A millisecond nearer to now, so that entries of the page's last millisecond come again."""
    try:
        return written(datetime.fromisoformat(cursor) + timedelta(milliseconds=1))
    except ValueError:
        return cursor
