"""Requests per second of the guarded client beside a bare aiohttp client and a stock httpx one, in one run.

The server is a raw asyncio one in a process of its own, on loopback. `python -m bench.http` prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import aiohttp
import httpx

from fieldfare._contract.http import Request
from fieldfare._net import Client

IN_FLIGHT = (1, 10, 50)
BODY = b"x" * 300
ROUNDS = 3
SECONDS = 1.0
"""Of one measurement; three clients, three widths and three rounds make 27 s."""

Post: TypeAlias = Callable[[], Awaitable[object]]

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class _Peer(asyncio.Protocol):
    """Answers each request of the length that the clients here send; knows no more of HTTP than that."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (head := self._seen.find(b"\r\n\r\n")) >= 0 and len(self._seen) >= head + 4 + len(BODY):
            self._seen = self._seen[head + 4 + len(BODY) :]
            self._transport.write(_ANSWER)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Peer, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    # The parent's end is the end: its death closes our standard input.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


class _Wall:
    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _rate(post: Post, width: int, seconds: float) -> float:
    async def worker(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            await post()
            count += 1
        return count

    await asyncio.gather(*(post() for _ in range(width)))
    start = time.perf_counter()
    counts = await asyncio.gather(*(worker(start + seconds) for _ in range(width)))
    return sum(counts) / (time.perf_counter() - start)


async def _fieldfare(port: int, width: int, seconds: float) -> float:
    host = f"127.0.0.1:{port}"
    client = Client(hosts={host}, private=["127.0.0.0/8"], clock=_Wall(), connections=width)
    request = Request(method="POST", url=f"http://{host}/", content=BODY, headers={"authorization": "Bearer none"})
    try:
        return await _rate(lambda: client.exchange(request), width, seconds)
    finally:
        await client.aclose()


async def _aiohttp(port: int, width: int, seconds: float) -> float:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=width)) as session:

        async def post() -> None:
            async with session.post(f"http://127.0.0.1:{port}/", data=BODY) as answer:
                await answer.read()

        return await _rate(post, width, seconds)


async def _httpx(port: int, width: int, seconds: float) -> float:
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=width), trust_env=False) as client:
        return await _rate(lambda: client.post(f"http://127.0.0.1:{port}/", content=BODY), width, seconds)


CLIENTS = {"fieldfare": _fieldfare, "aiohttp": _aiohttp, "httpx": _httpx}


def measure(*, rounds: int = ROUNDS, seconds: float = SECONDS) -> dict[str, Any]:
    """Medians over the rounds, requests per second: `{client: {"1": …, "10": …, "50": …}}`; takes about 30 s."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.http", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        rates: dict[str, dict[int, list[float]]] = {name: {width: [] for width in IN_FLIGHT} for name in CLIENTS}
        for _ in range(rounds):
            for width in IN_FLIGHT:
                for name, client in CLIENTS.items():
                    rates[name][width].append(asyncio.run(client(port, width, seconds)))
        # Leaving the block closes the server's standard input and waits for its end.
    return {
        name: {str(width): round(statistics.median(found)) for width, found in widths.items()}
        for name, widths in rates.items()
    }


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(_serve())
    else:
        print(json.dumps(measure()))
