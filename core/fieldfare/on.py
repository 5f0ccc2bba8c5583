"""The built-in triggers, for the first line of an automation: `on.mention(brand)`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from ._contract.automation import Automation
from ._contract.platform import Account
from ._contract.triggers import Crossing, Trigger
from ._domain.events import (
    ContentDue,
    DeliverySettled,
    EntryPublished,
    Followed,
    HookReceived,
    Mention,
    MetricsObserved,
    PostPublished,
    ReplyReceived,
    SlotReached,
    TroubleSeen,
)
from ._domain.values import Secret
from ._feeds.calendar import OnCsv
from ._feeds.network import OnFollow, OnMention, OnMetrics, OnPublished, OnReply
from ._feeds.queue import OnQueue
from ._feeds.schedule import OnSchedule
from ._feeds.settled import OnDelivered, OnTrouble
from ._feeds.syndication import OnFeed
from ._feeds.webhook import OnWebhook

MINUTE = timedelta(minutes=1)

__all__ = [
    "csv",
    "delivered",
    "feed",
    "follow",
    "mention",
    "metrics",
    "published",
    "queue",
    "reply",
    "schedule",
    "trouble",
    "webhook",
]


def mention(*accounts: Account, every: timedelta = MINUTE) -> Trigger[Mention]:
    """Somebody named one of these accounts. Posts of the account itself are left out."""
    return OnMention(of=accounts, every=every)


def reply(*accounts: Account, every: timedelta = MINUTE) -> Trigger[ReplyReceived]:
    """Somebody answered a post of one of these accounts. Posts of the account itself are left out."""
    return OnReply(of=accounts, every=every)


def follow(*accounts: Account, every: timedelta = 5 * MINUTE) -> Trigger[Followed]:
    """Somebody began to follow one of these accounts."""
    return OnFollow(of=accounts, every=every)


def published(*accounts: Account, every: timedelta = 5 * MINUTE) -> Trigger[PostPublished]:
    """A post of one of these accounts appeared, by whatever way; `event.lineage` is 0 when it was not ours."""
    return OnPublished(of=accounts, every=every)


def metrics(
    *accounts: Account,
    every: timedelta = 15 * MINUTE,
    within: timedelta = timedelta(days=7),
    passes: int | None = None,
    of: Literal["engagement", "likes", "reposts", "replies", "quotes", "views"] = "engagement",
    existing: bool = False,
) -> Trigger[MetricsObserved]:
    """A new reading of a post of the last `within`. With `passes=100`: once, when `of` rises to 100 or more.

    Posts that are already above when the automation first looks are left alone unless `existing`.
    """
    crossing = Crossing(of=of, level=passes, existing=existing) if passes is not None else None
    return OnMetrics(of=accounts, every=every, within=within, passes=crossing)


def delivered(automation: Automation[Any] | str, *, after: timedelta = timedelta(0)) -> Trigger[DeliverySettled]:
    """A delivery of another automation was delivered, `after` ago."""
    return OnDelivered(automation=automation if isinstance(automation, str) else automation.name, after=after)


def schedule(cron: str, *, zone: str) -> Trigger[SlotReached]:
    """A time came: five cron fields read as wall time in an IANA zone."""
    return OnSchedule(cron=cron, zone=zone)


def csv(path: str | Path, *, zone: str) -> Trigger[ContentDue]:
    """A row of a calendar is due.

    Columns: id, publish_at (wall time in `zone`, or with an offset), text; optional: image and alt, link, language,
    warning, visibility, others. The file may be edited while the daemon runs; a row is known by its id.
    """
    return OnCsv(path=Path(path), zone=zone)


def queue(path: str | Path, *, cron: str, zone: str) -> Trigger[ContentDue]:
    """At each slot the next item of a file: rows of a CSV with id and text, in the order of the file, each once.

    Slots that passed while nobody looked are not made up for; another `cron` does not begin the queue anew.
    """
    return OnQueue(path=Path(path), cron=cron, zone=zone)


def feed(url: str, *, every: timedelta = 15 * MINUTE, private: tuple[str, ...] = ()) -> Trigger[EntryPublished]:
    """A new entry stands in an RSS or Atom feed. `private` names address ranges (CIDR) it may live in."""
    return OnFeed(url=url, every=every, private=private)


def webhook(path: str, *, secret: Secret, id_field: str = "id") -> Trigger[HookReceived]:
    """Somebody posted JSON to the daemon's listener at `path` with the shared secret as a bearer token.

    `id_field` names the field that identifies it; without one, equal bodies are one event.
    """
    return OnWebhook(path=path, secret=secret, id_field=id_field)


def trouble(*what: str) -> Trigger[TroubleSeen]:
    """Something happened that a person must see; without arguments, anything."""
    return OnTrouble(what=frozenset(what))
