"""What a connector, a network or an author does that nobody foresaw still ends where a person can see it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Context, HookReceived, Outcome, Skip, skip
from fieldfare._store.events import Fact, ingest
from fieldfare.plugin import Answer, Attempt, Draft, Pending, PostRef, Receipt, Rejected, Request

from .keyed import DONE, Desk, KeyedSession, hooked, posting
from .line import Line


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


class Careless(KeyedSession):
    """Sends, and then does something that no connector should."""

    then: Any = None

    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Any:
        await attempt.send("post", Request(method="POST", url="keyed://posts", headers={"key": attempt.key("post")}))
        return type(self).then(attempt)


def careless(line: Line, desk: Desk, then: Any) -> None:
    """From now on the account's session does `then` after its write."""
    session = type("Session", (Careless,), {"then": staticmethod(then)})(desk)
    line.engine.sessions._live["brand"].session = session


def raising(exc: Exception) -> Any:
    def then(attempt: Attempt) -> None:
        raise exc

    return then


@pytest.mark.parametrize(
    "then",
    [raising(KeyError("id")), raising(ValueError("no number")), lambda attempt: None],
    ids=["an answer without an id", "an answer that is nonsense", "a connector that gives nothing"],
)
def test_what_goes_wrong_after_the_answer_is_shown_to_a_person(tmp_path: Path, then: Any) -> None:
    async def story() -> None:
        desk = Desk(DONE)
        line = await Line(tmp_path, posting(desk)).start()
        careless(line, desk, then)
        await hooked(line)
        for _ in range(4):
            await line.move(60)
        (delivery,) = line.deliveries
        assert (delivery.state, delivery.hold, len(desk.keys)) == ("uncertain", "person", 1)

    run(story())


def test_words_of_a_network_that_are_half_a_letter_do_not_keep_a_delivery_on_its_way(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(desk := Desk(DONE))).start()
        careless(line, desk, raising(Rejected("too long: \ud83d")))
        await hooked(line)
        assert line.states == ["failed"]

    run(story())


def test_half_a_letter_in_an_answer_is_read_as_a_sign_for_it() -> None:
    answer = Answer(status=200, headers={}, body=b'{"text": "caf\\u00e9 \\ud83d", "\\uDE00": ["\\ud83d\\ude00"]}')
    assert answer.json() == {"text": "café \ufffd", "\ufffd": ["\U0001f600"]}


@pytest.mark.parametrize("awaited", [False, True])
def test_a_decision_that_cannot_be_written_down_is_an_error_and_stops_nobody(tmp_path: Path, awaited: bool) -> None:
    async def story() -> None:
        def decide(event: HookReceived, ctx: Context) -> Skip:
            return skip("half a letter: \ud83d" if event.id == "1" else "quite well")

        async def later(event: HookReceived, ctx: Context) -> Skip:
            return decide(event, ctx)

        line = await Line(tmp_path, replaced(posting(Desk(DONE)), later if awaited else decide)).start()
        await hooked(line, "1")
        await hooked(line, "2")
        assert line.reasons(1)["news"][0] == "error"
        assert line.reasons(2)["news"] == ("no", "quite well")
        assert line.store.read(lambda c: c.execute("SELECT count(*) FROM events WHERE state = 0").fetchone()[0]) == 0

    run(story())


def test_an_event_that_cannot_be_read_any_more_is_an_error_and_stops_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        line = await Line(tmp_path, posting(Desk(DONE))).start()
        facts = [
            Fact(id=str(n), kind=kind, occurred_at=0, body="{}") for n, kind in ((1, "gone"), (2, "hook-received"))
        ]
        await line.store.do(ingest, feed="webhook:/hooks", facts=facts, cursor="open", now=0, missed_before=None)
        await hooked(line, "3")
        assert (line.reasons(1)["news"][0], line.reasons(3)["news"][0]) == ("error", "yes")

    run(story())


def test_a_decision_that_cancels_itself_is_an_error(tmp_path: Path) -> None:
    async def story() -> None:
        async def decide(event: HookReceived, ctx: Context) -> Outcome:
            raise asyncio.CancelledError

        line = await Line(tmp_path, replaced(posting(Desk(DONE)), decide)).start()
        await hooked(line)
        assert line.reasons(1)["news"][0] == "error"

    run(story())


def replaced(automation: Any, decide: Any) -> Any:
    from dataclasses import replace

    return replace(automation, decide=decide)


def test_what_has_begun_does_not_expire_because_the_daemon_was_away(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(DONE)
        line = await Line(tmp_path, posting(desk, late="skip")).start()

        def pending(attempt: Attempt) -> Any:
            if (attempt.now - line_start).total_seconds() < 600:
                return Pending(until=attempt.now + timedelta(seconds=30), why="it is being processed")
            return Receipt(ref=PostRef(platform="keyed", id="1"))

        line_start = line.clock.now()
        careless(line, desk, pending)
        await hooked(line)
        assert line.states == ["due"]
        line.clock.move(3000)
        await line.restart()
        await line.engine.ways.opened("brand")
        careless(line, desk, pending)
        await line.round()
        assert (line.states, len(desk.keys)) == (["delivered"], 1)

    run(story())
