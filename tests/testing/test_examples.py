"""The examples do what they say, and together they tell the story that the demo shows."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fieldfare import Automation, Notify, Reply
from fieldfare._engine.load import Loaded, load
from fieldfare.testing import (
    author,
    delivered,
    due,
    mention,
    post,
    reading,
    reply,
    simulate,
    trouble,
)
from tests.engine.line import Line

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
DOCS = ROOT / "docs" / "boosting.md"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load([EXAMPLES])


def named(loaded: Loaded, name: str) -> Automation[Any]:
    (found,) = (placed.automation for placed in loaded.automations if placed.automation.name == name)
    return found


def texts(made: Any) -> list[str]:
    return [draft.text for action in made.actions for draft in action.drafts]


def test_each_file_says_how_to_check_it(loaded: Loaded) -> None:
    for file in loaded.files:
        if file.inside != "accounts.py":
            assert "fieldfare check examples" in file.data.decode(), file.inside


def test_a_question_is_answered_and_the_rest_is_left_alone(loaded: Loaded) -> None:
    asked = [
        mention("@brand open on Saturday?"),
        mention("@brand sunny tomorrow, is your roof ready?", by=author("weatherbot", bot=True)),
        mention("@brand lovely stall"),
    ]
    made = asyncio.run(simulate(named(loaded, "answer-mentions"), asked))
    (text,) = texts(made)
    assert "ada" in text
    assert len(made.reasons) == 2
    assert made.reasons[1] == "no: asks something"


def test_an_answer_about_deliveries_waits_for_support(loaded: Loaded) -> None:
    automation = named(loaded, "approve-replies")
    made = asyncio.run(simulate(automation, [reply("Could you deliver two crates?"), reply("How sweet!")]))
    assert len(made.actions) == 1
    assert automation.approval is not None
    assert automation.approval.by == "support"


def test_a_post_is_shown_again_when_it_passes_ten(loaded: Loaded) -> None:
    made = asyncio.run(simulate(named(loaded, "repost-popular"), [reading(likes=n) for n in (4, 11, 25)]))
    assert [action.kind for action in made.actions] == ["repost"]


def test_an_old_post_is_not_shown_again(loaded: Loaded) -> None:
    old = post("last year's apples", by=author("brand", us=True), at=reading().occurred_at - timedelta(days=4))
    made = asyncio.run(simulate(named(loaded, "repost-popular"), [reading(likes=n, of=old) for n in (4, 11)]))
    assert made.actions == []


@pytest.mark.parametrize("name", ["publish-on-schedule", "publish-from-queue"])
def test_a_row_is_published_as_it_stands(loaded: Loaded, name: str) -> None:
    assert texts(asyncio.run(simulate(named(loaded, name), [due("tea at five")]))) == ["tea at five"]


def test_a_day_later_somebody_is_reminded(loaded: Loaded) -> None:
    made = asyncio.run(simulate(named(loaded, "follow-up"), [delivered("publish-on-schedule")]))
    (note,) = made.actions
    assert isinstance(note, Notify)
    assert "has been out for a day" in note.text


def test_trouble_is_told(loaded: Loaded) -> None:
    made = asyncio.run(simulate(named(loaded, "tell-me"), [trouble(says="something waits")]))
    assert [action.text for action in made.actions if isinstance(action, Notify)] == ["something waits"]


def test_an_automatic_answer_with_a_link_is_refused(loaded: Loaded) -> None:
    (hooks,) = (module for module, _ in loaded.hooks)
    linked = Automation(
        name="linked",
        trigger=named(loaded, "answer-mentions").trigger,
        decide=lambda event, ctx: Reply(to=event.post.ref, text="see https://shop.example"),
    )
    made = asyncio.run(simulate(linked, [mention("where?")], plugins=[hooks]))
    assert made.reasons == ["review: no links in automatic answers"]


def told(loaded: Loaded, project: Path, seconds: int) -> list[str]:
    """What becomes of every delivery in the first seconds of the village, as `second automation state`."""

    async def story() -> list[str]:
        line = Line(project, *(placed.automation for placed in loaded.automations))
        begins = line.clock.now()
        dates = (f"{begins + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}" for at in (8, 10))
        calendar = (EXAMPLES / "calendar.csv").read_text()
        (project / "calendar.csv").write_text(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", lambda _: next(dates), calendar))
        shutil.copy(EXAMPLES / "queue.csv", project)
        await line.start()
        seen: dict[str, str] = {}
        happened: list[str] = []
        for second in range(1, seconds + 1):
            await line.move(1)
            for one in line.deliveries:
                if seen.get(one.key) != one.state:
                    seen[one.key] = one.state
                    happened.append(f"{second} {one.automation} {one.state}")
        return happened

    return asyncio.run(story())


def test_within_fifteen_seconds_everything_has_happened_that_the_demo_shows(loaded: Loaded, tmp_path: Path) -> None:
    assert told(loaded, tmp_path, 15) == [
        "2 answer-mentions delivered",
        "4 approve-replies held",
        "4 tell-me delivered",
        "7 repost-popular delivered",
        "8 publish-on-schedule delivered",
        "10 publish-on-schedule uncertain",
        "10 tell-me delivered",
        "12 publish-on-schedule delivered",
    ]


def blocks(document: Path) -> Iterator[str]:
    yield from re.findall(r"```python[^\n]*\n(.*?)```", document.read_text(), re.DOTALL)


def test_the_boost_in_the_docs_is_decided_and_has_nobody_to_perform_it() -> None:
    (code,) = blocks(DOCS)
    module = ModuleType("boosting")
    exec(code, vars(module))
    made = asyncio.run(simulate(vars(module)["advertise_what_works"], [reading(likes=n) for n in (5, 120)]))
    assert made.reasons[-1] == "account 'brand' is on playground, which has no Boosts"
