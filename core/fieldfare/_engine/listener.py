"""The listener for web hooks: raw bytes in, one status out; what a body means is the feed's affair."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache

import structlog

from .._contract.feeds import Arrival
from .clock import Clock

Scope = dict[str, object]
Receive = Callable[[], Awaitable[dict[str, object]]]
Send = Callable[[dict[str, object]], Awaitable[None]]

log = structlog.get_logger("fieldfare.listener")

LARGEST = 1024 * 1024
"""Bytes of a body at most; larger ones are answered 413."""
SLOWEST = 10.0
"""Seconds for a body to come in, and then again for its answer; later is 408 and 503."""
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
    """The ASGI application: nothing is parsed, and a 2xx leaves only when the feed says so."""

    def __init__(self, arrivals: Arrivals, clock: Clock) -> None:
        self._arrivals = arrivals
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await _respond(send, await self._status(scope, receive))

    async def _status(self, scope: Scope, receive: Receive) -> int:
        path = self._arrivals.path_of(str(scope["path"]))
        if path is None:
            return 404
        if scope["method"] != "POST":
            return 405
        loop = asyncio.get_running_loop()
        late = 408
        try:
            async with asyncio.timeout(SLOWEST) as limit:
                body = await _body(receive)
                if body is None:
                    return 413
                raw: list[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
                answer: asyncio.Future[int] = loop.create_future()
                arrival = Arrival(headers, body, self._clock.now(), _once(answer))
                if not self._arrivals.put(path, arrival):
                    return 503
                late = 503
                limit.reschedule(loop.time() + SLOWEST)
                return await answer
        except TimeoutError:
            return late


def _once(answer: asyncio.Future[int]) -> Callable[[int], None]:
    def set_status(status: int) -> None:
        if not answer.done():
            answer.set_result(status)

    return set_status


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than `LARGEST`."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TimeoutError
        part = message.get("body", b"")
        assert isinstance(part, bytes)
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


_SAYS = {200: b"ok", 400: b"bad request", 401: b"not allowed", 404: b"not found"}
_HEADERS = ((b"content-type", b"text/plain"), (b"x-content-type-options", b"nosniff"))


async def _respond(send: Send, status: int) -> None:
    start, body = _messages(status)
    await send(start)
    await send(body)


@cache
def _messages(status: int) -> tuple[dict[str, object], dict[str, object]]:
    said = _SAYS.get(status, b"")
    # Without a length the answer would go out in chunks.
    headers = [*_HEADERS, (b"content-length", str(len(said)).encode())]
    if status == 503:
        headers.append((b"retry-after", b"5"))
    start: dict[str, object] = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": said}


class Listener:
    """uvicorn around the endpoint, in the daemon's own loop; `port` is the real one once it is started."""

    def __init__(self, endpoint: Endpoint, host: str, port: int) -> None:
        self._endpoint = endpoint
        self.host = host
        self.port = port
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        import uvicorn

        sock = socket.create_server((self.host, self.port), backlog=2048, family=_family(self.host))
        self.port = sock.getsockname()[1]
        config = uvicorn.Config(
            self._endpoint,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            # Who connected is not asked, so nobody's word for it is read either.
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=30,
            limit_concurrency=4096,
            h11_max_incomplete_event_size=64 * 1024,
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._task = asyncio.create_task(self._serve([sock]), name="listener")
        log.info("listening for web hooks", host=self.host, port=self.port)

    async def _serve(self, sockets: list[socket.socket]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self._server._serve(sockets)  # pyright: ignore[reportPrivateUsage]

    async def stop(self) -> None:
        if self._task is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._task, 2)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
