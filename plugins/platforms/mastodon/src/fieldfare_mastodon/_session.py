"""The live connection of one account: what it can do and what it sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from fieldfare.plugin import (
    Action,
    Attempt,
    AuthFailed,
    Author,
    Batch,
    Declaration,
    Deletes,
    Draft,
    Followed,
    Likes,
    Mention,
    NotSent,
    Pending,
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
    Rejected,
    Replies,
    ReplyReceived,
    Reposts,
    Services,
    Session,
)

from ._client import Client, status_path
from ._json import objects
from ._judge import Gone
from ._notifications import Look
from ._recall import Memory
from ._server import Habits, detect
from ._wire import NoteJson, StatusJson, account_of, author, fold, legible, post, status_of
from ._writes import Writer

Known = Callable[[Collection[str]], Awaitable[frozenset[str]]]

PAGE = 40
OWN_POSTS = 400
LISTED_ABOVE = 5
"""More posts than this are looked for in the account's own listing first, 40 to a request."""

_SOURCE = (
    "keys ignored by GoToSocial 0.20, snac 2.94 and Takahe 0.11, written after the post by Mastodon and Hollo 0.6 "
    "(seen 2026-11-22): own posts are read back instead"
)
_WRITES = ("write:statuses", "write:media", "read:accounts", "read:statuses")


def declarations(settle: timedelta) -> Mapping[type[Session], Declaration]:
    """What is promised about each kind of write."""
    posts = Declaration(idempotency="none", settle=settle, scopes=_WRITES, source=_SOURCE)
    marks = Declaration(idempotency="none", settle=settle, scopes=("write:statuses", "read:statuses"), source=_SOURCE)
    likes = Declaration(
        idempotency="none",
        idempotent=True,
        settle=settle,
        scopes=("write:favourites", "read:statuses"),
        source="a second favourite counts once on all five (seen 2026-11-22)",
    )
    deletes = Declaration(
        idempotency="none",
        idempotent=True,
        settle=settle,
        scopes=("write:statuses", "read:statuses"),
        source="a second delete is answered with 404 (seen 2026-11-22)",
    )
    return {Publishes: posts, Replies: posts, Reposts: marks, Likes: likes, Deletes: deletes}


class MastodonSession(
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
    """One account; it asks who it is and what answers there when that is first needed."""

    declares: Mapping[type[Session], Declaration] = declarations(timedelta(seconds=30))

    def __init__(self, services: Services, client: Client, settle: timedelta) -> None:
        self.declares = declarations(settle)
        self._services = services
        self._client = client
        self._me: Author | None = None
        self._found: Habits | None = None

    async def whoami(self) -> Author:
        try:
            said = await self._client.one("/api/v1/accounts/verify_credentials")
        except Gone:
            raise
        except Rejected as error:
            # snac 2.94 answers a bad token with 422 here and nowhere else (seen 2026-11-22).
            raise AuthFailed(f"{error}; make a new token and store it under the name in the settings") from None
        account = account_of(said)
        self._me = author(account, account.id)
        return self._me

    # What it does

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt | Pending:
        return await (await self._writer()).publish(drafts, attempt)

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt | Pending:
        return await (await self._writer()).reply(to, draft, attempt)

    async def repost(self, post: PostRef, attempt: Attempt) -> Receipt:
        return await (await self._writer()).repost(post, attempt)

    async def like(self, post: PostRef, attempt: Attempt) -> Receipt:
        return await (await self._writer()).like(post, attempt)

    async def delete(self, post: PostRef, attempt: Attempt) -> Receipt:
        return await (await self._writer()).delete(post, attempt)

    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        memory = Memory(self._client, await self._id(), await self._habits())
        return await memory.recall(action.target, attempt)

    # What it sees

    async def mentions(self, cursor: str | None, known: Known) -> Batch[Mention]:
        me, habits = await self._id(), await self._habits()
        look = self._look("mention", known, lambda note: _event_id(note, me, reply=False))
        found, after = await look.pull(cursor)
        events = [
            Mention(id=fold(note.status.id), occurred_at=note.created_at, post=await self._seen(note.status, habits))
            for note in found
            if note.status is not None
        ]
        return Batch(events, after, more=look.more, notes=look.notes)

    async def replies(self, cursor: str | None, known: Known) -> Batch[ReplyReceived]:
        me, habits = await self._id(), await self._habits()
        look = self._look("mention", known, lambda note: _event_id(note, me, reply=True))
        found, after = await look.pull(cursor)
        events = [
            ReplyReceived(
                id=fold(note.status.id), occurred_at=note.created_at, post=await self._seen(note.status, habits)
            )
            for note in found
            if note.status is not None
        ]
        return Batch(events, after, more=look.more, notes=look.notes)

    async def followers(self, cursor: str | None, known: Known) -> Batch[Followed]:
        me = await self._id()
        look = self._look("follow", known, lambda note: fold(note.id) if note.account else "")
        found, after = await look.pull(cursor)
        events = [
            Followed(id=fold(note.id), occurred_at=note.created_at, author=author(note.account, me))
            for note in found
            if note.account is not None
        ]
        return Batch(events, after, more=look.more, notes=look.notes)

    async def posts(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        me, habits = await self._id(), await self._habits()
        at_once = asyncio.Semaphore(4)

        async def one(wanted: PostRef) -> Post | None:
            async with at_once:
                try:
                    status = status_of(await self._client.one(status_path(wanted.id)))
                except Gone:
                    return None
                return post(status, me, habits, measured=self._services.now(), conversation=wanted.conversation)

        found = await asyncio.gather(*(one(wanted) for wanted in refs))
        return {wanted.id: each for wanted, each in zip(refs, found, strict=True) if each is not None}

    async def metrics(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        listed: Mapping[str, Post] = {}
        if len(refs) > LISTED_ABOVE:
            wanted = {wanted.id for wanted in refs}
            listed = {each.ref.id: each for each in await self._own(None) if each.ref.id in wanted}
        return {**listed, **await self.posts([wanted for wanted in refs if wanted.id not in listed])}

    async def own_posts(self, since: datetime) -> Sequence[Post]:
        return await self._own(since)

    async def _own(self, since: datetime | None) -> list[Post]:
        me, habits = await self._id(), await self._habits()
        found: dict[str, Post] = {}
        turn: dict[str, str] = {}
        while len(found) < OWN_POSTS:
            page = await self._client.page(
                f"/api/v1/accounts/{me}/statuses", {"limit": PAGE, "exclude_reblogs": "true", **turn}
            )
            statuses = [read for item in page if (read := legible(item))]
            now = self._services.now()
            own = [post(each, me, habits, measured=now) for each in statuses if each.reblog is None]
            new = [each for each in own if each.ref.id not in found and (since is None or each.created_at > since)]
            found |= {each.ref.id: each for each in new}
            # A page without anything new is too old, the end, or the same page again.
            if not new:
                break
            turn = {"max_id": statuses[-1].id}
        return sorted(found.values(), key=lambda each: each.created_at, reverse=True)[:OWN_POSTS]

    # What it needs to know

    async def _id(self) -> str:
        return (self._me or await self.whoami()).id

    async def _habits(self) -> Habits:
        if self._found is None:
            self._found = await detect(self._client)
        return self._found

    async def _writer(self) -> Writer:
        return Writer(self._client, await self._id(), await self._habits())

    def _look(self, kind: str, known: Known, event_id: Callable[[NoteJson], str]) -> Look:
        return Look(self._client, kind, known, self._services.now(), event_id)

    async def _seen(self, status: StatusJson, habits: Habits) -> Post:
        """A post that came in, with the conversation that it belongs to."""
        conversation = fold(status.in_reply_to_id) if status.in_reply_to_id else ""
        if conversation:
            try:
                above = objects((await self._client.one(status_path(status.id, "context"))).get("ancestors"))
                conversation = fold(str(above[0].get("id") or conversation)) if above else conversation
            except (Gone, NotSent):
                pass  # the post above is as good a name for the conversation as we get
        now = self._services.now()
        return post(status, await self._id(), habits, measured=now, conversation=conversation)


def _event_id(note: NoteJson, me: str, *, reply: bool) -> str:
    """The post's own id, for a post that answers one of ours (`reply`) or for any other; '' for the rest."""
    status = note.status
    if status is None or (status.in_reply_to_account_id == me) is not reply:
        return ""
    return fold(status.id)
