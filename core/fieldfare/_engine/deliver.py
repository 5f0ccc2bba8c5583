"""Stage three: one lane per account takes what is due, performs it, and records what became of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from .._contract.actions import Action
from .._contract.http import Answer, Request, Transport
from .._contract.limits import Limit
from .._contract.platform import Declaration, Session
from .._domain.errors import AuthFailed, NotSent, OutcomeUnknown, Refused, Rejected
from .._domain.values import Pending, Receipt
from .._store import accounts, claim, settle
from .._store.claim import Claimed
from .._store.sqlite import Store, ms
from .._store.steps import AT_ONCE
from .attempt import Exchange, Gate, Offset, Wiring
from .clock import Clock
from .media import MediaError, MediaFolder
from .plan import digest_of
from .use import Use

SECOND_LOOK_AFTER = timedelta(minutes=1)
LONGEST_WAIT = 300.0
"""Seconds between two tries of the same delivery at most, when the network names no time of its own."""

log = structlog.get_logger("fieldfare.deliver")


@dataclass(frozen=True, slots=True)
class Way:
    """A live session and how its requests leave."""

    session: Session
    exchange: Exchange
    offset: Offset
    platform: str
    use: Use = field(default_factory=Use)
    """Entered while something leaves or is looked for this way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverer:
    """Performs claimed deliveries; everything it needs is an argument."""

    store: Store
    clock: Clock
    media: MediaFolder
    rnd: random.Random
    decode: Callable[[str, str], Action[Any]]
    """(kind, JSON) → action; raises LookupError for a kind that is gone."""
    second_look: Callable[[Claimed, Action[Any], Session], Any]
    """Awaitable of a reason to refuse, or None; called before the first byte of what waited."""
    stopped: Callable[[str, str, str], str | None]
    """(account, platform, automation) → why nothing may leave there now, or None."""
    limits_of: Callable[[str], tuple[Limit, ...] | None]
    changed: Callable[[int, str], None]
    """A delivery (by row, of an account) moved to another state."""
    told: Callable[[int], None]
    """A delivery (by row) begins to leave: for observers alone."""
    redact: Callable[[str], str]
    """Takes secrets out of what a network or connector said."""
    booted: Callable[[], int]
    """Since when (ms) the daemon runs: what was decided long before is overdue."""
    uncertain_soon: Callable[[], None] = field(default=lambda: None)

    async def claim(self, account: str, way: Way) -> list[Claimed]:
        """Take what may leave now."""
        in_flight = way.session.in_flight
        if self.stopped(account, way.platform, "") is not None:
            return []
        return await self.store.do(
            claim.claim,
            account=account,
            limits_of=self.limits_of,
            now=ms(self.clock.now()),
            booted=self.booted(),
            most=in_flight,
            in_flight=in_flight,
        )

    def gate(self, way: Way, claimed: Claimed) -> Gate:
        wiring = Wiring(
            store=self.store,
            clock=self.clock,
            media=self.media,
            exchange=way.exchange if way.session.transport is None else _by_itself(way.session.transport),
            offset=way.offset,
            stopped=lambda: self.stopped(claimed.account, way.platform, claimed.automation),
            platform=way.platform,
        )
        return Gate(wiring, claimed)

    async def perform(self, way: Way, claimed: Claimed) -> str:
        """Perform one delivery and record the outcome, whatever happens; gives the outcome's name."""
        gate = self.gate(way, claimed)
        began = self.clock.monotonic()
        detail = ""
        try:
            with way.use:
                outcome, detail = await self._try(way, claimed, gate)
        except asyncio.CancelledError:
            # What this attempt had asked to be written is written before: the store knows more than its ledger.
            await asyncio.shield(self._do(settle.stopped, claimed))
            self.uncertain_soon()
            raise
        took = round((self.clock.monotonic() - began) * 1000)
        level = log.info if outcome == "delivered" else log.warning
        level(
            "delivery settled",
            delivery=claimed.key,
            automation=claimed.automation,
            account=claimed.account,
            kind=claimed.kind,
            state=outcome,
            attempt=claimed.attempts,
            took_ms=took,
            why=detail or None,
        )
        self.changed(claimed.id, claimed.account)
        return outcome

    async def _try(self, way: Way, claimed: Claimed, gate: Gate) -> tuple[str, str]:
        try:
            if digest_of(claimed.account, claimed.kind, claimed.action) != claimed.digest or (
                claimed.approved_digest and claimed.approved_digest != claimed.digest
            ):
                raise Rejected("its content is not what was decided or approved")
            action = self.decode(claimed.kind, claimed.action)
            if gate.open_steps and not repeatable(claimed, declared(way.session, action), way.offset.now(self.clock)):
                raise OutcomeUnknown(f"the network may have forgotten the key of step {gate.open_steps[0]!r} by now")
            if claimed.first_byte_at is None and self._waited(claimed):
                said = await self.second_look(claimed, action, way.session)
                if said is not None:
                    await self._do(settle.refused, claimed, reason=said)
                    return "refused", said
            result = cast(object, await action.perform(way.session, gate))
            if not isinstance(result, Receipt | Pending):
                raise TypeError(f"{claimed.kind} gave {type(result).__name__} where a Receipt or Pending is wanted")
        except Exception as exc:
            return await self._raised(claimed, gate, exc)
        if isinstance(result, Pending):
            await self._do(
                settle.again, claimed, at=ms(result.until), reason=result.why, outcome="pending", counts=False
            )
            return "due", result.why
        return await self._done(claimed, gate, result)

    async def _done(self, claimed: Claimed, gate: Gate, result: Receipt) -> tuple[str, str]:
        if gate.open_steps:
            reason = f"step {gate.open_steps[0]!r} has no answer"
            await self._doubt(claimed, reason)
            return "uncertain", reason
        refs = refs_of(result)
        receipt = result.model_dump_json()
        if await self.store.do(
            settle.delivered, delivery=claimed.id, token=claimed.token, receipt=receipt, refs=refs, now=self._now()
        ):
            return "delivered", result.note
        reason = "the network answered with a post that another delivery holds"
        await self._doubt(claimed, reason)
        return "uncertain", reason

    async def _raised(self, claimed: Claimed, gate: Gate, exc: Exception) -> tuple[str, str]:
        # Networks cut texts anywhere; half a letter cannot be written down.
        said = self.redact(str(exc)).encode("utf-8", "replace").decode() or type(exc).__name__
        if gate.open_steps or isinstance(exc, OutcomeUnknown):
            if not gate.open_steps:
                if gate.begun:
                    await self._doubt(claimed, said)
                    return "uncertain", said
                # A connector may call its own reads unknown: nothing was sent, so nothing is in doubt.
                return await self._later(claimed, said, None)
            await self._doubt(claimed, said)
            # The answer to a repeat speaks of the account as well, though not of what is in doubt.
            if isinstance(exc, NotSent) and exc.retry_after is not None:
                await self._freeze(claimed, exc.retry_after)
            elif isinstance(exc, AuthFailed):
                await self.store.do(accounts.auth_failed, name=claimed.account, error=said, now=self._now())
            return "uncertain", said
        match exc:
            case Refused():
                await self._do(
                    settle.again, claimed, at=self._now() + 1000, reason=said, outcome="stopped", counts=False
                )
                return "due", said
            case NotSent():
                return await self._later(claimed, said, exc.retry_after)
            case AuthFailed():
                await self.store.do(accounts.auth_failed, name=claimed.account, error=said, now=self._now())
                await self._do(settle.again, claimed, at=AT_ONCE, reason=said, outcome="auth failed", counts=False)
                return "due", said
            case Rejected() | MediaError():
                await self._do(settle.failed, claimed, reason=said)
                return "failed", said
            case _:
                log.error("connector raised", delivery=claimed.key, exc_info=exc)
                if gate.begun:
                    # Nothing would ever end what only goes forward and stumbles at the same place each time.
                    reason = f"its answer came, and then: {type(exc).__name__}: {said}"
                    await self._doubt(claimed, reason)
                    return "uncertain", reason
                return await self._later(claimed, f"{type(exc).__name__}: {said}", None)

    async def _later(self, claimed: Claimed, reason: str, retry_after: float | None) -> tuple[str, str]:
        wait = retry_after if retry_after is not None else self._back_off(claimed.attempts)
        at = self._now() + int(wait * 1000)
        if retry_after is not None:
            await self._freeze(claimed, retry_after)
        await self._do(settle.again, claimed, at=at, reason=reason)
        return "due", reason

    async def _freeze(self, claimed: Claimed, seconds: float) -> None:
        await self.store.do(claim.freeze_account, account=claimed.account, until=self._now() + int(seconds * 1000))

    def _back_off(self, attempts: int) -> float:
        return min(LONGEST_WAIT, 2.0 ** min(attempts, 10)) * self.rnd.uniform(0.5, 1.0)

    async def _doubt(self, claimed: Claimed, reason: str) -> None:
        await self._do(settle.uncertain, claimed, reason=reason)
        self.uncertain_soon()

    async def _do(self, sentence: Callable[..., bool], claimed: Claimed, **more: Any) -> bool:
        done = await self.store.do(sentence, delivery=claimed.id, token=claimed.token, now=self._now(), **more)
        if not done:
            log.warning("stale completion dropped", delivery=claimed.key, token=claimed.token)
        return done

    def _waited(self, claimed: Claimed) -> bool:
        return self._now() - claimed.created_at > SECOND_LOOK_AFTER.total_seconds() * 1000

    def _now(self) -> int:
        return ms(self.clock.now())


def _by_itself(transport: Transport) -> Exchange:
    async def exchange(request: Request, *, leaves: Callable[[], None]) -> Answer:
        leaves()
        return await transport(request)

    return exchange


def refs_of(receipt: Receipt) -> list[str]:
    """`platform:id` of every post that a receipt names."""
    return list(dict.fromkeys(f"{r.platform}:{r.id}" for r in (receipt.ref, *receipt.refs) if r is not None))


def declared(session: Session, action: Action[Any]) -> Declaration:
    """What the session promises about an action's writes; the careful default when it says nothing."""
    return session.declares.get(action.needs, Declaration())


def repeatable(claimed: Claimed, declaration: Declaration, server_now: datetime) -> bool:
    """Whether what was sent may be sent again under the same key: the network still knows it, half the declared time
    being kept as a margin, or the call changes nothing the second time."""
    if declaration.idempotent:
        return True
    if declaration.idempotency not in ("client_key", "native_key"):
        return False
    if declaration.remembers is None:
        return True
    if claimed.first_byte_at is None:
        return False
    return 0 <= ms(server_now) - claimed.first_byte_at < declaration.remembers.total_seconds() * 500
