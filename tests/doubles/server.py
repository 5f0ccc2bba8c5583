"""A loopback HTTP/1.1 server for a double: in the test's own loop, or in a thread beside it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from email.utils import format_datetime

from .base import Double
from .faults import Fault, Wire
from .wire import LARGEST_HEAD, Garbled, Response, head_of, read_request

ENDLESS_CHUNKS = 16_384
CHUNK = b" " * 65_536


class Server:
    """Serves one double on 127.0.0.1, on a port of the system's choosing; one request is performed at a time.

    A double that is `silent_close` closes a connection after one answer without having said so: a request that is on
    its way by then dies with a reset and is not performed.
    """

    def __init__(self, double: Double, *, port: int = 0) -> None:
        self.double = double
        self.connections = 0
        self.port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens; from here on the double knows its own address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=LARGEST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        self.double.url = self.url

    async def stop(self) -> None:
        """Closes every connection and frees the port."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._converse(reader, writer, self.connections)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, Garbled, ValueError):
            pass  # the client went away, spoke no HTTP, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        reused = False
        while (request := await read_request(reader, number, reused=reused)) is not None:
            fault = self.double.strike(request)
            if fault is not None and fault.lag:
                await asyncio.sleep(fault.lag)
            with self.double.lock:
                response = self.double.exchange(request, fault)
            pause = response.delay + (fault.delay if fault else 0.0)
            if pause:
                await asyncio.sleep(pause)
            close = request.headers.get("connection", "").lower() == "close"
            if not await self._answer(reader, writer, response, fault, close=close):
                return
            reused = True

    async def _answer(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        response: Response,
        fault: Fault | None,
        *,
        close: bool,
    ) -> bool:
        """Sends what the client is to hear; False when the connection is over."""
        wire = fault.wire if fault else Wire.WHOLE
        date = format_datetime(self.double.now(), usegmt=True)
        length = len(response.body)
        match wire:
            case Wire.CLOSED:
                return False
            case Wire.RESET:
                _reset(writer)
                return False
            case Wire.HANGING:
                # Whatever the client still sends is swallowed; its end ends the wait.
                while await reader.read(65_536):
                    pass
                return False
            case Wire.TRUNCATED:
                writer.write(head_of(response, date=date, length=max(length, 2), close=close))
                writer.write(response.body[: length // 2])
                await writer.drain()
                return False
            case Wire.ENDLESS:
                writer.write(head_of(response, date=date, length=None, close=close))
                for _ in range(ENDLESS_CHUNKS):
                    writer.write(f"{len(CHUNK):x}\r\n".encode() + CHUNK + b"\r\n")
                    await writer.drain()
                return False
            case Wire.WHOLE:
                body = b"" if response.status == 204 else response.body
                writer.write(head_of(response, date=date, length=length, close=close) + body)
                await writer.drain()
                return not (close or self.double.silent_close)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(double: Double, *, port: int = 0) -> AsyncIterator[Server]:
    """Serves a double in the running loop for the length of a `with`."""
    server = Server(double, port=port)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.contextmanager
def beside(double: Double, *, port: int = 0) -> Iterator[Server]:
    """Serves a double in a thread of its own for the length of a `with`: for tests of other processes."""
    server = Server(double, port=port)
    ready = threading.Event()
    over = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    failed: list[BaseException] = []

    async def life() -> None:
        loops.append(asyncio.get_running_loop())
        try:
            await server.start()
        except OSError as error:
            failed.append(error)
            return
        finally:
            ready.set()
        await over.wait()
        await server.stop()

    thread = threading.Thread(target=asyncio.run, args=(life(),), name="double", daemon=True)
    thread.start()
    ready.wait(10)
    if failed:
        raise failed[0]
    try:
        yield server
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(10)
