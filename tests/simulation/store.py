"""A store that outlives the processes that write it: one database in memory, and a writer that takes its time."""

from __future__ import annotations

import asyncio
import functools
import random
import sqlite3
from collections.abc import Callable
from typing import Any

from fieldfare._store.sqlite import Store
from fieldfare._store.writer import Change, grouped

from .loop import SimLoop


@functools.cache
def _template() -> bytes:
    store = Store.in_memory()
    image: bytes = store.read(lambda c: c.serialize())
    store.read(lambda c: c.close())
    return image


def disk() -> sqlite3.Connection:
    """A fresh, migrated database."""
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
    connection.deserialize(_template())
    return connection


class SimWriter:
    """Groups what waits into one transaction of the product's own; a process may die before it, and after it.

    `token` is the holder's, as for every writer.
    """

    def __init__(self, connection: sqlite3.Connection, rnd: random.Random, committed: Callable[[], None]) -> None:
        self.token: int | None = None
        self._connection = connection
        self._rnd = rnd
        self._committed = committed
        self._waiting: list[tuple[Change, asyncio.Future[Any]]] = []

    def write(self, change: Change) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((change, future))
        if len(self._waiting) == 1:
            loop.call_later(self._rnd.random() * 0.003, self._commit)
        return future

    def _commit(self) -> None:
        group, self._waiting = self._waiting, []
        results: list[tuple[Any, BaseException | None]]
        try:
            results = grouped(self._connection, [change for change, _ in group], self.token)
        except BaseException as exc:
            results = [(None, exc)] * len(group)
        else:
            self._committed()
        asyncio.get_running_loop().call_later(self._rnd.random() * 0.002, self._wake, group, results)

    @staticmethod
    def _wake(group: list[tuple[Change, asyncio.Future[Any]]], results: list[tuple[Any, BaseException | None]]) -> None:
        for (_, future), (result, exc) in zip(group, results, strict=True):
            if future.done():
                continue
            if exc is not None:
                future.set_exception(exc)
            else:
                future.set_result(result)

    async def close(self) -> None: ...


def opened(connection: sqlite3.Connection, loop: SimLoop, committed: Callable[[], None]) -> Store:
    """The store as one process has it; `committed` is called after each commit."""
    return Store(None, connection, SimWriter(connection, loop.rnd, committed))
