"""The listener over real connections: what it takes, what it refuses, and when it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from fieldfare._engine import listener
from fieldfare._engine.clock import RealClock
from fieldfare._engine.listener import MOST_WAITING, Arrivals, Endpoint, Listener
from fieldfare.plugin import Arrival

Told = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def listening(arrivals: Arrivals) -> AsyncIterator[Told]:
    """A listener for /hooks, and a function that sends it bytes and gives its whole answer."""
    arrivals.serve(["/hooks"])
    made = Listener(Endpoint(arrivals, RealClock()), "127.0.0.1", 0)
    await made.start()

    async def tell(said: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
        try:
            writer.write(said)
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                return head + await reader.readexactly(size)
        finally:
            writer.close()

    try:
        yield tell
    finally:
        await made.stop()


def post(path: str = "/hooks", body: bytes = b"{}", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nhost: here\r\nX-Mark: 1\r\ncontent-length: {size}\r\n\r\n".encode() + body


def run(story: Callable[[Arrivals, Told], Awaitable[None]]) -> None:
    async def whole() -> None:
        arrivals = Arrivals()
        async with listening(arrivals) as tell:
            await story(arrivals, tell)

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (post("/elsewhere"), b"404"),
        (post("/hooksmith"), b"404"),
        (b"GET /hooks HTTP/1.1\r\nhost: here\r\n\r\n", b"405"),
        (post(body=b"x" * (listener.LARGEST + 1)), b"413"),
    ],
)
def test_what_no_feed_would_take_is_refused_and_reaches_none(said: bytes, status: bytes) -> None:
    async def story(arrivals: Arrivals, tell: Told) -> None:
        assert (await tell(said)).split(b" ", 2)[1] == status
        taking = asyncio.create_task(arrivals.take("/hooks"))
        await asyncio.sleep(0)
        assert not taking.done()
        taking.cancel()

    run(story)


@pytest.mark.parametrize("status", [202, 401])
@pytest.mark.parametrize("path", ["/hooks", "/hooks/", "/hooks/shop"])
def test_a_hook_is_answered_when_its_feed_says_so_and_with_what_it_says(path: str, status: int) -> None:
    async def story(arrivals: Arrivals, tell: Told) -> None:
        answer = asyncio.ensure_future(tell(post(path, b'{"id": 1}')))
        (arrival,) = await arrivals.take("/hooks")
        assert (arrival.body, arrival.headers["x-mark"]) == (b'{"id": 1}', "1")
        assert not answer.done()
        arrival.answer(status)
        arrival.answer(500)
        assert (await answer).startswith(b"HTTP/1.1 %d " % status)

    run(story)


def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "SLOWEST", 0.05)

    async def story(arrivals: Arrivals, tell: Told) -> None:
        assert (await tell(post(body=b"{", length=2))).startswith(b"HTTP/1.1 408 ")

    run(story)


def test_a_sender_whose_hook_nobody_answers_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "SLOWEST", 0.05)

    async def story(arrivals: Arrivals, tell: Told) -> None:
        answer = await tell(post())
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5\r\n" in answer

    run(story)


def test_a_hook_beyond_those_that_wait_is_asked_to_come_again() -> None:
    async def story(arrivals: Arrivals, tell: Told) -> None:
        waiting = Arrival({}, b"", datetime(2026, 11, 2, tzinfo=UTC), lambda status: None)
        assert all(arrivals.put("/hooks", waiting) for _ in range(MOST_WAITING))
        assert (await tell(post())).startswith(b"HTTP/1.1 503 ")

    run(story)
