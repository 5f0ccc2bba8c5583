"""The daemon of the product on simulated ground: its own engine, gate, chores and operations; no lock, no sockets."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fieldfare import Account
from fieldfare._engine.daemon import Daemon
from fieldfare._engine.embedded import Engine
from fieldfare._engine.listener import Endpoint
from fieldfare._engine.operations import Operations
from fieldfare._engine.sets import AutomationSet
from fieldfare._engine.stop import Stop
from fieldfare._host import PluginHost
from fieldfare._net import Client
from fieldfare._store import accounts
from fieldfare._store.sqlite import Store, ms

from .connector import Pigeon
from .loop import Process, SimLoop
from .network import Network, SimTransport
from .store import opened

CHORES = 5.0
"""Seconds between two heartbeats: less often than the daemon's own, well within half a lease."""


@dataclass(kw_only=True)
class Holder(Daemon):
    """One process that holds the store; `operations` and `endpoint` are there once it serves."""

    loop: SimLoop
    owner: Process
    connection: sqlite3.Connection
    networks: dict[str, Network]
    committed: Callable[[], None] = field(default=lambda: None)
    """Called after each commit."""
    operations: Operations | None = None
    endpoint: Endpoint | None = None
    engine: Engine | None = None
    ended: Callable[[BaseException | None], None] = field(default=lambda exc: None)

    async def run(self) -> None:
        """As the daemon runs: take over, recover, serve, renew the lease; until it is fenced or killed."""
        automations, host = self.load()
        store = opened(self.connection, self.loop, self.committed)
        gate = Stop(self.home.state / "pause", self.clock)
        boot = uuid.UUID(int=self.rnd.getrandbits(128)).hex
        try:
            began = self.clock.monotonic()
            store.fence(await store.do(accounts.take_over, boot=boot, now=ms(self.clock.now())))
            gate.beat_at = began
            self.engine = engine = Engine(self._around(store, gate))
            await engine.start(automations, host)
            self.operations = self._operations(store, engine, gate)
            self._serve_hooks(automations)
            self.endpoint = Endpoint(self._arrivals, self.clock)
            async with asyncio.TaskGroup() as group:
                group.create_task(engine.serve())
                group.create_task(self._renewing(engine, store, gate))
        except BaseException as exc:
            self.operations = self.endpoint = None
            self.ended(exc)
            raise

    async def _renewing(self, engine: Engine, store: Store, gate: Stop) -> None:
        while True:
            await self.clock.sleep(CHORES)
            await self._chores(engine, store, gate)

    def _client(self, account: Account | None, private: tuple[str, ...], hosts: tuple[str, ...]) -> Client:
        if account is None:
            return Client(hosts=hosts, clock=self.clock, transport=_Nowhere(), redactor=self.redactor)
        platform: Any = account.platform
        assert isinstance(platform, Pigeon)
        transport = SimTransport(self.networks[platform.server])
        return Client(hosts=platform.hosts, clock=self.clock, transport=transport, redactor=self.redactor)

    async def _open_listener(self, automations: AutomationSet) -> None:
        """No socket: web hooks are handed to `endpoint`."""

    def _load_anew(self) -> tuple[AutomationSet, PluginHost]:
        return self.load()


class _Nowhere(SimTransport):
    """For what belongs to no account: nothing in a universe asks for it."""

    def __init__(self) -> None: ...
