"""Recorded facts. A name is a noun or a past participle; `id` is the network's own."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from .values import Author, Draft, Metrics, Post, PostRef, Value


class Event(Value):
    """One recorded fact. `(feed, id)` is its identity: the same pair again is not an event.

    `account` is our name of the account that observed it ('' for none); the engine fills it in.
    `lineage` counts how many of our own deliveries lie between this fact and the outside world: 0 came from others.
    """

    kind: ClassVar[str]

    id: str
    occurred_at: AwareDatetime
    account: str = ""
    lineage: int = 0


class PostEvent(Event):
    """A fact about one post."""

    post: Post

    @property
    def conversation(self) -> str:
        return self.post.ref.thread


class Mention(PostEvent):
    """Somebody named the account in a post."""

    kind: ClassVar[str] = "mention"


class ReplyReceived(PostEvent):
    """Somebody answered a post of the account without naming it elsewhere."""

    kind: ClassVar[str] = "reply-received"


class PostPublished(PostEvent):
    """A post of the account itself appeared on the network, by whatever way it got there."""

    kind: ClassVar[str] = "post-published"


class MetricsObserved(PostEvent):
    """A reading of one post's counts; `occurred_at` is when it was measured."""

    kind: ClassVar[str] = "metrics-observed"
    metrics: Metrics


class Followed(Event):
    """Somebody began to follow the account."""

    kind: ClassVar[str] = "followed"
    author: Author


class DeliverySettled(Event):
    """A delivery of one of our automations was delivered."""

    kind: ClassVar[str] = "delivery-settled"
    automation: str
    delivery: str
    action: str
    """The action's kind."""
    ref: PostRef | None = None
    target: PostRef | None = None


class SlotReached(Event):
    """A scheduled time came; `nominal` is the time the rule names, whenever the daemon noticed."""

    kind: ClassVar[str] = "slot-reached"
    nominal: AwareDatetime


class ContentDue(Event):
    """A row of a calendar or the next item of a queue is due."""

    kind: ClassVar[str] = "content-due"
    draft: Draft
    row: dict[str, str] = Field(default_factory=dict)
    """Every column of the row as written."""


class EntryPublished(Event):
    """A new entry stood in an RSS or Atom feed."""

    kind: ClassVar[str] = "entry-published"
    title: str = ""
    link: str = ""
    summary: str = ""
    author: str = ""


class HookReceived(Event):
    """A web hook came in; `body` is its JSON (an object is kept as it is, anything else under 'value')."""

    kind: ClassVar[str] = "hook-received"
    body: dict[str, Any] = Field(default_factory=dict)


TROUBLES = ("uncertain", "held", "failed", "expired", "account-paused", "lane-stuck", "budget-80", "version-ending")


class TroubleSeen(Event):
    """Something a person must see: `what` is one of `TROUBLES`, `says` one sentence, `subject` the delivery, account
    or feed it is about."""

    kind: ClassVar[str] = "trouble-seen"
    what: str
    says: str
    subject: str = ""
    automation: str = ""


BUILT_IN: tuple[type[Event], ...] = (
    Mention,
    ReplyReceived,
    PostPublished,
    MetricsObserved,
    Followed,
    DeliverySettled,
    SlotReached,
    ContentDue,
    EntryPublished,
    HookReceived,
    TroubleSeen,
)
