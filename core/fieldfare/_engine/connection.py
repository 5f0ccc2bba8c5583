"""One connection of the listener: HTTP/1.1, read by httptools, one request after another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache, partial
from http import HTTPStatus
from typing import Protocol, cast

import httptools

LARGEST = 1024 * 1024
"""Bytes of a body at most; larger ones are answered 413."""
LARGEST_HEAD = 64 * 1024
"""Bytes of request line and headers; more are answered 431."""
SLOWEST = 10.0
"""Seconds for a request to come in, and then again for its answer; later is 408 and 503."""
IDLE = 30.0
"""Seconds that a connection is kept between two requests."""
LINGER = 2.0
"""Seconds in which the other side may read the last answer before the connection is cut."""
MOST_OPEN = 4096
"""Connections at the same time; further ones are answered 503."""

Answer = Callable[[int], None]


class Desk(Protocol):
    """What becomes of a request."""

    def take(self, method: str, path: str, headers: Mapping[str, str], body: bytes, answer: Answer) -> int:
        """A status to answer at once; or 0, and then `answer` is called with it."""
        ...


class Connection(asyncio.Protocol):
    """Reads whole requests and hands each to the desk when the one before it is answered; `peers` are all open ones.

    What is wrong, too large or too slow gets one last answer, and then the connection is closed.
    """

    def __init__(self, desk: Desk, peers: set[Connection]) -> None:
        self._desk = desk
        self._peers = peers
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._asked: deque[tuple[str, str, dict[str, str], bytes, bool]] = deque()
        self._head = 0
        """Bytes that came in of a head that is not whole yet; the parser says nothing before a line is."""
        self._begun = False
        self._waiting = 0
        """Number of the request that waits for its answer; 0 for none."""
        self._count = 0
        self._keep = True
        self._ending = False
        self._forget()

    def _forget(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0
        """Bytes of the head, and then of the body."""
        self._whole = False
        """Whether the head is."""

    # -- called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peers.add(self)
        if len(self._peers) > MOST_OPEN:
            self._end(503)
        else:
            self._within(IDLE, self._transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._peers.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._ending:
            return
        self._head += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # what a callback raises is the former
            self._end(400)
        if self._head > LARGEST_HEAD:
            self._end(431)

    def close(self) -> None:
        """Cut it; what waited for an answer gets none."""
        self._transport.abort()

    # -- called by the parser

    def on_message_begin(self) -> None:
        self._begun = True
        self._forget()
        if not self._waiting:
            self._within(SLOWEST, partial(self._end, 408))

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._whole:
            return  # a trailer: it might pass for the header of a proxy that checked the head alone
        self._size += len(name) + len(value) + 4
        key, said = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {said}" if key in self._headers else said

    def on_headers_complete(self) -> None:
        size, self._size, self._head, self._whole = self._size, 0, 0, True
        if size > LARGEST_HEAD:
            self._end(431)
        elif self._parser.should_upgrade():
            self._end(400)
        elif int(self._headers.get("content-length", 0)) > LARGEST:
            self._end(413)
        elif self._headers.get("expect", "").lower() == "100-continue" and not self._ending:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._head = 0
        self._size += len(body)
        if self._size > LARGEST:
            self._end(413)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        self._head = 0
        self._begun = False
        path = (httptools.parse_url(self._url).path or b"").decode("ascii")
        method = self._parser.get_method().decode("ascii")
        keep = self._parser.should_keep_alive()
        self._asked.append((method, path, self._headers, b"".join(self._parts), keep))
        if not self._waiting:
            self._next()

    # -- what follows

    def _next(self) -> None:
        """Hand over the next request, or read on when there is none."""
        while self._asked and not self._ending:
            method, path, headers, body, self._keep = self._asked.popleft()
            self._count += 1
            self._waiting = self._count
            status = self._desk.take(method, path, headers, body, partial(self._answered, self._count))
            if not status:
                self._transport.pause_reading()
                self._within(SLOWEST, partial(self._answered, self._count, 503))
                return
            self._say(status)
        if not self._ending:
            self._transport.resume_reading()
            if self._begun:
                self._within(SLOWEST, partial(self._end, 408))
            else:
                self._within(IDLE, self._transport.close)

    def _answered(self, number: int, status: int) -> None:
        if number == self._waiting and not self._transport.is_closing():
            self._say(status)
            self._next()

    def _say(self, status: int) -> None:
        self._waiting = 0
        if self._keep:
            self._transport.write(said(status, keep=True))
        else:
            self._end(status)

    def _end(self, status: int) -> None:
        """A last answer. What still comes in is read and dropped, or the other side might never see the answer."""
        if self._ending:
            return
        self._ending = True
        self._transport.write(said(status, keep=False))
        self._transport.write_eof()
        self._transport.resume_reading()
        self._within(LINGER, self._transport.abort)

    def _within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, otherwise)


@cache
def said(status: int, *, keep: bool) -> bytes:
    """The whole answer: a status and no body."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "content-length: 0", "x-content-type-options: nosniff"]
    if status == 503:
        lines.append("retry-after: 5")
    if not keep:
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("ascii")
