"""Resolving doubt: look, and ask; never guess by sending again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from .._contract.delivery import Absent, Found, Unknowable
from .._contract.platform import Declaration, Recalls
from .._domain.errors import PlatformError, PluginError
from .._store import doubts, settle
from .._store.sqlite import Store, ms
from .clock import Clock
from .deliver import Deliverer, Way, declared, refs_of, repeatable

MOST_ABSENTS = 2
"""How often `Absent` sends again before a person is asked."""
LOOK_AGAIN = 15.0
"""Seconds between two recalls of the same delivery when the first could not be answered."""

log = structlog.get_logger("fieldfare.recall")


@dataclass(slots=True)
class Watched:
    """An uncertain row as this process has watched it, on its own monotonic clock."""

    since: float
    asked_at: float | None = None


@dataclass(kw_only=True)
class Resolver:
    """Follows every uncertain delivery to a known state, or to a person."""

    store: Store
    clock: Clock
    deliverer: Deliverer
    way: Callable[[str], Awaitable[Way | None]]
    """The live session of an account; None while there is none."""
    watched: dict[tuple[int, int], Watched] = field(default_factory=dict[tuple[int, int], Watched])

    async def look(self) -> float | None:
        """One round over what is uncertain; gives the seconds until the next is worth it, None when nothing is."""
        open_doubts = self.store.read(doubts.doubts)
        present = {(d.claimed.id, d.claimed.token) for d in open_doubts}
        self.watched = {key: seen for key, seen in self.watched.items() if key in present}
        waits = [await self._follow(doubt) for doubt in open_doubts]
        return min(waits, default=None)

    async def _follow(self, doubt: doubts.Doubt) -> float:
        now = self.clock.monotonic()
        seen = self.watched.setdefault((doubt.claimed.id, doubt.claimed.token), Watched(now))
        way = await self.way(doubt.claimed.account)
        if way is None:
            return LOOK_AGAIN
        try:
            action = self.deliverer.decode(doubt.claimed.kind, doubt.claimed.action)
        except (LookupError, PluginError):
            return LOOK_AGAIN
        declaration = declared(way.session, action)
        left = seen.since + declaration.settle.total_seconds() - now
        if left > 0:
            return left
        if seen.asked_at is not None and now - seen.asked_at < LOOK_AGAIN:
            return LOOK_AGAIN - (now - seen.asked_at)
        seen.asked_at = now
        await self._resolve(doubt, way, action, declaration)
        self.deliverer.changed(doubt.claimed.id, doubt.claimed.account)
        return LOOK_AGAIN

    async def _resolve(self, doubt: doubts.Doubt, way: Way, action: Any, declaration: Declaration) -> None:
        mine = {"delivery": doubt.claimed.id, "token": doubt.claimed.token, "now": ms(self.clock.now())}
        gate = self.deliverer.gate(way, doubt.claimed)
        if not gate.open_steps:
            await self.store.do(settle.ask_person, **mine, reason="every step has its answer, and they do not agree")
            return
        if not doubt.cost and repeatable(doubt.claimed, declaration, way.offset.now(self.clock)):
            log.info("repeating under the same key", delivery=doubt.claimed.key)
            await self.store.do(settle.repeat, **mine)
            return
        if not isinstance(way.session, Recalls):
            await self.store.do(settle.ask_person, **mine, reason="this network cannot be asked")
            return
        try:
            with way.use:
                said = await way.session.recall(action, gate)
        except PlatformError as exc:
            log.warning("recall did not work", delivery=doubt.claimed.key, why=str(exc))
            await self.store.do(settle.let_pass, delivery=doubt.claimed.id)
            return
        except Exception as exc:
            log.error("recall raised", delivery=doubt.claimed.key, exc_info=exc)
            await self.store.do(
                settle.ask_person, **mine, reason=self._clean(f"recall raised {type(exc).__name__}: {exc}")
            )
            return
        log.info("recalled", delivery=doubt.claimed.key, said=type(said).__name__)
        match said:
            case Found(receipt=None, answers=answers):
                await self.store.do(settle.found_steps, **mine, answers=dict(answers))
            case Found(receipt=receipt):
                assert receipt is not None
                refs = refs_of(receipt)
                detail = "found on the network after the answer was lost"
                if not await self.store.do(
                    settle.delivered, **mine, receipt=receipt.model_dump_json(), refs=refs, detail=detail
                ):
                    reason = "the post that was found belongs to another delivery"
                    await self.store.do(settle.ask_person, **mine, reason=reason)
            case Absent(why):
                if doubt.absents >= MOST_ABSENTS or doubt.cost:
                    reason = f"looked {doubt.absents + 1} times and it was not there"
                    await self.store.do(settle.ask_person, **mine, reason=reason)
                else:
                    await self.store.do(
                        settle.absent, **mine, reason=self._clean(why) or "a complete listing does not have it"
                    )
            case Unknowable(why):
                await self.store.do(settle.ask_person, **mine, reason=self._clean(why))

    def _clean(self, text: str) -> str:
        return self.deliverer.redact(text).encode("utf-8", "replace").decode()
