"""What an account sees on its network: mentions, replies, followers, its own posts and how they do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import Field, InstanceOf

from .._contract.conditions import Condition, from_self
from .._contract.feeds import Batch, Feed, FeedServices
from .._contract.platform import (
    Account,
    ReadsFollowers,
    ReadsMentions,
    ReadsMetrics,
    ReadsOwnPosts,
    ReadsReplies,
    Session,
)
from .._contract.triggers import Crossing, Trigger
from .._domain.events import (
    Event,
    Followed,
    Mention,
    MetricsObserved,
    PostPublished,
    ReplyReceived,
)
from .._domain.values import Post

E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=Session)


class AccountFeed(Feed[E]):
    """A feed of one account; its identity is the network's own id of that account."""

    def __init__(self, account: Account, every: timedelta) -> None:
        self.account = account
        self.accounts = (account.name,)
        self.every = every

    def key(self, identities: Mapping[str, str]) -> str:
        return f"{self.event.kind}:{self.account.platform.kind}:{identities[self.account.name]}"

    def session(self, services: FeedServices, capability: type[S]) -> S:
        """The account's session; `check` has made sure that it has the capability."""
        return cast(S, services.sessions[self.account.name])


class Mentions(AccountFeed[Mention]):
    event = Mention

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[Mention]:
        return await self.session(services, ReadsMentions).mentions(cursor, services.known)


class RepliesReceived(AccountFeed[ReplyReceived]):
    event = ReplyReceived

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[ReplyReceived]:
        return await self.session(services, ReadsReplies).replies(cursor, services.known)


class Followers(AccountFeed[Followed]):
    event = Followed

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[Followed]:
        return await self.session(services, ReadsFollowers).followers(cursor, services.known)


class OwnPosts(AccountFeed[PostPublished]):
    """The account's own posts as they appear; each look goes back an hour behind the last one, since listings lag."""

    event = PostPublished

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[PostPublished]:
        start = services.now
        since = datetime.fromisoformat(cursor) if cursor else start - timedelta(hours=1)
        posts = await self.session(services, ReadsOwnPosts).own_posts(since - timedelta(hours=1))
        known = await services.known([post.ref.id for post in posts])
        fresh = [post for post in reversed(posts) if post.ref.id not in known and post.repost_of is None]
        events = [PostPublished(id=post.ref.id, occurred_at=post.created_at, post=post) for post in fresh]
        return Batch(events, start.isoformat())


class Readings(AccountFeed[MetricsObserved]):
    """Counts of the account's posts of the last `within`; a reading equal to the last one is no event.

    The cursor holds a digest of the last reading of each post.
    """

    event = MetricsObserved

    def __init__(self, account: Account, every: timedelta, within: timedelta) -> None:
        super().__init__(account, every)
        self.within = within

    def key(self, identities: Mapping[str, str]) -> str:
        return f"{super().key(identities)}:{int(self.within.total_seconds())}"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[MetricsObserved]:
        last: dict[str, str] = json.loads(cursor) if cursor else {}
        posts = await self._measured(services)
        events: list[MetricsObserved] = []
        now: dict[str, str] = {}
        for post in reversed(posts):
            metrics = post.metrics
            if metrics is None:
                continue
            digest = f"{metrics.likes}.{metrics.reposts}.{metrics.replies}.{metrics.quotes}.{metrics.views}"
            now[post.ref.id] = digest
            if last.get(post.ref.id) == digest:
                continue
            moment = f"{metrics.measured_at.timestamp():.3f}"
            events.append(
                MetricsObserved(
                    id=f"{post.ref.id}@{moment}", occurred_at=metrics.measured_at, post=post, metrics=metrics
                )
            )
        return Batch(events, json.dumps(now, separators=(",", ":")))

    async def _measured(self, services: FeedServices) -> Sequence[Post]:
        posts = await self.session(services, ReadsOwnPosts).own_posts(services.now - self.within)
        bare = [post.ref for post in posts if post.metrics is None]
        session = services.sessions[self.account.name]
        if not bare or not isinstance(session, ReadsMetrics):
            return posts
        fresh = await session.metrics(bare)
        return [fresh.get(post.ref.id, post) if post.metrics is None else post for post in posts]


Accounts = Annotated[tuple[InstanceOf[Account], ...], Field(min_length=1)]


class AccountTrigger(Trigger[E]):
    """A trigger on one or more accounts; each account's feed is shared with every automation that names it."""

    of: Accounts
    every: timedelta = timedelta(seconds=60)
    feed: ClassVar[type[AccountFeed[Any]]]

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.of

    def feeds(self) -> Sequence[Feed[Any]]:
        return [self.feed(account, self.every) for account in self.of]


class OnMention(AccountTrigger[Mention]):
    kind: ClassVar[str] = "mention"
    event: ClassVar[type[Event]] = Mention
    needs: ClassVar[tuple[type[Session], ...]] = (ReadsMentions,)
    feed: ClassVar[type[AccountFeed[Any]]] = Mentions

    def condition(self) -> Condition[Any]:
        return ~from_self()


class OnReply(AccountTrigger[ReplyReceived]):
    kind: ClassVar[str] = "reply"
    event: ClassVar[type[Event]] = ReplyReceived
    needs: ClassVar[tuple[type[Session], ...]] = (ReadsReplies,)
    feed: ClassVar[type[AccountFeed[Any]]] = RepliesReceived

    def condition(self) -> Condition[Any]:
        return ~from_self()


class OnFollow(AccountTrigger[Followed]):
    kind: ClassVar[str] = "follow"
    event: ClassVar[type[Event]] = Followed
    needs: ClassVar[tuple[type[Session], ...]] = (ReadsFollowers,)
    feed: ClassVar[type[AccountFeed[Any]]] = Followers


class OnPublished(AccountTrigger[PostPublished]):
    kind: ClassVar[str] = "published"
    event: ClassVar[type[Event]] = PostPublished
    needs: ClassVar[tuple[type[Session], ...]] = (ReadsOwnPosts,)
    feed: ClassVar[type[AccountFeed[Any]]] = OwnPosts


class OnMetrics(AccountTrigger[MetricsObserved]):
    kind: ClassVar[str] = "metrics"
    event: ClassVar[type[Event]] = MetricsObserved
    needs: ClassVar[tuple[type[Session], ...]] = (ReadsOwnPosts,)
    feed: ClassVar[type[AccountFeed[Any]]] = Readings

    within: timedelta = timedelta(days=7)
    passes: Crossing | None = None

    @property
    def crossing(self) -> Crossing | None:
        return self.passes

    def feeds(self) -> Sequence[Feed[Any]]:
        return [Readings(account, self.every, self.within) for account in self.of]
