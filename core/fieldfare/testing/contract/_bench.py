"""What the tests of the kit stand on."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from ...plugin import Answer, Batch, Event, Platform, Post, PostRef, Request, Session, Visibility
from .._lent import Handler, Hands, Lent, answered
from .._trial import Trial

P = ParamSpec("P")
S = TypeVar("S")
Known: TypeAlias = Callable[[Collection[str]], Awaitable[frozenset[str]]]
_Async: TypeAlias = Callable[Concatenate[S, P], Coroutine[Any, Any, None]]
_Plain: TypeAlias = Callable[Concatenate[S, P], None]
MOST_PULLS = 50
"""Pulls in a row that may say `more`; a feed that goes on for longer does not end."""


class OtherSide(Protocol):
    """The network as the people in it see it: a test makes things happen there, and looks at what is there.

    Only what the platform's capabilities ask for is called. `at` is when it happens, by the network's clock.
    """

    def mention(
        self,
        text: str,
        *,
        by: str,
        at: datetime,
        bot: bool = False,
        us: bool = False,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> PostRef:
        """Somebody (a bot, or the account itself) names the account in a post that has `text` in it."""
        ...

    def reply(self, text: str, *, to: PostRef, by: str, at: datetime) -> PostRef:
        """Somebody answers a post of the account without naming it."""
        ...

    def follow(self, *, by: str, at: datetime) -> None:
        """Somebody begins to follow the account."""
        ...

    def post(self, text: str, *, by: str, at: datetime) -> PostRef:
        """Somebody writes something that has nothing to do with the account."""
        ...

    def vanish(self, ref: PostRef) -> None:
        """A post is taken down."""
        ...

    def published(self) -> Sequence[Post]:
        """Every post of the account that stands, oldest first."""
        ...


@dataclass(kw_only=True)
class Bench:
    """One account on one network, with a clock that only the test moves."""

    platform: Platform
    handler: Handler
    clock: Hands
    secrets: dict[str, str]
    shared: dict[str, Any]
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[Request] = field(default_factory=list[Request])
    """Every request so far, reads and writes, that went to the handler."""
    instead: Answer | None = None
    """What every request to the handler is answered with from now on."""

    async def open(self) -> Any:
        """A new session of the account, as the daemon would open it."""
        lent = Lent(self._handle, now=self.clock.now, secrets=self.secrets, tokens=self.tokens, shared=self.shared)
        return await self.platform.open(lent)

    async def _handle(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.instead or await answered(self.handler, request)

    def trial(self, session: Session, delivery: str = "one", *, taken: Collection[str] = ()) -> Trial:
        """A first attempt at a delivery of that name."""
        return Trial(
            session,
            self._handle,
            delivery=f"kit/{delivery}/0",
            now=self.clock.now,
            media={DOT_SHA256: DOT},
            taken_ids=taken,
        )

    def settle(self, session: Session, capability: type[Session]) -> None:
        """Let the time pass after which nothing that was on its way can appear any more."""
        self.clock.advance(session.declares[capability].settle.total_seconds() + 1)


def story(*wants: type[Session]) -> Callable[[_Async[S, P]], _Plain[S, P]]:
    """Make an async test a plain one that runs only where the platform's session has these capabilities."""

    def made(test: _Async[S, P]) -> _Plain[S, P]:
        @functools.wraps(test)
        def told(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            asyncio.run(test(self, *args, **kwargs))

        told.wants = wants  # type: ignore[attr-defined]
        return told

    return made


class Pulling:
    """A feed as the engine reads it: what came before is known, and the same event again is no event."""

    def __init__(self, read: Callable[[str | None, Known], Awaitable[Batch[Any]]]) -> None:
        self.read = read
        self.cursor: str | None = None
        self.seen: dict[str, Event] = {}

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        return frozenset(ids) & self.seen.keys()

    async def pull(self) -> list[Any]:
        """Everything new, in the order in which it came."""
        fresh: list[Any] = []
        for _ in range(MOST_PULLS):
            batch = await self.read(self.cursor, self.known)
            self.cursor = batch.cursor
            for event in batch.events:
                if event.id not in self.seen:
                    self.seen[event.id] = event
                    fresh.append(event)
            if not batch.more:
                return fresh
        raise AssertionError(f"the feed said `more` {MOST_PULLS} times in a row")


def strays(asked: Sequence[Request], hosts: Collection[str]) -> list[str]:
    """The hosts that were asked and are not declared; `*.name` stands for every host below `name`."""
    places = {urlsplit(request.url).netloc for request in asked}
    return sorted(place for place in places if not any(_covers(host, place) for host in hosts))


def _covers(host: str, place: str) -> bool:
    return place.endswith(host[1:]) if host.startswith("*.") else place == host


DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
"""A PNG of one grey pixel."""
DOT_SHA256 = hashlib.sha256(DOT).hexdigest()
