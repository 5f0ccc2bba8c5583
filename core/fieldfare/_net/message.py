"""Between the contract's plain values and httpx's: a request as it is written, an answer as it was read."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from .._contract.http import Answer, Request
from .body import ENCODINGS, Garbled, collect
from .guard import Hopeless, target

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\r\n\0]")
_OURS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers that say how a message travels; they belong to the client."""


def compose(request: Request, user_agent: str) -> httpx.Request:
    """The request as it goes out, its body in memory; raises Hopeless for one that no server should see."""
    url = target(request.url, request.params)
    if not _TOKEN.fullmatch(request.method):
        raise Hopeless(f"{request.method!r} is no method")
    if sum((request.json is not None, bool(request.form or request.files), request.content is not None)) > 1:
        raise Hopeless("a request has one body: json, form with files, or content")
    message = httpx.Request(
        request.method,
        url,
        headers=_headers(request.headers, user_agent),
        json=request.json,
        data=request.form,
        files=[(file.name, (file.filename, file.content, file.mime)) for file in request.files] or None,
        content=request.content,
    )
    message.read()
    return message


def _headers(given: Mapping[str, str], user_agent: str) -> dict[str, str]:
    headers = {"accept": "*/*", "accept-encoding": ENCODINGS, "user-agent": user_agent}
    for name, value in given.items():
        lower = name.lower()
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise Hopeless(f"header {name!r} has a character that no header may have")
        if lower in _OURS or lower.startswith("proxy-"):
            raise Hopeless(f"header {name!r} is set by the client alone; leave it out")
        headers[lower] = value
    return headers


async def answer(response: httpx.Response, url: str, cap: int) -> Answer:
    """The answer with its body read and decoded; raises TooLarge and Garbled as `collect` does."""
    if response.status_code < 200 or not isinstance(response.stream, httpx.AsyncByteStream):
        raise Garbled(f"status {response.status_code} is no final answer")
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body = await collect(response.stream, headers.get("content-encoding", ""), cap)
    return Answer(status=response.status_code, headers=headers, body=body, url=url)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
