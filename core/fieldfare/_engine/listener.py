"""The listener for web hooks: raw bytes in, one status out; what a body means is the feed's affair."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote

import structlog

from .._contract.feeds import Arrival
from .clock import Clock
from .connection import Connection

log = structlog.get_logger("fieldfare.listener")

MOST_WAITING = 10_000
"""Arrivals that wait to be taken; more are answered 503."""
AT_ONCE = 500


class Arrivals:
    """What came in and waits for its feed, per path."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Arrival]] = defaultdict(deque)
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._paths: frozenset[str] = frozenset()

    def serve(self, paths: Iterable[str]) -> None:
        """The paths that have a feed; every other is answered 404."""
        self._paths = frozenset(path.rstrip("/") for path in paths)

    def path_of(self, path: str) -> str | None:
        """The served path that this one is, or lies below."""
        path = path.rstrip("/")
        while path:
            if path in self._paths:
                return path
            path = path.rpartition("/")[0]
        return None

    def put(self, path: str, arrival: Arrival) -> bool:
        """Hand an arrival to its feed; False when too many wait."""
        waiting = self._waiting[path]
        if len(waiting) >= MOST_WAITING:
            return False
        waiting.append(arrival)
        self._events[path].set()
        return True

    async def take(self, path: str) -> Sequence[Arrival]:
        """Everything that waits at a path, at most `AT_ONCE`; waits until there is something."""
        path = path.rstrip("/")
        waiting, event = self._waiting[path], self._events[path]
        while not waiting:
            event.clear()
            await event.wait()
        return [waiting.popleft() for _ in range(min(len(waiting), AT_ONCE))]


class Endpoint:
    """Nothing is parsed, and a 2xx leaves only when the feed says so."""

    def __init__(self, arrivals: Arrivals, clock: Clock) -> None:
        self._arrivals = arrivals
        self._clock = clock

    def take(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, answer: Callable[[int], None]
    ) -> int:
        """A status to answer at once: no feed is there (404), or it takes POST only (405), or too many wait (503).

        Else 0, and `answer` is called by the feed. Names of `headers` are in lower case.
        """
        served = self._arrivals.path_of(unquote(path))
        if served is None:
            return 404
        if method != "POST":
            return 405
        arrival = Arrival(headers, body, self._clock.now(), answer)
        return 0 if self._arrivals.put(served, arrival) else 503


class Listener:
    """The endpoint on a socket, in the daemon's own loop; `port` is the real one once it is started."""

    def __init__(self, endpoint: Endpoint, host: str, port: int) -> None:
        self._endpoint = endpoint
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.host = host
        self.port = port

    async def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        sock = socket.create_server((self.host, self.port), backlog=2048, family=_family(self.host))
        self.port = sock.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self._endpoint, self._open), sock=sock, backlog=2048)
        log.info("listening for web hooks", host=self.host, port=self.port)

    async def stop(self) -> None:
        """Stop listening and cut every connection; who got no answer has to send again."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._open):
                connection.close()
            await self._server.wait_closed()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
