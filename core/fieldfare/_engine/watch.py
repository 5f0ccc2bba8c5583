"""Refuses network, processes, questions and a sudden end while a file is loaded: against accidents, not a sandbox.

An audit hook can never be removed, so there is one for the whole process, and a context variable says whether it
watches. It is installed by the first load, and is the one exception to "no global state". `os._exit` tells no hook of
itself, so another stands in its place meanwhile.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Collection, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn

_CONNECTS = "a file may not use the network while it is loaded"
_STARTS = "a file may not start a process while it is loaded"
_EVENTS = {
    "socket.connect": _CONNECTS,
    "socket.bind": _CONNECTS,
    "socket.sendto": _CONNECTS,
    "socket.sendmsg": _CONNECTS,
    "socket.getaddrinfo": _CONNECTS,
    "socket.gethostbyname": _CONNECTS,
    "socket.gethostbyaddr": _CONNECTS,
    "urllib.Request": _CONNECTS,
    "http.client.connect": _CONNECTS,
    "ftplib.connect": _CONNECTS,
    "imaplib.open": _CONNECTS,
    "poplib.connect": _CONNECTS,
    "smtplib.connect": _CONNECTS,
    "webbrowser.open": _STARTS,
    "subprocess.Popen": _STARTS,
    "os.system": _STARTS,
    "os.exec": _STARTS,
    "os.fork": _STARTS,
    "os.forkpty": _STARTS,
    "os.posix_spawn": _STARTS,
    "os.spawn": _STARTS,
    "os.startfile": _STARTS,
    "pty.spawn": _STARTS,
    "builtins.input": "a file may not ask questions while it is loaded",
}
"""Names from the table of audit events in the documentation of Python 3.11."""


class Forbidden(RuntimeError):
    """What the file sees when it does what it may not do while it is loaded."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One refusal, and the line of a watched file that caused it. `column` is a byte offset from 0."""

    what: str
    filename: str
    line: int
    column: int


@dataclass(slots=True)
class _Watch:
    filenames: Collection[str]
    seen: list[Seen] = field(default_factory=list[Seen])


_watching: ContextVar[_Watch | None] = ContextVar("fieldfare_watching", default=None)


@contextmanager
def watched(filenames: Collection[str]) -> Generator[list[Seen]]:
    """Inside, everything named above is refused with `Forbidden`; the list holds what was, even if it was swallowed."""
    _install()
    watch = _Watch(filenames)
    token = _watching.set(watch)
    before = os._exit
    os.__dict__["_exit"] = _exit
    try:
        yield watch.seen
    finally:
        os.__dict__["_exit"] = before
        _watching.reset(token)


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    watch = _watching.get()
    if watch is None:
        return
    _refuse(watch, f"{_EVENTS[event]} ({event})")


_really_exit = os._exit


def _exit(status: int) -> NoReturn:
    watch = _watching.get()
    if watch is None:
        _really_exit(status)
    _refuse(watch, "a file may not end the process while it is loaded (os._exit)")


def _refuse(watch: _Watch, what: str) -> NoReturn:
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename not in watch.filenames:
        frame = frame.f_back
    if frame is not None:
        place = list(frame.f_code.co_positions())[frame.f_lasti // 2]
        watch.seen.append(Seen(what, frame.f_code.co_filename, frame.f_lineno, place[2] or 0))
    raise Forbidden(what)
