"""A loopback proxy that a test can make lose, hold or cut what passes between a daemon and a real server."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

LONGEST_HOLD = 120.0
"""Seconds after which a held exchange is let go whatever the test does."""


class Deed(Enum):
    """What happens to one request and its answer."""

    PASS = "pass"
    HOLD_REQUEST = "hold request"
    """The server does not get it; when it is released the connection ends."""
    HOLD_ANSWER = "hold answer"
    """The server performs it; when it is released the connection ends without a byte of the answer."""
    CUT_REQUEST = "cut request"
    """Half of the body reaches the server, then both connections end."""
    DROP_ANSWER = "drop answer"
    """The server performs it, and the connection ends without a byte of the answer."""


@dataclass
class Passed:
    """One request that came to the proxy, and what became of it."""

    method: str
    path: str
    deed: Deed
    forwarded: bool = False
    """All of it reached the server."""
    status: int = 0
    """What the server answered; 0 for nothing."""
    held: bool = False


@dataclass
class _Rule:
    deed: Deed
    path: str
    count: int


@dataclass
class Proxy:
    """Passes requests to `upstream` and keeps a record of them. Tests call it from their own thread."""

    upstream: str
    passed: list[Passed] = field(default_factory=list[Passed])
    port: int = 0
    _rules: list[_Rule] = field(default_factory=list[_Rule])
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # What tests say

    def next(self, deed: Deed, path: str, count: int = 1) -> None:
        """Does this to the next `count` requests whose path (without the query) fits the pattern."""
        with self._changed:
            self._rules.append(_Rule(deed, path, count))

    def release(self) -> None:
        """Ends every connection that is held."""
        assert self._loop
        self._loop.call_soon_threadsafe(self._let_go)

    def wait_for(self, condition: Callable[[list[Passed]], bool], timeout: float = 60.0) -> None:
        """Returns when the condition holds for the record; raises TimeoutError, with the record, when it does not."""
        until = time.monotonic() + timeout
        with self._changed:
            while not condition(self.passed):
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"not within {timeout:g} s; the last that passed: {self.passed[-10:]}")
                self._changed.wait(left)

    def wait_held(self, timeout: float = 60.0) -> Passed:
        """The exchange that is held now."""
        self.wait_for(lambda passed: any(one.held for one in passed), timeout)
        return next(one for one in self.passed if one.held)

    # What the loop does

    def _let_go(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def _rule_for(self, path: str) -> Deed:
        with self._changed:
            for rule in self._rules:
                if rule.count and fnmatchcase(path, rule.path):
                    rule.count -= 1
                    return rule.deed
        return Deed.PASS

    def _note(self, passed: Passed, **what: object) -> None:
        with self._changed:
            for name, value in what.items():
                setattr(passed, name, value)
            self._changed.notify_all()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, for as long as nothing happens to it."""
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        server: asyncio.StreamWriter | None = None
        try:
            parts = urlsplit(self.upstream)
            answers, server = await asyncio.open_connection(parts.hostname, parts.port)
            while await self._exchange(reader, writer, answers, server):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one of the two has gone, or the test is over
        finally:
            for each in (writer, server):
                if each is not None:
                    each.close()
            self._tasks.discard(task)

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        server: asyncio.StreamWriter,
    ) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _body(reader, head)
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        passed = Passed(method, urlsplit(target).path, self._rule_for(urlsplit(target).path))
        with self._changed:
            self.passed.append(passed)
        if passed.deed is Deed.HOLD_REQUEST:
            await self._hold(passed)
            return False
        if passed.deed is Deed.CUT_REQUEST:
            server.write(head + body[: len(body) // 2])
            await server.drain()
            self._note(passed)
            return False
        server.write(head + body)
        await server.drain()
        self._note(passed, forwarded=True)
        answer = await answers.readuntil(b"\r\n\r\n")
        status = int(answer.split(b" ", 2)[1])
        answer += await _body(answers, answer) if status not in (204, 304) else b""
        self._note(passed, status=status)
        if passed.deed is Deed.HOLD_ANSWER:
            await self._hold(passed)
        if passed.deed is not Deed.PASS:
            return False
        writer.write(answer)
        await writer.drain()
        return b"\r\nconnection: close" not in answer.lower()

    async def _hold(self, passed: Passed) -> None:
        self._note(passed, held=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._released.wait(), LONGEST_HOLD)
        self._note(passed, held=False)

    async def _live(self, ready: threading.Event, over: asyncio.Event) -> None:
        self._loop = asyncio.get_running_loop()
        listener = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body that follows a head, in the form in which it came."""
    headers = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if headers.get(b"transfer-encoding") == b"chunked":
        pieces: list[bytes] = []
        while True:
            size = await reader.readuntil(b"\r\n")
            pieces += [size, await reader.readexactly(int(size.partition(b";")[0], 16) + 2)]
            if int(size.partition(b";")[0], 16) == 0:
                return b"".join(pieces)
    return await reader.readexactly(int(headers.get(b"content-length", b"0")))


@contextlib.contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """A proxy in front of `upstream`, in a thread of its own."""
    proxy = Proxy(upstream)
    ready, over = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy._live(ready, over)), name="proxy", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        assert proxy._loop
        proxy._loop.call_soon_threadsafe(over.set)
        thread.join(10)
