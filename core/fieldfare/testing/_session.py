"""The live connection of an account of the Playground."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from ..plugin import (
    Absent,
    Action,
    Answer,
    Attempt,
    Author,
    Batch,
    Declaration,
    Deletes,
    Draft,
    Event,
    Followed,
    Found,
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
    Rejected,
    Replies,
    ReplyReceived,
    Reposts,
    Request,
    Services,
    Session,
    Step,
    Unknowable,
    Visibility,
)
from ._faults import Fault
from ._village import carry
from ._world import PLATFORM, Inbox, Kept, Notice, World

E = TypeVar("E", bound=Event)
PAGE = 40
SETTLE = timedelta(seconds=2)
"""Nothing is ever on its way in memory; two seconds let a person see that something was in doubt."""

_POSTS = Declaration(idempotency="none", settle=SETTLE, source="the Playground's own rules")
_MARKS = Declaration(idempotency="client_key", idempotent=True, settle=SETTLE, source="the Playground's own rules")


class PlaygroundSession(
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
    """Reads the world directly; writes go through the gate like everybody's, as requests that the world answers."""

    declares: Mapping[type[Session], Declaration] = MappingProxyType(
        {Publishes: _POSTS, Replies: _POSTS, Reposts: _MARKS, Likes: _MARKS, Deletes: _MARKS}
    )

    def __init__(self, world: World, handle: str, faults: Sequence[Fault], services: Services) -> None:
        self._there = world
        self._handle = handle
        self._faults = tuple(faults)
        self._services = services
        self.transport = self._carry

    @property
    def _world(self) -> World:
        self._there.advance(self._services.now())
        return self._there

    async def _carry(self, request: Request) -> Answer:
        return carry(self._world, self._handle, self._faults, request)

    def _url(self, path: str) -> str:
        return f"{PLATFORM}://{self._there.name}/{path}"

    async def whoami(self) -> Author:
        author = self._world.author(self._handle, self._handle)
        assert author is not None
        return author

    # Writing

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        refs: list[PostRef] = []
        for number, draft in enumerate(drafts, start=1):
            above = refs[-1].id if refs else ""
            refs.append(await self._post(_step(number), draft, attempt, partial(self._body, draft, above)))
        return Receipt(ref=refs[0], refs=tuple(refs))

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt:
        ref = await self._post(_step(1), draft, attempt, lambda: self._answering(to, draft))
        return Receipt(ref=ref, refs=(ref,))

    async def _post(self, step: str, draft: Draft, attempt: Attempt, body: Callable[[], dict[str, Any]]) -> PostRef:
        frozen = await attempt.once(step, body)
        for number, media in enumerate(draft.media, start=1):
            content = await attempt.media(media)
            upload = Request(method="PUT", url=self._url(f"media/{media.sha256}"), content=content)
            await attempt.send(f"{step}-media-{number}", upload)
        answer = await attempt.send(step, Request(method="POST", url=self._url("posts"), json=frozen))
        return PostRef.model_validate(answer.json())

    def _answering(self, to: PostRef, draft: Draft) -> dict[str, Any]:
        parent = self._world.seen(to.id, self._handle)
        if parent is None:
            raise Rejected(f"there is no post {to.id!r} any more; nothing is left to answer")
        if not parent.replies_allowed:
            raise Rejected(f"{to.id!r} takes no replies")
        wanted = draft.visibility or parent.visibility
        narrowed = parent.visibility if wanted.width > parent.visibility.width else wanted
        return self._body(
            draft.model_copy(
                update={
                    "visibility": narrowed,
                    "warning": parent.warning if draft.warning is None else draft.warning,
                    "language": draft.language or parent.language,
                }
            ),
            to.id,
        )

    def _body(self, draft: Draft, reply_to: str) -> dict[str, Any]:
        return {
            "text": draft.text,
            "reply_to": reply_to,
            "media": [{"id": media.sha256, "alt": media.alt} for media in draft.media],
            "visibility": draft.visibility or Visibility.PUBLIC,
            "warning": draft.warning,
            "language": draft.language,
        }

    async def repost(self, post: PostRef, attempt: Attempt) -> Receipt:
        await attempt.send("repost", Request(method="PUT", url=self._url(f"posts/{post.id}/repost")))
        return Receipt(note=f"reposted {post.url or post.id}")

    async def like(self, post: PostRef, attempt: Attempt) -> Receipt:
        await attempt.send("like", Request(method="PUT", url=self._url(f"posts/{post.id}/like")))
        return Receipt(note=f"liked {post.url or post.id}")

    async def delete(self, post: PostRef, attempt: Attempt) -> Receipt:
        await attempt.send("delete", Request(method="DELETE", url=self._url(f"posts/{post.id}")))
        return Receipt(note=f"deleted {post.url or post.id}")

    # Looking back

    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        since = attempt.first_byte_at
        doubt = next((s for s in attempt.steps.values() if s.sent_at is not None and not s.answered), None)
        if since is None or doubt is None:
            return Absent("nothing was sent")
        world = self._world
        if since < world.begun:
            return Unknowable("the world was made anew since then, and remembers nothing before that")
        if doubt.name in ("repost", "like", "delete"):
            return self._mark(world, doubt.name, action)
        if "-media-" in doubt.name:
            return Absent("an uploaded file that no post shows is seen by nobody; it may be sent again")
        return await self._written(world, doubt, since, action, attempt)

    def _mark(self, world: World, step: str, action: Action[Any]) -> Recall:
        assert action.target is not None
        id = action.target.id
        done = {
            "repost": world.reposted(self._handle, id),
            "like": world.liked(self._handle, id),
            "delete": world.find(id) is None,
        }[step]
        return Found(answers={step: {"id": id}}) if done else Absent(f"{step} of {id} is not there")

    async def _written(
        self, world: World, doubt: Step, since: datetime, action: Action[Any], attempt: Attempt
    ) -> Recall:
        alike = [kept for kept in world.written_by(self._handle, since) if _same(kept, doubt.value)]
        taken = await attempt.taken([kept.ref.id for kept in alike])
        found = next((kept.ref for kept in alike if kept.ref.id not in taken), None)
        if found is None:
            return Absent(f"no such post among everything @{self._handle} wrote since the first byte left")
        steps = [_step(number) for number in range(1, len(action.drafts) + 1)]
        if doubt.name != steps[-1]:
            return Found(answers={doubt.name: found.model_dump(mode="json")})
        above = [PostRef.model_validate(attempt.steps[step].answer) for step in steps[:-1]]
        refs = (*above, found)
        return Found(Receipt(ref=refs[0], refs=refs))

    # Reading

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


def _step(number: int) -> str:
    """The step of the number-th post of a delivery, from 1."""
    return "post" if number == 1 else f"post-{number}"


def _same(kept: Kept, body: Any) -> bool:
    parent = kept.reply_to.id if kept.reply_to else ""
    return (kept.text, parent, len(kept.media)) == (body["text"], body["reply_to"], len(body["media"]))
