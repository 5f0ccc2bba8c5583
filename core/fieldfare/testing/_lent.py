"""What a session is lent in a test: a clock moved by hand, a handler in place of a network, secrets from a dict."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar, cast

from ..plugin import Answer, AuthFailed, NotSent, OutcomeUnknown, Request, Secret, sort_read

T = TypeVar("T")

Handler: TypeAlias = Callable[[Request], Answer | Awaitable[Answer]]
"""The far side as a function: an answer for each request. It may raise NotSent or OutcomeUnknown itself."""

Sort: TypeAlias = Callable[[Answer], None]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""The moment at which everything in a test begins unless it says otherwise."""


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, seconds: float) -> datetime:
        """Move it forward, and give the new time."""
        self._at += timedelta(seconds=seconds)
        return self._at


def nobody(request: Request) -> Answer:
    """A handler for platforms that bring their own transport: whoever asks it for something has made a mistake."""
    raise NotSent(f"{request.method} {request.url}: this test gave no handler, so there is nobody to answer")


async def answered(handler: Handler, request: Request) -> Answer:
    """What the handler says, whether it is a plain or an async function."""
    said = handler(request)
    return await said if inspect.isawaitable(said) else said


class Reading:
    """The guarded client in a test: asks the handler, and keeps every request in `asked`."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.asked: list[Request] = []

    async def read(self, request: Request, *, sort: Sort = sort_read) -> Answer:
        self.asked.append(request)
        try:
            answer = await answered(self._handler, request)
        except OutcomeUnknown as exc:
            raise NotSent(str(exc)) from exc
        sort(answer)
        return answer


class Lent:
    """Services without an engine: what is kept stays in `tokens`, what is shared in `shared`."""

    def __init__(
        self,
        handler: Handler = nobody,
        *,
        account: str = "brand",
        now: Callable[[], datetime] | None = None,
        secrets: Mapping[str, str] | None = None,
        tokens: dict[str, str] | None = None,
        shared: dict[str, Any] | None = None,
    ) -> None:
        self.account = account
        self.http = Reading(handler)
        self.tokens = {} if tokens is None else tokens
        self.shared = {} if shared is None else shared
        self._now = now or Hands().now
        self._secrets = secrets or {}

    def now(self) -> datetime:
        return self._now()

    def secret(self, name: Secret) -> str:
        if name.name not in self._secrets:
            raise AuthFailed(f"secret {name.name!r} is not among those of this test")
        return self._secrets[name.name]

    def kept(self, name: str) -> str | None:
        return self.tokens.get(name)

    async def keep(self, name: str, value: str) -> None:
        self.tokens[name] = value

    def share(self, key: str, make: Callable[[], T]) -> T:
        if key not in self.shared:
            self.shared[key] = make()
        return cast(T, self.shared[key])
