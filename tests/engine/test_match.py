"""The matcher says what asking every condition one by one would say, and a thousand rules cost about what one costs."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldfare import (
    Condition,
    MetricsObserved,
    PostEvent,
    author_in,
    contains,
    engagement,
    followers,
    from_bot,
    from_self,
    language,
    lineage,
    matches,
    on,
    younger_than,
)
from fieldfare._engine.literals import needed
from fieldfare._engine.match import Matcher
from fieldfare._engine.placed import Placed

from .pigeons import NOW, brand, mention, placed, post, press, reading

LETTERS = "abi SsßİıKÄ-"
texts = st.text(LETTERS, max_size=12)
words = st.text(LETTERS, min_size=1, max_size=4)
handles = st.sampled_from(["ada", "@Ada", "bob", "straße"])
codes = st.sampled_from(["en", "en-GB", "de", ""])
patterns = st.sampled_from(["ab", "abs", r"a+b", "(abs|sab) ?", r"\bsab", "bas{2,}", "(?:sas)?a", "ıbs", "sis"])


def _function(number: int) -> Condition[PostEvent]:
    return Condition(f"length is {number} modulo 3", lambda event: len(event.post.text) % 3 == number)


leaves: st.SearchStrategy[Condition[Any]] = st.one_of(
    st.lists(words, min_size=1, max_size=3).map(lambda some: contains(*some)),
    st.lists(handles, min_size=1, max_size=2).map(lambda some: author_in(*some)),
    st.lists(codes, min_size=1, max_size=2).map(lambda some: language(*some)),
    patterns.map(matches),
    st.integers(0, 3).map(followers),
    st.integers(0, 3).map(engagement),
    st.integers(0, 2).map(lineage),
    st.sampled_from([from_bot(), from_self()]),
    st.integers(0, 2).map(lambda hours: younger_than(timedelta(hours=hours))),
    st.integers(0, 2).map(_function),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: two[0] & two[1]),
        st.tuples(inner, inner).map(lambda two: two[0] | two[1]),
        inner.map(lambda one: ~one),
    ),
    max_leaves=5,
)


@st.composite
def readings(draw: st.DrawFn) -> MetricsObserved:
    read = reading(draw(st.integers(0, 3)))
    seen = post(
        draw(texts),
        handle=draw(handles),
        language=draw(st.sampled_from(["en", "en-GB", "EN-gb-x", "de", None])),
        followers=draw(st.none() | st.integers(0, 3)),
        is_bot=draw(st.booleans()),
        is_self=draw(st.booleans()),
        created_at=NOW - timedelta(minutes=draw(st.integers(0, 180))),
    )
    return read.model_copy(update={"post": seen, "lineage": draw(st.integers(0, 2))})


def one_by_one(automations: list[Placed], event: Any) -> list[str]:
    """Every condition asked on its own, without any of the matcher's short cuts."""
    found = []
    for one in automations:
        trigger = one.automation.trigger.condition()
        asked = [condition for condition in (trigger, one.automation.when) if condition is not None]
        if all(condition(event, NOW) for condition in asked):
            found.append(one.automation.name)
    return found


def matched(automations: list[Placed], event: Any) -> list[str]:
    found = Matcher(automations).match(event, NOW)
    return [m.placed.automation.name for m in found if m.rest is None or m.rest(event, NOW)]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.none() | conditions, min_size=1, max_size=6), st.lists(readings(), min_size=1, max_size=4))
def test_it_agrees_with_asking_one_by_one(whens: list[Condition[Any] | None], events: list[MetricsObserved]) -> None:
    automations = [placed(f"a{n}", when, trigger=on.metrics(brand)) for n, when in enumerate(whens)]
    for event in events:
        assert matched(automations, event) == one_by_one(automations, event)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=8), st.text("abc", max_size=30))
def test_many_words_are_found_as_few_are(some: set[str], text: str) -> None:
    filler = [f"filler{n}" for n in range(150)]  # enough for the index by letters
    automations = [placed(word, contains(word)) for word in [*sorted(some), *filler]]
    assert matched(automations, mention(text)) == one_by_one(automations, mention(text))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_pattern_never_matches_without_the_letters_it_is_said_to_need(data: st.DataObject) -> None:
    pattern = data.draw(
        st.sampled_from(["hello", "open(ing)? hours?", "(hours|opening)", "(?:abc){2,3}", "Straße", "kiss", "x|long"])
    )
    text = data.draw(st.from_regex(re.compile(pattern, re.IGNORECASE)))
    words = needed(pattern)
    assert words is None or any(word in text.casefold() for word in words)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bhello\b", ["hello"]),
        ("open(ing)? hours", [" hours"]),
        ("(hours|closed)", ["hours", "closed"]),
        ("hours|.", None),
        ("h[ao]nd.*over", ["over"]),
        ("[a-z]+", None),
        ("(foo)?bar", ["bar"]),
        ("(?!foo)bar", ["bar"]),
        ("milk", None),
    ],
)
def test_the_letters_a_pattern_needs(pattern: str, words: list[str] | None) -> None:
    assert needed(pattern) == words


def test_functions_are_left_to_be_asked_and_data_is_not() -> None:
    function = _function(0)
    [found] = Matcher([placed("a", contains("abc") & function & followers(0))]).match(mention("abc"), NOW)
    assert found.rest is function


def test_a_function_behind_a_word_that_is_missing_is_not_asked() -> None:
    def explodes(event: PostEvent) -> bool:
        raise AssertionError("asked")

    condition = Condition("explodes", explodes) & contains("abc")
    assert Matcher([placed("a", condition)]).match(mention("nothing"), NOW) == []


@pytest.mark.parametrize("condition", [engagement(3), ~engagement(3)], ids=["looked-up", "asked"])
def test_a_condition_for_another_kind_of_event_leaves_its_error_to_the_decision(condition: Condition[Any]) -> None:
    automations = [placed("fits", contains("abc")), placed("does-not", condition)]
    found = Matcher(automations).match(mention("abc"), NOW)
    assert [m.placed.automation.name for m in found] == ["fits", "does-not"]
    assert found[1].rest is not None
    with pytest.raises(AttributeError):
        found[1].rest(mention("abc"), NOW)


@pytest.mark.parametrize(
    ("spoken", "wanted"), [("en", True), ("EN-gb", True), ("en-gb-oxendict", True), ("end", False), (None, False)]
)
def test_a_language_includes_its_regions(spoken: str | None, wanted: bool) -> None:
    event = mention("hello", language=spoken)
    assert matched([placed("a", language("en"))], event) == one_by_one([placed("a", language("en"))], event)
    assert bool(matched([placed("a", language("en"))], event)) is wanted


def test_equal_conditions_are_answered_once_per_event() -> None:
    asked: list[str] = []

    def test(event: PostEvent, now: object) -> bool:
        asked.append(event.id)
        return True

    def own() -> Condition[PostEvent]:
        return Condition("counted", test, data={"op": "counted"})

    assert len(Matcher([placed(f"a{n}", own()) for n in range(50)]).match(mention(), NOW)) == 50
    assert asked == ["n1"]


def test_the_order_is_that_of_the_automations() -> None:
    automations = [placed("c", contains("x")), placed("a"), placed("b", contains("y") | contains("x"))]
    assert matched(automations, mention("x y")) == ["c", "a", "b"]


def test_own_mentions_are_left_out_by_the_trigger() -> None:
    assert matched([placed("a", trigger=on.mention(brand, press))], mention("hello", is_self=True)) == []


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda n: contains(f"keyword-{n:04}"), id="words"),
        pytest.param(lambda n: matches(rf"\bkeyword-{n:04}\b"), id="patterns"),
        pytest.param(lambda n: contains(f"keyword-{n:04}") & ~from_bot() & followers(10), id="compositions"),
        pytest.param(lambda n: author_in(f"ada{n}" if n else "ada"), id="authors"),
        pytest.param(lambda n: followers(50 + n), id="numbers"),
    ],
)
def test_a_thousand_rules_of_which_one_matches_cost_less_than_300_microseconds(rule: Any) -> None:
    text = ("the quick brown fox jumps over the lazy dog, " * 14)[:580] + " keyword-0000"
    event = mention(text, followers=50)
    matcher = Matcher([placed(f"a{n}", rule(n)) for n in range(1000)])
    best = float("inf")
    for _ in range(20):
        start = time.thread_time()
        for _ in range(10):
            matcher.match(event, NOW)
        best = min(best, (time.thread_time() - start) / 10)
    assert [m.placed.automation.name for m in matcher.match(event, NOW)] == ["a0"]
    assert best < 300e-6
