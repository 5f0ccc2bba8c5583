"""The whole line in one process on time that the test moves: store in memory, Playground, no threads, no sleeping."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fieldfare import Automation
from fieldfare._contract.feeds import Arrival
from fieldfare._engine.embedded import Engine
from fieldfare._engine.media import MediaFolder
from fieldfare._engine.placed import Placed
from fieldfare._engine.sets import AutomationSet
from fieldfare._engine.stop import Stop
from fieldfare._engine.surroundings import Surroundings
from fieldfare._host import PluginHost
from fieldfare._store import query
from fieldfare._store.sqlite import Store
from fieldfare.plugin import Answer, NotSent, Request
from fieldfare.testing import Playground
from tests.stores import in_memory

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """Time that stands still until it is moved; sleeping moves it."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._mono = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._mono

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._mono += seconds

    def set_wall(self, moment: datetime) -> None:
        """Somebody sets the clock; nothing that was watched notices."""
        self._now = moment

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        raise AssertionError("rounds do not wait")


class NoSecrets:
    def get(self, name: str) -> str:
        return f"canary-{name}"


class NoNetwork:
    """A client that reaches nothing: the Playground brings its own transport."""

    async def read(self, request: Request, **_: Any) -> Answer:
        raise NotSent(f"no network here: {request.url}")

    async def exchange(self, request: Request, **_: Any) -> Answer:
        raise NotSent(f"no network here: {request.url}")

    async def aclose(self) -> None: ...


class Line:
    """An engine over a store; `rounds` runs it to rest, `move` lets time pass."""

    def __init__(self, project: Path, *automations: Automation[Any], store: Store | None = None) -> None:
        self.clock = ManualClock()
        self.store = store or in_memory()
        self.project = project
        self.host = PluginHost()
        self.host.discover()
        self.gate = Stop(project / "pause", self.clock)
        self.automations = automations
        self.arrivals: list[Arrival] = []
        self.engine = self._engine()

    def _engine(self) -> Engine:
        return Engine(
            Surroundings(
                store=self.store,
                clock=self.clock,
                rnd=random.Random(7),
                project=self.project,
                media=MediaFolder(self.project / "media", self.project),
                secrets=NoSecrets(),
                client=lambda account, private, hosts: NoNetwork(),
                stopped=self.gate.why,
                arrivals=self._take,
            )
        )

    async def _take(self, path: str) -> Sequence[Arrival]:
        taken, self.arrivals = self.arrivals, []
        return taken

    async def start(self) -> Line:
        await self.engine.start(placed(self.automations), self.host)
        await self.engine.round()
        return self

    async def restart(self) -> None:
        """The process dies without a word and another begins on the same store."""
        self.engine = self._engine()
        await self.engine.start(placed(self.automations), self.host)

    async def round(self) -> None:
        await self.engine.housekeep()
        await self.engine.round()

    async def move(self, seconds: float) -> None:
        """Let time pass, then one round, then a look at what is uncertain."""
        self.clock.move(seconds)
        await self.round()
        await self.engine.resolver.look()
        await self.round()

    @property
    def deliveries(self) -> list[query.Full]:
        """All deliveries, oldest first."""
        return list(reversed(self.store.read(query.deliveries, limit=10_000)))

    @property
    def states(self) -> list[str]:
        return [d.state for d in self.deliveries]

    def reasons(self, event: int = 1) -> dict[str, tuple[str, str]]:
        """Automation → (verdict, reason) about one event."""
        return {row[0]: (row[1], row[2]) for row in self.store.read(query.decisions, event)}

    def world(self, platform: Playground) -> Any:
        """The Playground's world, to act as other people."""
        return self.engine.sessions._shared[platform.place]


def placed(automations: Sequence[Automation[Any]]) -> AutomationSet:
    here = Path("automations.py")
    return AutomationSet([Placed(a, here, i + 1, 1, "0" * 12) for i, a in enumerate(automations)])
