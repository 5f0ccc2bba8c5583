"""One simulation under way: what it remembers between two events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

from .._contract.automation import Automation
from .._contract.conditions import Condition
from .._contract.delivery import Decision, Delivery, State
from .._contract.platform import Account
from .._domain.events import DeliverySettled, Event, TroubleSeen
from .._engine.decide import Judge, Keeping, Thinking
from .._engine.media import MeasuredOnly
from .._engine.placed import Placed, asked
from .._feeds.settled import OnDelivered, OnTrouble
from .._store.admission import Judged
from .._store.planned import Planned
from ..plugin import Action, Verdict

Review: TypeAlias = Callable[[Action[Any], Automation[Any], Account | None], Verdict | None]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would have been done, in the order of events and, for each, of automations.

    `actions` would leave, complete as they would be sent. `reasons` say why nothing was done, one for each decision
    that is not a yes. `decisions` holds both; `event` in it counts the events from 0.
    """

    actions: list[Action[Any]] = field(default_factory=list[Action[Any]])
    reasons: list[str] = field(default_factory=list[str])
    decisions: list[Decision] = field(default_factory=list[Decision])
    causes: list[int] = field(default_factory=list[int])
    """For each action, the place in `decisions` of the one that led to it."""


class Play:
    """Shows events to automations one by one, and keeps what comes of it in `simulation`."""

    def __init__(
        self,
        placed: Sequence[Placed],
        accounts: Mapping[str, Account],
        review: Review,
        project: Path,
    ) -> None:
        self.simulation = Simulation()
        self._placed = placed
        self._review = review
        self._seen: set[tuple[str, str, str, str]] = set()
        self._keys: dict[str, str] = {}
        self._armed: dict[tuple[str, str], bool] = {}
        self._past: list[Delivery] = []
        self._ready: list[Action[Any]] = []
        self._judge = Judge(
            accounts=accounts,
            review=self._reviewed,
            media=MeasuredOnly(project),
            past=lambda automation: [one for one in reversed(self._past) if one.automation == automation][:100],
            memory=lambda automation, post: (self._armed.get((automation, post)), 0),
        )

    def _reviewed(self, action: Action[Any], automation: Automation[Any], account: Account | None) -> Verdict | None:
        self._ready.append(action)
        return self._review(action, automation, account)

    async def show(self, number: int, event: Event, now: datetime) -> None:
        for placed in self._placed:
            fact = _observed(placed.automation, event)
            if fact is not None:
                self._ready = []
                judged = await self._judged(placed, fact, now)
                self._keep(number, self._admitted(placed, judged, number, now), now)

    async def _judged(self, placed: Placed, event: Event, now: datetime) -> Judged:
        name = placed.automation.name
        pair = (name, event.kind, event.account, event.id)
        if pair in self._seen:
            return _no(placed, f"the same event again; give it an id of its own instead of {event.id!r}")
        self._seen.add(pair)
        data, functions = asked(placed.automation)
        said = _why_not(data, event, now)
        if said is not None:
            return _no(placed, said)
        feed = placed.automation.trigger.kind
        judged = self._judge.judge(placed, _together(functions), event, feed, now)
        if isinstance(judged, Thinking):
            try:
                outcome = await judged.answer
            except Exception as exc:
                return self._judge.failed(placed, exc)
            judged = Keeping(outcome)
        if isinstance(judged, Keeping):
            return self._judge.concluded(placed, judged.outcome, event, feed, now)
        return judged

    def _admitted(self, placed: Placed, judged: Judged, number: int, now: datetime) -> tuple[Judged, list[Action[Any]]]:
        """The judgement as the store would write it: without what was done before."""
        if judged.verdict != "yes":
            self._remember(judged, judged.verdict == "missed")
            return judged, []
        fresh: list[Action[Any]] = []
        repeats: list[str] = []
        for planned, action in zip(judged.planned, self._ready, strict=True):
            said = self._taken(planned)
            if said is not None:
                repeats.append(said)
                continue
            fresh.append(action)
            self._past.append(_delivered(planned, len(self._past), number, now))
        self._remember(judged, bool(fresh))
        if repeats and not fresh:
            return _no(placed, "; ".join(repeats)), []
        return judged, fresh

    def _taken(self, planned: Planned) -> str | None:
        if planned.key in self._keys or planned.old_key in self._keys:
            return f"already acted on {planned.key!r}"
        if planned.second is not None:
            other = self._keys.get(planned.second)
            if other is not None:
                return f"already done by {other!r}"
            self._keys[planned.second] = planned.key
        self._keys[planned.key] = planned.key
        return None

    def _remember(self, judged: Judged, spent: bool) -> None:
        if judged.crossing is not None:
            post, armed = judged.crossing
            if armed or spent:
                self._armed[judged.automation, post] = armed

    def _keep(self, number: int, admitted: tuple[Judged, list[Action[Any]]], now: datetime) -> None:
        judged, actions = admitted
        self.simulation.causes.extend([len(self.simulation.decisions)] * len(actions))
        self.simulation.actions.extend(actions)
        if judged.verdict != "yes":
            self.simulation.reasons.append(judged.reason)
        self.simulation.decisions.append(
            Decision(
                event=number,
                automation=judged.automation,
                verdict=judged.verdict,
                reason=judged.reason,
                at=now,
                source=judged.source,
            )
        )


def _observed(automation: Automation[Any], event: Event) -> Event | None:
    """The event as this automation would meet it; None when its feeds would never bring it."""
    trigger = automation.trigger
    if not isinstance(event, trigger.event):
        return None
    if isinstance(trigger, OnDelivered) and isinstance(event, DeliverySettled):
        return event if event.automation == trigger.automation else None
    if isinstance(trigger, OnTrouble) and isinstance(event, TroubleSeen):
        return event if not trigger.what or event.what in trigger.what else None
    names = [account.name for account in trigger.accounts]
    if not names or event.account in names:
        return event
    return None if event.account else event.model_copy(update={"account": names[0]})


def _why_not(conditions: Sequence[Condition[Any]], event: Event, now: datetime) -> str | None:
    whole = _together(conditions)
    return None if whole is None else whole.why_not(event, now)


def _together(conditions: Sequence[Condition[Any]]) -> Condition[Any] | None:
    return reduce(lambda a, b: a & b, conditions) if conditions else None


def _delivered(planned: Planned, id: int, event: int, now: datetime) -> Delivery:
    """What history would show of it."""
    return Delivery(
        id=id,
        key=planned.key,
        automation=planned.automation,
        account=planned.account,
        kind=planned.kind,
        action=json.loads(planned.action),
        digest=planned.digest,
        state=State.DELIVERED,
        reason="",
        attempts=1,
        created_at=now,
        not_before=None,
        expires_at=None,
        receipt=None,
        lineage=planned.lineage,
        event=event,
        updated_at=now,
    )


def _no(placed: Placed, reason: str) -> Judged:
    return Judged(automation=placed.automation.name, verdict="no", reason=reason, source=placed.source)
