"""Accounts as live sessions: opened when first needed, identified once, closed together."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import structlog

from .._contract.http import Answer, Http, Request, Sort, sort_read
from .._contract.platform import Account, Session
from .._domain.errors import AuthFailed, ConfigError, NotSent, PlatformError, StoreError
from .._domain.values import Secret
from .._store import accounts
from .._store.sqlite import Store, ms
from .attempt import Offset
from .clock import Clock
from .tokens import InStore, Tokens
from .use import Use

T = TypeVar("T")

log = structlog.get_logger("fieldfare.sessions")


class Secrets(Protocol):
    def get(self, name: str) -> str:
        """The value of a secret; raises ConfigError when no source has it."""
        ...


class GuardedClient(Http, Protocol):
    """What the daemon lends and closes: reads for the session, exchanges for the gate."""

    async def exchange(self, request: Request, *, leaves: Callable[[], None]) -> Answer: ...

    async def aclose(self) -> None: ...


OPEN_AGAIN = 15.0
"""Seconds until an account that did not answer is tried again."""
AUTH_AGAIN = 900.0
"""Seconds until refused credentials are tried again unasked: networks lock accounts after a few wrong log-ins."""

LAST = 30.0
"""Seconds after which an account with other settings is closed, whatever is on its way."""

ClientFactory = Callable[[Account | None, tuple[str, ...], tuple[str, ...]], GuardedClient]
"""A client bound to the hosts and private ranges of an account; for what belongs to no account (None), to the private
ranges and the hosts given."""


@dataclass(frozen=True, slots=True)
class _Listening:
    """The client of one account; every answer to a read tells what o'clock the server has."""

    client: Http
    clock: Clock
    offset: Offset
    use: Use

    async def read(self, request: Request, *, sort: Sort = sort_read) -> Answer:
        with self.use:
            answer = await self.client.read(request, sort=sort)
        self.offset.learn(answer, self.clock.monotonic())
        return answer


@dataclass(frozen=True, slots=True)
class AccountServices:
    """What one session is lent."""

    account: str
    http: Http
    clock: Clock
    tokens: Tokens
    secrets: Secrets
    shared: dict[str, Any]

    def now(self) -> datetime:
        return self.clock.now()

    def secret(self, name: Secret) -> str:
        try:
            return self.secrets.get(name.name)
        except ConfigError as exc:
            raise AuthFailed(str(exc)) from exc

    def kept(self, name: str) -> str | None:
        return self.tokens.kept(self.account, name)

    async def keep(self, name: str, value: str) -> None:
        await self.tokens.keep(self.account, name, value)

    def share(self, key: str, make: Callable[[], T]) -> T:
        if key not in self.shared:
            self.shared[key] = make()
        made: T = self.shared[key]
        return made


@dataclass(slots=True)
class Live:
    """An open account."""

    account: Account
    session: Session
    client: GuardedClient
    offset: Offset
    use: Use


class Sessions:
    """Every account's session, opened at most once at a time; `identity` is known before anything is read or sent."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        secrets: Secrets,
        client: ClientFactory,
        mapping: Mapping[str, Account],
        redact: Callable[[str], str] = lambda text: text,
        tokens: Tokens | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._client = client
        self._tokens = tokens or InStore(store)
        self._redact = redact
        """Takes secrets out of what a network said, before it is written down."""
        self._accounts = dict(mapping)
        self._live: dict[str, Live] = {}
        self._closing: set[asyncio.Task[None]] = set()
        """Accounts under their former settings, while something of them is on its way."""
        self._locks: dict[str, asyncio.Lock] = {}
        self._identities: dict[str, str] = {}
        self._shared: dict[str, Any] = {}
        self._refused: dict[str, tuple[float, PlatformError]] = {}
        """Until when (monotonic) an account that could not be opened is not tried again, and why."""

    @property
    def accounts(self) -> Mapping[str, Account]:
        return self._accounts

    async def replace(self, mapping: Mapping[str, Account]) -> None:
        """Take a new set of accounts; those whose settings changed are opened anew when needed, and closed when what is
        on its way has come to its end, at the latest after `LAST` seconds."""
        for name, live in list(self._live.items()):
            if mapping.get(name) != live.account or mapping[name].platform != live.account.platform:
                del self._live[name]
                self._identities.pop(name, None)
                if live.use.over.is_set():
                    await self._shut(live)
                else:
                    task = asyncio.create_task(self._shut_in_time(live), name=f"close {name}")
                    self._closing.add(task)
                    task.add_done_callback(self._closed)
        self._accounts = dict(mapping)

    def identity(self, name: str) -> str:
        """The network's own id of an account as far as it is known (also from an earlier run); '' when never told."""
        if name not in self._identities:
            known = self._store.read(accounts.identity, name)
            if not known:
                return ""
            self._identities[name] = known
        return self._identities[name]

    def live(self, name: str) -> Live | None:
        """The account if it is open now."""
        return self._live.get(name)

    async def open(self, name: str) -> Live:
        """The live account. Raises PlatformError when the network did not let us in; a later call tries again."""
        live = self._live.get(name)
        if live is not None:
            return live
        async with self._locks.setdefault(name, asyncio.Lock()):
            live = self._live.get(name)
            if live is None:
                until, why = self._refused.get(name, (0.0, None))
                if why is not None and self._clock.monotonic() < until:
                    raise why
                live = await self._open(self._accounts[name])
                self._refused.pop(name, None)
                self._live[name] = live
        return live

    def try_again(self) -> None:
        """A person has done something: accounts that could not be opened are tried at once."""
        self._refused.clear()

    async def _open(self, account: Account) -> Live:
        await self._store.do(accounts.enrol, name=account.name, platform=account.platform.kind)
        client = self._client(account, (), ())
        offset, use = Offset(), Use()
        http = _Listening(client, self._clock, offset, use)
        services = AccountServices(account.name, http, self._clock, self._tokens, self._secrets, self._shared)
        session: Session | None = None
        try:
            session = await account.platform.open(services)
            who = await session.whoami()
        except BaseException as exc:
            if session is not None:
                await session.aclose()
            await client.aclose()
            if isinstance(exc, Exception) and not isinstance(exc, (PlatformError, StoreError, sqlite3.Error)):
                # A connector that stumbles over one network's answer must not end the daemon for all the others.
                log.error("a connector raised", account=account.name, exc_info=exc)
                exc = NotSent(f"{type(exc).__name__}: {exc}")
            said = self._redact(str(exc))
            if isinstance(exc, PlatformError):
                wait = AUTH_AGAIN if isinstance(exc, AuthFailed) else OPEN_AGAIN
                self._refused[account.name] = (self._clock.monotonic() + wait, exc)
            if isinstance(exc, AuthFailed):
                now = ms(self._clock.now())
                await self._store.do(accounts.auth_failed, name=account.name, error=said, now=now)
            elif isinstance(exc, PlatformError):
                await self._store.do(accounts.unreachable, name=account.name, error=said)
            raise exc
        for other, known in self._identities.items():
            twin = self._accounts.get(other)
            if known == who.id and other != account.name and twin and twin.platform.kind == account.platform.kind:
                await session.aclose()
                await client.aclose()
                raise AuthFailed(
                    f"accounts {other!r} and {account.name!r} are the same account of the network ({who.id})"
                )
        self._identities[account.name] = who.id
        await self._store.do(
            accounts.identified, name=account.name, identity=who.id, handle=who.handle, now=ms(self._clock.now())
        )
        return Live(account, session, client, offset, use)

    async def _shut_in_time(self, live: Live) -> None:
        until = self._clock.monotonic() + LAST
        try:
            while not live.use.over.is_set() and (left := until - self._clock.monotonic()) > 0:
                await self._clock.wait(live.use.over, left)
        finally:
            await self._shut(live)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("an account could not be closed", exc_info=exc)

    @staticmethod
    async def _shut(live: Live) -> None:
        try:
            await live.session.aclose()
        finally:
            await live.client.aclose()

    async def aclose(self) -> None:
        """Close every account."""
        lives = list(self._live.values())
        self._live.clear()
        closing = list(self._closing)
        for task in closing:
            task.cancel()
        await asyncio.gather(*closing, *(self._shut(live) for live in lives), return_exceptions=True)
