"""httpx's transport interface over aiohttp's connections: no retries, no cookies, no proxies, only vetted addresses.

httpx's own pool walks all its connections for every request and loses rate as they grow; the ready-made bridge to
aiohttp repeats requests on its own and reports a connection lost after sending as one that was never made.
"""

from __future__ import annotations

import io
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

import aiohttp
import certifi
import httpx
from yarl import URL

from .._domain.errors import NotSent, Refused
from .guard import Guard
from .resolver import Resolver, Vetted, look_up

AddressInfo: TypeAlias = tuple[Any, Any, int, str, tuple[Any, ...]]
"""As in an answer of `socket.getaddrinfo`."""
Sockets: TypeAlias = Callable[[AddressInfo], socket.socket]
"""Makes the unconnected socket for one address."""

IDLE = 4.0
"""Seconds an unused connection is kept: below the 5 s of `server.keepAliveTimeout` in Node.js, since a write that
meets a closing connection ends as *uncertain*."""
LARGE = 64 * 1024
"""Bytes of a body from which aiohttp is given a file, which it writes in pieces."""

WIRE = "fieldfare.wire"
"""The key in a request's extensions under which a `Wire` travels."""


@dataclass(slots=True)
class Wire:
    """Whether a request may have left; a transport that does not say so is taken to have sent it."""

    left: bool = True
    leaves: Callable[[], None] = lambda: None
    """Asked before a request is given its connection; what it raises keeps it back."""


_wire: ContextVar[Wire] = ContextVar("fieldfare_wire")


def open_transport(
    *,
    private: Sequence[str] = (),
    connections: int = 8,
    resolver: Resolver | None = None,
    sockets: Sockets | None = None,
    trust: ssl.SSLContext | None = None,
) -> httpx.AsyncBaseTransport:
    """A transport that connects to vetted addresses only and sends each request at most once.

    `private` are the ranges a platform named; plain http goes nowhere else. `trust` may be shared between accounts,
    see `trusted`. Raises ConfigError for a bad range and ValueError for a context that does not verify.
    """
    if trust is not None and not (trust.verify_mode is ssl.CERT_REQUIRED and trust.check_hostname):
        raise ValueError("the TLS context does not verify certificates and host names")
    return _Transport(Guard(private), connections, resolver or look_up, sockets or _socket, trust)


def trusted() -> ssl.SSLContext:
    """A verifying TLS context that trusts the system's authorities and certifi's; costs about 30 ms to make."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _socket(info: AddressInfo) -> socket.socket:
    family, kind, proto, _, _ = info
    return socket.socket(family, kind, proto)


class _Broken(aiohttp.ClientError):
    """A connection lost while a request was on it, as an error that aiohttp does not answer by sending again."""


async def _at_most_once(
    request: aiohttp.ClientRequest, send: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
) -> aiohttp.ClientResponse:
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken(str(error) or type(error).__name__) from error


class _Connector(aiohttp.TCPConnector):
    """Asks whether a request may leave, and counts it as sent from then on: when it is given its connection."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        connection = await super().connect(req, traces, timeout)
        wire = _wire.get()
        try:
            wire.leaves()
        except BaseException:
            connection.release()
            raise
        wire.left = True
        return connection


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(_plainly(error)) from None
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        # A connection whose answer was read to its end is back in the pool by now; any other is cut.
        self._response.close()


class _Transport(httpx.AsyncBaseTransport):
    def __init__(
        self, guard: Guard, connections: int, resolver: Resolver, sockets: Sockets, trust: ssl.SSLContext | None
    ) -> None:
        self._guard = guard
        self._connections = connections
        self._resolver = resolver
        self._sockets = sockets
        self._trust = trust
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        wire: Wire = request.extensions.get(WIRE) or Wire()
        wire.left = False
        body = request.content
        before = _wire.set(wire)
        try:
            response = await self._session(request.url.scheme).request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=(io.BytesIO(body) if len(body) > LARGE else body) or None,
                allow_redirects=False,
            )
        except (NotSent, Refused):
            raise
        except Exception as error:
            kind = httpx.ReadError if wire.left else httpx.ConnectError
            raise kind(_plainly(error), request=request) from None
        finally:
            _wire.reset(before)
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response), request=request)

    async def aclose(self) -> None:
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        # One pool per scheme, because what may be connected to depends on the scheme.
        session = self._sessions.get(scheme)
        if session is None:
            session = self._sessions[scheme] = self._open(plain=scheme != "https")
        return session

    def _open(self, *, plain: bool) -> aiohttp.ClientSession:
        def make(info: AddressInfo) -> socket.socket:
            refusal = self._guard.refusal(str(info[4][0]), plain=plain)
            if refusal is not None:
                raise PermissionError(refusal)
            return self._sockets(info)

        if not plain and self._trust is None:
            self._trust = trusted()
        return aiohttp.ClientSession(
            connector=_Connector(
                limit=self._connections,
                keepalive_timeout=IDLE,
                resolver=Vetted(self._guard, self._resolver, plain),
                use_dns_cache=False,
                socket_factory=make,
                ssl=self._trust or True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_at_most_once,),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
        )


def _plainly(error: BaseException) -> str:
    """What went wrong, without the URL that aiohttp puts into most of its messages."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not trusted ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        code = None if isinstance(cause, socket.gaierror) else cause.errno
        return (os.strerror(code) if code else cause.strerror or str(cause)).lower()
    if isinstance(error, aiohttp.ClientResponseError):
        return f"not a well-formed answer ({error.message.splitlines()[0] if error.message else 'unreadable'})"
    return str(error).strip() or type(error).__name__
