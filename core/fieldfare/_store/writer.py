"""One writer for all changes: whatever waits becomes one transaction, each change with a savepoint of its own."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from .._domain.errors import StoreError

Change = Callable[[sqlite3.Connection], Any]
Item = tuple[Change, "asyncio.Future[Any]"]
GROUP = 512
"""Most changes in one transaction."""


class Fenced(StoreError):
    """Another holder has taken the store over: nothing of ours may be written any more."""


class Writer(Protocol):
    """Runs changes one after another and durably; `write` returns after the commit.

    `token` is the holder's; None outside a daemon, where the file lock alone protects.
    """

    token: int | None

    def write(self, change: Change) -> Awaitable[Any]: ...

    async def close(self) -> None: ...


def grouped(
    connection: sqlite3.Connection, changes: list[Change], token: int | None
) -> list[tuple[Any, BaseException | None]]:
    """Run changes in one transaction; one that raises is rolled back alone, and its exception is its result.

    Raises Fenced when the store's token is not `token`, and `sqlite3.Error` when the commit itself failed: then
    nothing of the group happened.
    """
    results: list[tuple[Any, BaseException | None]] = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        if token is not None:
            row = connection.execute("SELECT value FROM meta WHERE key = 'token'").fetchone()
            if row is None or int(row[0]) != token:
                raise Fenced("another daemon has taken this store over; this one stops")
        for change in changes:
            connection.execute("SAVEPOINT change")
            try:
                result = change(connection)
            except BaseException as exc:
                connection.execute("ROLLBACK TO change")
                results.append((None, exc))
            else:
                results.append((result, None))
            connection.execute("RELEASE change")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results


class InlineWriter:
    """Writes at once on the caller's thread: for tests, simulation and commands that run alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.token: int | None = None

    async def write(self, change: Change) -> Any:
        ((result, exc),) = grouped(self._connection, [change], self.token)
        if exc is not None:
            raise exc
        return result

    async def close(self) -> None:
        self._connection.close()


class ThreadWriter:
    """Writes on a thread of its own: everything that waits when it wakes shares one commit."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self.token: int | None = None
        self._waiting: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="fieldfare-writer", daemon=True)
        self._thread.start()

    def write(self, change: Change) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._closed:
            future.set_exception(StoreError("the store is closed"))
        else:
            self._waiting.put((change, future))
        return future

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        connection = self._connect()
        try:
            while (group := self._next_group()) is not None:
                self._perform(connection, group)
        finally:
            connection.close()

    def _next_group(self) -> list[Item] | None:
        first = self._waiting.get()
        if first is None:
            return None
        group = [first]
        while len(group) < GROUP:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._waiting.put(None)
                break
            group.append(item)
        return group

    def _perform(self, connection: sqlite3.Connection, group: list[Item]) -> None:
        results: list[tuple[Any, BaseException | None]]
        try:
            results = grouped(connection, [change for change, _ in group], self.token)
        except BaseException as exc:
            results = [(None, exc)] * len(group)
        try:
            self._loop.call_soon_threadsafe(_wake, group, results)
        except RuntimeError:  # the loop is gone: nobody waits any more
            return


def _wake(group: list[Item], results: list[tuple[Any, BaseException | None]]) -> None:
    for (_, future), (result, exc) in zip(group, results, strict=True):
        if future.done():
            continue
        if exc is not None:
            future.set_exception(exc)
        else:
            future.set_result(result)
