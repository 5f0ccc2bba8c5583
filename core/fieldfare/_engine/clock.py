"""Time as an argument: what o'clock it is, how long something has been watched, and sleeping."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for "post at 09:00"; monotonic time for leases, settle times and waits."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Until the event is set (True), or this many seconds have passed (False)."""
        ...


BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Monotonic, and goes on while the machine is suspended, where the system has such a clock (Linux)."""


class RealClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(BOOTTIME) if BOOTTIME is not None else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True
