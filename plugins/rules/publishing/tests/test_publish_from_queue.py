"""What PublishFromQueue makes of an item that is due."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fieldfare import Account, Automation, ContentDue, Draft, Media, Publish, Visibility, on
from fieldfare.plugin import Context
from fieldfare.testing import Playground, due, simulate
from fieldfare_publishing import PublishFromQueue

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
brand = Account("brand", Playground())


def draft(rule: PublishFromQueue, event: ContentDue, account: Account | None = brand) -> Draft:
    return rule.decide(event, Context(now=NOON, account=account, automation="queue")).draft


def text(rule: PublishFromQueue, written: str, account: Account | None = brand) -> str:
    return draft(rule, due(written), account).text


def test_an_item_is_published_as_it_is() -> None:
    whole = Draft(
        text="good morning",
        media=(Media(source="bird.png", alt="a bird"),),
        language="de",
        visibility=Visibility.UNLISTED,
        warning="berries",
    )
    assert draft(PublishFromQueue(), due().model_copy(update={"draft": whole})) == whole


def test_a_template_stands_around_the_text() -> None:
    assert text(PublishFromQueue(template="New today, $$5: $text 🐦"), "apples") == "New today, $5: apples 🐦"


def test_a_template_around_nothing_leaves_no_space_behind() -> None:
    assert text(PublishFromQueue(template="New today: $text"), "") == "New today:"


def test_what_stands_in_the_text_is_never_a_template() -> None:
    assert text(PublishFromQueue(), "it costs $text or $5") == "it costs $text or $5"


def test_tags_stand_at_the_end_with_their_sign() -> None:
    assert text(PublishFromQueue(tags=("garden", "#apples")), "hello") == "hello\n\n#garden #apples"


def test_a_tag_that_is_there_is_not_repeated() -> None:
    rule = PublishFromQueue(tags=("gardeN", "apples", "#gardeN"))
    assert text(rule, "my #Garden") == "my #Garden\n\n#apples"
    assert text(rule, "my #gardens") == "my #gardens\n\n#gardeN #apples"


def test_an_item_without_text_has_its_tags_alone() -> None:
    assert text(PublishFromQueue(tags=("garden",)), "") == "#garden"


def test_tags_without_room_are_left_out_from_the_last_on() -> None:
    rule = PublishFromQueue(tags=("garden", "apples"))
    assert text(rule, "x" * 291) == "x" * 291 + "\n\n#garden"
    assert text(rule, "x" * 292) == "x" * 292


@given(st.integers(0, 300), st.lists(st.sampled_from(["a", "garden", "Äpfel", "日本語"]), max_size=6))
def test_tags_never_make_a_text_too_long(length: int, tags: list[str]) -> None:
    said = text(PublishFromQueue(tags=tuple(tags)), "x" * length)
    assert brand.platform.measure(said) <= brand.platform.bounds.text
    assert said.startswith("x" * length)


def test_without_an_account_all_tags_stay() -> None:
    assert text(PublishFromQueue(tags=("garden",)), "x" * 295, None).endswith("#garden")


def test_a_text_that_is_too_long_is_not_cut_and_not_published() -> None:
    queue = Automation(
        name="queue",
        trigger=on.queue("queue.csv", cron="0 9 * * *", zone="UTC"),
        decide=PublishFromQueue(tags=("garden",)),
        account=brand,
    )
    result = asyncio.run(simulate(queue, [due("x" * 301), due("fits")]))
    assert result.actions == [Publish(draft=Draft(text="fits\n\n#garden"))]
    assert "the text is 301 long" in result.reasons[0]


@pytest.mark.parametrize("template", ["", "no field", "$title", "$text $title", "$text for $5", "$"])
def test_a_template_without_the_text_or_with_another_field_is_refused_when_written(template: str) -> None:
    with pytest.raises(ValidationError, match=r"must have the field \$text and no other"):
        PublishFromQueue(template=template)


@pytest.mark.parametrize("tag", ["", "#", "two words", "#2026", "a-b", "##a"])
def test_a_tag_that_no_network_would_link_is_refused_when_written(tag: str) -> None:
    with pytest.raises(ValidationError, match="is not a hashtag"):
        PublishFromQueue(tags=(tag,))


def test_settings_survive_being_stored() -> None:
    rule = PublishFromQueue(template="New: $text", tags=("garden",))
    assert PublishFromQueue.model_validate_json(rule.model_dump_json()) == rule


def test_the_example_in_the_readme_does_what_the_readme_says() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    result = asyncio.run(simulate(names["from_the_garden"], [due("The first rhubarb is here.")]))
    assert [action.drafts[0].text for action in result.actions] == [
        "From the garden: The first rhubarb is here.\n\n#garden #localfood"
    ]
