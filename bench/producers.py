"""The load generator, in a process of its own: producers in a closed loop, each on a kept-alive connection.

Its one argument is JSON. It makes every request first, says "ready", begins when a line comes in, and says what it saw.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .mention import mention


class Producer(asyncio.Protocol):
    """Offers one mention after another; `done` is told when there are none left, or the connection ends."""

    def __init__(self, requests: Iterator[bytes], seen: Seen, done: asyncio.Future[None], pause: float) -> None:
        self._requests = requests
        self._seen = seen
        self._done = done
        self._pause = pause
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def offer(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            return
        self._began = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not _whole(self._buffer):
            return
        now = time.monotonic()
        self._seen.statuses[self._buffer[9:12].decode()] += 1
        self._seen.waits.append(now - self._began)
        self._seen.last = now
        self._buffer = b""
        if self._pause:
            asyncio.get_running_loop().call_at(self._began + self._pause, self.offer)
        else:
            self.offer()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._seen.statuses["lost"] += 1
            self._done.set_result(None)


def _given(producer: Producer) -> Producer:
    return producer


class Seen:
    """What the producers saw."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.waits: list[float] = []
        self.last = 0.0


def _whole(answer: bytes) -> bool:
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    start = answer[:head].lower()
    if b"content-length:" in start:
        size = int(start.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return len(answer) >= head + 4 + size
    return answer.endswith(b"0\r\n\r\n")


def _request(number: int, accounts: int, keyword: str, now: datetime) -> bytes:
    body = mention(number, keyword, now)
    head = f"POST /mentions/brand-{number % accounts} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def produce(
    *, port: int, connections: int, accounts: int, first: int, count: int, keyword: str, per_second: float
) -> dict[str, Any]:
    """Offer all mentions; with `per_second` above 0 the producers together begin so many in each second."""
    loop = asyncio.get_running_loop()
    now = datetime.now(UTC)
    requests = iter([_request(number, accounts, keyword, now) for number in range(first, first + count)])
    seen = Seen()
    pause = connections / per_second if per_second else 0.0
    done = [loop.create_future() for _ in range(connections)]
    made = [Producer(requests, seen, one, pause) for one in done]
    for producer in made:
        await loop.create_connection(partial(_given, producer), "127.0.0.1", port)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    began = time.monotonic()
    for index, producer in enumerate(made):
        if pause:
            loop.call_later(pause * index / connections, producer.offer)
        else:
            producer.offer()
    await asyncio.gather(*done)
    waits = sorted(seen.waits) or [0.0]
    return {
        "began": began,
        "ended": seen.last,
        "statuses": dict(seen.statuses),
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[min(len(waits) - 1, len(waits) * 99 // 100)] * 1000,
        "cpu": time.process_time(),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(produce(**json.loads(sys.argv[1])))), flush=True)
