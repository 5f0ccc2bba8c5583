"""The account's login: one session, kept on disk, renewed before it ends and never twice at once.

Lifetimes seen on 2026-11-22 (PDS 0.4.217 and 0.5.35): access token 2 h, refresh token 90 days. A used refresh token
gives the same successor again, so a crash between refreshing and storing is harmless.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from fieldfare.plugin import Answer, AuthFailed, NotSent, Request, Secret, Services

from ._xrpc import StaleToken, body_of, judge_read, procedure

T = TypeVar("T")
KEPT = "session"
EARLY = timedelta(minutes=2)
"""A token that ends within this time is renewed before it is used."""
BETWEEN_LOGINS = timedelta(seconds=30)
"""Logins by password are 30 in five minutes at most, failures included (PDS defaults, 2026-11-22)."""


class Login(BaseModel):
    """Who we are at the network, the tokens, and where this account's server is (no slash at the end)."""

    model_config = ConfigDict(frozen=True)

    identifier: str
    did: str
    handle: str
    endpoint: str
    access: str = Field(repr=False)
    refresh: str = Field(repr=False)
    ends: AwareDatetime | None = None
    """When the access token ends, by our clock; None where the token does not say how long it lives."""


class Keeper:
    """Gives every call a live token. `allowed` says whether an address may see this account's credentials."""

    def __init__(
        self,
        services: Services,
        *,
        server: str,
        identifier: str,
        password: Secret,
        allowed: Callable[[str], bool],
    ) -> None:
        self._services = services
        self._server = server
        self._identifier = identifier
        self._password = password
        self._allowed = allowed
        self._lock = asyncio.Lock()
        self._login: Login | None = None
        self._entered: datetime | None = None

    async def login(self) -> Login:
        """A login whose access token does not end within the next two minutes."""
        login = self._login or self._kept()
        if login is None or (login.ends is not None and login.ends <= self._services.now() + EARLY):
            return await self.renew(login)
        self._login = login
        return login

    async def renew(self, stale: Login | None) -> Login:
        """A login newer than `stale`: what somebody else has just fetched, else refreshed, else by password."""
        async with self._lock:
            current = self._login or self._kept()
            if current is not None and (stale is None or current.access != stale.access):
                self._login = current
                return current
            fresh = await self._refreshed(current) if current is not None else None
            if fresh is None:
                fresh = await self._entered_anew()
            # On disk before it is used: a token that only this process knows would be lost with it.
            await self._services.keep(KEPT, fresh.model_dump_json())
            self._login = fresh
            return fresh

    async def using(self, call: Callable[[Login], Awaitable[T]]) -> T:
        """What `call` gives with a live login; called once more, with a new one, when the first was refused."""
        login = await self.login()
        try:
            return await call(login)
        except StaleToken:
            login = await self.renew(login)
        try:
            return await call(login)
        except StaleToken as error:
            raise AuthFailed(f"{self._server} refuses the token it has just issued: {error}") from None

    async def _refreshed(self, old: Login) -> Login | None:
        try:
            answer = await self._services.http.read(
                procedure(self._server, "com.atproto.server.refreshSession", old.refresh, None), sort=judge_read
            )
        except StaleToken:
            return None  # ended after 90 days, or withdrawn: log in again
        return self._read(answer)

    async def _entered_anew(self) -> Login:
        now = self._services.now()
        if self._entered is not None and now - self._entered < BETWEEN_LOGINS:
            raise NotSent(
                f"logged in to {self._server} {(now - self._entered).total_seconds():.0f} s ago and must do so again",
                retry_after=(BETWEEN_LOGINS - (now - self._entered)).total_seconds(),
            )
        self._entered = now
        request = Request(
            method="POST",
            url=f"{self._server}/xrpc/com.atproto.server.createSession",
            json={"identifier": self._identifier, "password": self._services.secret(self._password)},
        )
        return self._read(await self._services.http.read(request, sort=judge_read))

    def _read(self, answer: Answer) -> Login:
        body = body_of(answer) or {}
        if body.get("active") is False:
            raise AuthFailed(
                f"the account {self._identifier!r} is not active: {body.get('status') or 'no reason given'}"
            )
        try:
            return Login(
                identifier=f"{self._identifier} at {self._server}",
                did=body["did"],
                handle=body["handle"],
                endpoint=self._endpoint(body),
                access=body["accessJwt"],
                refresh=body["refreshJwt"],
                ends=self._ends(body["accessJwt"]),
            )
        except (KeyError, ValidationError):
            raise NotSent(f"{self._server} answered a login without a session") from None

    def _endpoint(self, body: dict[str, Any]) -> str:
        """The account's own server, from its DID document, where we may talk to it; else the server we know."""
        document: Any = body.get("didDoc") or {}
        for service in document.get("service", ()):
            if str(service.get("id", "")).endswith("#atproto_pds"):
                endpoint = str(service.get("serviceEndpoint", "")).rstrip("/")
                if self._allowed(endpoint):
                    return endpoint
        return self._server

    def _kept(self) -> Login | None:
        raw = self._services.kept(KEPT)
        if raw is None:
            return None
        try:
            login = Login.model_validate_json(raw)
        except ValidationError:
            return None
        return login if login.identifier == f"{self._identifier} at {self._server}" else None

    def _ends(self, token: str) -> datetime | None:
        """Our time plus the life the token claims: the server's clock may be hours away from ours."""
        try:
            payload = token.split(".")[1]
            said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return self._services.now() + timedelta(seconds=said["exp"] - said["iat"])
        except (IndexError, KeyError, ValueError, TypeError, OverflowError):
            return None


def reaches(hosts: frozenset[str], scheme: str, url: str) -> bool:
    """Whether `url` has this scheme and one of these hosts, as `Platform.hosts` writes them."""
    parts = urlsplit(url)
    if parts.scheme != scheme or not parts.hostname:
        return False
    default = 443 if scheme == "https" else 80
    port = parts.port or default
    name = parts.hostname if port == default else f"{parts.hostname}:{port}"
    return name in hosts or any(name.endswith(host[1:]) for host in hosts if host.startswith("*."))
