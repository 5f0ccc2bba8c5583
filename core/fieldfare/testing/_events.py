"""Events for tests: everything that is not named is sensible, and the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..plugin import (
    Author,
    ContentDue,
    DeliverySettled,
    Draft,
    EntryPublished,
    Followed,
    HookReceived,
    Mention,
    Metrics,
    MetricsObserved,
    Post,
    PostPublished,
    PostRef,
    ReplyReceived,
    SlotReached,
    TroubleSeen,
    Visibility,
)
from ._lent import NOON
from ._world import PLATFORM

US = "brand"


def _id(*parts: object) -> str:
    """Equal for equal parts, so that an event that is written twice is one event."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def author(handle: str = "ada", *, bot: bool = False, us: bool = False, followers: int | None = 10) -> Author:
    """A person, a bot, or the account itself."""
    return Author(
        id=f"account-{handle}" if us else f"person-{handle}",
        handle=handle,
        name=handle.title(),
        is_bot=bot,
        is_self=us,
        followers=followers,
    )


def post(
    text: str = "hello",
    *,
    by: str | Author = "ada",
    at: datetime = NOON,
    id: str = "",
    to: Post | PostRef | None = None,
    language: str | None = "en",
    visibility: Visibility = Visibility.PUBLIC,
    warning: str | None = None,
    metrics: Metrics | None = None,
) -> Post:
    """A post by somebody; `to` is the post it answers. Two with the same text, author and time are one post."""
    who = author(by) if isinstance(by, str) else by
    parent = to.ref if isinstance(to, Post) else to
    id = id or f"post-{_id(text, who.id, at, parent and parent.id)}"
    ref = PostRef(
        platform=PLATFORM,
        id=id,
        url=f"{PLATFORM}://village/@{who.handle}/{id}",
        conversation=parent.thread if parent else "",
    )
    return Post(
        ref=ref,
        author=who,
        text=text,
        created_at=at,
        language=language,
        visibility=visibility,
        warning=warning,
        reply_to=parent,
        metrics=metrics,
    )


def mention(
    text: str = f"hello @{US}", *, by: str | Author = "ada", at: datetime = NOON, id: str = "", **more: Any
) -> Mention:
    """Somebody named us; `more` is what `post` takes."""
    made = post(text, by=by, at=at, **more)
    return Mention(id=id or f"mention-{made.ref.id}", occurred_at=at, post=made)


def reply(
    text: str = "me too",
    *,
    to: Post | PostRef | None = None,
    by: str | Author = "ada",
    at: datetime = NOON,
    id: str = "",
    **more: Any,
) -> ReplyReceived:
    """Somebody answered a post of ours: `to`, or one about nothing in particular."""
    made = post(text, by=by, at=at, to=to or post("good morning", by=author(US, us=True)), **more)
    return ReplyReceived(id=id or f"reply-{made.ref.id}", occurred_at=at, post=made)


def published(text: str = "good morning", *, at: datetime = NOON, id: str = "", **more: Any) -> PostPublished:
    """A post of ours appeared."""
    made = post(text, by=author(US, us=True), at=at, **more)
    return PostPublished(id=id or made.ref.id, occurred_at=at, post=made)


def reading(
    *,
    likes: int = 0,
    reposts: int = 0,
    replies: int = 0,
    quotes: int = 0,
    views: int | None = None,
    of: Post | None = None,
    at: datetime = NOON,
    id: str = "",
) -> MetricsObserved:
    """A reading of the counts of `of`: a post of ours, an hour old unless it is given."""
    metrics = Metrics(measured_at=at, likes=likes, reposts=reposts, replies=replies, quotes=quotes, views=views)
    about = of or post("good morning", by=author(US, us=True), at=NOON.replace(hour=11))
    made = about.model_copy(update={"metrics": metrics})
    return MetricsObserved(id=id or f"{made.ref.id}@{_id(metrics)}", occurred_at=at, post=made, metrics=metrics)


def follow(by: str | Author = "ada", *, at: datetime = NOON, id: str = "") -> Followed:
    """Somebody began to follow us."""
    who = author(by) if isinstance(by, str) else by
    return Followed(id=id or f"follow-{who.id}", occurred_at=at, author=who)


def delivered(
    automation: str, *, action: str = "publish", of: Post | None = None, at: datetime = NOON, id: str = ""
) -> DeliverySettled:
    """A delivery of the automation of that name was delivered; `of` is what it published."""
    made = of or post("good morning", by=author(US, us=True), at=at)
    key = f"{automation}/{_id(made.ref.id, action)}/0"
    return DeliverySettled(
        id=id or key, occurred_at=at, automation=automation, delivery=key, action=action, ref=made.ref
    )


def due(
    text: str = "good morning", *, at: datetime = NOON, id: str = "", row: Mapping[str, str] | None = None
) -> ContentDue:
    """A row of a calendar or an item of a queue is due."""
    columns = {"id": id or _id(text, at), "text": text} | dict(row or {})
    return ContentDue(id=columns["id"], occurred_at=at, draft=Draft(text=text), row=columns)


def slot(at: datetime = NOON) -> SlotReached:
    """A scheduled time came."""
    return SlotReached(id=at.isoformat(), occurred_at=at, nominal=at)


def entry(
    title: str = "News", *, link: str = "https://news.example/1", summary: str = "", at: datetime = NOON, id: str = ""
) -> EntryPublished:
    """A new entry stood in a feed."""
    return EntryPublished(id=id or link, occurred_at=at, title=title, link=link, summary=summary)


def hook(body: Mapping[str, Any] | None = None, *, at: datetime = NOON, id: str = "") -> HookReceived:
    """A web hook came in."""
    said = dict(body or {})
    return HookReceived(id=id or _id(sorted(said.items(), key=str)), occurred_at=at, body=said)


def trouble(
    what: str = "uncertain", *, says: str = "", subject: str = "", at: datetime = NOON, id: str = ""
) -> TroubleSeen:
    """Something happened that a person must see."""
    return TroubleSeen(
        id=id or _id(what, subject, at),
        occurred_at=at,
        what=what,
        says=says or f"{what}: {subject or 'something'}",
        subject=subject,
    )
