"""What RepostWhenPopular shares, and what it lets be."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fieldfare import Account, Automation, Repost, Skip, Visibility, on
from fieldfare.plugin import Context, MetricsObserved, Post
from fieldfare.testing import Playground, author, post, reading, simulate
from fieldfare_reposts import RepostWhenPopular
from fieldfare_reposts.plugin import fieldfare_rules

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
brand = Account("brand", Playground())
POPULAR = RepostWhenPopular(engagement=10)


def ours(age: timedelta = timedelta(hours=1), **more: Any) -> Post:
    return post("good morning", by=author("brand", us=True), at=NOON - age, **more)


def decided(event: MetricsObserved, rule: RepostWhenPopular = POPULAR, account: Account | None = brand) -> str:
    """The id of the post that is reposted, or the reason why none is."""
    outcome = rule.decide(event, Context(now=NOON, account=account, automation="popular"))
    return outcome.reason if isinstance(outcome, Skip) else outcome.post.id


def test_a_popular_post_of_ours_is_reposted() -> None:
    event = reading(likes=10, of=ours())
    assert POPULAR.decide(event, Context(now=NOON, account=brand, automation="popular")) == Repost(post=event.post.ref)


@given(st.tuples(*[st.integers(0, 5)] * 4))
def test_likes_reposts_replies_and_quotes_count_alike(counts: tuple[int, int, int, int]) -> None:
    likes, reposts, replies, quotes = counts
    event = reading(likes=likes, reposts=reposts, replies=replies, quotes=quotes, views=1_000, of=ours())
    total = sum(counts)
    assert decided(event) == (event.post.ref.id if total >= 10 else f"engagement is {total}, it takes 10")


@pytest.mark.parametrize(("age", "wanted"), [(timedelta(days=3), True), (timedelta(days=3, seconds=1), False)])
def test_a_post_may_not_be_too_old(age: timedelta, wanted: bool) -> None:
    event = reading(likes=10, of=ours(age))
    said = "the post is too old: it is from 2026-11-22 11:59 UTC"
    assert decided(event) == (event.post.ref.id if wanted else said)


def test_how_old_it_may_be_is_a_setting() -> None:
    event = reading(likes=10, of=ours(timedelta(days=9)))
    assert decided(event, RepostWhenPopular(engagement=10, within=timedelta(days=10))) == event.post.ref.id


def test_a_post_of_somebody_else_is_let_be() -> None:
    assert decided(reading(likes=10, of=post(at=NOON))) == "the post is by 'ada', only our own are reposted"


def test_a_repost_is_not_reposted() -> None:
    shared = ours().model_copy(update={"repost_of": post().ref})
    assert decided(reading(likes=10, of=shared)) == "the post is itself a repost"


@pytest.mark.parametrize(
    ("visibility", "wanted"),
    [
        (Visibility.PUBLIC, True),
        (Visibility.UNLISTED, True),
        (Visibility.FOLLOWERS, False),
        (Visibility.DIRECT, False),
    ],
)
def test_what_not_everybody_may_see_is_not_shared(visibility: Visibility, wanted: bool) -> None:
    event = reading(likes=10, of=ours(visibility=visibility))
    assert decided(event) == (event.post.ref.id if wanted else f"the post is for {visibility} eyes only")


def test_a_post_is_reposted_on_its_own_network_only() -> None:
    elsewhere = ours()
    elsewhere = elsewhere.model_copy(update={"ref": elsewhere.ref.model_copy(update={"platform": "pigeon"})})
    said = decided(reading(likes=10, of=elsewhere))
    assert said == "the post is on pigeon, account 'brand' is on playground"
    assert decided(reading(likes=10, of=elsewhere), account=None) == elsewhere.ref.id


def test_a_post_is_reposted_once_however_often_it_is_read() -> None:
    popular = Automation(name="popular", trigger=on.metrics(brand), decide=POPULAR)
    readings = [reading(likes=n, of=ours()) for n in (9, 10, 11)]
    result = asyncio.run(simulate(popular, readings, now=NOON))
    assert [action.kind for action in result.actions] == ["repost"]
    assert result.reasons[0] == "engagement is 9, it takes 10"


@pytest.mark.parametrize("settings", [{"engagement": 0}, {"engagement": 10, "within": timedelta(0)}, {"engagment": 10}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RepostWhenPopular.model_validate(settings)


def test_settings_survive_being_stored() -> None:
    rule = RepostWhenPopular(engagement=5, within=timedelta(hours=36))
    assert RepostWhenPopular.model_validate_json(rule.model_dump_json()) == rule


def test_the_plugin_hands_over_the_rule() -> None:
    assert list(fieldfare_rules()) == [RepostWhenPopular]


def test_the_example_in_the_readme_does_what_the_readme_says() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    readings = [reading(likes=n, of=ours()) for n in (20, 49, 50, 60)]
    result = asyncio.run(simulate(names["popular"], readings, now=NOON))
    assert [action.kind for action in result.actions] == ["repost"]
