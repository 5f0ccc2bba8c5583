"""The live connection of an account of the Playground."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from ..plugin import (
    Absent,
    Action,
    Answer,
    Attempt,
    Declaration,
    Deletes,
    Draft,
    Found,
    Likes,
    PostRef,
    Publishes,
    Recall,
    Recalls,
    Receipt,
    Rejected,
    Replies,
    Reposts,
    Request,
    Services,
    Session,
    Step,
    Unknowable,
    Visibility,
)
from ._faults import Fault
from ._reader import Reader
from ._village import carry
from ._world import PLATFORM, Kept, World

SETTLE = timedelta(seconds=2)
"""Nothing is ever on its way in memory; two seconds let a person see that something was in doubt."""

_POSTS = Declaration(idempotency="none", settle=SETTLE, source="the Playground's own rules")
_MARKS = Declaration(idempotency="client_key", idempotent=True, settle=SETTLE, source="the Playground's own rules")


class PlaygroundSession(Reader, Publishes, Replies, Reposts, Likes, Deletes, Recalls):
    """Reads the world directly; writes go through the gate like everybody's, as requests that the world answers."""

    declares: Mapping[type[Session], Declaration] = MappingProxyType(
        {Publishes: _POSTS, Replies: _POSTS, Reposts: _MARKS, Likes: _MARKS, Deletes: _MARKS}
    )

    def __init__(self, world: World, handle: str, faults: Sequence[Fault], services: Services) -> None:
        super().__init__(world, handle, services)
        self._faults = tuple(faults)
        self.transport = self._carry

    async def _carry(self, request: Request) -> Answer:
        return carry(self._world, self._handle, self._faults, request)

    def _url(self, path: str) -> str:
        return f"{PLATFORM}://{self._there.name}/{path}"

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


def _step(number: int) -> str:
    """The step of the number-th post of a delivery, from 1."""
    return "post" if number == 1 else f"post-{number}"


def _same(kept: Kept, body: Any) -> bool:
    parent = kept.reply_to.id if kept.reply_to else ""
    return (kept.text, parent, len(kept.media)) == (body["text"], body["reply_to"], len(body["media"]))
