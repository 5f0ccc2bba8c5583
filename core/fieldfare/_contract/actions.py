"""Intents as data: stored as JSON, performed later by a session of the account."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import AwareDatetime, Field, model_validator

from .._domain.events import Event, PostEvent
from .._domain.values import Draft, Media, Money, Pending, PostRef, Receipt, Secret, Value, Visibility
from .delivery import Attempt
from .platform import Boosts, Deletes, Likes, Publishes, Replies, Reposts, Session

S = TypeVar("S", bound=Session)


class Notifies(Session):
    """The capability behind `Notify`; the engine's own session has it, no account is needed."""

    @abstractmethod
    async def notify(self, text: str, webhook: Secret | str | None, attempt: Attempt) -> Receipt | Pending: ...


class Action(Value, ABC, Generic[S]):
    """One intent. `kind` is its stored name; `needs` the capability that performs it."""

    kind: ClassVar[str]
    needs: ClassVar[type[Session]]
    late: ClassVar[timedelta] = timedelta(hours=1)
    """Not sent by then, it is of no use any more."""
    once: ClassVar[bool] = False
    """True: at most one per (account, kind, target), whichever automation asks."""

    @property
    def target(self) -> PostRef | None:
        """The post it is about."""
        return None

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The posts it would publish, in order."""
        return ()

    @property
    def cost(self) -> Money | None:
        """The most it may spend."""
        return None

    def completed(self, event: Event) -> Self:
        """With what follows from the event filled in; called once, before the digest is taken."""
        return self

    def with_media(self, kept: tuple[Media, ...]) -> Self:
        """With these media, in the order of `drafts`, in place of its own."""
        return self

    @abstractmethod
    async def perform(self, session: S, attempt: Attempt) -> Receipt | Pending: ...


class Publish(Action[Publishes]):
    """Publish one post, or a thread: `draft` and then each of `thread` below it."""

    kind: ClassVar[str] = "publish"
    needs: ClassVar[type[Session]] = Publishes

    draft: Draft
    thread: tuple[Draft, ...] = ()

    @property
    def drafts(self) -> tuple[Draft, ...]:
        return (self.draft, *self.thread)

    def with_media(self, kept: tuple[Media, ...]) -> Self:
        first, *rest = _dealt(self.drafts, kept)
        return self.model_copy(update={"draft": first, "thread": tuple(rest)})

    async def perform(self, session: Publishes, attempt: Attempt) -> Receipt | Pending:
        return await session.publish(self.drafts, attempt)


class Reply(Action[Replies]):
    """Answer a post. Language, warning and visibility follow the post it answers; it is never more visible."""

    kind: ClassVar[str] = "reply"
    needs: ClassVar[type[Session]] = Replies
    late: ClassVar[timedelta] = timedelta(hours=24)

    to: PostRef
    text: str
    media: tuple[Media, ...] = ()
    language: str | None = None
    visibility: Visibility | None = None
    warning: str | None = None
    person: str = ""
    """The id of whom it answers; filled in from the event."""

    @property
    def target(self) -> PostRef:
        return self.to

    @property
    def drafts(self) -> tuple[Draft, ...]:
        return (
            Draft(
                text=self.text,
                media=self.media,
                language=self.language,
                visibility=self.visibility,
                warning=self.warning,
            ),
        )

    def completed(self, event: Event) -> Self:
        if not isinstance(event, PostEvent) or not self.to.same(event.post.ref):
            return self
        post = event.post
        widest = post.visibility
        visibility = widest if self.visibility is None or self.visibility.width > widest.width else self.visibility
        return self.model_copy(
            update={
                "to": post.ref,
                "person": self.person or post.author.id,
                "language": self.language or post.language,
                "warning": post.warning if self.warning is None else self.warning,
                "visibility": visibility,
            }
        )

    def with_media(self, kept: tuple[Media, ...]) -> Self:
        return self.model_copy(update={"media": kept})

    async def perform(self, session: Replies, attempt: Attempt) -> Receipt | Pending:
        return await session.reply(self.to, self.drafts[0], attempt)


class Repost(Action[Reposts]):
    """Share a post natively. (Paid promotion is `Boost`.)"""

    kind: ClassVar[str] = "repost"
    needs: ClassVar[type[Session]] = Reposts
    once: ClassVar[bool] = True

    post: PostRef

    @property
    def target(self) -> PostRef:
        return self.post

    async def perform(self, session: Reposts, attempt: Attempt) -> Receipt | Pending:
        return await session.repost(self.post, attempt)


class Like(Action[Likes]):
    """Like a post."""

    kind: ClassVar[str] = "like"
    needs: ClassVar[type[Session]] = Likes
    once: ClassVar[bool] = True

    post: PostRef

    @property
    def target(self) -> PostRef:
        return self.post

    async def perform(self, session: Likes, attempt: Attempt) -> Receipt | Pending:
        return await session.like(self.post, attempt)


class Delete(Action[Deletes]):
    """Remove a post of our own."""

    kind: ClassVar[str] = "delete"
    needs: ClassVar[type[Session]] = Deletes

    post: PostRef

    @property
    def target(self) -> PostRef:
        return self.post

    async def perform(self, session: Deletes, attempt: Attempt) -> Receipt | Pending:
        return await session.delete(self.post, attempt)


class Boost(Action[Boosts]):
    """Advertise a post: at most `spend`, over `days` days. Needs a `Budget` in the automation."""

    kind: ClassVar[str] = "boost"
    needs: ClassVar[type[Session]] = Boosts
    once: ClassVar[bool] = True

    post: PostRef
    spend: Money
    days: Annotated[int, Field(ge=1, le=90)]
    ends: AwareDatetime | None = None
    """Filled in from the event's decision: spending always has an end."""

    @property
    def target(self) -> PostRef:
        return self.post

    @property
    def cost(self) -> Money:
        return self.spend

    def ending(self, now: datetime) -> datetime:
        return self.ends or now + timedelta(days=self.days)

    async def perform(self, session: Boosts, attempt: Attempt) -> Receipt | Pending:
        ends = await attempt.once("ends", lambda: self.ending(attempt.now).isoformat())
        return await session.boost(self.post, self.spend, datetime.fromisoformat(ends), attempt)


class Notify(Action[Notifies]):
    """Tell the operator: a log line at warning level, or a POST of `{"text": …}` to `webhook` (a URL or its secret)."""

    kind: ClassVar[str] = "notify"
    needs: ClassVar[type[Session]] = Notifies
    late: ClassVar[timedelta] = timedelta(hours=24)

    text: str
    webhook: Secret | str | None = None

    @model_validator(mode="after")
    def _reaches_somebody(self) -> Notify:
        if isinstance(self.webhook, str) and not self.webhook.startswith(("http://", "https://")):
            raise ValueError(f"{self.webhook!r} is not an http(s) address; give the address or secret('NAME')")
        return self

    async def perform(self, session: Notifies, attempt: Attempt) -> Receipt | Pending:
        return await session.notify(self.text, self.webhook, attempt)


def _dealt(drafts: tuple[Draft, ...], kept: tuple[Media, ...]) -> list[Draft]:
    left = iter(kept)
    return [d.model_copy(update={"media": tuple(next(left) for _ in d.media)}) for d in drafts]


BUILT_IN: tuple[type[Action[Any]], ...] = (Publish, Reply, Repost, Like, Delete, Boost, Notify)
