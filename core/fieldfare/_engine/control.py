"""The control socket: commands that change state speak to the daemon, or to the store under its lock when none runs."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .._domain.errors import ConfigError, FieldfareError

Run = Callable[[str, Mapping[str, Any], str], Awaitable[dict[str, Any]]]
LARGEST = 1024 * 1024
PATIENCE = 10.0


class ControlError(FieldfareError):
    """The daemon said no, in words; `kind` names the error it met, '' when it did not answer at all."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


LONGEST = 100
"""Bytes of a socket's path; macOS takes 103, Linux 107."""


@contextmanager
def reachable(path: Path) -> Generator[str]:
    """The socket's path, or where it is too long for a socket, another way to the same place.

    Raises ConfigError where there is no other way.
    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    if not os.path.isdir("/proc/self/fd"):
        raise ConfigError(f"the path {str(path)!r} is too long for a socket; move the project to a shorter one")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def person(uid: int) -> str:
    """The name of the person behind a uid."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


class ControlServer:
    """Serves one JSON object per line on a socket that only its owner can reach; the caller is the peer's uid."""

    def __init__(self, path: Path, run: Run) -> None:
        self._path = path
        self._run = run
        self._server: asyncio.Server | None = None
        self._ours = 0
        """The inode of the socket that we made."""

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            with reachable(self._path) as path:
                self._server = await asyncio.start_unix_server(self._serve, path, limit=LARGEST)
        finally:
            os.umask(before)
        self._ours = self._path.stat().st_ino

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            # Whoever has taken over from us has its own in this place.
            with suppress(FileNotFoundError):
                if self._path.stat().st_ino == self._ours:
                    self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            said = await self._answer(line, _peer(writer))
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes, uid: int) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            return {"ok": await self._run(asked["do"], asked.get("args", {}), person(uid))}
        except FieldfareError as exc:
            return {"error": str(exc), "kind": type(exc).__name__}
        except (KeyError, TypeError, ValueError) as exc:
            return {"error": f"that is not a request: {exc}", "kind": "ControlError"}


def _peer(writer: asyncio.StreamWriter) -> int:
    peer: socket.socket = writer.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)


async def call(path: Path, name: str, args: Mapping[str, Any], patience: float = PATIENCE) -> dict[str, Any] | None:
    """Ask the daemon; None when none listens. Raises ControlError when it said no, or did not answer in time."""
    try:
        with reachable(path) as short:
            reader, writer = await asyncio.open_unix_connection(short, limit=LARGEST)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError as exc:
        raise ControlError(f"{path} belongs to another user; be the user that runs the daemon") from exc
    try:
        writer.write(json.dumps({"do": name, "args": dict(args)}).encode() + b"\n")
        async with asyncio.timeout(patience):
            line = await reader.readline()
    except TimeoutError as exc:
        raise ControlError(f"the daemon did not answer within {patience:g} s") from exc
    except ConnectionError as exc:
        raise ControlError("the daemon ended before it answered") from exc
    finally:
        writer.close()
    if not line:
        raise ControlError("the daemon closed the connection without an answer")
    said = json.loads(line)
    if "error" in said:
        raise ControlError(said["error"], said.get("kind", ""))
    answer: dict[str, Any] = said["ok"]
    return answer
