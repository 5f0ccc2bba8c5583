"""A double as the far side of a session, without a socket: what `fieldfare.testing` calls a handler."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from fieldfare.plugin import Answer, NotSent, OutcomeUnknown
from fieldfare.plugin import Request as Asked
from fieldfare.testing import Handler

from .base import Clock, Double
from .faults import Wire
from .wire import Request


class Following(Clock):
    """A server's time that is somebody else's: the test's own clock, `ahead` seconds added."""

    def __init__(self, now: Callable[[], datetime], ahead: float = 0.0) -> None:
        super().__init__()
        self._now = now
        self.advance(ahead)

    def now(self) -> datetime:
        return self._now() + self._ahead


def handler(double: Double) -> Handler:
    """Performs what a session asks. An answer that a fault loses becomes OutcomeUnknown; delays do not happen."""

    def answer(asked: Asked) -> Answer:
        request = _request(asked)
        fault = double.strike(request)
        response = double.exchange(request, fault)
        if fault is not None and fault.wire is not Wire.WHOLE:
            raise OutcomeUnknown(f"{fault.name}: no clear answer")
        headers = {"date": format_datetime(double.now(), usegmt=True)}
        headers |= {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=headers, body=response.body, url=asked.url)

    return answer


def _request(asked: Asked) -> Request:
    params: list[tuple[str, str]] = []
    for name, value in (asked.params or {}).items():
        many = [value] if isinstance(value, str | int | bool) else list(value)
        params += [(name, str(each).lower() if isinstance(each, bool) else str(each)) for each in many]
    try:
        message = httpx.Request(
            asked.method,
            asked.url,
            headers=dict(asked.headers),
            json=asked.json,
            data=dict(asked.form) if asked.form else None,
            files=[(each.name, (each.filename, each.content, each.mime)) for each in asked.files] or None,
            content=asked.content,
        )
    except ValueError as error:
        raise NotSent(f"the request cannot be written: {error}") from error
    message.read()
    parts = urlsplit(asked.url)
    return Request(
        method=asked.method,
        path=unquote(parts.path),
        query=(*parse_qsl(parts.query, keep_blank_values=True), *params),
        headers={name.lower(): value for name, value in message.headers.items()},
        body=message.content,
    )
