"""What each kind of trouble proves, and that nothing is ever sent twice on a guess."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

import httpx
import pytest

from fieldfare._contract.http import Answer, Request, retry_after
from fieldfare._domain.errors import AuthFailed, NotSent, OutcomeUnknown, Refused, Rejected
from fieldfare._net import Client, Hopeless

from .loopback import Call, Names, Server, VirtualClock, client_of, passes, reset, run, until


def post(url: str, timeout: float = 10.0) -> Request:
    return Request(method="POST", url=url, json={"text": "hello"}, timeout=timeout)


def get(url: str, timeout: float = 10.0) -> Request:
    return Request(method="GET", url=url, timeout=timeout)


async def close(call: Call) -> None:
    call.close()


async def cut(call: Call) -> None:
    call.reset()


async def half_a_body(call: Call) -> None:
    await call.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    call.close()


async def half_a_head(call: Call) -> None:
    await call.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    call.close()


async def half_a_chunk(call: Call) -> None:
    await call.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nabc")
    call.close()


async def garbage(call: Call) -> None:
    await call.write(b"220 smtp.example ready\r\n\r\n")
    call.close()


async def huge_head(call: Call) -> None:
    await call.write(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\n\r\n")
    call.close()


async def switching(call: Call) -> None:
    await call.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
    call.close()


async def silence(call: Call) -> None:
    await call.silence()


PERFORMED = [close, cut, half_a_body, half_a_head, half_a_chunk, garbage, huge_head, switching]
Behaviour = Callable[[Call], Awaitable[None]]


@pytest.mark.parametrize("fault", PERFORMED)
def test_a_write_that_left_and_got_no_clear_answer_is_unknown(fault: Behaviour) -> None:
    async def scenario() -> int:
        async with Server(fault) as server, client_of() as client:
            with pytest.raises(OutcomeUnknown, match="no clear answer"):
                await client.exchange(post(server.url))
            return len(server.calls)

    assert run(scenario()) == 1


def test_a_write_that_is_met_with_silence_is_unknown() -> None:
    async def scenario() -> int:
        async with Server(silence) as server, client_of() as client:
            with pytest.raises(OutcomeUnknown, match=r"no whole answer within 0\.2 s"):
                await client.exchange(post(server.url, timeout=0.2))
            await until(lambda: server.open == 0)
            return len(server.calls)

    assert run(scenario()) == 1


def test_a_connection_reset_as_soon_as_it_is_accepted_proves_nothing() -> None:
    async def scenario() -> None:
        async with Server(on_accept=reset) as server, client_of() as client:
            with pytest.raises(OutcomeUnknown):
                await client.exchange(post(server.url))

    run(scenario())


def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    async def scenario() -> None:
        # Bound and not listening: the port is ours, so nobody else can answer.
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with client_of() as client:
                with pytest.raises(NotSent, match="no connection: connection refused"):
                    await client.exchange(post(f"http://127.0.0.1:{taken.getsockname()[1]}/"))

    run(scenario())


def test_a_failed_look_up_proves_that_nothing_was_sent() -> None:
    async def scenario() -> None:
        async with client_of(resolver=Names()) as client:
            with pytest.raises(NotSent, match="no connection"):
                await client.exchange(post("https://nowhere.example/"))

    run(scenario())


def test_a_look_up_without_an_address_proves_that_nothing_was_sent() -> None:
    async def scenario() -> None:
        async with client_of(resolver=Names(empty=[[]])) as client:
            with pytest.raises(NotSent, match="has no address"):
                await client.exchange(post("https://empty.example/"))

    run(scenario())


def test_a_look_up_that_takes_too_long_proves_that_nothing_was_sent() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async def scenario() -> None:
        async with client_of(resolver=never) as client:
            with pytest.raises(NotSent, match=r"no connection within 0\.1 s"):
                await client.exchange(post("https://slow.example/", timeout=0.1))

    run(scenario())


def test_a_tls_handshake_that_takes_too_long_proves_that_nothing_was_sent() -> None:
    async def scenario() -> None:
        async with Server(silence) as server, client_of() as client:
            with pytest.raises(NotSent, match=r"no connection within 0\.3 s"):
                await client.exchange(post(f"https://{server.host}/", timeout=0.3))
            await until(lambda: server.open == 0)
            assert server.calls == []

    run(scenario())


def test_a_full_pool_proves_that_nothing_was_sent() -> None:
    async def scenario() -> int:
        async with Server(silence) as server, client_of(connections=1) as client:
            first = asyncio.create_task(client.exchange(post(server.url)))
            await until(lambda: len(server.calls) == 1)
            with pytest.raises(NotSent, match="no connection within"):
                await client.exchange(post(server.url, timeout=0.1))
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            return len(server.calls)

    assert run(scenario()) == 1


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 401, 404, 408, 409, 422, 429, 500, 502, 503])
def test_a_well_formed_answer_to_a_write_is_handed_over_whatever_it_says(status: int) -> None:
    page = b"" if status == 204 else b"<html>not json</html>"

    async def scenario() -> Answer:
        async with Server(lambda call: call.answer(status, page)) as server, client_of() as client:
            return await client.exchange(post(server.url))

    answer = run(scenario())
    assert (answer.status, answer.body) == (status, page)


def test_header_names_are_lower_case_and_repeated_ones_joined() -> None:
    async def twice(call: Call) -> None:
        await call.write(b"HTTP/1.1 200 OK\r\nX-Part: a\r\nx-part: b\r\nX-Name: J\xc3\xb6\r\ncontent-length: 0\r\n\r\n")

    async def scenario() -> Answer:
        async with Server(twice) as server, client_of() as client:
            return await client.read(get(server.url))

    headers = run(scenario()).headers
    assert (headers["x-part"], headers["x-name"]) == ("a, b", "Jö")


# Kept-alive connections


async def dies_when_used_again(call: Call) -> None:
    if call.first:
        await call.answer()
    else:
        call.reset()


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_a_write_on_a_connection_that_dies_is_sent_once_and_unknown(method: str) -> None:
    async def scenario() -> tuple[int, int]:
        async with Server(dies_when_used_again) as server, client_of() as client:
            await client.exchange(Request(method=method, url=server.url))
            with pytest.raises(OutcomeUnknown):
                await client.exchange(Request(method=method, url=server.url))
            return len(server.calls), server.connections

    assert run(scenario()) == (2, 1)


def test_a_read_on_a_connection_that_dies_is_repeated_once_on_a_new_one() -> None:
    async def scenario() -> tuple[int, int, int]:
        clock = VirtualClock()
        async with Server(dies_when_used_again) as server, client_of(clock=clock) as client:
            for _ in range(2):
                assert (await client.read(get(server.url))).status == 200
            return len(server.calls), server.connections, len(clock.slept)

    assert run(scenario()) == (3, 2, 1)


def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    async def once(call: Call) -> None:
        await call.answer()
        call.close()

    async def scenario() -> tuple[int, int]:
        async with Server(once) as server, client_of() as client:
            for _ in range(3):
                assert (await client.exchange(post(server.url))).status == 200
                await until(lambda: server.open == 0)
                await passes()
            return len(server.calls), server.connections

    assert run(scenario()) == (3, 3)


def test_a_healthy_connection_is_kept() -> None:
    async def scenario() -> int:
        async with Server() as server, client_of() as client:
            for _ in range(5):
                await client.exchange(post(server.url))
            return server.connections

    assert run(scenario()) == 1


# Cancellation


async def stalls_in_the_body(call: Call) -> None:
    await call.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
    await call.silence()


@pytest.mark.parametrize("stall", [silence, stalls_in_the_body])
@pytest.mark.parametrize("ask", ["read", "exchange"])
def test_a_cancelled_request_leaves_no_open_connection(stall: Behaviour, ask: str) -> None:
    async def scenario() -> tuple[int, int]:
        async def behave(call: Call) -> None:
            await (stall(call) if call.path == "/stall" else call.answer())

        async with Server(behave) as server, client_of(connections=1) as client:
            task = asyncio.create_task(getattr(client, ask)(get(f"{server.url}/stall")))
            await until(lambda: len(server.calls) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: server.open == 0)
            # The one place in the pool is free again.
            await client.read(get(server.url))
            return len(server.calls), server.connections

    assert run(scenario()) == (2, 2)


def test_closing_the_client_closes_its_connections() -> None:
    async def scenario() -> None:
        async with Server() as server:
            async with client_of() as client:
                await client.read(get(server.url))
                assert server.open == 1
            await until(lambda: server.open == 0)

    run(scenario())


# Repeated reads


class Script:
    """A transport that plays its parts one after the other; the last one stays."""

    def __init__(self, *parts: httpx.Response | Exception) -> None:
        self._parts = list(parts)
        self.count = 0

    def __call__(self, message: httpx.Request) -> httpx.Response:
        self.count += 1
        part = self._parts.pop(0) if len(self._parts) > 1 else self._parts[0]
        if isinstance(part, Exception):
            raise part
        return part


def reading(script: Script, clock: VirtualClock | None = None) -> Answer:
    async def scenario() -> Answer:
        client = Client(hosts=(), clock=clock or VirtualClock(), transport=httpx.MockTransport(script))
        return await client.read(get("https://home.example/"))

    return run(scenario())


@pytest.mark.parametrize(
    "trouble",
    [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"),
     httpx.Response(500), httpx.Response(408)],
)  # fmt: skip
def test_a_read_that_did_not_work_is_tried_three_times(trouble: httpx.Response | Exception) -> None:
    script, clock = Script(trouble), VirtualClock()
    with pytest.raises(NotSent):
        reading(script, clock)
    assert (script.count, len(clock.slept)) == (3, 2)
    assert sum(clock.slept) < 20


def test_a_read_that_works_in_the_end_is_an_answer() -> None:
    script = Script(httpx.ConnectError("x"), httpx.Response(502), httpx.Response(200, content=b"ok"))
    assert reading(script).body == b"ok"


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [(httpx.Response(401), AuthFailed), (httpx.Response(404), Rejected), (httpx.Response(302), Rejected)],
)
def test_a_read_that_got_its_answer_is_not_repeated(answer: httpx.Response, meaning: type[Exception]) -> None:
    script = Script(answer)
    with pytest.raises(meaning):
        reading(script)
    assert script.count == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_network_that_names_its_own_wait_is_left_alone_until_then(status: int) -> None:
    script = Script(httpx.Response(status, headers={"retry-after": "7"}))
    with pytest.raises(NotSent) as caught:
        reading(script)
    assert (script.count, caught.value.retry_after) == (1, 7.0)


def test_no_read_is_tried_again_after_twenty_seconds() -> None:
    clock = VirtualClock()

    class Slow(Script):
        def __call__(self, message: httpx.Request) -> httpx.Response:
            clock.time += 12.0
            return super().__call__(message)

    script = Slow(httpx.ConnectError("x"))
    with pytest.raises(NotSent):
        reading(script, clock)
    assert script.count == 2


def test_a_refusal_of_our_own_is_not_tried_again() -> None:
    async def scenario() -> int:
        names = Names(trap=[["10.0.0.1"]])
        async with client_of(private=(), resolver=names) as client:
            with pytest.raises(Hopeless):
                await client.read(get("https://trap.example/"))
        return len(names.asked)

    assert run(scenario()) == 1


def test_a_sort_of_the_connectors_own_decides() -> None:
    def gone(answer: Answer) -> None:
        if answer.status == 400:
            raise NotSent("expired", retry_after=retry_after(answer) or 0.0)

    async def scenario() -> None:
        client = Client(hosts=(), clock=VirtualClock(), transport=httpx.MockTransport(Script(httpx.Response(400))))
        with pytest.raises(NotSent, match="expired"):
            await client.read(get("https://home.example/"), sort=gone)

    run(scenario())


# Transports of others


@pytest.mark.parametrize("trouble", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")])
def test_only_these_errors_of_another_transport_prove_that_nothing_was_sent(trouble: Exception) -> None:
    with pytest.raises(NotSent):
        run(_exchanged(trouble))


@pytest.mark.parametrize(
    "trouble",
    [httpx.ReadError("x"), httpx.WriteError("x"), httpx.ReadTimeout("x"), httpx.WriteTimeout("x"), OSError("x"),
     httpx.RemoteProtocolError("x"), TimeoutError("x"), ValueError("x"), ConnectionRefusedError("x")],
)  # fmt: skip
def test_everything_else_leaves_the_outcome_unknown(trouble: Exception) -> None:
    with pytest.raises(OutcomeUnknown):
        run(_exchanged(trouble))


async def _exchanged(trouble: Exception) -> Answer:
    client = Client(hosts=(), clock=VirtualClock(), transport=httpx.MockTransport(Script(trouble)))
    return await client.exchange(post("https://home.example/"))


# The last look


def test_what_is_stopped_while_its_connection_is_made_sends_no_byte_and_leaves_room_for_others() -> None:
    def stopped() -> None:
        raise Refused("paused")

    async def scenario() -> tuple[int, list[str]]:
        async with Server() as server, client_of(connections=1) as client:
            for _ in range(2):
                with pytest.raises(Refused, match="paused"):
                    await client.exchange(post(f"{server.url}/stopped"), leaves=stopped)
            answer = await client.exchange(post(f"{server.url}/free", timeout=2))
            return answer.status, [call.path for call in server.calls]

    assert run(scenario()) == (200, ["/free"])
