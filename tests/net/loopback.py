"""A server on 127.0.0.1 that does to a client what a test tells it to, and what else the tests of the way out share."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, TypeVar

from fieldfare._net import Client, Redactor, open_transport

T = TypeVar("T")
HERE = Path(__file__).parent
CERTIFICATE = HERE / "localhost.pem"


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """The result of a scenario, which gets 20 seconds."""

    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await scenario

    return asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds; raises TimeoutError after five seconds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


async def passes(count: int = 5) -> None:
    """Lets the loop look at its sockets and act on what it saw, a few times over."""
    for _ in range(count):
        await asyncio.sleep(0)


class VirtualClock:
    """Stands still except for those who sleep on it."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class Call:
    """One request as it arrived, and the connection it came on."""

    def __init__(self, head: bytes, body: bytes, writer: asyncio.StreamWriter, *, first: bool) -> None:
        self.head = head
        self.body = body
        self.first = first
        """Is it the first request of its connection?"""
        self._writer = writer

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    def header(self, name: str) -> str | None:
        found = re.search(rb"(?im)^" + re.escape(name.encode()) + rb":[ \t]*(.*?)\r$", self.head)
        return found[1].decode() if found else None

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if self.method == "HEAD" else body))

    def close(self) -> NoReturn:
        raise Hangup

    def reset(self) -> NoReturn:
        reset(self._writer)
        raise Hangup

    async def silence(self) -> None:
        """Until the client or the test gives up."""
        await asyncio.Event().wait()


class Hangup(Exception):
    """Ends a connection."""


Behave: TypeAlias = Callable[[Call], Awaitable[None]]


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Server:
    """Listens on a port of the system's choosing; `on_accept` sees each connection before a byte is read."""

    def __init__(
        self,
        behave: Behave | None = None,
        *,
        on_accept: Callable[[asyncio.StreamWriter], None] | None = None,
        tls: bool = False,
    ) -> None:
        self._behave = behave or (lambda call: call.answer())
        self._on_accept = on_accept
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.calls: list[Call] = []
        self.connections = 0
        self.open = 0
        """Connections that neither side has ended."""

    async def __aenter__(self) -> Server:
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=context)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # A task that is cancelled before its first step runs no `finally`, so connections are ended here.
        for writer in self._writers:
            writer.transport.abort()
        await passes()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self._writers.append(writer)
        self._tasks.add(asyncio.create_task(self._serve(reader, writer)))
        if self._on_accept is not None:
            self._on_accept(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._requests(reader, writer))
        try:
            # A client that goes away ends whatever the server is doing for it.
            await _gone(reader, serving)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            writer.close()
            await passes()
            self.open -= 1

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = True
        with contextlib.suppress(Hangup, asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?im)^content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                call = Call(head, body, writer, first=first)
                self.calls.append(call)
                await self._behave(call)
                first = False


async def _gone(reader: asyncio.StreamReader, serving: asyncio.Task[None]) -> None:
    while not serving.done() and not reader.at_eof() and reader.exception() is None:
        await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def client_of(
    *hosts: str,
    private: Sequence[str] = ("127.0.0.0/8",),
    clock: VirtualClock | None = None,
    redactor: Redactor | None = None,
    max_body: int = 1024 * 1024,
    **transport: Any,
) -> AsyncIterator[Client]:
    """A client for loopback, closed at the end."""
    client = Client(
        hosts=hosts,
        private=private,
        clock=clock or VirtualClock(),
        redactor=redactor,
        max_body=max_body,
        transport=open_transport(private=private, **transport),
    )
    try:
        yield client
    finally:
        await client.aclose()


class Wall:
    """Stands where sockets are made: writes down every address, and lets nobody through."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    def __call__(self, info: Any) -> socket.socket:
        self.addresses.append(info[4][0])
        raise ConnectionRefusedError(111, "the wall")


class Names:
    """A resolver with a script: each look-up of a name takes the next of its answers, the last one stays."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name: list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers.get(host.partition(".")[0])
        if answers is None:
            raise OSError(f"{host} is not in the script")
        return answers.pop(0) if len(answers) > 1 else answers[0]
