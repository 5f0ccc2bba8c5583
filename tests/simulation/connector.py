"""The connector of the scripted network: as careful as a connector must be, for each kind of idempotency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from fieldfare.plugin import (
    Absent,
    Action,
    Answer,
    Attempt,
    Author,
    Batch,
    Boosts,
    Bounds,
    Declaration,
    Draft,
    Found,
    Likes,
    Mention,
    Money,
    OutcomeUnknown,
    Pending,
    Platform,
    Post,
    PostRef,
    Publishes,
    ReadsMentions,
    Recall,
    Recalls,
    Receipt,
    Replies,
    Request,
    Services,
    Session,
    Unknowable,
    sort_read,
    sort_write,
)

from .network import stored_form

KIND = "pigeon"
SLACK = timedelta(seconds=5)
"""How far a listing is read back behind the first byte: a `Date` has whole seconds, and is a little old."""
TIMEOUT = 10.0


def _write(answer: Answer) -> None:
    """As usual, and: a success that is no JSON tells nothing; a duplicate may be our own."""
    if answer.status == 403 and b"duplicate" in answer.body:
        raise OutcomeUnknown("the network says that it has this already")
    sort_write(answer)
    _json(answer)


def _json(answer: Answer) -> None:
    try:
        answer.json()
    except ValueError as exc:
        raise OutcomeUnknown(f"{answer.status} without JSON") from exc


class Mute(Publishes, Replies, Likes, Boosts, ReadsMentions):
    """A session that cannot be asked what happened."""

    in_flight = 3
    by_cursor = False

    def __init__(self, base: str, manner: str, settle: float, remembers: float, services: Services) -> None:
        self._base = base
        self._manner = manner
        self._http = services.http
        after = timedelta(seconds=settle)
        keys = {"client_key": None, "native_key": timedelta(seconds=remembers)}
        posts = Declaration(
            idempotency="none" if manner == "mute" else manner,  # type: ignore[arg-type]
            remembers=keys.get(manner),
            settle=after,
        )
        likes = Declaration(idempotency="none", idempotent=True, settle=after)
        self.declares: Mapping[type[Session], Declaration] = {
            Publishes: posts,
            Replies: posts,
            Likes: likes,
            Boosts: Declaration(idempotency="two_phase", settle=after),
        }

    async def whoami(self) -> Author:
        answer = await self._read("me")
        return Author(id=answer["id"], handle="brand")

    async def mentions(self, cursor: str | None, known: Any) -> Batch[Mention]:
        if self.by_cursor:
            after = int(cursor or "0")
            fresh = (await self._read("mentions", after=str(after)))["mentions"]
            return Batch([self._mention(m) for m in fresh], str(after + len(fresh)))
        listed = (await self._read("mentions"))["mentions"]
        # Every tenth page comes again whole, as after a cursor that went back.
        have = frozenset[str]() if len(listed) % 10 == 3 else await known([m["id"] for m in listed])
        events = [self._mention(m) for m in listed if m["id"] not in have]
        return Batch(events, listed[-1]["id"] if listed else "none")

    def _mention(self, said: Mapping[str, str]) -> Mention:
        at = datetime.fromisoformat(said["created"])
        who = Author(id=said["text"], handle=said["text"])
        post = Post(ref=PostRef(platform=KIND, id=said["id"]), author=who, text=said["text"], created_at=at)
        return Mention(id=said["id"], occurred_at=at, post=post)

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt | Pending:
        return await self._posts([(draft.text, "") for draft in drafts], attempt)

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt | Pending:
        return await self._posts([(draft.text, to.id)], attempt)

    async def _posts(self, posts: Sequence[tuple[str, str]], attempt: Attempt) -> Receipt | Pending:
        refs: list[PostRef] = []
        for number, (text, parent) in enumerate(posts, start=1):
            above = refs[-1].id if refs else parent
            body = await attempt.once(f"post-{number}", partial(dict[str, str], text=text, parent=above))
            if self._manner == "two_phase":
                made = await self._send(attempt, f"draft-{number}", "POST", "containers", body)
                state = await self._read(f"containers/{made['id']}")
                if state["state"] == "IN_PROGRESS":
                    return Pending(until=attempt.now + timedelta(seconds=4), why="the network still works on it")
                path, method = f"containers/{made['id']}/publish", "POST"
            elif self._manner == "client_key":
                path, method = f"records/{attempt.key(f'post-{number}')}", "PUT"
            else:
                path, method = "posts", "POST"
            answer = await self._send(attempt, f"post-{number}", method, path, body)
            refs.append(PostRef(platform=KIND, id=answer["id"]))
        return Receipt(ref=refs[0], refs=tuple(refs))

    async def like(self, post: PostRef, attempt: Attempt) -> Receipt | Pending:
        await self._send(attempt, "like", "PUT", f"likes/{post.id}", {})
        return Receipt()

    async def boost(self, post: PostRef, spend: Money, ends: datetime, attempt: Attempt) -> Receipt | Pending:
        named = {"name": attempt.key("create"), "spend": str(spend.amount)}
        made = await self._send(attempt, "create", "POST", "campaigns", named)
        await self._send(attempt, "activate", "PUT", f"campaigns/{made['id']}/active", {})
        return Receipt(note=made["id"])

    async def _send(self, attempt: Attempt, step: str, method: str, path: str, body: Any) -> Any:
        headers = {"x-intent": attempt.delivery, "x-step": step}
        if self._manner == "native_key":
            headers["idempotency-key"] = attempt.key(step)
        request = Request(method=method, url=f"{self._base}/{path}", headers=headers, json=body, timeout=TIMEOUT)
        return (await attempt.send(step, request, sort=_write)).json()

    async def _read(self, path: str, **params: str) -> Any:
        def sort(answer: Answer) -> None:
            sort_read(answer)
            _json(answer)

        request = Request(method="GET", url=f"{self._base}/{path}", params=params, timeout=TIMEOUT)
        return (await self._http.read(request, sort=sort)).json()


class Speaking(Mute, Recalls):
    """The same, on a network that can be asked."""

    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        doubts = [step for step in attempt.steps.values() if step.sent_at is not None and not step.answered]
        if not doubts:
            return Unknowable("no step is in doubt")
        step = doubts[0]
        if step.name in ("create", "activate"):
            return await self._campaign(step.name, attempt)
        if step.name.startswith("draft-"):
            return Absent("a draft is seen by nobody")
        if self._manner == "two_phase":
            draft = attempt.steps[step.name.replace("post", "draft")].answer["id"]
            state = await self._read(f"containers/{draft}")
            if state["state"] != "PUBLISHED":
                return Absent(f"its draft is {state['state']}")
            return self._found(action, attempt, step.name, state["post"])
        return await self._listed(action, attempt, step.name, step.value)

    async def _campaign(self, step: str, attempt: Attempt) -> Recall:
        found = (await self._read("campaigns", name=attempt.key("create")))["found"]
        if step == "create":
            return Found(answers={"create": {"id": found[0]["id"]}}) if found else Absent("no campaign of this name")
        active = [one for one in found if one["active"]]
        return Found(answers={"activate": {"id": active[0]["id"]}}) if active else Absent("it is paused")

    async def _listed(self, action: Action[Any], attempt: Attempt, step: str, body: Any) -> Recall:
        if attempt.first_byte_at is None:
            return Unknowable("it is not known since when to look")
        since = attempt.first_byte_at - SLACK
        alike: list[str] = []
        skip = 0
        while True:
            page = await self._read("posts", skip=str(skip))
            for post in page["posts"]:
                if datetime.fromisoformat(post["created"]) < since:
                    page["end"] = True
                    break
                if (post["text"], post["parent"]) == (stored_form(body["text"]), body["parent"]):
                    alike.append(post["id"])
            if page["end"]:
                break
            if page["limit"]:
                return Unknowable("the listing does not go back far enough") if not alike else Unknowable("cut short")
            skip += 3
        taken = await attempt.taken(alike)
        free = [id_ for id_ in reversed(alike) if id_ not in taken]
        if not free:
            return Absent("a complete listing does not have it")
        return self._found(action, attempt, step, free[0])

    def _found(self, action: Action[Any], attempt: Attempt, step: str, id_: str) -> Recall:
        last = f"post-{len(action.drafts)}"
        if step != last:
            return Found(answers={step: {"id": id_}})
        names = [f"post-{number}" for number in range(1, len(action.drafts))]
        ids = [attempt.steps[name].answer["id"] for name in names] + [id_]
        refs = tuple(PostRef(platform=KIND, id=one) for one in ids)
        return Found(Receipt(ref=refs[0], refs=refs))


class Pigeon(Platform):
    """Settings of an account on the scripted network."""

    kind: ClassVar[str] = KIND
    session: ClassVar[type[Session]] = Speaking

    server: str
    manner: str
    settle: float
    remembers: float
    by_cursor: bool
    """Mentions are read behind the cursor; else the newest page is read each time."""

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=500, thread=10)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({self.server})

    async def open(self, services: Services) -> Session:
        made = self.session
        assert issubclass(made, Mute)
        session = made(f"https://{self.server}", self.manner, self.settle, self.remembers, services)
        session.by_cursor = self.by_cursor
        return session


class MutePigeon(Pigeon):
    """An account on the scripted network where nothing can be asked afterwards."""

    session: ClassVar[type[Session]] = Mute
