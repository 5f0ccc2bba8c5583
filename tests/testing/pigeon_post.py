"""A small network that speaks HTTP, its connector, and two faults that only such a connector can have."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, cast

from fieldfare.plugin import (
    Answer,
    Attempt,
    Author,
    Batch,
    Bounds,
    Declaration,
    Draft,
    Mention,
    Platform,
    Post,
    PostRef,
    Publishes,
    ReadsMentions,
    Receipt,
    Replies,
    Request,
    Secret,
    Services,
    Session,
    Visibility,
)

HOST = "pigeons.example"
WRITTEN = Declaration(idempotency="native_key", remembers=timedelta(hours=1), source="pigeon_post.py")


class Loft:
    """The server: remembers keys, lists what it told the account in pages of ten."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self._count = itertools.count(1)
        self.now: datetime | None = None

    def write(self, by: str, text: str, at: str, parent: str = "", bot: bool = False) -> dict[str, Any]:
        made = {"id": f"p{next(self._count):04}", "by": by, "text": text, "at": at, "parent": parent, "bot": bot}
        self.posts.append(made)
        if "@brand" in text:
            self.told.append(made)
        return made

    def answer(self, request: Request) -> Answer:
        match request.method, request.url.removeprefix(f"https://{HOST}"):
            case "GET", "/me":
                return _said({"id": "u1", "handle": "brand"})
            case "GET", "/told":
                after = str((request.params or {}).get("after", ""))
                return _said([one for one in self.told if one["id"] > after and one in self.posts][:10])
            case "POST", "/posts":
                return self._post(request.headers["Idempotency-Key"], request.json)
            case _:
                return _said({"error": "nothing here"}, 404)

    def _post(self, key: str, body: Any) -> Answer:
        if body["parent"] and body["parent"] not in [one["id"] for one in self.posts]:
            return _said({"error": "the parent is gone"}, 404)
        if key not in self.keys:
            self.keys[key] = self.write("brand", body["text"], body["at"], body["parent"])
        return _said(self.keys[key])


def _said(body: Any, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=json.dumps(body).encode())


class PigeonSession(Publishes, Replies, ReadsMentions):
    declares: Mapping[type[Session], Declaration] = MappingProxyType({Publishes: WRITTEN, Replies: WRITTEN})
    host: ClassVar[str] = HOST

    def __init__(self, services: Services, token: str) -> None:
        self._services = services
        self._token = token

    def _request(self, method: str, path: str, **more: Any) -> Request:
        headers = {"Authorization": f"Bearer {self._token}", **more.pop("headers", {})}
        return Request(method=method, url=f"https://{self.host}{path}", headers=headers, **more)

    async def whoami(self) -> Author:
        said = (await self._services.http.read(self._request("GET", "/me"))).json()
        return Author(id=said["id"], handle=said["handle"], is_self=True)

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        return await self._post(drafts[0].text, "", attempt)

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt:
        return await self._post(draft.text, to.id, attempt)

    async def _post(self, text: str, parent: str, attempt: Attempt) -> Receipt:
        body = await attempt.once("post", lambda: {"text": text, "parent": parent, "at": attempt.now.isoformat()})
        key = {"Idempotency-Key": attempt.key("post")}
        made = (await attempt.send("post", self._request("POST", "/posts", json=body, headers=key))).json()
        return Receipt(ref=PostRef(platform=PigeonPost.kind, id=made["id"]))

    async def mentions(self, cursor: str | None, known: Any) -> Batch[Mention]:
        params = {"after": cursor or ""}
        found = (await self._services.http.read(self._request("GET", "/told", params=params))).json()
        events = [Mention(id=one["id"], occurred_at=one["at"], post=shown(one)) for one in found]
        return Batch(events, events[-1].id if events else cursor, more=len(events) == 10)


def shown(one: Mapping[str, Any]) -> Post:
    parent = PostRef(platform=PigeonPost.kind, id=one["parent"]) if one["parent"] else None
    return Post(
        ref=PostRef(platform=PigeonPost.kind, id=one["id"]),
        author=Author(id=one["by"], handle=one["by"], is_bot=one["bot"], is_self=one["by"] == "brand"),
        text=one["text"],
        created_at=one["at"],
        reply_to=parent,
    )


class PigeonPost(Platform):
    kind: ClassVar[str] = "pigeon-post"
    session: ClassVar[type[Session]] = PigeonSession

    token: Secret

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=140, source="pigeon_post.py")

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({HOST})

    async def open(self, services: Services) -> PigeonSession:
        session = cast(type[PigeonSession], self.session)
        return session(services, services.secret(self.token))


class Yard:
    """The loft as the people around it see it."""

    def __init__(self, loft: Loft) -> None:
        self._loft = loft

    def mention(
        self,
        text: str,
        *,
        by: str,
        at: datetime,
        bot: bool = False,
        us: bool = False,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> PostRef:
        return shown(self._loft.write("brand" if us else by, f"@brand {text}", at.isoformat(), bot=bot)).ref

    def reply(self, text: str, *, to: PostRef, by: str, at: datetime) -> PostRef:
        return shown(self._loft.write(by, text, at.isoformat(), to.id)).ref

    def post(self, text: str, *, by: str, at: datetime) -> PostRef:
        return shown(self._loft.write(by, text, at.isoformat())).ref

    def follow(self, *, by: str, at: datetime) -> None:
        raise NotImplementedError

    def vanish(self, ref: PostRef) -> None:
        self._loft.posts[:] = [one for one in self._loft.posts if one["id"] != ref.id]

    def published(self) -> Sequence[Post]:
        return [shown(one) for one in self._loft.posts if one["by"] == "brand"]


class Elsewhere(PigeonSession):
    """Asks a host that was never declared."""

    host = "other.example"

    async def whoami(self) -> Author:
        return Author(id="u1", handle="brand", is_self=True)


class Hopeful(PigeonSession):
    """Reads on whatever is answered."""

    async def mentions(self, cursor: str | None, known: Any) -> Batch[Mention]:
        await self._services.http.read(self._request("GET", "/told"), sort=lambda answer: None)
        return Batch([], cursor)


PLANTED: list[tuple[type[PigeonSession], str]] = [
    (Elsewhere, "test_only_declared_hosts_are_asked"),
    (Hopeful, "test_a_read_that_fails_changes_nothing"),
]
