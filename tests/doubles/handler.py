"""A double asked without a socket: what `fieldfare.testing` takes for the far side."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import format_datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from fieldfare.plugin import Answer, OutcomeUnknown, Request

from . import wire
from .base import Double
from .faults import Wire


def handler(double: Double) -> Callable[[Request], Answer]:
    """The far side of every request, whatever its host. A fault that cuts the answer off raises OutcomeUnknown."""

    def handle(request: Request) -> Answer:
        heard = _heard(request)
        fault = double.strike(heard)
        response = double.exchange(heard, fault)
        if fault is not None and fault.wire is not Wire.WHOLE:
            raise OutcomeUnknown(f"no clear answer from {request.url}: {fault.name}")
        headers = {"date": format_datetime(double.now(), usegmt=True)}
        headers |= {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=headers, body=response.body, url=request.url)

    return handle


def _heard(request: Request) -> wire.Request:
    files = [(file.name, (file.filename, file.content, file.mime)) for file in request.files]
    message = httpx.Request(
        request.method,
        request.url,
        params=dict(request.params) if request.params else None,
        headers=dict(request.headers),
        json=request.json,
        data=dict(request.form) if request.form is not None else None,
        files=files or None,
        content=request.content,
    )
    target = urlsplit(str(message.url))
    return wire.Request(
        method=message.method,
        path=unquote(target.path),
        query=tuple(parse_qsl(target.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in message.headers.items()},
        body=message.read(),
    )
