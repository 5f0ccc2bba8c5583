"""Retention removes bodies, never keys: what was done is still known, and nothing is done again because of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Budget, Money, Rate
from fieldfare._engine.retention import RATES, Retention
from fieldfare._store import bodies, control, query
from fieldfare._store.limits import reserved
from fieldfare._store.sqlite import ms
from fieldfare.plugin import Answer, Media

from .keyed import DONE, Desk, hooked, posting
from .line import Line
from .test_line import answering, mentioned, quiet

KEEP = timedelta(days=90)
DAY = 86_400.0


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def sweep(line: Line, keep: timedelta | None = KEEP, longest: timedelta = timedelta(0)) -> None:
    await Retention(store=line.store, clock=line.clock, keep=keep).sweep(longest)


def bodies_of(line: Line) -> tuple[list[bool], list[bool], list[bool]]:
    """What is still there: of events, of deliveries, of answers."""

    def ask(question: str) -> list[bool]:
        return [bool(row[0]) for row in line.store.read(lambda c: c.execute(question).fetchall())]

    return (
        ask("SELECT body IS NOT NULL FROM events ORDER BY id"),
        ask("SELECT action IS NOT NULL FROM deliveries ORDER BY id"),
        ask("SELECT answer IS NOT NULL OR value IS NOT NULL FROM steps ORDER BY delivery, seq"),
    )


def test_what_is_finished_loses_its_bodies_in_its_time_and_keeps_its_keys_and_receipt(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        await hooked(line)
        (before,) = line.deliveries
        line.clock.move(89 * DAY)
        await sweep(line)
        assert bodies_of(line) == ([True], [True], [True])
        line.clock.move(2 * DAY)
        await sweep(line, keep=None)
        assert bodies_of(line) == ([True], [True], [True])
        await sweep(line)
        assert bodies_of(line) == ([False], [False], [False])
        (after,) = line.deliveries
        assert (after.key, after.receipt, after.state) == (before.key, before.receipt, "delivered")
        await hooked(line)
        assert len(line.deliveries) == 1
        await hooked(line, "2")
        assert line.states == ["delivered", "delivered"]

    run(story())


def test_what_is_still_open_keeps_its_bodies_and_its_events(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE), late_after=timedelta(days=365))).start()
        await line.store.do(control.pause, scope="all", reason="", by="ada", now=0)
        await hooked(line)
        line.clock.move(91 * DAY)
        await sweep(line)
        assert bodies_of(line) == ([True], [True], [])
        await line.store.do(control.resume, scope="all", now=ms(line.clock.now()))
        await line.move(30)
        assert line.states == ["delivered"]

    run(story())


def test_an_undecided_event_keeps_its_body(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        await hooked(line)
        await line.store.do(lambda c: c.execute("UPDATE events SET state = 0"))
        line.clock.move(91 * DAY)
        await sweep(line)
        assert bodies_of(line)[0] == [True]

    run(story())


def test_it_goes_through_more_rows_than_one_portion_has_and_begins_where_it_has_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PORTION", 2)

    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        retention = Retention(store=line.store, clock=line.clock, keep=KEEP)
        for number in range(5):
            await hooked(line, f"old {number}")
        line.clock.move(91 * DAY)
        await retention.sweep(timedelta(0))
        await hooked(line, "new")
        for _ in range(2):
            await retention.sweep(timedelta(0))
            assert bodies_of(line)[:2] == ([False] * 5 + [True], [False] * 5 + [True])
        line.clock.move(91 * DAY)
        await hooked(line, "newer")
        await retention.sweep(timedelta(0))
        assert bodies_of(line)[:2] == ([False] * 6 + [True], [False] * 6 + [True])

    run(story())


def test_what_failed_so_long_ago_that_its_content_is_gone_cannot_be_tried_again(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(Answer(status=422, headers={})))).start()
        await hooked(line)
        line.clock.move(91 * DAY)
        await sweep(line)
        with pytest.raises(control.TooLate, match="its content is not kept any more"):
            await line.store.do(
                control.retry, key=line.deliveries[0].key, limits=(), by="ada", now=ms(line.clock.now())
            )

    run(story())


def test_one_reply_per_conversation_is_one_also_after_its_body_is_gone(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, answering(platform)).start()
        kept = await mentioned(line, platform)
        line.clock.move(91 * DAY)
        await sweep(line)
        assert bodies_of(line)[1] == [False]
        world = line.world(platform)
        world.post("ada", "and again @brand", at=line.clock.now(), reply_to=kept.ref.id)
        await line.round()
        assert line.states == ["delivered"]
        assert "already 1 of 1 automatic replies in this conversation" in line.reasons(2)["thanks"][1]

    run(story())


def test_money_that_was_spent_stays_spent_without_its_body(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        await hooked(line)
        await line.store.do(lambda c: c.execute("UPDATE deliveries SET cost = '8', currency = 'EUR'"))
        line.clock.move(91 * DAY)
        await sweep(line)
        budget = Budget(total=Money(amount=Decimal(9), currency="EUR"))
        assert line.store.read(reserved, "news", budget, ms(line.clock.now())) == Decimal(8)

    run(story())


def test_what_left_is_counted_as_long_as_any_rate_counts_it(tmp_path: Path) -> None:
    year = timedelta(days=365)

    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE), limits=[Rate(count=1, per=year, full="skip")])).start()
        await hooked(line)
        line.clock.move(RATES.total_seconds() + DAY)
        await sweep(line, longest=year)
        await hooked(line, "2")
        assert line.states == ["delivered"]
        assert line.store.read(lambda c: c.execute("SELECT count(*) FROM rates").fetchone()[0]) == 2
        await sweep(line)
        assert line.store.read(lambda c: c.execute("SELECT count(*) FROM rates").fetchone()[0]) == 0

    run(story())


def test_the_media_of_what_may_be_tried_again_are_kept_as_long_as_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    async def story() -> None:
        line = Line(tmp_path, posting(Desk(Answer(status=422, headers={})), media=(Media(source="a.png", alt="a"),)))
        media = line.engine._around.media
        await line.start()
        await hooked(line)
        assert line.states == ["failed"]

        def swept() -> int:
            return sum(media.sweep(line.store.read(query.wanted_media)) for _ in range(2))

        line.clock.move(89 * DAY)
        await sweep(line)
        assert swept() == 0
        line.clock.move(2 * DAY)
        await sweep(line)
        assert swept() == 1

    run(story())
