"""The listener over real connections: what it takes, what it refuses, and when it says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from fieldfare._cli.serve import loop_factory
from fieldfare._engine import connection
from fieldfare._engine.clock import RealClock
from fieldfare._engine.listener import MOST_WAITING, Arrivals, Endpoint, Listener
from fieldfare.plugin import Arrival

Told = Callable[[bytes], Awaitable[bytes]]


class Caller:
    """One connection to the listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, said: bytes) -> None:
        self._writer.write(said)

    async def hear(self) -> bytes:
        """The next answer; empty when the connection was closed."""
        async with asyncio.timeout(20):
            try:
                return await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[Caller]:
    made = Caller(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield made
    finally:
        made.close()


@asynccontextmanager
async def listening(arrivals: Arrivals) -> AsyncIterator[Listener]:
    """A listener for /hooks."""
    arrivals.serve(["/hooks"])
    made = Listener(Endpoint(arrivals, RealClock()), "127.0.0.1", 0)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def post(path: str = "/hooks", body: bytes = b"{}", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nhost: here\r\nX-Mark: 1\r\ncontent-length: {size}\r\n\r\n".encode() + body


CHUNKED = b"POST /hooks HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"


def run(story: Callable[[Arrivals, Told], Awaitable[None]]) -> None:
    """A story in which each hook has a connection of its own."""

    async def whole() -> None:
        arrivals = Arrivals()

        async def tell(said: bytes) -> bytes:
            async with calling(listener.port) as caller:
                caller.say(said)
                return await caller.hear()

        async with listening(arrivals) as listener:
            await story(arrivals, tell)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(whole())


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (post("/elsewhere"), b"404"),
        (post("/hooksmith"), b"404"),
        (b"GET /hooks HTTP/1.1\r\nhost: here\r\n\r\n", b"405"),
        (post(body=b"x" * (connection.LARGEST + 1)), b"413"),
        (post(length=connection.LARGEST + 1), b"413"),
        (CHUNKED + b"100001\r\n" + b"x" * 0x100001 + b"\r\n0\r\n\r\n", b"413"),
        (post(path="/" + "x" * connection.LARGEST_HEAD), b"431"),
        (b"POST /hooks HTTP/1.1\r\n" + b"X-Mark: 1\r\n" * 7000 + b"\r\n", b"431"),
        (b"POST /hooks HTTP/1.1\r\nX-Mark: " + b"x" * connection.LARGEST_HEAD, b"431"),
        (b"hello?\r\n\r\n", b"400"),
        (b"POST * HTTP/1.1\r\ncontent-length: 0\r\n\r\n", b"404"),
        (b"POST http:///hooks HTTP/1.1\r\ncontent-length: 0\r\n\r\n", b"400"),
        (b"POST /hooks HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"400"),
        (CHUNKED[:-2] + b"content-length: 2\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST /hooks HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", b"400"),
        (b"CONNECT here:1 HTTP/1.1\r\n\r\n", b"400"),
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
    monkeypatch.setattr(connection, "SLOWEST", 0.05)

    async def story(arrivals: Arrivals, tell: Told) -> None:
        assert (await tell(post(body=b"{", length=2))).startswith(b"HTTP/1.1 408 ")

    run(story)


def test_a_sender_whose_hook_nobody_answers_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SLOWEST", 0.05)

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


async def until_closed(listener: Listener) -> None:
    """Until no connection is left."""
    async with asyncio.timeout(20):
        while listener._open:
            await asyncio.sleep(0.01)


def along(story: Callable[[Arrivals, Caller, Listener], Awaitable[None]]) -> None:
    """A story along one connection."""

    async def whole() -> None:
        arrivals = Arrivals()
        async with listening(arrivals) as listener, calling(listener.port) as caller:
            await story(arrivals, caller, listener)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(whole())


def test_one_connection_carries_one_hook_after_another() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        for number in range(3):
            caller.say(post(body=b"%d" % number))
            (arrival,) = await arrivals.take("/hooks")
            assert arrival.body == b"%d" % number
            arrival.answer(202)
            assert (await caller.hear()).startswith(b"HTTP/1.1 202 Accepted\r\n")

    along(story)


def test_hooks_that_come_at_once_are_handed_over_and_answered_in_their_order() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(post(body=b"1") + post("/elsewhere") + post(body=b"2") + post(body=b"3")[:-1])
        for body, status in ((b"1", 202), (b"2", 400)):
            (arrival,) = await arrivals.take("/hooks")
            assert arrival.body == body
            arrival.answer(status)
        heard = [(await caller.hear()).split(b" ", 2)[1] for _ in range(3)]
        assert heard == [b"202", b"404", b"400"]
        caller.say(b"3")
        (arrival,) = await arrivals.take("/hooks")
        assert arrival.body == b"3"

    along(story)


def test_many_hooks_that_nobody_wants_are_refused_at_once() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(post("/elsewhere") * 3000)
        for _ in range(3000):
            assert (await caller.hear()).startswith(b"HTTP/1.1 404 ")

    along(story)


def test_a_body_in_chunks_is_put_together() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(CHUNKED + b'5\r\n{"id"\r\n3\r\n:1}\r\n0\r\n\r\n')
        (arrival,) = await arrivals.take("/hooks")
        assert arrival.body == b'{"id":1}'

    along(story)


def test_what_follows_a_body_is_no_header() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(CHUNKED + b"2\r\n{}\r\n0\r\nauthorization: Bearer mallory\r\n\r\n")
        (arrival,) = await arrivals.take("/hooks")
        assert "authorization" not in arrival.headers

    along(story)


def test_a_sender_that_asks_first_is_told_to_go_on() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        head = b"POST /hooks HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        caller.say(head)
        assert (await caller.hear()).startswith(b"HTTP/1.1 100 ")
        caller.say(b"{}")
        (arrival,) = await arrivals.take("/hooks")
        assert arrival.body == b"{}"

    along(story)


@pytest.mark.parametrize("head", [b"POST /hooks HTTP/1.0\r\n", b"POST /hooks HTTP/1.1\r\nconnection: close\r\n"])
def test_a_connection_is_closed_after_the_answer_when_its_sender_wants_it_so(head: bytes) -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(head + b"content-length: 2\r\n\r\n{}")
        (arrival,) = await arrivals.take("/hooks")
        arrival.answer(202)
        assert b"connection: close\r\n" in await caller.hear()
        assert await caller.hear() == b""

    along(story)


def test_a_header_that_is_given_twice_keeps_both_values() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(b"POST /hooks HTTP/1.1\r\nA: 1\r\na: 2\r\ncontent-length: 0\r\n\r\n")
        (arrival,) = await arrivals.take("/hooks")
        assert arrival.headers["a"] == "1, 2"

    along(story)


def test_an_answer_that_comes_too_late_is_not_given_to_the_next_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SLOWEST", 0.05)

    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(post(body=b"1"))
        (first,) = await arrivals.take("/hooks")
        assert (await caller.hear()).startswith(b"HTTP/1.1 503 ")
        monkeypatch.setattr(connection, "SLOWEST", 20)
        caller.say(post(body=b"2"))
        (second,) = await arrivals.take("/hooks")
        first.answer(202)
        second.answer(401)
        assert (await caller.hear()).startswith(b"HTTP/1.1 401 ")

    along(story)


def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE", 0.05)

    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        assert await caller.hear() == b""

    along(story)


def test_beyond_the_most_connections_a_sender_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_OPEN", 0)

    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        assert (await caller.hear()).startswith(b"HTTP/1.1 503 ")
        assert await caller.hear() == b""

    along(story)


def test_a_sender_that_goes_away_before_the_answer_harms_nobody() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        async with calling(listener.port) as other:
            other.say(post(body=b"1"))
            (arrival,) = await arrivals.take("/hooks")
        await asyncio.sleep(0)
        arrival.answer(202)
        caller.say(post(body=b"2"))
        (arrival,) = await arrivals.take("/hooks")
        arrival.answer(202)
        assert (await caller.hear()).startswith(b"HTTP/1.1 202 ")

    along(story)


def test_a_stop_cuts_who_waits_without_an_answer() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(post())
        (arrival,) = await arrivals.take("/hooks")
        await listener.stop()
        await until_closed(listener)
        arrival.answer(202)
        assert await caller.hear() == b""

    along(story)


def test_who_sends_on_before_the_answer_is_not_read_until_then() -> None:
    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(post(body=b"1"))
        (arrival,) = await arrivals.take("/hooks")
        (served,) = listener._open
        assert not served._transport.is_reading()
        arrival.answer(202)
        assert served._transport.is_reading()

    along(story)


def test_each_hook_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SLOWEST", 0.1)

    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(post() + post()[:-1])
        assert (await caller.hear()).startswith(b"HTTP/1.1 503 ")
        assert (await caller.hear()).startswith(b"HTTP/1.1 408 ")

    along(story)


@pytest.mark.parametrize("said", [b"hello?\r\n\r\n", b"POST /hooks HTTP/1.0\r\ncontent-length: 0\r\n\r\n"])
def test_a_last_answer_ends_the_connection_and_nothing_of_it_stays(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER", 60)

    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(said)
        if b"POST" in said:
            (arrival,) = await arrivals.take("/hooks")
            arrival.answer(202)
        assert b"connection: close" in await caller.hear()
        assert await caller.hear() == b""
        caller.close()
        await until_closed(listener)

    along(story)


def test_who_does_not_hang_up_after_the_last_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER", 0.05)

    async def story(arrivals: Arrivals, caller: Caller, listener: Listener) -> None:
        caller.say(b"hello?\r\n\r\n")
        async with asyncio.timeout(20):
            while not listener._open:
                await asyncio.sleep(0)
        await until_closed(listener)

    along(story)
