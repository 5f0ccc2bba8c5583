"""A small network on loopback and its connector: mentions by push or in pages of 40, replies by POST."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

from fieldfare.plugin import (
    Account,
    Attempt,
    Author,
    Batch,
    Bounds,
    Declaration,
    Draft,
    Event,
    Feed,
    FeedServices,
    Mention,
    Platform,
    Post,
    PostRef,
    ReadsMentions,
    Receipt,
    Replies,
    Request,
    ServerUrl,
    Services,
    Session,
    Trigger,
)

from .settings import IN_FLIGHT

PAGE = 40
KIND = "bench"


class BenchSession(ReadsMentions, Replies):
    declares: Mapping[type[Session], Declaration] = MappingProxyType(
        {Replies: Declaration(settle=timedelta(seconds=5), source="bench/peer.py")}
    )
    in_flight: int = IN_FLIGHT

    def __init__(self, server: str, name: str, services: Services) -> None:
        self._server = server
        self._headers = {"authorization": f"Bearer canary-bench-{name}"}
        self._name = name
        self._http = services.http

    def _get(self, path: str, **params: str) -> Request:
        return Request(method="GET", url=f"{self._server}{path}", params=params, headers=self._headers)

    async def whoami(self) -> Author:
        said = (await self._http.read(self._get("/me", account=self._name))).json()
        return Author(id=said["id"], handle=said["handle"], is_self=True)

    async def mentions(self, cursor: str | None, known: Any) -> Batch[Mention]:
        answer = await self._http.read(self._get("/mentions", account=self._name, since=cursor or ""))
        said = answer.json()
        return Batch([mentioned(one) for one in said["mentions"]], said["cursor"], more=len(said["mentions"]) == PAGE)

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt:
        headers = {**self._headers, "idempotency-key": attempt.key("reply")}
        body = {"to": to.id, "text": draft.text, "language": draft.language}
        request = Request(method="POST", url=f"{self._server}/replies", json=body, headers=headers)
        made = (await attempt.send("reply", request)).json()
        return Receipt(ref=PostRef(platform=KIND, id=made["id"], conversation=to.thread))


def mentioned(one: Mapping[str, Any]) -> Mention:
    """A mention as the network writes it, as the event that it is."""
    author = one["author"]
    return Mention(
        id=one["id"],
        occurred_at=one["created_at"],
        post=Post(
            ref=PostRef(platform=KIND, id=one["id"], url=one["url"], conversation=one["conversation"]),
            author=Author(id=author["id"], handle=author["handle"], name=author["name"], followers=author["followers"]),
            text=one["text"],
            created_at=one["created_at"],
            language=one["language"],
        ),
    )


class BenchNetwork(Platform):
    kind: ClassVar[str] = KIND
    session: ClassVar[type[Session]] = BenchSession

    private: tuple[str, ...] = ("127.0.0.0/8",)
    server: ServerUrl
    name: str

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=500, source="bench/peer.py")

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({self.server.removeprefix("http://")})

    async def open(self, services: Services) -> BenchSession:
        return BenchSession(self.server, self.name, services)


class PushedMentions(Feed[Mention]):
    """Mentions that the network posts to the daemon's listener; each is answered 202 once it is recorded."""

    event = Mention

    def __init__(self, account: Account) -> None:
        self.accounts = (account.name,)
        self.arrives_at = f"/mentions/{account.name}"

    def key(self, identities: Mapping[str, str]) -> str:
        return f"pushed:{KIND}:{identities[self.accounts[0]]}"

    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[Mention]:
        if cursor is None:
            return Batch((), "open", more=True)
        arrivals = await services.arrivals(self.arrives_at)
        events = [mentioned(json.loads(arrival.body)) for arrival in arrivals]
        return Batch(events, "open", committed=partial(_accept, [arrival.answer for arrival in arrivals]))


def _accept(answers: Sequence[Any]) -> None:
    for answer in answers:
        answer(202)


class OnPushed(Trigger[Mention]):
    kind: ClassVar[str] = "bench-pushed"
    event: ClassVar[type[Event]] = Mention

    of: tuple[Any, ...]

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.of

    def feeds(self) -> Sequence[Feed[Any]]:
        return [PushedMentions(account) for account in self.of]
