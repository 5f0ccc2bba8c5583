"""The other side, in a process of its own: lists mentions in pages, takes replies and counts them by their target.

Commands come as JSON lines on standard input, each is answered by one line: `{"offer": …}` gives mentions to pull,
`{"report": true}` says what was seen. The end of standard input is the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .mention import mention

PAGE = 40


class Town:
    """What the network knows, and what it saw."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.mentions: dict[str, list[bytes]] = defaultdict(list)
        self.replies: Counter[str] = Counter()
        self.offered_at = 0.0
        """When the first full page left, or 0.0."""
        self.replied_at = 0.0

    def offer(self, accounts: int, first: int, count: int, keyword: str) -> None:
        """Let these mentions be pulled from now on, dealt out to the accounts one by one."""
        now = datetime.now(UTC)
        made: dict[str, list[bytes]] = defaultdict(list)
        for number in range(first, first + count):
            made[f"brand-{number % accounts}"].append(mention(number, keyword, now))
        self.offered_at = 0.0
        for account, mentions in made.items():
            self.mentions[account] += mentions

    def page(self, account: str, since: str) -> bytes:
        start = int(since or 0)
        found = self.mentions[account][start : start + PAGE]
        if found and not self.offered_at:
            self.offered_at = time.monotonic()
        return b'{"cursor": "%d", "mentions": [%s]}' % (start + len(found), b", ".join(found))

    def reply(self, body: bytes) -> bytes:
        target = json.loads(body)["to"]
        self.replies[target] += 1
        self.replied_at = time.monotonic()
        return b'{"id": "r%s-%d"}' % (target.encode(), self.replies[target])

    def report(self) -> dict[str, Any]:
        total = self.replies.total()
        return {
            "replies": len(self.replies),
            "duplicates": total - len(self.replies),
            "offered_at": self.offered_at,
            "replied_at": self.replied_at,
            "cpu": time.process_time(),
        }


class Connection(asyncio.Protocol):
    """As much of HTTP/1.1 as the requests of one well-behaved client need."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._seen = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (head := self._seen.find(b"\r\n\r\n")) >= 0:
            start = self._seen[:head].lower()
            size = int(start.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self._seen) < head + 4 + size:
                return
            method, target = self._seen[:head].decode("latin-1").split(" ", 2)[:2]
            body = self._seen[head + 4 : head + 4 + size]
            self._seen = self._seen[head + 4 + size :]
            self._answer(method, target, body)

    def _answer(self, method: str, target: str, body: bytes) -> None:
        if method == "POST":
            said = self._town.reply(body)
            if self._town.delay:
                asyncio.get_running_loop().call_later(self._town.delay, self._write, said)
                return
        else:
            url = urlsplit(target)
            query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            account = query["account"]
            if url.path == "/me":
                said = json.dumps({"id": f"id-{account}", "handle": account}).encode()
            else:
                said = self._town.page(account, query["since"])
        self._write(said)

    def _write(self, said: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(said)
        self._transport.write(head + said)


async def serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    town = Town(delay)
    server = await loop.create_server(lambda: Connection(town), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        if "offer" in command:
            town.offer(**command["offer"])
        print(json.dumps(town.report()), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
