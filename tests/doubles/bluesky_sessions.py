"""Logging in at a scripted PDS: tokens that end, are renewed and are withdrawn."""

from __future__ import annotations

import base64
import functools
import itertools
import json
from collections.abc import Callable
from typing import Any, TypeVar

from .base import Clock, Double, route
from .bluesky_world import Person, World
from .wire import Request, Response, as_json

REFRESH_SECONDS = 90 * 86_400
_XRPC = "/xrpc/com.atproto"
S = TypeVar("S", bound="Sessions")


class Refusal(Exception):
    """An error answer on its way out of a handler."""

    def __init__(self, status: int, error: str, message: str = "") -> None:
        super().__init__(message)
        self.answer = as_json({"error": error, "message": message or error}, status)


def asked(handler: Callable[[S, Request, Person], Response]) -> Callable[[S, Request], Response]:
    """A handler that is given who asks, and whose refusals become answers."""

    @functools.wraps(handler)
    def wrapped(self: S, request: Request) -> Response:
        try:
            return handler(self, request, self.who(request))
        except Refusal as refusal:
            return refusal.answer

    return wrapped


class Sessions(Double):
    """The part of a server that knows who is who. `didDoc` names `home`, or the server itself where that is empty."""

    def __init__(self, clock: Clock | None, access_seconds: int) -> None:
        super().__init__(clock)
        self.world = World(self.clock)
        self.access_seconds = access_seconds
        self.home = ""
        self.withdrawn: set[str] = set()
        """Refresh tokens that are taken no more."""
        self.older = False
        self._serial = itertools.count(1)

    def who(self, request: Request) -> Person:
        """Whose access token came with a request."""
        return self._holder(request, "at+jwt")

    def token(self, person: Person, kind: str = "at+jwt", seconds: int | None = None) -> str:
        """A token as a server writes them; `seconds` from now it ends."""
        life = self.access_seconds if seconds is None else seconds
        now = int(self.now().timestamp())
        said = {"sub": person.did, "iat": min(now, now + life), "exp": now + life, "jti": next(self._serial)}
        return ".".join((_b64({"typ": kind, "alg": "HS256"}), _b64(said), "canary"))

    def _holder(self, request: Request, kind: str) -> Person:
        if not request.bearer:
            raise Refusal(401, "AuthMissing", "Authentication Required")
        try:
            head, said = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in request.bearer.split(".")[:2])
            person = self.world.people[said["sub"]]
        except (ValueError, KeyError):
            raise Refusal(400, "InvalidToken", "Token could not be verified") from None
        if head["typ"] != kind:
            raise Refusal(400, "InvalidToken", "Invalid token type")
        if said["exp"] <= self.now().timestamp():
            raise Refusal(400, "ExpiredToken", "Token has expired")
        if request.bearer in self.withdrawn:
            raise Refusal(400, "ExpiredToken", "Token has been revoked")
        return person

    def _session(self, person: Person) -> Response:
        if person.closed == "AccountTakedown":
            raise Refusal(401, "AccountTakedown", "Account has been taken down")
        service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.home or self.url}
        return as_json(
            {
                "handle": person.handle,
                "did": person.did,
                "didDoc": {"id": person.did, "service": [service]},
                "accessJwt": self.token(person),
                "refreshJwt": self.token(person, "refresh+jwt", REFRESH_SECONDS),
                "active": not person.closed,
            }
        )

    @route("POST", f"{_XRPC}.server.createSession")
    def _create_session(self, request: Request) -> Response:
        said = request.json()
        person = next((p for p in self.world.people.values() if said["identifier"] in (p.handle, p.did)), None)
        self.did("login", said["identifier"])
        try:
            if person is None or person.password != said["password"]:
                raise Refusal(401, "AuthenticationRequired", "Invalid identifier or password")
            return self._session(person)
        except Refusal as refusal:
            return refusal.answer

    @route("POST", f"{_XRPC}.server.refreshSession")
    def _refresh_session(self, request: Request) -> Response:
        try:
            person = self._holder(request, "refresh+jwt")
            self.did("refresh", person.did)
            return self._session(person)
        except Refusal as refusal:
            return refusal.answer

    @route("GET", f"{_XRPC}.server.getSession")
    @asked
    def _get_session(self, request: Request, me: Person) -> Response:
        return as_json({"handle": me.handle, "did": me.did, "active": not me.closed})

    @route("GET", f"{_XRPC}.identity.resolveHandle")
    def _resolve(self, request: Request) -> Response:
        found = next((p for p in self.world.people.values() if p.handle == request.param("handle")), None)
        if found is None:
            error = "InvalidRequest" if self.older else "HandleNotFound"
            return as_json({"error": error, "message": "Unable to resolve handle"}, 400)
        return as_json({"did": found.did})


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
