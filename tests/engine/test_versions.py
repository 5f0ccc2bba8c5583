"""A version of a network that ends is told of in time, and not every day anew."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Account, Automation, Context, HookReceived, on, secret
from fieldfare._engine.daemon import Daemon
from fieldfare._store import events
from fieldfare.plugin import Bounds

from .keyed import Keyed
from .line import START, Line

DAY = 86_400.0


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class Ending(Keyed):
    ends: date | None = None

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=100, api_ends=self.ends)


def on_version(ends: date | None) -> Automation[HookReceived]:
    def decide(event: HookReceived, ctx: Context) -> None:
        return None

    trigger = on.webhook("/hooks", secret=secret("hooks"))
    return Automation(name="news", trigger=trigger, decide=decide, account=Account("brand", Ending(ends=ends)))


async def told(line: Line) -> list[tuple[str, str, str]]:
    """(what, subject, says) of what was recorded, after one look."""
    daemon = Daemon.__new__(Daemon)
    daemon.clock = line.clock
    await daemon._look_at_versions(line.engine, line.store)
    return [(what, subject, says) for _, what, subject, _, says, _ in line.store.read(events.troubles, 0, 50)]


def test_a_version_that_ends_within_thirty_days_is_told_of_once_a_week(tmp_path: Path) -> None:
    async def story() -> None:
        ends = (START + timedelta(days=30)).date()
        line = await Line(tmp_path, on_version(ends)).start()
        says = (
            "account 'brand' speaks a version of 'keyed' that ends on 2026-12-02; upgrade its connector before that day"
        )
        assert await told(line) == [("version-ending", "brand", says)]
        for _ in range(6):
            line.clock.move(DAY)
            assert len(await told(line)) == 1
        line.clock.move(DAY + 1)
        assert len(await told(line)) == 2

    run(story())


@pytest.mark.parametrize("ends", [None, (START + timedelta(days=31)).date()])
def test_a_version_that_does_not_end_soon_is_not_told_of(tmp_path: Path, ends: date | None) -> None:
    async def story() -> None:
        line = await Line(tmp_path, on_version(ends)).start()
        assert await told(line) == []

    run(story())
