"""A network that exists only on paper: what the engine's tests load, check and match against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from fieldfare import Account, Author, Automation, Context, Mention, Metrics, MetricsObserved, Post, PostRef, on
from fieldfare._engine.placed import Placed
from fieldfare.plugin import (
    Attempt,
    Batch,
    Bounds,
    Condition,
    Draft,
    Pending,
    Platform,
    Publishes,
    ReadsMentions,
    Receipt,
    Replies,
    Secret,
    Services,
    Session,
    Trigger,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class PigeonSession(Publishes, Replies, ReadsMentions):
    async def whoami(self) -> Author:
        return Author(id="1", handle="pigeon")

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt | Pending:
        return Receipt()

    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt | Pending:
        return Receipt()

    async def mentions(self, cursor: str | None, known: Any) -> Batch[Mention]:
        return Batch([], cursor)


class Pigeon(Platform):
    kind: ClassVar[str] = "pigeon"
    session: ClassVar[type[Session]] = PigeonSession

    loft: str = "north"
    token: Secret | None = None

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=40, media=1, media_bytes=100)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset()

    async def open(self, services: Services) -> PigeonSession:
        return PigeonSession()


brand = Account("brand", Pigeon())
press = Account("press", Pigeon())


def nothing(event: Any, ctx: Context) -> None:
    return None


def placed(
    name: str,
    when: Condition[Any] | None = None,
    *,
    trigger: Trigger[Any] | None = None,
    account: Account | None = None,
    line: int = 1,
) -> Placed:
    made = Automation[Any](name=name, trigger=trigger or on.mention(brand), decide=nothing, when=when, account=account)
    return Placed(made, Path("birds.py"), line, 1, "d1ce57")


def post(text: str = "", **author: Any) -> Post:
    language = author.pop("language", None)
    created_at = author.pop("created_at", NOW)
    return Post(
        ref=PostRef(platform="pigeon", id="p1"),
        author=Author.model_validate({"id": "7", "handle": "ada"} | author),
        text=text,
        created_at=created_at,
        language=language,
    )


def mention(text: str = "", *, account: str = "brand", **author: Any) -> Mention:
    return Mention(id="n1", occurred_at=NOW, account=account, post=post(text, **author))


def reading(likes: int, text: str = "") -> MetricsObserved:
    metrics = Metrics(measured_at=NOW, likes=likes)
    return MetricsObserved(id=f"p1@{likes}", occurred_at=NOW, account="brand", post=post(text), metrics=metrics)
