"""Web hooks: who may post, what is read, and when it is answered."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldfare import on, secret
from fieldfare._feeds.webhook import Hooks
from fieldfare.plugin import Arrival, AuthFailed
from tests.feeds.services import NOW, Lent, Reader

SECRET = "canary-webhook-7c19"
JSON = {"content-type": "application/json"}
BEARER = {"authorization": f"Bearer {SECRET}"}


class Door:
    """A listener's buffer at one path, and what it answered."""

    def __init__(self, id_field: str = "id") -> None:
        lent = Lent(now=NOW, secrets={"HOOKS": SECRET})
        self.reader = Reader(Hooks("/hooks/shop", secret("HOOKS"), id_field), lent)
        asyncio.run(self.reader.feed.pull(None, lent))
        self.reader.cursor = "open"
        self.answers: list[tuple[int, int]] = []
        self.came = 0

    def post(self, body: bytes | str | object, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        number, self.came = self.came, self.came + 1
        self.reader.lent.waiting.append(
            Arrival(
                headers=BEARER | JSON if headers is None else headers,
                body=raw,
                at=NOW + timedelta(seconds=number),
                answer=lambda status: self.answers.append((number, status)),
            )
        )

    def look(self) -> list[Any]:
        return asyncio.run(self.reader.pull())

    @property
    def statuses(self) -> list[int]:
        return [status for _, status in sorted(self.answers)]


@pytest.fixture
def door() -> Door:
    return Door()


def test_the_secret_that_counts_is_the_one_there_is_when_a_hook_comes_in(door: Door) -> None:
    lent = door.reader.lent
    arrivals = lent.arrivals

    async def after_a_long_wait(path: str) -> Any:
        lent.secrets = {"HOOKS": "canary-webhook-new-55d0"}
        return await arrivals(path)

    lent.arrivals = after_a_long_wait  # type: ignore[method-assign]
    door.post({"id": 1})
    door.post({"id": 2}, {"authorization": "Bearer canary-webhook-new-55d0"} | JSON)
    assert [event.id for event in door.look()] == ["2"]
    assert door.statuses == [401, 202]


def test_an_object_is_an_event_known_by_its_id(door: Door) -> None:
    door.post({"id": "order-1", "total": 12})
    [event] = door.look()
    assert (event.id, event.body, event.occurred_at) == ("order-1", {"id": "order-1", "total": 12}, NOW)
    assert door.statuses == [202]


def test_it_is_answered_only_after_it_was_recorded(door: Door) -> None:
    door.post({"id": "order-1"})
    batch = asyncio.run(door.reader.feed.pull("open", door.reader.lent))
    assert door.answers == []
    assert batch.committed is not None
    batch.committed()
    assert door.answers == [(0, 202)]


def test_the_secret_may_come_in_a_header_of_its_own(door: Door) -> None:
    door.post({"id": 1}, JSON | {"x-fieldfare-secret": SECRET})
    assert [event.id for event in door.look()] == ["1"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer canary-webhook-7c18"},
        {"authorization": f"Bearer {SECRET}x"},
        {"authorization": f"Basic {SECRET}"},
        {"authorization": SECRET},
        {"authorization": "Bearer \udcff"},
        {"x-fieldfare-secret": SECRET.upper()},
        {"x-fieldfare-secret": ""},
        {"authorization": "Bearer wrong", "x-fieldfare-secret": SECRET},
    ],
)
def test_whoever_does_not_know_the_secret_is_refused_at_once(door: Door, headers: dict[str, str]) -> None:
    door.post({"id": "x"}, JSON | headers)
    assert door.look() == []
    assert door.answers == [(0, 401)]


@pytest.mark.parametrize("body", [b"not json", b"x" * 2_000_000])
def test_without_the_secret_nothing_is_said_about_the_body(door: Door, body: bytes) -> None:
    door.post(body, {"content-type": "text/plain"})
    door.look()
    assert door.statuses == [401]


@pytest.mark.parametrize(
    "mime", ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_another_content_type_than_json_is_refused_at_once(door: Door, mime: str) -> None:
    door.post({"id": "x"}, BEARER | {"content-type": mime})
    assert door.look() == []
    assert door.answers == [(0, 415)]


@pytest.mark.parametrize(
    "mime", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.shop.v1+json"]
)
def test_json_by_any_of_its_names_is_read(door: Door, mime: str) -> None:
    door.post({"id": "x"}, BEARER | {"content-type": mime})
    assert len(door.look()) == 1


def test_a_body_that_is_too_large_is_refused_at_once(door: Door) -> None:
    door.post(b'"' + b"x" * (1024 * 1024) + b'"')
    assert door.look() == []
    assert door.answers == [(0, 413)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\xfa",
        b'{"id": "x", "n": NaN}',
        b'{"n": -Infinity}',
        b'{"n": 1e999}',
        b'{"text": "\\ud800"}',
        b'{"\\udfff": 1}',
        b"[" * 200_000,
        b"9" * 5_000,
    ],
    ids=[
        "empty",
        "cut",
        "not text",
        "nan",
        "infinity",
        "too large",
        "half a pair",
        "half a pair as name",
        "deep",
        "long",
    ],
)
def test_a_body_that_is_not_json_or_cannot_be_kept_as_such_is_refused_at_once(door: Door, body: bytes) -> None:
    door.post(body)
    assert door.look() == []
    assert door.answers == [(0, 400)]


def test_good_ones_go_beside_bad_ones(door: Door) -> None:
    door.post({"id": "a"})
    door.post(b"{")
    door.post({"id": "b"}, JSON)
    door.post({"id": "c"})
    assert [event.id for event in door.look()] == ["a", "c"]
    assert door.statuses == [202, 400, 401, 202]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_what_is_no_object_is_kept_under_value(value: object) -> None:
    door = Door()
    door.post(value)
    assert door.look()[0].body == {"value": json.loads(json.dumps(value))} if door.statuses == [202] else True


def test_without_an_id_equal_bodies_are_one_event(door: Door) -> None:
    for body in ({"n": 1}, {"n": 1}, {"n": 2}):
        door.post(body)
    assert [event.body for event in door.look()] == [{"n": 1}, {"n": 2}]
    assert door.statuses == [202, 202, 202]


def test_an_event_that_comes_again_is_answered_and_is_no_event(door: Door) -> None:
    door.post({"id": "a"})
    door.look()
    door.post({"id": "a"})
    assert door.look() == []
    assert door.statuses == [202, 202]


@pytest.mark.parametrize("named", [None, True, "", {"a": 1}, ["x"], 1.5, "x" * 201])
def test_an_id_that_is_none_is_not_taken_for_one(door: Door, named: object) -> None:
    door.post({"id": named})
    [event] = door.look()
    assert len(event.id) == 64


def test_the_id_may_have_another_name() -> None:
    door = Door("event_id")
    door.post({"id": "same", "event_id": "e1"})
    door.post({"id": "same", "event_id": "e2"})
    assert [event.id for event in door.look()] == ["e1", "e2"]


def test_the_first_look_takes_nothing_because_what_it_brings_would_be_missed(door: Door) -> None:
    door.post({"id": "a"})
    batch = asyncio.run(door.reader.feed.pull(None, door.reader.lent))
    assert (batch.events, batch.cursor, batch.more) == ((), "open", True)
    assert [event.id for event in door.look()] == ["a"]


def test_an_empty_secret_lets_nobody_in_and_takes_nothing(door: Door) -> None:
    door.reader.lent.secrets["HOOKS"] = ""
    door.post({"id": "a"}, JSON)
    with pytest.raises(AuthFailed, match="secret 'HOOKS' is empty"):
        door.look()
    assert len(door.reader.lent.waiting) == 1


@pytest.mark.parametrize("path", ["", "/", "hooks", "/hooks/", "//hooks", "/a/../b", "/a b", "/a?b", "/.env", "/ä"])
def test_a_path_that_is_none_is_refused_when_written(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path for web hooks"):
        on.webhook(path, secret=secret("HOOKS"))


def test_a_path_with_two_secrets_is_a_disagreement() -> None:
    [one] = on.webhook("/hooks/shop", secret=secret("A")).feeds()
    [two] = on.webhook("/hooks/shop", secret=secret("B")).feeds()
    assert one.key({}) == two.key({}) == "webhook:/hooks/shop"
    assert one.terms != two.terms
