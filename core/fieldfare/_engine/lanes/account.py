"""Delivering for one account."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import structlog

from ..._domain.errors import StoreError
from ..._store import claim
from ..._store.sqlite import Store, ms
from ..clock import Clock
from ..deliver import Deliverer, Way

log = structlog.get_logger("fieldfare.lanes")

LOOK_AT_CLOCK = 30.0
"""Seconds that a wait for a wall-clock moment lasts at most: clocks are set while we sleep."""


class AccountLane:
    """Delivers for one account: as many side by side as its session allows, in order within each thread of order."""

    def __init__(
        self,
        account: str,
        deliverer: Deliverer,
        store: Store,
        clock: Clock,
        way: Callable[[str], Awaitable[Way | None]],
    ) -> None:
        self.account = account
        self._deliverer = deliverer
        self._store = store
        self._clock = clock
        self._way = way
        self._busy: set[asyncio.Task[str]] = set()
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled; then what is on its way is recorded as what it is."""
        try:
            while True:
                self.wake.clear()
                if not await self._safe_round():
                    await self._clock.wait(self.wake, self._pause())
        finally:
            await self.drain(cancel=True)

    async def _safe_round(self) -> bool:
        """A round; a bug in it is logged and stops nobody else. The store's own errors end the daemon."""
        try:
            return await self.round()
        except (StoreError, sqlite3.Error):
            raise
        except Exception as exc:
            log.error("a lane raised", account=self.account, exc_info=exc)
            await self._clock.sleep(1)
            return False

    async def round(self) -> bool:
        """Take and begin what may leave now; False when nothing was."""
        if self._store.read(claim.next_due, self.account) is None:
            return False
        way = await self._way(self.account)
        if way is None:
            return False
        with way.use:
            claimed = await self._deliverer.claim(self.account, way)
            for one in claimed:
                self._deliverer.told(one.id)
                task = asyncio.create_task(self._deliverer.perform(way, one), name=f"deliver {one.key}")
                self._busy.add(task)
                task.add_done_callback(self._done)
        return bool(claimed)

    async def drain(self, *, cancel: bool, patience: float | None = None) -> None:
        """Wait for what is on its way; with `cancel` stop waiting for answers after `patience` seconds."""
        if not self._busy:
            return
        if cancel and patience is None:
            for task in self._busy:
                task.cancel()
        _, late = await asyncio.wait(self._busy, timeout=patience)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _done(self, task: asyncio.Task[str]) -> None:
        self._busy.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("a delivery could not be recorded", account=self.account, exc_info=exc)
        self.wake.set()

    def _pause(self) -> float | None:
        due = self._store.read(claim.next_due, self.account)
        if due is None:
            return None
        left = (due - ms(self._clock.now())) / 1000
        return min(max(left, 0.25 if self._busy else 1.0), LOOK_AT_CLOCK) if left <= 0 else min(left, LOOK_AT_CLOCK)
