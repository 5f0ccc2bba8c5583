"""Our own deliveries and troubles."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from .._contract.feeds import Batch, Feed, FeedServices
from .._contract.triggers import Trigger
from .._domain.events import TROUBLES, DeliverySettled, Event, TroubleSeen
from .._domain.values import isoformat

PAGE = 200
"""How many facts one question to the store answers at most."""
SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The position of the last fact that was given, and when reading began."""

    position: int
    start: datetime

    @classmethod
    def read(cls, cursor: str | None, now: datetime) -> _Cursor:
        position, _, start = (cursor or f"0 {isoformat(now)}").partition(" ")
        return cls(int(position), datetime.fromisoformat(start))

    def __str__(self) -> str:
        return f"{self.position} {isoformat(self.start)}"


class Settled(Feed[DeliverySettled]):
    """Deliveries of one automation, `after` they were delivered. Those due before the first look are missed."""

    event = DeliverySettled
    every = SOON

    def __init__(self, automation: str, after: timedelta) -> None:
        self.automation = automation
        self.after = after
        # A wait is no gap: what comes `after` later is exactly that old when it is due.
        self.grace = type(self).grace + after

    def key(self, identities: Mapping[str, str]) -> str:
        return f"delivered:{self.automation}:{self.after.total_seconds():g}"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[DeliverySettled]:
        now = services.now
        state = _Cursor.read(cursor, now)
        page = await services.settled(state.position, self.automation)
        due = list(takewhile(lambda placed: placed[1].occurred_at + self.after <= now, page))
        waiting = page[len(due)][1].occurred_at + self.after if len(due) < len(page) else None
        return Batch(
            [fact for _, fact in due],
            str(_Cursor(due[-1][0] if due else state.position, state.start)),
            more=waiting is None and len(page) >= PAGE,
            next_at=waiting,
            missed_before=max(state.start - self.after, now - self.grace),
        )


class OnDelivered(Trigger[DeliverySettled]):
    kind: ClassVar[str] = "delivered"
    event: ClassVar[type[Event]] = DeliverySettled

    automation: Annotated[str, Field(min_length=1)]
    after: Annotated[timedelta, Field(ge=timedelta(0))]

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Settled(self.automation, self.after)]


class Troubles(Feed[TroubleSeen]):
    """What a person must see, as it is recorded; everything, or what is named. Older than the first look is missed."""

    event = TroubleSeen
    every = SOON

    def __init__(self, what: frozenset[str]) -> None:
        self.what = what

    def key(self, identities: Mapping[str, str]) -> str:
        return f"trouble:{','.join(sorted(self.what))}"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[TroubleSeen]:
        state = _Cursor.read(cursor, services.now)
        page = await services.troubles(state.position)
        return Batch(
            [fact for _, fact in page if not self.what or fact.what in self.what],
            str(_Cursor(page[-1][0] if page else state.position, state.start)),
            more=len(page) >= PAGE,
            missed_before=max(state.start, services.now - self.grace),
        )


def _is_known(what: frozenset[str]) -> frozenset[str]:
    for word in sorted(what - set(TROUBLES)):
        near = difflib.get_close_matches(word, TROUBLES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(TROUBLES)}"
        raise ValueError(f"{word!r} is no kind of trouble{hint}")
    return what


class OnTrouble(Trigger[TroubleSeen]):
    kind: ClassVar[str] = "trouble"
    event: ClassVar[type[Event]] = TroubleSeen

    what: Annotated[frozenset[str], AfterValidator(_is_known)] = frozenset()

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Troubles(self.what)]
