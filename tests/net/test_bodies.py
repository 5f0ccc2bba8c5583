"""How much of an answer is taken in, and how long."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldfare._contract.http import Request
from fieldfare._domain.errors import NotSent, OutcomeUnknown
from fieldfare._net.body import TooLarge, collect

from .loopback import Behave, Call, Server, client_of, run, until

CAP = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"


def headed(body: bytes, **headers: str) -> Behave:
    async def behave(call: Call) -> None:
        await call.answer(200, body, **headers)

    return behave


async def endless(call: Call) -> None:
    await call.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        await call.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


async def endless_until_closed(call: Call) -> None:
    await call.write(HEAD + b"\r\n")
    while True:
        await call.write(b" " * 65536)


async def endless_without_content(call: Call) -> None:
    await call.write(HEAD + b"content-encoding: gzip\r\n\r\n")
    while True:
        await call.write(gzip.compress(b"", mtime=0) * 2000)


async def drip(call: Call) -> None:
    await call.write(HEAD + b"content-length: 1000000\r\n\r\n")
    while True:
        await call.write(b".")
        await asyncio.sleep(0.01)


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1024 * 1024)
    return b"".join([*(packer.compress(block) for _ in range(size // len(block))), packer.flush()])


BOMB = bomb(64 * CAP)
TOO_LARGE = {
    "a chunked body without end": endless,
    "a body that ends with the connection, and that does not": endless_until_closed,
    "a gzip bomb": headed(BOMB, content_encoding="gzip"),
    "gzip members with nothing in them": endless_without_content,
    "one byte more than the cap": headed(bytes(CAP + 1)),
    "one byte more than the cap, zipped": headed(gzip.compress(bytes(CAP + 1)), content_encoding="gzip"),
    "two members that are too large together": headed(gzip.compress(bytes(CAP - 9)) * 2, content_encoding="gzip"),
}


@pytest.mark.parametrize("behave", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_body_over_the_cap_is_cut_off(behave: Behave) -> None:
    async def scenario() -> int:
        async with Server(behave) as server, client_of(max_body=CAP) as client:
            request = Request(method="POST", url=server.url)
            with pytest.raises(OutcomeUnknown, match=f"answer larger than {CAP} bytes"):
                await client.exchange(request)
            with pytest.raises(NotSent, match=f"answer larger than {CAP} bytes"):
                await client.read(request)
            return len(server.calls)

    # A read is not repeated: the second answer would be as large.
    assert run(scenario()) == 2


def test_the_connection_of_an_endless_body_is_cut() -> None:
    async def scenario() -> None:
        async with Server(endless) as server, client_of(max_body=CAP) as client:
            with pytest.raises(OutcomeUnknown):
                await client.exchange(Request(method="POST", url=server.url))
            await until(lambda: server.open == 0)

    run(scenario())


def test_a_bomb_is_never_unpacked_beyond_the_cap() -> None:
    async def scenario() -> int:
        async with Server(headed(BOMB, content_encoding="gzip")) as server, client_of(max_body=CAP) as client:
            tracemalloc.start()
            try:
                with pytest.raises(OutcomeUnknown):
                    await client.exchange(Request(method="POST", url=server.url))
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert run(scenario()) < 6 * CAP


def test_a_body_as_large_as_the_cap_is_taken() -> None:
    async def scenario() -> int:
        body = headed(gzip.compress(bytes(CAP)), content_encoding="gzip")
        async with Server(body) as server, client_of(max_body=CAP) as client:
            return len((await client.read(Request(method="GET", url=server.url))).body)

    assert run(scenario()) == CAP


def test_a_body_that_drips_is_cut_off_at_the_time_out_of_the_whole() -> None:
    async def scenario() -> None:
        async with Server(drip) as server, client_of() as client:
            with pytest.raises(OutcomeUnknown, match=r"no whole answer within 0\.3 s"):
                await client.exchange(Request(method="POST", url=server.url, timeout=0.3))
            await until(lambda: server.open == 0)

    run(scenario())


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,br", "compress", "GZIP;q=1", "aes128gcm"]
)
def test_an_encoding_that_was_not_asked_for_is_not_decoded(encoding: str) -> None:
    async def scenario() -> str | None:
        body = headed(gzip.compress(b"{}", mtime=0), content_encoding=encoding)
        async with Server(body) as server, client_of() as client:
            with pytest.raises(OutcomeUnknown, match="was not asked for"):
                await client.exchange(Request(method="POST", url=server.url))
            return server.calls[0].header("accept-encoding")

    assert run(scenario()) == "gzip"


@pytest.mark.parametrize(
    "body", [b"not gzip", gzip.compress(b"{}" * 99, mtime=0)[:-9], gzip.compress(b"{}", mtime=0) + b"tail", b"\x1f"]
)
def test_a_broken_encoding_is_no_clear_answer(body: bytes) -> None:
    async def scenario() -> None:
        async with Server(headed(body, content_encoding="gzip")) as server, client_of() as client:
            with pytest.raises(OutcomeUnknown, match="the gzip body is"):
                await client.exchange(Request(method="POST", url=server.url))

    run(scenario())


def test_an_answer_without_a_body_may_name_an_encoding() -> None:
    async def scenario() -> list[bytes]:
        async with Server(headed(b"", content_encoding="gzip")) as server, client_of() as client:
            return [(await client.exchange(Request(method=m, url=server.url))).body for m in ("HEAD", "GET")]

    assert run(scenario()) == [b"", b""]


def test_more_than_the_announced_length_does_not_become_the_next_answer() -> None:
    async def liar(call: Call) -> None:
        await call.write(HEAD + b"content-length: 2\r\n\r\n{}" + HEAD + b"content-length: 4\r\n\r\nevil")

    async def scenario() -> set[bytes]:
        async with Server(liar) as server, client_of() as client:
            bodies: set[bytes] = set()
            for _ in range(3):
                try:
                    bodies.add((await client.exchange(Request(method="POST", url=server.url))).body)
                except OutcomeUnknown:
                    continue
            return bodies

    assert run(scenario()) <= {b"{}"}


def test_a_large_upload_arrives_whole() -> None:
    sent = bytes(range(256)) * 12_000

    async def scenario() -> bytes:
        async with Server() as server, client_of() as client:
            await client.exchange(Request(method="POST", url=server.url, content=sent))
            return server.calls[0].body

    assert run(scenario()) == sent


async def _pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@settings(max_examples=100)
@given(
    members=st.lists(st.binary(max_size=300).map(lambda b: b * 7), max_size=4),
    size=st.integers(1, 64),
    cap=st.integers(1, 3000),
    zipped=st.booleans(),
)
def test_a_body_is_whole_or_too_large_however_it_is_cut(
    members: list[bytes], size: int, cap: int, zipped: bool
) -> None:
    body = b"".join(members)
    wire = b"".join(map(gzip.compress, members)) if zipped else body
    fits = len(body) <= cap and len(wire) <= cap
    try:
        got = run(collect(_pieces(wire, size), "gzip" if zipped else "", cap))
    except TooLarge:
        assert not fits
    else:
        assert got == body
        assert fits
