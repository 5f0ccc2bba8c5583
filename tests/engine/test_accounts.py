"""Who an account is, and what is told of it when its network does not let us in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fieldfare import Account, Author, Automation, Context, Draft, Mention, on
from fieldfare._engine.embedded import Engine
from fieldfare._store import query
from fieldfare.plugin import (
    Attempt,
    AuthFailed,
    Batch,
    Bounds,
    FieldfareError,
    NotSent,
    Platform,
    Publishes,
    ReadsMentions,
    Recalls,
    Receipt,
    Services,
    Session,
    Unknowable,
)

from .keyed import LOST, Desk, KeyedSession, hooked, posting
from .line import Line, placed


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class Loft:
    """What was asked of a network, and what it says instead of an answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.at_login: Exception | None = None
        self.at_reading: Exception | None = None


class LoftSession(Publishes, ReadsMentions):
    def __init__(self, loft: Loft, who: str) -> None:
        self.loft = loft
        self.who = who

    async def whoami(self) -> Author:
        if self.loft.at_login is not None:
            raise self.loft.at_login
        return Author(id=self.who, handle=self.who)

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt:
        return Receipt()

    async def mentions(self, cursor: str | None, known: Any) -> Batch[Mention]:
        self.loft.asked.append((self.who, cursor))
        if self.loft.at_reading is not None:
            raise self.loft.at_reading
        return Batch([], f"{self.who} was here")


class LoftPlatform(Platform):
    kind: ClassVar[str] = "loft"
    session: ClassVar[type[Session]] = LoftSession

    loft: Any
    who: str

    @property
    def bounds(self) -> Bounds:
        return Bounds(text=100)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset()

    async def open(self, services: Services) -> Session:
        return LoftSession(self.loft, self.who)


def nothing(event: Mention, ctx: Context) -> None:
    return None


def listening(loft: Loft, who: str = "ada") -> Automation[Mention]:
    return Automation(name="a", trigger=on.mention(Account("brand", LoftPlatform(loft=loft, who=who))), decide=nothing)


def test_an_account_that_has_become_another_is_not_read_from_where_the_old_one_stood(tmp_path: Path) -> None:
    async def story() -> None:
        loft = Loft()
        line = await Line(tmp_path, listening(loft)).start()
        await line.engine.replace(placed([listening(loft, "ben")]), line.host)
        await asyncio.gather(line.engine.feeds.pull_all(), return_exceptions=True)
        await line.engine.feeds.pull_all()
        assert loft.asked == [("ada", None), ("ben", None)]

    run(story())


@pytest.mark.parametrize("error", [AuthFailed, NotSent])
@pytest.mark.parametrize("where", ["at_login", "at_reading"])
def test_no_secret_that_a_network_repeats_is_written_down(
    tmp_path: Path, error: type[FieldfareError], where: str
) -> None:
    async def story() -> None:
        loft = Loft()
        setattr(loft, where, error("the token canary-loft-19c4 is bad"))
        line = clean(Line(tmp_path, listening(loft)))
        await line.start()
        await line.round()
        assert loft.asked or where == "at_login"
        assert "is bad" in dump(line)
        assert "canary" not in dump(line)

    run(story())


def test_a_connector_that_stumbles_at_login_ends_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        loft = Loft()
        loft.at_login = KeyError("id")
        line = await Line(tmp_path, listening(loft)).start()
        assert line.store.read(query.accounts)[0][5] == "KeyError: 'id'"

    run(story())


def test_a_feed_that_stumbles_is_shown_as_failed(tmp_path: Path) -> None:
    async def story() -> None:
        loft = Loft()
        loft.at_reading = KeyError("id")
        line = await Line(tmp_path, listening(loft)).start()
        assert [row[3] for row in line.store.read(query.feeds)] == ["KeyError: 'id'"]

    run(story())


class Forgetful(KeyedSession, Recalls):
    async def recall(self, action: Any, attempt: Attempt) -> Unknowable:
        return Unknowable("asked with canary-loft-19c4 in vain")


def test_no_secret_that_a_recall_repeats_is_written_down(tmp_path: Path) -> None:
    async def story() -> None:
        line = await clean(Line(tmp_path, posting(desk := Desk(LOST)))).start()
        session = Forgetful(desk)
        session.declares = {}
        line.engine.sessions._live["brand"].session = session
        await hooked(line)
        for _ in range(3):
            await line.move(60)
        assert "in vain" in dump(line)
        assert "canary" not in dump(line)

    run(story())


def clean(line: Line) -> Line:
    """The line with a daemon's cleaning of what others say."""
    around = replace(line.engine._around, redact=lambda text: text.replace("canary-loft-19c4", "[hidden]"))
    line.engine = Engine(around)
    return line


def dump(line: Line) -> str:
    return "\n".join(line.store.read(lambda c: list(c.iterdump())))
