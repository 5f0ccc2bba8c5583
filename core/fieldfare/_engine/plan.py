"""From an action to the delivery that would carry it: identity, order, digest. Pure."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .._contract.actions import Action, Notifies, Reply
from .._contract.automation import Automation
from .._contract.limits import Caps, Limit
from .._contract.platform import Account
from .._domain.events import ContentDue, Event, SlotReached
from .._store.planned import Planned
from .._store.sqlite import ms

DEFAULT_CAPS = Caps()


def digest_of(account: str, kind: str, action: str) -> str:
    """SHA-256 over account, kind and the action's JSON, which names each media file by its own SHA-256."""
    return hashlib.sha256(json.dumps([account, kind, action]).encode()).hexdigest()


def fingerprint_of(action: Action[Any]) -> str:
    """Equal for two actions that a person would call the same: kind, target, normalised text and media."""
    texts = [" ".join(unicodedata.normalize("NFKC", draft.text).casefold().split()) for draft in action.drafts]
    media = [media.sha256 or media.source for draft in action.drafts for media in draft.media]
    target = f"{action.target.platform}:{action.target.id}" if action.target else ""
    rest = "" if action.drafts or action.target else action.model_dump_json()
    return hashlib.sha256(json.dumps([action.kind, target, texts, media, rest]).encode()).hexdigest()[:32]


def line_of(action: Action[Any], key: str) -> str:
    """The thread of order: deliveries of one account with the same one leave one after another."""
    if issubclass(action.needs, Notifies):
        return f"notice:{key}"
    if isinstance(action, Reply):
        return f"conversation:{action.to.platform}:{action.to.thread}"
    if action.target is not None:
        return f"target:{action.target.platform}:{action.target.id}"
    return "timeline"


def limits_of(automation: Automation[Any]) -> tuple[Limit, ...]:
    """The automation's own limits, and the default caps when it brings none."""
    own = tuple(automation.limits)
    return own if any(isinstance(limit, Caps) for limit in own) else (*own, DEFAULT_CAPS)


def planned(
    automation: Automation[Any],
    actions: Sequence[Action[Any]],
    *,
    event: Event,
    feed: str,
    account: Account | None,
    identity: str,
    now: datetime,
) -> tuple[Planned, ...]:
    """One delivery for each action, in order. `identity` is the network's id of the account, or our name for it."""
    once = automation.once_per(event) if automation.once_per is not None else f"{feed}#{event.id}"
    limits = limits_of(automation)
    return tuple(
        _planned(automation, action, f"{once}/{index}", event, account, identity, limits, now)
        for index, action in enumerate(actions)
    )


def _planned(
    automation: Automation[Any],
    action: Action[Any],
    once: str,
    event: Event,
    account: Account | None,
    identity: str,
    limits: tuple[Limit, ...],
    now: datetime,
) -> Planned:
    key = f"{automation.name}/{once}"
    name = "" if account is None or issubclass(action.needs, Notifies) else account.name
    body = action.model_dump_json()
    target = f"{action.target.platform}:{action.target.id}" if action.target else ""
    late = automation.late_after if automation.late_after is not None else action.late
    late_ms = int(late.total_seconds() * 1000)
    base = min(event.occurred_at, now) if isinstance(event, ContentDue | SlotReached) else now
    return Planned(
        key=key,
        old_key=f"{automation.renamed_from}/{once}" if automation.renamed_from else "",
        second=f"{identity}|{action.kind}|{target}" if action.once and target else None,
        automation=automation.name,
        account=name,
        kind=action.kind,
        action=body,
        digest=digest_of(name, action.kind, body),
        line=line_of(action, key),
        fingerprint=fingerprint_of(action),
        target=target,
        conversation=f"{action.to.platform}:{action.to.thread}" if isinstance(action, Reply) else "",
        person=action.person if isinstance(action, Reply) else "",
        lineage=event.lineage,
        late=automation.late,
        late_ms=late_ms,
        expires_at=ms(base) + late_ms,
        cost=action.cost,
        limits=limits,
        approval=automation.approval,
    )
