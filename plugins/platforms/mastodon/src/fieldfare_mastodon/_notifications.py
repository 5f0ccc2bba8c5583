"""The notification list, read so that nothing is lost to a server's habits.

`min_id` is the documented way forward, but one server ignores it, another answers it with the newest page instead of
the next one, and a notification may take its place in the list seconds after a younger one did (Hollo 0.6.20, Hollo's
source of 2026-11-25, snac 2.94 and Takahe 0.11 as seen on 2026-11-22). So every look starts a little below what was
read last, what is known already is dropped, a full page is checked for a gap beneath it, and where `min_id` does not
work the list is read from its top. What was there before the first look, and is not on its page, is history.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from ._client import Client
from ._json import Json
from ._wire import NoteJson

PAGE = 40
PAGES = 25
"""Most pages of one look; a longer backlog goes on in the next pull, at once."""
CAPPED = 10
"""A page with fewer items than this is the last one, whatever the server's own cap on pages is."""
OVERLAP = timedelta(minutes=2)

Known: TypeAlias = Callable[[Collection[str]], Awaitable[frozenset[str]]]


class Place(BaseModel):
    """A feed's cursor."""

    model_config = ConfigDict(frozen=True)

    anchor: str = ""
    """The id above which everything is read again; empty while the list was never anything but empty."""
    newest: str = ""
    """The id at the top of the list when it was last read to its top."""
    floor: AwareDatetime | None = None
    """What is below the anchor and not younger than this was there before the first look."""
    forward: bool = True
    """The server heeds `min_id`."""
    below: dict[str, str] = {}
    """Where a look from the top that was too long goes on: a turn of the list, such as `max_id`."""


class Look:
    """One pull of one kind of notification. `event_id` names the event that a notification is, '' for none of ours."""

    def __init__(
        self, client: Client, kind: str, known: Known, now: datetime, event_id: Callable[[NoteJson], str]
    ) -> None:
        self.notes: list[str] = []
        """Sentences about what could not be read."""
        self.more = False
        """There is more to fetch at once."""
        self._client = client
        self._kind = kind
        self._known = known
        self._now = now
        self._event_id = event_id
        self._fresh: dict[str, NoteJson] = {}
        self._order: dict[str, tuple[int, int]] = {}
        self._seen: dict[str, NoteJson] = {}

    async def pull(self, cursor: str | None) -> tuple[Sequence[NoteJson], str]:
        """New notifications, oldest first, and the cursor they reach to."""
        place = _place(cursor)
        if place is None:
            after = await self._first()
        elif place.anchor and place.forward and not place.below:
            after = await self._forward(place)
        else:
            after = await self._from_the_top(place)
        ordered = sorted(self._fresh.items(), key=lambda item: (item[1].created_at, self._order[item[0]]))
        return [note for _, note in ordered], after.model_dump_json()

    async def _first(self) -> Place:
        page = await self._page({})
        await self._take(page, Place(), 0)
        if not page:
            return Place()
        return self._settled(Place(floor=min(note.created_at for note in page)), page[0].id)

    async def _forward(self, place: Place) -> Place:
        at, newest = place.anchor, place.newest
        for number in range(PAGES):
            page = await self._page({"min_id": at})
            ids = [note.id for note in page]
            if at in ids:
                # `min_id` is ignored: this is the top of the list.
                return await self._from_the_top(place.model_copy(update={"forward": False}))
            if number == 0 and len(page) >= CAPPED and await self._gap(page, place):
                return await self._from_the_top(place)
            # What lies above the anchor was not there when it was read, whatever date it carries.
            await self._take(page, Place(), number)
            if page:
                at = newest = ids[0]
            if len(page) < CAPPED:
                return self._settled(place, newest)
        self.more = True
        return place.model_copy(update={"anchor": at, "newest": at})

    async def _gap(self, page: Sequence[NoteJson], place: Place) -> bool:
        """Whether something that we do not have may lie right below a page."""
        under = await self._page({"max_id": page[-1].id})
        if {note.id for note in under} & {note.id for note in page}:
            return True  # no turn is heeded, so this page is not what was asked for
        below = [note for note in under if self._event_id(note)]
        if not below or below[0].id in (place.anchor, place.newest):
            return False
        return not await self._known([self._event_id(below[0])])

    async def _from_the_top(self, place: Place) -> Place:
        turn = place.below
        by_time = "older_than" in turn
        before: list[str] = []
        top = ""
        for number in range(PAGES):
            page = await self._page(turn)
            if page and [note.id for note in page] == before and not by_time:
                # `max_id` is ignored too; Hollo has a turn of its own, by time (source).
                by_time = True
                page = await self._page(_older(page))
            ids = [note.id for note in page]
            if not page or ids == before:
                if ids:
                    self.notes.append(f"the server lists its {len(ids)} newest notifications only; older ones are lost")
                return self._settled(place, top)
            top = top or ("" if place.below else ids[0])
            ours, new = await self._take(page, place, -number)
            if place.anchor in ids or (ours and not new):
                return self._settled(place, top)
            before, turn = ids, _older(page) if by_time else {"max_id": ids[-1]}
        self.more = True
        return place.model_copy(update={"below": turn})

    async def _page(self, turn: Mapping[str, str]) -> list[NoteJson]:
        params: dict[str, str | int | bool | Sequence[str]] = {"types[]": [self._kind], "limit": PAGE, **turn}
        page = await self._client.page("/api/v1/notifications", params)
        return [note for item in page if (note := self._note(item)) is not None]

    def _note(self, item: Json) -> NoteJson | None:
        try:
            return NoteJson.model_validate(item)
        except ValidationError as error:
            where = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
            self.notes.append(f"notification {str(item.get('id'))!r} could not be read: {where}")
            return None

    async def _take(self, page: Sequence[NoteJson], place: Place, height: int) -> tuple[int, int]:
        """Keeps what is new on a page; gives how many of ours it held, and how many of those were new.

        What is not younger than the floor is history, unless something that we had already read lies below it.
        """
        self._seen.update((note.id, note) for note in page)
        ids = [self._event_id(note) if note.type == self._kind else "" for note in page]
        asked = {id for id in ids if id and id not in self._fresh}
        known = (await self._known(asked) if asked else frozenset[str]()) | self._fresh.keys()
        read = [
            number
            for number, (note, id) in enumerate(zip(page, ids, strict=True))
            if id in known or note.id in (place.anchor, place.newest)
        ]
        lowest = read[-1] if read else -1
        new = 0
        for number, (note, id) in enumerate(zip(page, ids, strict=True)):
            history = place.floor is not None and note.created_at <= place.floor and number > lowest
            if id and id not in known and id not in self._fresh and not history:
                self._fresh[id] = note
                self._order[id] = (height, -number)
                new += 1
        return sum(map(bool, ids)), new

    def _settled(self, place: Place, newest: str) -> Place:
        """After a look that reached the top: the anchor moves up to what is too old to be overtaken by a latecomer."""
        newest = newest or place.newest
        ripe = [note for note in self._seen.values() if note.created_at <= self._now - OVERLAP]
        lowest = next(reversed(self._seen), "")
        anchor = max(ripe, key=lambda note: note.created_at).id if ripe else place.anchor or lowest
        return place.model_copy(update={"anchor": anchor, "newest": newest, "below": {}})


def _older(page: Sequence[NoteJson]) -> dict[str, str]:
    """The turn by time; a millisecond is read twice, so that nothing is lost that shares the last one of a page."""
    return {"older_than": (page[-1].created_at + timedelta(milliseconds=1)).isoformat()}


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    try:
        return Place.model_validate_json(cursor)
    except ValidationError:
        return None
