"""The guarded client of one account."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx
import tenacity

from .._contract.http import Answer, Request, Sort, sort_read
from .._domain.errors import NotSent, OutcomeUnknown, Refused
from .body import TooLarge
from .guard import Guard, Hopeless, declared
from .message import answer, compose
from .redact import Redactor, sensitive
from .resolver import Resolver
from .transport import WIRE, Wire, open_transport

MAX_BODY = 8 * 1024 * 1024
TRIES = 3
PATIENCE = 20.0
"""Seconds after which a read is not tried again."""

LEAST_LEARNED = 8
"""Characters of the shortest header or parameter value that is taken for a secret by its name."""

_USER = re.compile(r"//[^/]*@")


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class _Failed:
    said: str
    proven: bool
    """Nothing left."""
    hopeless: bool = False


class Client:
    """Requests of one account, each sent at most once, to vetted addresses, with a cap on what comes back.

    Follows no redirect, keeps no cookie, uses no proxy. Credentials (an Authorization or Cookie header, and whatever
    the redactor knows as secret, wherever it stands) go to `hosts` only. No error it raises carries a secret.
    """

    def __init__(
        self,
        *,
        hosts: Iterable[str],
        clock: Clock,
        private: Sequence[str] = (),
        max_body: int = MAX_BODY,
        connections: int = 8,
        transport: httpx.AsyncBaseTransport | None = None,
        resolver: Resolver | None = None,
        user_agent: str = "fieldfare",
        redactor: Redactor | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.redactor = redactor if redactor is not None else Redactor()
        self._hosts = frozenset(hosts)
        self._clock = clock
        self._guard = Guard(private)
        self._max_body = max_body
        self._user_agent = user_agent
        self._transport = transport or open_transport(
            private=private, connections=connections, resolver=resolver, trust=trust
        )

    async def read(self, request: Request, *, sort: Sort = sort_read) -> Answer:
        """One exchange that changes nothing; raises NotSent when it did not work, else what `sort` raises.

        Tried up to three times within 20 seconds while it raises NotSent and the network names no wait of its own.
        """
        started = self._clock.monotonic()
        first = True

        def left() -> float:
            return PATIENCE - (self._clock.monotonic() - started)

        async def once() -> Answer:
            nonlocal first
            timeout = request.timeout if first else min(request.timeout, left())
            first = False
            result = await self._try(request, timeout)
            if isinstance(result, _Failed):
                raise Hopeless(result.said) if result.hopeless else NotSent(result.said)
            self._sorted(result, sort)
            return result

        def enough(state: tenacity.RetryCallState) -> bool:
            return state.attempt_number >= TRIES or state.upcoming_sleep >= left()

        again = tenacity.AsyncRetrying(
            sleep=self._clock.sleep,
            stop=enough,
            wait=tenacity.wait_exponential(multiplier=0.25),
            retry=tenacity.retry_if_exception(_worth_another),
            reraise=True,
        )
        return await again(once)

    async def exchange(self, request: Request, *, leaves: Callable[[], None] = lambda: None) -> Answer:
        """One request that may change something, sent at most once; any well-formed answer is returned.

        `leaves` is called when the request has its connection and before its first byte; to stop it there it raises
        Refused. Raises NotSent when it is proven that nothing left (Hopeless when we refuse it ourselves),
        OutcomeUnknown for everything else that went wrong.
        """
        result = await self._try(request, request.timeout, leaves)
        if isinstance(result, Answer):
            return result
        if not result.proven:
            raise OutcomeUnknown(result.said)
        raise Hopeless(result.said) if result.hopeless else NotSent(result.said)

    async def aclose(self) -> None:
        """Close every connection; no request follows."""
        await self._transport.aclose()

    async def _try(
        self, request: Request, timeout: float, leaves: Callable[[], None] = lambda: None
    ) -> Answer | _Failed:
        wire = Wire(leaves=leaves)
        failed: _Failed
        try:
            message = compose(request, self._user_agent)
            message.extensions[WIRE] = wire
            self._guard.literal(message.url)
            self._bind(message, request.headers)
        except Hopeless as error:
            return self._failed(request, str(error), proven=True, hopeless=True)
        except Exception as error:
            return self._failed(request, f"the request cannot be written: {error}", proven=True, hopeless=True)
        try:
            async with asyncio.timeout(timeout):
                response = await self._transport.handle_async_request(message)
                try:
                    url = self.redactor.redact(str(message.url))
                    return await answer(response, url, self._max_body)
                finally:
                    await response.aclose()
        except Refused:
            raise
        except NotSent as error:
            failed = self._failed(request, str(error), proven=True, hopeless=isinstance(error, Hopeless))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            failed = self._failed(request, f"no connection: {error}", proven=True)
        except TooLarge:
            failed = self._failed(request, f"answer larger than {self._max_body} bytes", hopeless=True)
        except TimeoutError:
            what = "no whole answer" if wire.left else "no connection"
            failed = self._failed(request, f"{what} within {timeout:g} s", proven=not wire.left)
        except Exception as error:
            said = str(error) or type(error).__name__
            failed = self._failed(request, f"no clear answer: {said}", proven=not wire.left)
        # Outside of `except`, so that no exception travels along that quotes the request.
        return failed

    def _failed(self, request: Request, said: str, *, proven: bool = False, hopeless: bool = False) -> _Failed:
        place = _USER.sub("//", re.split("[?#]", request.url, maxsplit=1)[0])
        return _Failed(self.redactor.redact(f"{request.method} {place}: {said}"), proven, hopeless)

    def _sorted(self, answer: Answer, sort: Sort) -> None:
        """What the answer means; an error that quotes it is cleaned, since networks echo tokens."""
        try:
            sort(answer)
        except Exception as error:
            error.args = tuple(self.redactor.redact(arg) if isinstance(arg, str) else arg for arg in error.args)
            raise

    def _bind(self, message: httpx.Request, headers: Mapping[str, str]) -> None:
        """Keeps credentials from any host but the declared ones, and remembers those that travel to hide them."""
        if declared(message.url, self._hosts):
            params = message.url.params.multi_items() if message.url.query else []
            for name, value in (*headers.items(), *params):
                if sensitive(name):
                    self._learn(value)
            return
        place = message.url.netloc.decode("ascii")
        allowed = ", ".join(sorted(self._hosts)) or "none"
        for name, value in headers.items():
            if sensitive(name) or self.redactor.holds(value):
                raise Hopeless(f"header {name!r} carries credentials, which go to declared hosts only ({allowed})")
        if self.redactor.holds(str(message.url)):
            raise Hopeless(f"the url carries a secret, and {place!r} is not a declared host ({allowed})")
        if self.redactor.holds(message.content.decode("utf-8", "replace")):
            raise Hopeless(f"the body carries a secret, and {place!r} is not a declared host ({allowed})")

    def _learn(self, value: str) -> None:
        scheme, _, rest = value.rpartition(" ")
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                self._learn(base64.b64decode(rest, validate=True).decode().partition(":")[2])
        # A short value, such as `with_token=true`, is a word and no secret.
        if len(rest) >= LEAST_LEARNED:
            self.redactor.learn(rest)


def _worth_another(error: BaseException) -> bool:
    return isinstance(error, NotSent) and error.retry_after is None and not isinstance(error, Hopeless)
