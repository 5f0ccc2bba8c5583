"""Web hooks: what others post to the daemon's listener."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, cast

from pydantic import AfterValidator, Field

from .._contract.feeds import Arrival, Batch, Feed, FeedServices
from .._contract.triggers import Trigger
from .._domain.errors import AuthFailed
from .._domain.events import Event, HookReceived
from .._domain.values import Secret

LARGEST = 1024 * 1024
"""Bytes of the largest body that is read."""
LONGEST_ID = 200
OPEN = "open"
"""The cursor: web hooks wait for nobody, so there is nothing to remember but that listening has begun."""


class Hooks(Feed[HookReceived]):
    """JSON posted to one path with the shared secret, answered 202 once it is recorded.

    Answered at once, and no event: a missing or wrong secret with 401, before anything is parsed; more than 1 MiB with
    413; another content type than JSON with 415; a body that is not JSON, or cannot be stored as such, with 400.
    """

    event = HookReceived

    def __init__(self, path: str, secret: Secret, id_field: str) -> None:
        self.path = self.arrives_at = path
        self.secret = secret
        self.id_field = id_field
        self.terms = f"secret {secret.name}, id field {id_field!r}"

    def key(self, identities: Mapping[str, str]) -> str:
        return f"webhook:{self.path}"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[HookReceived]:
        """Waits for the next hook, except at the first look: what comes after it is new, so it must not bring any."""
        if cursor is None:
            return Batch((), OPEN, more=True)
        self._secret(services)
        arrivals = await services.arrivals(self.path)
        # It may have waited for days: a secret that was changed meanwhile counts at once.
        secret = self._secret(services)
        events: list[HookReceived] = []
        accepted: list[Callable[[int], None]] = []
        for arrival in arrivals:
            refusal = _refusal(arrival, secret)
            body = None if refusal else _parsed(arrival.body)
            if body is None:
                arrival.answer(refusal or 400)
                continue
            events.append(HookReceived(id=self._id(body, arrival.body), occurred_at=arrival.at, body=body))
            accepted.append(arrival.answer)
        return Batch(events, OPEN, committed=partial(_answer, accepted))

    def _secret(self, services: FeedServices) -> str:
        secret = services.secret(self.secret)
        if not secret:
            raise AuthFailed(f"secret {self.secret.name!r} is empty; nobody may post to {self.path!r} without one")
        return secret

    def _id(self, body: Mapping[str, Any], raw: bytes) -> str:
        named = body.get(self.id_field)
        if isinstance(named, (str, int)) and not isinstance(named, bool) and 0 < len(str(named)) <= LONGEST_ID:
            return str(named)
        return hashlib.sha256(raw).hexdigest()


def _answer(accepted: Sequence[Callable[[int], None]]) -> None:
    for answer in accepted:
        answer(202)


def _refusal(arrival: Arrival, secret: str) -> int:
    """The status to refuse it with, judged without looking into its body; 0 when there is nothing to refuse."""
    scheme, _, token = arrival.headers.get("authorization", "").partition(" ")
    shown = token.strip() if scheme.lower() == "bearer" else arrival.headers.get("x-fieldfare-secret", "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), secret.encode("utf-8", "replace")):
        return 401
    if len(arrival.body) > LARGEST:
        return 413
    mime = arrival.headers.get("content-type", "").partition(";")[0].strip().lower()
    return 0 if re.fullmatch(r"application/(json|[\w.-]+\+json)", mime) else 415


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """The body as an object, None when it is not JSON or could not be stored as JSON again."""
    try:
        body = json.loads(raw, parse_constant=_refused, parse_float=_finite)
        # Half of a surrogate pair can be written in JSON, and not in UTF-8.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {"value": body}


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is too large")
    return value


def _is_a_path(path: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", path):
        raise ValueError(
            f"{path!r} is not a path for web hooks; write it as /hooks/shop: letters, digits, '.', '_', '-'"
        )
    return path


class OnWebhook(Trigger[HookReceived]):
    kind: ClassVar[str] = "webhook"
    event: ClassVar[type[Event]] = HookReceived

    path: Annotated[str, AfterValidator(_is_a_path)]
    secret: Secret
    id_field: Annotated[str, Field(min_length=1)] = "id"

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Hooks(self.path, self.secret, self.id_field)]
