"""The live connection of one account: what it can do and what it sees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from fieldfare.plugin import (
    Action,
    Attempt,
    AuthFailed,
    Author,
    Batch,
    Declaration,
    Deletes,
    Draft,
    Event,
    Followed,
    Likes,
    Mention,
    Post,
    PostRef,
    Publishes,
    ReadsFollowers,
    ReadsMentions,
    ReadsMetrics,
    ReadsOwnPosts,
    ReadsPosts,
    ReadsReplies,
    Recall,
    Recalls,
    Receipt,
    Replies,
    ReplyReceived,
    Reposts,
    Services,
    Session,
)

from ._client import Client
from ._login import Keeper
from ._notifications import PAGE, Page, look
from ._wire import LIKE, REPOST, FeedItem, Notification, Profile, author, post_of_notification, post_of_view, views
from ._writes import Writer

E = TypeVar("E", bound=Event)
Known = Callable[[Collection[str]], Awaitable[frozenset[str]]]

OWN_PAGES = 4
"""Pages of 100 that `own_posts` reads at most."""

_SETTLE = timedelta(seconds=5)
_SOURCE = "keys are chosen by us and never forgotten; what arrives late meets its own key (tried 2026-11-22)"
# Looked up and not repeated, hence `remembers`: a look costs no write points, and a repeated thread answers 500.
_LOOKED_UP = Declaration(idempotency="client_key", remembers=timedelta(0), settle=_SETTLE, source=_SOURCE)
_REPEATABLE = Declaration(idempotency="client_key", idempotent=True, settle=_SETTLE, source=_SOURCE)


class BlueskySession(
    Publishes,
    Replies,
    Reposts,
    Likes,
    Deletes,
    ReadsMentions,
    ReadsReplies,
    ReadsFollowers,
    ReadsMetrics,
    ReadsPosts,
    ReadsOwnPosts,
    Recalls,
):
    """One account; it logs in when it is first used."""

    declares: Mapping[type[Session], Declaration] = {
        Publishes: _LOOKED_UP,
        Replies: _LOOKED_UP,
        Reposts: _REPEATABLE,
        Likes: _REPEATABLE,
        Deletes: _REPEATABLE,
    }

    def __init__(self, services: Services, keeper: Keeper) -> None:
        self._services = services
        self._keeper = keeper
        self._client = Client(services.http, keeper)
        self._writer = Writer(self._client, keeper)

    async def whoami(self) -> Author:
        said = await self._client.read("com.atproto.server.getSession")
        if said.get("active") is False:
            raise AuthFailed(f"the account {said['handle']!r} is {said.get('status') or 'not active'}")
        return author(Profile.model_validate(said), said["did"])

    # What it does

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        return await self._writer.publish(drafts, attempt)

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt:
        return await self._writer.reply(to, draft, attempt)

    async def repost(self, post: PostRef, attempt: Attempt) -> Receipt:
        return await self._writer.mark(REPOST, post, attempt)

    async def like(self, post: PostRef, attempt: Attempt) -> Receipt:
        return await self._writer.mark(LIKE, post, attempt)

    async def delete(self, post: PostRef, attempt: Attempt) -> Receipt:
        return await self._writer.delete(post, attempt)

    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        return await self._writer.recall(action.target, attempt)

    # What it sees

    async def mentions(self, cursor: str | None, known: Known) -> Batch[Mention]:
        return await self._look("mention", cursor, known, Mention)

    async def replies(self, cursor: str | None, known: Known) -> Batch[ReplyReceived]:
        return await self._look("reply", cursor, known, ReplyReceived)

    async def followers(self, cursor: str | None, known: Known) -> Batch[Followed]:
        me = (await self._keeper.login()).did

        def make(entry: Notification) -> Followed:
            return Followed(id=entry.uri, occurred_at=entry.indexed_at, author=author(entry.author, me))

        return await look(self._pages("follow"), cursor, known, self._services.now(), make)

    async def posts(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        me = (await self._keeper.login()).did
        shown = await self._client.posts([ref.id for ref in refs])
        now = self._services.now()
        return {uri: post_of_view(view, me, now) for uri, view in shown.items()}

    async def metrics(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        return await self.posts(refs)

    async def own_posts(self, since: datetime) -> Sequence[Post]:
        me = (await self._keeper.login()).did
        found: dict[str, Post] = {}
        cursor = ""
        for _ in range(OWN_PAGES):
            more = {"cursor": cursor} if cursor else {}
            page = await self._client.read("app.bsky.feed.getAuthorFeed", actor=me, limit=PAGE, **more)
            items = [FeedItem.model_validate(item) for item in page.get("feed") or ()]
            now = self._services.now()
            own = [
                post_of_view(view, me, now) for view in views([item.post for item in items]) if view.author.did == me
            ]
            found |= {post.ref.id: post for post in own if post.created_at >= since}
            cursor = page.get("cursor") or ""
            if not cursor or (own and all(post.created_at < since for post in own)):
                break
        return sorted(found.values(), key=lambda post: post.created_at, reverse=True)

    async def _look(self, reason: str, cursor: str | None, known: Known, event: type[E]) -> Batch[E]:
        me = (await self._keeper.login()).did

        def make(entry: Notification) -> E:
            return event.model_validate(
                {"id": entry.uri, "occurred_at": entry.indexed_at, "post": post_of_notification(entry, me)}
            )

        return await look(self._pages(reason), cursor, known, self._services.now(), make)

    def _pages(self, reason: str) -> Callable[[str | None], Awaitable[Page]]:
        async def read(cursor: str | None) -> Page:
            more = {"cursor": cursor} if cursor else {}
            # Without `priority=false` an account may be shown only people it follows (AppView 0.0.221).
            page = await self._client.read(
                "app.bsky.notification.listNotifications",
                limit=PAGE,
                priority=False,
                reasons=[reason],
                **more,
            )
            return page.get("notifications") or [], page.get("cursor")

        return read
