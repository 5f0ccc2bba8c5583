"""Judging recorded events in their order."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from ..._contract.automation import Outcome
from ..._domain.errors import StoreError
from ..._domain.events import Event, MetricsObserved
from ..._store import events
from ..._store.admission import Admitted, Conclusion, Judged, conclude
from ..._store.sqlite import Store, ms
from ..clock import Clock
from ..decide import Judge, Keeping, Thinking, brings_files
from ..match import Matcher
from ..placed import Placed
from ..sets import FeedUse

log = structlog.get_logger("fieldfare.lanes")

DECIDE_AT_ONCE = 64
"""Events judged in one go, while everything else on the loop waits (about 50 µs each)."""
THINKING_AT_ONCE = 4
"""Decisions of one automation that are awaited at once."""
MOST_THOUGHT_ABOUT = 128
"""Events with awaited decisions that are taken at once; the others stay where they are, in the store."""
DEADLINE = 120.0
"""Seconds an awaited decision may take."""


@dataclass(slots=True)
class _Open:
    """An event some of whose decisions are still being awaited."""

    feed: str
    left: int


@dataclass(slots=True)
class Current:
    """The automation set in force, ready to judge."""

    row: int
    uses: Mapping[str, FeedUse]
    judge: Judge
    whole: bool = True
    """Every account is known, and so is every feed; until then, what another feed has brought is left where it is."""
    matchers: dict[str, Matcher] = field(default_factory=dict[str, Matcher])

    def knows(self, feed: str) -> bool:
        """Whether it is certain by now who reads this feed, if anybody does."""
        return self.whole or feed in self.uses

    def matcher(self, feed: str) -> Matcher | None:
        found = self.matchers.get(feed)
        if found is None and feed in self.uses:
            found = self.matchers[feed] = self.uses[feed].matcher()
        return found


class DecideLane:
    """Judges recorded events in their order; each event's decisions and deliveries commit together."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        decode: Callable[[str, str], Event],
        current: Callable[[], Current],
        admitted: Callable[[Sequence[Admitted]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._decode = decode
        self._current = current
        self._admitted = admitted
        self._after = 0
        """Up to which row everything was taken."""
        self._by: Current | None = None
        """By what was judged up to there."""
        self._beside = 0
        """The same for feeds about which nothing is thought, while no room is left for more thoughts."""
        self._thinking: set[asyncio.Task[None]] = set()
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._open: dict[int, _Open] = {}
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Decide until cancelled; decisions that are awaited are asked again at the next start."""
        try:
            while True:
                self.wake.clear()
                if not await self.round():
                    await self._clock.wait(self.wake, None)
        finally:
            for task in self._thinking:
                task.cancel()
            await asyncio.gather(*self._thinking, return_exceptions=True)

    async def round(self) -> bool:
        """Judge the next events; False when there were none, or none that may be taken now."""
        current = self._current()
        if current is not self._by:
            # What was left where it was may have found its account.
            self._by, self._after, self._beside = current, 0, 0
        rows, full = _separate(self._next()), self._full
        if not rows:
            return False
        now = self._clock.now()
        written = asyncio.Event()
        taken = [row for row in rows if row.row not in self._open and current.knows(row.feed)]
        conclusions = [await self._guarded(row, current, now, written) for row in taken]
        if full:
            self._beside = rows[-1].row
        else:
            self._after = rows[-1].row
        await self._write(conclusions, current, now)
        written.set()
        return True

    @property
    def _full(self) -> bool:
        return len(self._open) >= MOST_THOUGHT_ABOUT

    def _next(self) -> list[events.Recorded]:
        """What is to be judged next; while there is no room for thoughts, of feeds that seem to need none."""
        if not self._full:
            room = MOST_THOUGHT_ABOUT - len(self._open)
            return self._store.read(events.undecided, self._after, min(DECIDE_AT_ONCE, room))
        slow = {open_event.feed for open_event in self._open.values()}
        return self._store.read(events.undecided, max(self._after, self._beside), DECIDE_AT_ONCE, slow)

    async def _write(self, conclusions: Sequence[Conclusion], current: Current, now: datetime) -> None:
        """Commit these conclusions together; when one cannot be written, each alone, and that one as an error."""
        try:
            done = await self._store.do(conclude, conclusions, judged_by=current.row, now=ms(now))
        except (StoreError, sqlite3.Error):
            raise
        except Exception as exc:
            if len(conclusions) > 1:
                for one in conclusions:
                    await self._write((one,), current, now)
                return
            (one,) = conclusions
            log.error("a decision cannot be written down", row=one.event, exc_info=exc)
            why = f"it cannot be written down ({type(exc).__name__})"
            judged = [replace(j, verdict="error", reason=why, planned=(), crossing=None) for j in one.judged]
            done = await self._store.do(conclude, [replace(one, judged=judged)], judged_by=current.row, now=ms(now))
        if done:
            self._admitted(done)

    async def thought(self) -> None:
        """Until no decision is being awaited, and no event waits for one that is."""
        while self._thinking:
            await asyncio.wait(self._thinking)
            while await self.round():
                pass

    async def _guarded(
        self, row: events.Recorded, current: Current, now: datetime, written: asyncio.Event
    ) -> Conclusion:
        """An event that cannot be judged at all is an error for each automation on its feed, and stops nobody."""
        try:
            return await self._event(row, current, now, written)
        except Exception as exc:
            log.error("an event cannot be judged", row=row.row, kind=row.kind, exc_info=exc)
            users = current.uses[row.feed].automations if row.feed in current.uses else ()
            return Conclusion(row.row, tuple(current.judge.failed(placed, exc) for placed in users))

    async def _event(self, row: events.Recorded, current: Current, now: datetime, written: asyncio.Event) -> Conclusion:
        """What is decided at once; what has to be awaited is written after that, when `written` is set."""
        matcher = current.matcher(row.feed)
        if matcher is None:
            return Conclusion(row.row)
        event = self._decode(row.kind, row.body)
        if row.lineage != event.lineage:
            event = event.model_copy(update={"lineage": row.lineage})
        matches = matcher.match(event, now)
        if not matches:
            return Conclusion(row.row)
        done = self._store.read(events.judged_pairs, row.row)
        judged: list[Judged] = []
        waiting = 0
        for match in matches:
            if match.placed.automation.name in done:
                continue
            said = current.judge.judge(match.placed, match.rest, event, row.feed, now)
            if isinstance(said, Thinking):
                waiting += 1
                self._think(self._awaited(row, match.placed, said, event, current, written))
            elif isinstance(said, Keeping):
                judged.append(await self._concluded(row, match.placed, said.outcome, event, current))
            else:
                judged.append(said)
        if waiting:
            self._open[row.row] = _Open(row.feed, waiting)
        return Conclusion(row.row, judged, closes=not waiting)

    async def _concluded(
        self, row: events.Recorded, placed: Placed, outcome: Outcome, event: Event, current: Current
    ) -> Judged:
        """The judgement, with files kept by a thread: the loop goes on meanwhile, and the lane's order stays."""
        try:
            if brings_files(outcome):
                outcome = await asyncio.to_thread(current.judge.kept, outcome)
        except Exception as exc:
            return current.judge.unkept(placed, exc)
        return current.judge.concluded(placed, outcome, event, row.feed, self._clock.now())

    def _think(self, awaited: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(awaited)
        self._thinking.add(task)
        task.add_done_callback(self._thinking.discard)

    async def _awaited(
        self,
        row: events.Recorded,
        placed: Placed,
        thinking: Thinking,
        event: Event,
        current: Current,
        written: asyncio.Event,
    ) -> None:
        slots = self._slots.setdefault(placed.automation.name, asyncio.Semaphore(THINKING_AT_ONCE))
        async with slots:
            try:
                async with asyncio.timeout(DEADLINE):
                    outcome = await thinking.answer
            except asyncio.CancelledError as exc:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                judged = current.judge.failed(placed, exc)
            except TimeoutError:
                judged = current.judge.failed(placed, TimeoutError(f"no answer within {DEADLINE:.0f} s"))
            except Exception as exc:
                judged = current.judge.failed(placed, exc)
            else:
                judged = await self._concluded(row, placed, outcome, event, current)
        await written.wait()
        open_event = self._open.get(row.row)
        if open_event is None:
            return  # the event could not be judged, and that is written
        open_event.left -= 1
        if not open_event.left:
            del self._open[row.row]
            self.wake.set()
        conclusion = Conclusion(row.row, (judged,), closes=not open_event.left)
        await self._write([conclusion], current, self._clock.now())


def _separate(rows: list[events.Recorded]) -> list[events.Recorded]:
    """Up to the second reading of the same post: its judgement needs what the first one leaves behind."""
    seen: set[str] = set()
    for index, row in enumerate(rows):
        if row.kind == MetricsObserved.kind:
            if row.ref in seen:
                return rows[:index]
            seen.add(row.ref)
    return rows
