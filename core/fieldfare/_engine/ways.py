"""How the engine reaches the world: as an account, to whoever is to be told, and for what a feed reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog

from .._contract.feeds import Feed
from .._contract.http import Answer, Request
from .._contract.platform import Session
from .._domain.errors import AuthFailed, NotSent, PlatformError
from .attempt import Offset
from .deliver import Way
from .ingest import PullServices
from .notices import Notices
from .sessions import GuardedClient, Live, Sessions
from .surroundings import Surroundings

log = structlog.get_logger("fieldfare.engine")

NOBODY = ""
"""The lane of actions that need no account."""
OPEN_AGAIN = 30.0
"""Seconds until an account that could not be opened is tried again."""


class Ways:
    """Opens what is needed when it is needed; `moved` is told that an account acts as somebody else than before."""

    def __init__(self, around: Surroundings, sessions: Sessions, moved: Callable[[], None]) -> None:
        self._around = around
        self._sessions = sessions
        self._moved = moved
        self._notices: Way | None = None
        self._clients: dict[tuple[tuple[str, ...], str], GuardedClient] = {}
        """For what belongs to no account, by private ranges and by the one host that may see a secret."""

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def to(self, account: str) -> Way | None:
        """An account's way, or with no name that of notices; None while there is none."""
        if account == NOBODY:
            if self._notices is None:
                self._notices = Way(Notices(self._around.secrets.get), self._notify, Offset(), "notices")
            return self._notices
        live = await self.opened(account)
        if live is None:
            return None
        return Way(live.session, live.client.exchange, live.offset, live.account.platform.kind, live.use)

    async def opened(self, account: str) -> Live | None:
        """The account's live session; None when the set has no such account, or it cannot be opened now."""
        if account not in self._sessions.accounts:
            return None
        try:
            return await self._sessions.open(account)
        except PlatformError as exc:
            log.warning("account cannot be opened", account=account, why=str(exc))
            return None

    def _client(self, private: tuple[str, ...], host: str) -> GuardedClient:
        key = (private, host)
        if key not in self._clients:
            self._clients[key] = self._around.client(None, private, (host,) if host else ())
        return self._clients[key]

    async def _notify(self, request: Request, *, leaves: Callable[[], None]) -> Answer:
        """A notice goes to the host its web hook names; the address itself may be the secret."""
        host = urlsplit(request.url).netloc.rpartition("@")[2]
        return await self._client(self._around.private, host).exchange(request, leaves=leaves)

    async def services(self, key: str, feed: Feed[Any], now: datetime) -> PullServices:
        """What a feed's pull is lent. Raises NotSent while an account of it cannot be read."""
        sessions: dict[str, Session] = {}
        for name in feed.accounts:
            try:
                sessions[name] = (await self._sessions.open(name)).session
            except AuthFailed as exc:
                raise NotSent(f"account {name!r} cannot log in: {exc}", retry_after=OPEN_AGAIN) from exc
        identities = {name: self._sessions.identity(name) for name in feed.accounts}
        if identities and feed.key(identities) != key:
            # What stands under this key was read as somebody else: a feed of its own takes this one's place.
            self._moved()
            raise NotSent(f"{' and '.join(feed.accounts)} acts as somebody else now; it is read anew")
        around = self._around
        return PullServices(
            store=around.store,
            clock=around.clock,
            feed=key,
            now=now,
            http=self._client(feed.private, ""),
            project=around.project,
            sessions=sessions,
            read_secret=around.secrets.get,
            take=around.arrivals,
        )
