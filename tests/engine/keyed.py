"""A network that is told what to answer, write by write, and remembers keys for ten minutes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from fieldfare import Account, Automation, Context, Draft, HookReceived, Media, Publish, on, secret
from fieldfare._contract.feeds import Arrival
from fieldfare.plugin import (
    Answer,
    Attempt,
    Author,
    Bounds,
    Declaration,
    OutcomeUnknown,
    Platform,
    PostRef,
    Publishes,
    Receipt,
    Request,
    Services,
    Session,
)

from .line import Line

DONE = Answer(status=201, headers={})
"""Done: the desk puts the id of a new post in."""
SAME = Answer(status=200, headers={}, body=b'{"id": "1"}')
LOST = OutcomeUnknown("no answer")
SETTLE = 5.0


class Desk:
    """What each write is answered with (the last one for ever), and the keys that were sent."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []

    async def __call__(self, request: Request) -> Answer:
        self.keys.append(request.headers["key"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, body=b'{"id": "%d"}' % len(self.keys)) if answer is DONE else answer


class KeyedSession(Publishes):
    declares: Mapping[type[Session], Declaration] = {
        Publishes: Declaration(
            idempotency="native_key", remembers=timedelta(minutes=10), settle=timedelta(seconds=SETTLE)
        )
    }

    def __init__(self, desk: Desk) -> None:
        self.transport = desk

    async def whoami(self) -> Author:
        return Author(id="1", handle="brand")

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        request = Request(method="POST", url="keyed://posts", headers={"key": attempt.key("post")}, json={})
        answer = await attempt.send("post", request)
        return Receipt(ref=PostRef(platform="keyed", id=answer.json()["id"]))


class Keyed(Platform):
    kind: ClassVar[str] = "keyed"
    session: ClassVar[type[Session]] = KeyedSession

    desk: Any = None

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=100, media=1)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset()

    async def open(self, services: Services) -> Session:
        return KeyedSession(self.desk)


def posting(desk: Desk, media: tuple[Media, ...] = (), **more: Any) -> Automation[HookReceived]:
    """Publishes one post for every web hook."""

    def decide(event: HookReceived, ctx: Context) -> Publish:
        return Publish(draft=Draft(text=f"news {event.id}", media=media))

    account = Account("brand", Keyed(desk=desk))
    return Automation(
        name="news", trigger=on.webhook("/hooks", secret=secret("hooks")), decide=decide, account=account, **more
    )


async def hooked(line: Line, id: str = "1", answer: Callable[[int], None] = lambda status: None) -> None:
    """A web hook comes in and is taken to its end."""
    headers = {"authorization": "Bearer canary-hooks", "content-type": "application/json"}
    line.arrivals.append(Arrival(headers, json.dumps({"id": id}).encode(), line.clock.now(), answer))
    await line.round()
