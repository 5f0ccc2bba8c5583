"""A set of automations: what it reads, what it is called, and the reasons that can be given from its description."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fieldfare import (
    Account,
    Approval,
    Automation,
    Budget,
    Condition,
    Money,
    PostEvent,
    QuietHours,
    contains,
    followers,
    from_bot,
    on,
    secret,
)
from fieldfare._engine.sets import AutomationSet, reason_from

from .pigeons import NOW, Pigeon, brand, mention, nothing, placed, press, reading

IDS = {"brand": "id-1", "press": "id-2"}


def stored(made: AutomationSet) -> dict[str, Any]:
    """The description as it comes back from the store."""
    description: dict[str, Any] = json.loads(json.dumps(made.describe()))
    return description


def named(use: Any) -> list[str]:
    return [one.automation.name for one in use.automations]


def test_automations_that_read_the_same_share_one_feed() -> None:
    made = AutomationSet(
        [
            placed("a", trigger=on.mention(brand, press)),
            placed("b", trigger=on.metrics(brand)),
            placed("c", trigger=on.mention(press)),
        ]
    )
    feeds = made.feeds(IDS)
    assert [named(use) for use in feeds.values()] == [["a"], ["a", "c"], ["b"]]


def test_two_names_for_one_account_of_a_network_are_one_feed() -> None:
    also = Account("also", Pigeon())
    made = AutomationSet([placed("a", trigger=on.mention(brand)), placed("b", trigger=on.mention(also))])
    [use] = made.feeds({"brand": "id-1", "also": "id-1"}).values()
    assert named(use) == ["a", "b"]


@pytest.mark.parametrize("minutes", [(5, 1), (1, 5)])
def test_the_smallest_interval_wins(minutes: tuple[int, int]) -> None:
    automations = [
        placed(f"a{n}", trigger=on.mention(brand, every=timedelta(minutes=m))) for n, m in enumerate(minutes)
    ]
    [use] = AutomationSet(automations).feeds(IDS).values()
    assert use.feed.every == timedelta(minutes=1)


def test_a_feed_waits_until_its_account_is_known_and_holds_up_no_other() -> None:
    made = AutomationSet([placed("a", trigger=on.mention(brand, press))])
    assert [use.feed.accounts for use in made.feeds({"press": "id-2"}).values()] == [("press",)]


def test_the_digest_is_that_of_what_the_automations_say() -> None:
    one, same, other = (AutomationSet([placed("a", contains(word))]) for word in ("x", "x", "y"))
    assert one.digest == same.digest != other.digest


def test_the_digest_follows_the_line_and_the_file() -> None:
    assert AutomationSet([placed("a", line=1)]).digest != AutomationSet([placed("a", line=2)]).digest


def test_two_of_one_name_are_no_set() -> None:
    with pytest.raises(ValueError, match="one name"):
        AutomationSet([placed("a"), placed("a")])


def test_the_description_is_json_and_holds_no_more_than_names_of_secrets() -> None:
    locked = Account("locked", Pigeon(token=secret("LOFT_TOKEN")))
    made = placed("a", contains("x") & Condition[PostEvent]("is odd", lambda event: True), trigger=on.mention(locked))
    euros = Money(amount=Decimal(5), currency="EUR")
    limits = (
        Budget(total=euros, per="month"),
        QuietHours.model_validate({"start": "22:00", "end": "07:00", "zone": "UTC"}),
    )
    automation = Automation(
        name="a",
        trigger=made.automation.trigger,
        decide=nothing,
        when=made.automation.when,
        limits=limits,
        approval=Approval(by="support"),
    )
    placed_fully = type(made)(automation, made.path, 3, 5, "d1ce57", "loft/birds.py")
    [described] = stored(AutomationSet([placed_fully]))["automations"]
    assert described["source"] == "loft/birds.py:3@d1ce57"
    assert described["trigger"]["accounts"] == ["locked"]
    assert described["functions"] == ["is odd"]
    assert described["limits"][0] == {
        "kind": "budget",
        "total": {"amount": "5", "currency": "EUR"},
        "per": "month",
        "zone": "UTC",
    }
    assert described["approval"] == {"by": "support", "expires": 86400.0, "first": None}
    assert "LOFT_TOKEN" not in json.dumps(described)


def test_a_reason_is_recomputed_from_the_stored_description() -> None:
    description = stored(AutomationSet([placed("a", contains("coffee") & ~from_bot())]))
    assert reason_from(description, "a", mention("tea"), NOW) == "no: text contains 'coffee'"
    assert reason_from(description, "a", mention("coffee", is_bot=True), NOW) == "no: not author is a bot"
    assert reason_from(description, "a", mention("coffee", is_self=True), NOW) == "no: not author is the account itself"


def test_a_reason_names_the_trigger_when_the_event_is_not_its_own() -> None:
    description = stored(AutomationSet([placed("a")]))
    assert reason_from(description, "a", reading(3), NOW) == "no: it waits for 'mention', this is 'metrics-observed'"
    assert reason_from(description, "a", mention(account="press"), NOW) == "no: it listens to brand, this came to press"


def test_no_reason_is_invented_for_what_a_function_decided() -> None:
    says_no = Condition[PostEvent]("is odd", lambda event: False)
    description = stored(AutomationSet([placed("a", followers(0) & says_no)]))
    assert reason_from(description, "a", mention(), NOW) == ""


def test_a_reason_for_an_automation_that_the_set_never_had_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        reason_from(stored(AutomationSet([])), "ghost", mention(), NOW)
