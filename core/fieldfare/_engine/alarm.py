"""The process's alarm clock: chores at regular times. Nothing durable is in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # pyright: ignore[reportMissingTypeStubs]

Chore = Callable[[], Awaitable[None]]


class Alarm:
    """Runs chores every so many seconds, each one never beside itself; one that raises is told to `failed`.

    APScheduler with its memory store: a chore that is late runs once, however late.
    """

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._scheduler: Any = AsyncIOScheduler(timezone="UTC")

    def every(self, seconds: int, chore: Chore, name: str) -> None:
        async def run() -> None:
            try:
                await chore()
            except Exception as exc:
                self._failed(exc)

        self._scheduler.add_job(
            run, "interval", seconds=seconds, id=name, coalesce=True, max_instances=1, misfire_grace_time=None
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)
