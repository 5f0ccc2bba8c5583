"""What an account of the Playground sees: read from the world directly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from ..plugin import (
    Author,
    Batch,
    Event,
    Followed,
    Mention,
    Post,
    PostRef,
    ReadsFollowers,
    ReadsMentions,
    ReadsMetrics,
    ReadsOwnPosts,
    ReadsPosts,
    ReadsReplies,
    ReplyReceived,
    Services,
)
from ._world import Inbox, Notice, World

E = TypeVar("E", bound=Event)
PAGE = 40


class Reader(ReadsMentions, ReadsReplies, ReadsFollowers, ReadsMetrics, ReadsPosts, ReadsOwnPosts):
    """Every look lets the world go on to the time that the services tell."""

    def __init__(self, world: World, handle: str, services: Services) -> None:
        self._there = world
        self._handle = handle
        self._services = services

    @property
    def _world(self) -> World:
        self._there.advance(self._services.now())
        return self._there

    async def whoami(self) -> Author:
        author = self._world.author(self._handle, self._handle)
        assert author is not None
        return author

    async def mentions(self, cursor: str | None, known: object) -> Batch[Mention]:
        def event(notice: Notice, post: Post) -> Mention:
            return Mention(id=notice.id, occurred_at=notice.at, post=post)

        return self._page("mention", cursor, self._about_posts(event))

    async def replies(self, cursor: str | None, known: object) -> Batch[ReplyReceived]:
        def event(notice: Notice, post: Post) -> ReplyReceived:
            return ReplyReceived(id=notice.id, occurred_at=notice.at, post=post)

        return self._page("reply", cursor, self._about_posts(event))

    async def followers(self, cursor: str | None, known: object) -> Batch[Followed]:
        def event(notice: Notice) -> Followed | None:
            author = self._there.author(notice.subject, self._handle)
            return None if author is None else Followed(id=notice.id, occurred_at=notice.at, author=author)

        return self._page("follow", cursor, event)

    def _about_posts(self, event: Callable[[Notice, Post], E]) -> Callable[[Notice], E | None]:
        def made(notice: Notice) -> E | None:
            post = self._there.seen(notice.subject, self._handle)
            return None if post is None else event(notice, post)

        return made

    def _page(self, inbox: Inbox, cursor: str | None, event: Callable[[Notice], E | None]) -> Batch[E]:
        """The cursor is the world's epoch and how many notices were read; what is gone by now is left out."""
        world = self._world
        notices = world.inbox(self._handle, inbox)
        epoch, _, count = (cursor or "").partition(":")
        first = max(0, len(notices) - PAGE) if cursor is None else int(count) if epoch == world.epoch else 0
        page = notices[first : first + PAGE]
        events = [made for made in map(event, page) if made is not None]
        last = first + len(page)
        return Batch(events, f"{world.epoch}:{last}", more=last < len(notices))

    async def metrics(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        return await self.posts(refs)

    async def posts(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        world = self._world
        found = {ref.id: world.seen(ref.id, self._handle) for ref in refs}
        return {id: post for id, post in found.items() if post is not None}

    async def own_posts(self, since: datetime) -> Sequence[Post]:
        world = self._world
        written = [world.seen(kept.ref.id, self._handle) for kept in world.written_by(self._handle, since)]
        return [post for post in reversed(written) if post is not None][:400]
