"""What can go wrong between a client and a network, as data: what happened out there, and what the client hears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum
from fnmatch import fnmatchcase
from typing import TypeAlias

from .wire import Request, Response, as_html, as_json


class Wire(Enum):
    """What the client gets to see of an answer."""

    WHOLE = "whole"
    CLOSED = "closed"
    """An orderly end of the connection without a byte of an answer."""
    RESET = "reset"
    """The same as a TCP reset."""
    HANGING = "hanging"
    """Nothing at all until the client gives up or the server stops."""
    TRUNCATED = "truncated"
    """All headers and half of the body, then the end of the connection."""
    ENDLESS = "endless"
    """A chunked body that does not end before the client does (or before 1 GiB)."""


Answers: TypeAlias = Callable[[datetime], Response]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. `performed` says whether the network did what it was asked."""

    name: str
    performed: bool
    wire: Wire = Wire.WHOLE
    delay: float = 0.0
    """Seconds before anything is heard, after it was performed."""
    lag: float = 0.0
    """Seconds before it is performed, whether or not the client still waits."""
    instead: Answers | None = None
    """The answer that takes the place of the network's own; it is given the server's time."""
    reused_only: bool = False
    """Strikes only requests on a connection that carried one before."""

    def __str__(self) -> str:
        return f"{self.name} {'after' if self.performed else 'before'}"


def drop(*, performed: bool) -> Fault:
    """The connection is closed without an answer, before or after the request was performed."""
    return Fault("drop", performed, Wire.CLOSED)


def reset(*, performed: bool) -> Fault:
    """The connection is reset, before or after the request was performed."""
    return Fault("reset", performed, Wire.RESET)


def reset_reused() -> Fault:
    """A request on a connection that carried one before dies with a reset; nothing is performed."""
    return Fault("reset reused", False, Wire.RESET, reused_only=True)


def delay(seconds: float) -> Fault:
    """Performed at once, answered `seconds` later."""
    return Fault("delay", True, delay=seconds)


def late(seconds: float) -> Fault:
    """Performed only after `seconds`, even when the client has given up by then."""
    return Fault("late", True, lag=seconds)


def hang(*, performed: bool) -> Fault:
    """No answer at all while the connection stays open."""
    return Fault("hang", performed, Wire.HANGING)


def broken(status: int = 503, *, performed: bool, body: bytes = b"") -> Fault:
    """A 5xx, before or after the request was performed."""
    return Fault(f"broken {status}", performed, instead=lambda _: Response(status, body))


def truncated(*, performed: bool = True) -> Fault:
    """The answer breaks off in the middle of its body."""
    return Fault("truncated", performed, Wire.TRUNCATED)


def html(*, performed: bool, status: int = 200) -> Fault:
    """A page for people where JSON was promised, such as a captive portal or a maintenance page sends."""
    page = "<!doctype html><title>One moment</title><p>We are <b>back</b> shortly.</p>"
    return Fault("html", performed, instead=lambda _: as_html(page, status))


def endless(*, performed: bool) -> Fault:
    """A body that goes on for ever."""
    return Fault("endless", performed, Wire.ENDLESS)


def answer(response: Response, *, performed: bool) -> Fault:
    """Any answer in place of the network's own."""
    return Fault("answer", performed, instead=lambda _: response)


def limited(form: str, seconds: int = 30) -> Fault:
    """A 429 that performed nothing. `form` is how the wait is told; see `LIMIT_FORMS`."""
    if form not in LIMIT_FORMS:
        raise ValueError(f"no form {form!r} of a 429; there are {', '.join(LIMIT_FORMS)}")
    return Fault(f"limited {form}", False, instead=lambda now: LIMIT_FORMS[form](now, seconds))


def _too_many(headers: dict[str, str]) -> Response:
    return as_json({"error": "Too many requests"}, 429, headers)


def _iso(now: datetime, seconds: int) -> str:
    moment = (now + timedelta(seconds=seconds)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def _epoch(now: datetime, seconds: int) -> str:
    return str(int((now + timedelta(seconds=seconds)).timestamp()))


def _http_date(now: datetime, seconds: int) -> str:
    return format_datetime((now + timedelta(seconds=seconds)).astimezone(UTC), usegmt=True)


LIMIT_FORMS: dict[str, Callable[[datetime, int], Response]] = {
    "retry-after": lambda _, seconds: _too_many({"retry-after": str(seconds)}),
    "retry-after-date": lambda now, seconds: _too_many({"retry-after": _http_date(now, seconds)}),
    "x-ratelimit-reset-iso": lambda now, seconds: _too_many({"x-ratelimit-reset": _iso(now, seconds)}),
    "x-ratelimit-reset-epoch": lambda now, seconds: _too_many({"x-ratelimit-reset": _epoch(now, seconds)}),
    "x-ratelimit-reset-after": lambda _, seconds: _too_many({"x-ratelimit-reset-after": str(seconds)}),
    "ratelimit-reset-epoch": lambda now, seconds: _too_many({"ratelimit-reset": _epoch(now, seconds)}),
    "ratelimit-reset": lambda _, seconds: _too_many({"ratelimit-reset": str(seconds)}),
    "retry-after-ms": lambda _, seconds: as_json({"error": "slow down", "retry_after_ms": seconds * 1000}, 429),
    "bare": lambda _, __: Response(429, b""),
    "html": lambda _, __: as_html("<h1>429 Too Many Requests</h1>", 429),
}


@dataclass
class Scripted:
    """A fault that waits for its requests: which, how many to spare first, how many to strike."""

    fault: Fault
    method: str
    path: str
    count: int
    spare: int

    def strikes(self, request: Request) -> bool:
        """Whether this request is struck; counts it."""
        if self.count <= 0 or self.method not in ("*", request.method):
            return False
        if not fnmatchcase(request.path, self.path) or (self.fault.reused_only and not request.reused):
            return False
        if self.spare > 0:
            self.spare -= 1
            return False
        self.count -= 1
        return True
