"""HTTP/1.1 as plain values: what a double is asked, what it answers, and how both look on a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

LARGEST_BODY = 64 * 1024 * 1024
LARGEST_HEAD = 64 * 1024


class Garbled(Exception):
    """The bytes on the socket are no HTTP request that a double reads."""


@dataclass(frozen=True)
class Part:
    """One part of a multipart form; `filename` is empty for a plain field."""

    name: str
    filename: str
    mime: str
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


@dataclass(frozen=True)
class Request:
    """One request as a double sees it; header names are in lower case, `path` is decoded and has no query."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    connection: int = 0
    """Which connection it came on, counted from 1; 0 when it came on none."""
    reused: bool = False
    """Whether that connection had carried a request before."""

    def param(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def params(self, name: str) -> list[str]:
        """Every value of a repeated query parameter, with or without the `[]` that some clients write."""
        return [value for key, value in self.query if key in (name, f"{name}[]")]

    @property
    def bearer(self) -> str:
        """The token of the Authorization header, or nothing."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def mime(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON; raises `ValueError` when it is not."""
        return json.loads(self.body)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of a multipart body; none for any other body."""
        if self.mime != "multipart/form-data":
            return ()
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        return tuple(_part(each) for each in message.iter_parts())

    @cached_property
    def form(self) -> tuple[tuple[str, str], ...]:
        """The plain fields of a form, urlencoded or multipart."""
        if self.mime == "application/x-www-form-urlencoded":
            return tuple(parse_qsl(self.body.decode(), keep_blank_values=True))
        return tuple((part.name, part.text) for part in self.parts if not part.filename)


def _part(message: Message) -> Part:
    payload = message.get_payload(decode=True)
    name = message.get_param("name", "", header="content-disposition")
    return Part(
        name=str(name),
        filename=message.get_filename() or "",
        mime=message.get_content_type(),
        content=payload if isinstance(payload, bytes) else b"",
    )


@dataclass(frozen=True)
class Response:
    """One answer of a double."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    """Seconds that the server takes before it answers; what was asked is performed at once."""

    def json(self) -> Any:
        """The body as JSON, for tests that call a double without a socket."""
        return json.loads(self.body)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(status, body, {"content-type": "application/json; charset=utf-8"} | dict(headers or {}))


def as_html(text: str, status: int = 200) -> Response:
    """An answer in HTML, such as a proxy in front of a server gives."""
    return Response(status, text.encode(), {"content-type": "text/html; charset=utf-8"})


async def read_request(reader: asyncio.StreamReader, connection: int, *, reused: bool) -> Request | None:
    """The next request of a connection; None when the peer closed it between two requests."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as gone:
        if gone.partial.strip():
            raise Garbled(f"the connection ended inside a request head: {gone.partial[:80]!r}") from gone
        return None
    except asyncio.LimitOverrunError as long:
        raise Garbled("the request head is too long") from long
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise Garbled(f"{first!r} is no request line")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    target = urlsplit(words[1])
    return Request(
        method=words[0],
        path=unquote(target.path),
        query=tuple(parse_qsl(target.query, keep_blank_values=True)),
        headers=headers,
        body=await _read_body(reader, headers),
        connection=connection,
        reused=reused,
    )


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        pieces: list[bytes] = []
        total = 0
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            total += size
            if total > LARGEST_BODY:
                raise Garbled("the request body is too long")
            pieces.append((await reader.readexactly(size + 2))[:-2])
        await reader.readuntil(b"\r\n")
        return b"".join(pieces)
    length = int(headers.get("content-length", "0"))
    if length > LARGEST_BODY:
        raise Garbled("the request body is too long")
    return await reader.readexactly(length)


def head_of(response: Response, *, date: str, length: int | None, close: bool) -> bytes:
    """Status line and headers; `length` None announces a chunked body."""
    headers = {"date": date, **{name.lower(): value for name, value in response.headers.items()}}
    if length is None:
        headers["transfer-encoding"] = "chunked"
    elif response.status != 204:
        headers["content-length"] = str(length)
    if close:
        headers["connection"] = "close"
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {response.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
