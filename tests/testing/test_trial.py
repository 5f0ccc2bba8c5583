"""The gate's rules without an engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fieldfare.plugin import (
    Answer,
    AuthFailed,
    Author,
    NotSent,
    OutcomeUnknown,
    PlatformError,
    Refused,
    Rejected,
    Request,
    Session,
)
from fieldfare.testing import Trial
from fieldfare.testing._lent import NOON, Hands

POST = Request(method="POST", url="https://far.example/posts", json={"text": "tea"})


class Plain(Session):
    async def whoami(self) -> Author:
        return Author(id="1", handle="brand")


class Far:
    """Counts what arrives."""

    def __init__(self, *answers: Answer) -> None:
        self.arrived: list[Request] = []
        self._answers = list(answers)

    def __call__(self, request: Request) -> Answer:
        self.arrived.append(request)
        return self._answers.pop(0) if self._answers else Answer(status=200, headers={}, body=b'{"id": 7}')


async def sent(trial: Trial, step: str = "post") -> Any:
    """The answer, or the class of what was raised."""
    try:
        return (await trial.send(step, POST)).json()
    except (PlatformError, Refused) as exc:
        return type(exc)


def test_an_answered_step_gives_its_answer_and_sends_nothing() -> None:
    far = Far()
    trial = Trial(Plain(), far)
    assert asyncio.run(sent(trial)) == {"id": 7}
    assert asyncio.run(sent(trial.again())) == {"id": 7}
    assert len(far.arrived) == 1


@pytest.mark.parametrize(("status", "raised"), [(401, AuthFailed), (422, Rejected), (429, NotSent)])
def test_a_step_that_was_not_performed_may_be_sent_again(status: int, raised: type[PlatformError]) -> None:
    trial = Trial(Plain(), Far(Answer(status=status, headers={})))
    assert asyncio.run(sent(trial)) is raised
    assert trial.doubt is None
    assert trial.first_byte_at is None
    assert asyncio.run(sent(trial.again())) == {"id": 7}


def test_a_step_in_doubt_is_not_sent_again() -> None:
    far = Far()
    trial = Trial(Plain(), far).lose()
    assert asyncio.run(sent(trial)) is OutcomeUnknown
    assert asyncio.run(sent(trial.again())) is Refused
    assert len(far.arrived) == 1


def test_a_step_in_doubt_is_sent_once_more_when_repeating_is_allowed() -> None:
    far = Far()
    trial = Trial(Plain(), far).lose()
    assert asyncio.run(sent(trial)) is OutcomeUnknown
    trial.repeat()
    assert asyncio.run(sent(trial.again())) == {"id": 7}
    assert len(far.arrived) == 2


def test_a_repeat_is_allowed_once() -> None:
    trial = Trial(Plain(), Far()).lose()
    assert asyncio.run(sent(trial)) is OutcomeUnknown
    trial.repeat()
    assert asyncio.run(sent(trial.again().lose())) is OutcomeUnknown
    assert asyncio.run(sent(trial.again())) is Refused


@pytest.mark.parametrize("raised", [ValueError("what is this"), KeyError("id"), ConnectionResetError()])
def test_whatever_is_raised_after_sending_is_doubt(raised: Exception) -> None:
    def broken(request: Request) -> Answer:
        raise raised

    trial = Trial(Plain(), broken)
    assert asyncio.run(sent(trial)) is OutcomeUnknown
    assert trial.doubt is not None


def test_an_answer_that_cannot_be_sorted_is_doubt() -> None:
    def sort(answer: Answer) -> None:
        answer.json()["id"]

    async def story() -> None:
        await trial.send("post", POST, sort=sort)

    trial = Trial(Plain(), Far(Answer(status=200, headers={}, body=b"<html>")))
    with pytest.raises(OutcomeUnknown):
        asyncio.run(story())
    assert trial.doubt is not None


def test_swallowed_and_refused_requests_do_not_arrive() -> None:
    far = Far()
    assert asyncio.run(sent(Trial(Plain(), far).swallow())) is OutcomeUnknown
    assert asyncio.run(sent(Trial(Plain(), far).refuse())) is NotSent
    assert far.arrived == []


def test_a_frozen_value_is_computed_once_and_comes_back_as_json() -> None:
    computed: list[int] = []

    def compute() -> tuple[int, ...]:
        computed.append(1)
        return (1, 2)

    async def story() -> list[Any]:
        trial = Trial(Plain())
        return [await trial.once("post", compute), await trial.again().once("post", compute)]

    assert asyncio.run(story()) == [[1, 2], [1, 2]]
    assert len(computed) == 1


def test_a_frozen_value_may_be_awaited() -> None:
    async def compute() -> str:
        return "now"

    async def story() -> str:
        return await Trial(Plain()).once("when", compute)

    assert asyncio.run(story()) == "now"


def test_a_value_that_is_not_json_is_refused_at_once() -> None:
    async def story() -> None:
        await Trial(Plain()).once("when", lambda: NOON)

    with pytest.raises(TypeError):
        asyncio.run(story())


def test_keys_are_stable_and_differ_by_delivery_and_step() -> None:
    one = Trial(Plain(), delivery="a/b/0")
    assert one.key("post") == one.again().key("post")
    assert len({one.key("post"), one.key("post-2"), Trial(Plain(), delivery="a/b/1").key("post")}) == 3


def test_the_first_byte_is_in_the_servers_time() -> None:
    clock = Hands()
    trial = Trial(Plain(), Far(), now=clock.now, server_ahead=timedelta(seconds=90))
    asyncio.run(sent(trial))
    clock.advance(10)
    asyncio.run(sent(trial, "second"))
    assert trial.first_byte_at == NOON + timedelta(seconds=90)


def test_a_session_that_cannot_be_asked_says_so() -> None:
    from fieldfare import Publish
    from fieldfare.plugin import Draft

    with pytest.raises(TypeError, match="Plain has no Recalls"):
        asyncio.run(Trial(Plain()).resolve(Publish(draft=Draft(text="tea"))))
