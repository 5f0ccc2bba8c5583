"""The gate: every write of a connector passes here, is committed before it leaves, and leaves at most once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar, cast

from .._contract.delivery import Attempt, Step
from .._contract.http import Answer, Request, Sort, sort_write
from .._domain.errors import AuthFailed, NotSent, OutcomeUnknown, PlatformError, Refused, Rejected
from .._domain.values import Media
from .._store import doubts, steps
from .._store.claim import Claimed
from .._store.sqlite import Store, moment, ms
from .clock import Clock
from .media import MediaFolder

T = TypeVar("T")
KEPT_HEADERS = ("location", "link", "content-type", "date", "etag")


class Exchange(Protocol):
    """One request that may change something, sent at most once."""

    async def __call__(self, request: Request, *, leaves: Callable[[], None]) -> Answer:
        """`leaves` is asked as late as it can be, before the first byte; what it raises is raised, and nothing left."""
        ...


class _Stopped(Refused):
    """The gate itself said no; a connector's own Refused proves nothing."""


@dataclass(slots=True)
class Offset:
    """What o'clock a server has: its last `Date` header (whole seconds), carried on by our monotonic clock.

    So it stays right when our wall clock is set. Until the server has said it, our own wall clock is taken.
    """

    date: datetime | None = None
    heard_at: float = 0.0

    def learn(self, answer: Answer, monotonic: float) -> None:
        # An answer out of a cache has the date at which it was put there.
        if answer.date is not None and "age" not in answer.headers:
            self.date, self.heard_at = answer.date, monotonic

    def now(self, clock: Clock) -> datetime:
        """The server's time now."""
        if self.date is None:
            return clock.now()
        return self.date + timedelta(seconds=clock.monotonic() - self.heard_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the gate of every attempt of one account is made of."""

    store: Store
    clock: Clock
    media: MediaFolder
    exchange: Exchange
    offset: Offset
    stopped: Callable[[], str | None]
    """Why nothing may leave now (pause flag, dry run, lost lease), or None."""
    platform: str


class Gate(Attempt):
    """The attempt of one claimed delivery. `open_steps` tells after the fact whether anything is in doubt.

    What may stop a write is asked before it is written down that it leaves, after that, and once more when it has its
    connection. A process that is halted behind the last look, in the microseconds until its bytes are the system's, and
    for longer than lease and settle time, sends them when it is woken: nothing inside it can prevent that.
    """

    def __init__(self, wiring: Wiring, claimed: Claimed) -> None:
        self._wiring = wiring
        self._claimed = claimed
        self._ledger: dict[str, steps.Stored] = {s.name: s for s in wiring.store.read(steps.steps, claimed.id)}
        self._first_byte_at = claimed.first_byte_at
        self.delivery = claimed.key

    @property
    def now(self) -> datetime:
        return self._wiring.clock.now()

    @property
    def steps(self) -> Mapping[str, Step]:
        return {name: _shown(stored) for name, stored in self._ledger.items()}

    @property
    def first_byte_at(self) -> datetime | None:
        return moment(self._first_byte_at) if self._first_byte_at is not None else None

    @property
    def open_steps(self) -> list[str]:
        """Steps that were sent and have no answer."""
        return [s.name for s in self._ledger.values() if s.sent_at is not None and not s.answered]

    @property
    def begun(self) -> bool:
        """A step of the delivery has left, in this attempt or an earlier one."""
        return any(s.sent_at is not None for s in self._ledger.values())

    def key(self, step: str) -> str:
        named = f"{self._claimed.key}\n{self._claimed.revision}\n{step}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]

    async def once(self, step: str, compute: Callable[[], T | Awaitable[T]]) -> T:
        stored = self._ledger.get(step)
        if stored is not None and stored.frozen and stored.value is not None:
            return cast(T, json.loads(stored.value))
        made = compute()
        value = json.dumps(await made if inspect.isawaitable(made) else made)
        frozen = await self._wiring.store.do(
            steps.freeze, delivery=self._claimed.id, token=self._claimed.token, name=step, value=value
        )
        self._reload()
        return cast(T, json.loads(frozen))

    async def send(self, step: str, request: Request, *, sort: Sort = sort_write) -> Answer:
        stored = self._ledger.get(step)
        if stored is not None and stored.answered:
            return _answer_of(stored)
        wiring, mine = self._wiring, self._claimed
        self._check()
        now = wiring.clock.now()
        server_now = ms(wiring.offset.now(wiring.clock))
        await wiring.store.do(
            steps.sending, delivery=mine.id, token=mine.token, name=step, now=ms(now), server_now=server_now
        )
        self._first_byte_at = self._first_byte_at if self._first_byte_at is not None else server_now
        self._reload()
        answer = await self._perform(step, request)
        wiring.offset.learn(answer, wiring.clock.monotonic())
        try:
            sort(answer)
        except (NotSent, AuthFailed, Rejected):
            await self._free(step)
            raise
        except PlatformError:
            raise
        except Exception as exc:
            raise OutcomeUnknown(f"step {step!r}: its answer could not be judged: {exc!r}") from exc
        await wiring.store.do(
            steps.answered,
            delivery=mine.id,
            token=mine.token,
            name=step,
            status=answer.status,
            answer=_kept(answer),
        )
        self._reload()
        return answer

    async def _perform(self, step: str, request: Request) -> Answer:
        try:
            self._check()
            return await self._wiring.exchange(request, leaves=self._check)
        except (NotSent, _Stopped):
            await self._free(step)
            raise
        except PlatformError:
            raise
        except Exception as exc:
            raise OutcomeUnknown(f"step {step!r}: {type(exc).__name__}: {exc}") from exc

    def _check(self) -> None:
        why = self._wiring.stopped()
        if why is not None:
            raise _Stopped(why)

    async def _free(self, step: str) -> None:
        await self._wiring.store.do(
            steps.not_performed, delivery=self._claimed.id, token=self._claimed.token, name=step
        )
        self._reload()

    def _reload(self) -> None:
        self._ledger = {s.name: s for s in self._wiring.store.read(steps.steps, self._claimed.id)}

    async def media(self, media: Media) -> bytes:
        return await asyncio.to_thread(self._wiring.media.read, media)

    async def taken(self, ids: Collection[str]) -> frozenset[str]:
        prefix = f"{self._wiring.platform}:"
        refs = [prefix + i for i in ids]
        held = self._wiring.store.read(doubts.taken, refs, self._claimed.id)
        return frozenset(ref.removeprefix(prefix) for ref in held)


def _shown(stored: steps.Stored) -> Step:
    answer: Any = None
    if stored.answered and stored.answer is not None:
        try:
            answer = _answer_of(stored).json()
        except ValueError:
            answer = _answer_of(stored).text
    return Step(
        name=stored.name,
        value=json.loads(stored.value) if stored.value is not None else None,
        sent_at=moment(stored.sent_at) if stored.sent_at is not None else None,
        answer=answer,
        answered=stored.answered,
    )


def _kept(answer: Answer) -> str:
    headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
    try:
        return json.dumps({"headers": headers, "body": answer.body.decode("utf-8")})
    except UnicodeDecodeError:
        return json.dumps({"headers": headers, "base64": base64.b64encode(answer.body).decode()})


def _answer_of(stored: steps.Stored) -> Answer:
    kept = json.loads(stored.answer or "{}")
    body = base64.b64decode(kept["base64"]) if "base64" in kept else str(kept.get("body", "")).encode()
    return Answer(status=stored.status or 200, headers=kept.get("headers", {}), body=body)
