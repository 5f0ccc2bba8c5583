"""Why, or why not: what a delivery waits for, and what an event led to, told from the store alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fieldfare import Account, Approval, Automation, Context, Draft, Mention, Publish, Rate, Reply, contains, on
from fieldfare._cli import story
from fieldfare._engine.explain import Explainer
from fieldfare._store import control, query, why
from fieldfare._store.sqlite import ms
from fieldfare.testing import Playground, answer_lost, answered, swallowed
from tests.engine.line import START, Line, placed

Told = dict[str, Any]


def quiet(*faults: Any) -> Playground:
    return Playground(world="quiet", faults=faults)


def thanks(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text=f"thank you, @{event.post.author.handle}")


def shout(event: Mention, ctx: Context) -> Publish:
    return Publish(draft=Draft(text=event.post.text.replace("@brand", "")))


def answering(platform: Playground, **more: Any) -> Automation[Mention]:
    return Automation(name="thanks", trigger=on.mention(Account("brand", platform)), decide=thanks, **more)


async def mentioned(line: Line, platform: Playground, text: str = "hello @brand", by: str = "ada") -> None:
    world = line.world(platform)
    world.person(by)
    world.post(by, text, at=line.clock.now())
    await line.round()


def explainer(line: Line, *, flags: Collection[str] = (), running: bool = True) -> Explainer:
    return Explainer(
        store=line.store.read(lambda connection: connection),
        decode=line.engine.event,
        now=line.clock.now(),
        flags=flags,
        running=running,
    )


def delivery(line: Line, number: int = -1, **more: Any) -> Told:
    return explainer(line, **more).delivery(line.deliveries[number])


def change(line: Line, statement: str, *values: object) -> None:
    def sentence(c: sqlite3.Connection) -> None:
        c.execute(statement, values)

    asyncio.run(line.store.do(sentence))


def lived(line: Line, *steps: Any) -> Line:
    """Start the line, and take these steps one after another."""

    async def live() -> None:
        await line.start()
        for step in steps:
            await step()

    asyncio.run(live())
    return line


def one_mention(tmp_path: Path, platform: Playground, **more: Any) -> Line:
    line = Line(tmp_path, answering(platform, **more))
    return lived(line, lambda: mentioned(line, platform))


def test_what_is_out_tells_its_steps_and_where_it_is(tmp_path: Path) -> None:
    told = delivery(one_mention(tmp_path, quiet()))
    assert told["state"] == "delivered"
    assert [(step["name"], step["answered"], step["status"]) for step in told["steps"]] == [("post", True, 200)]
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["delivered"]
    assert told["receipt"]["ref"]["url"].startswith("playground://quiet/@brand/")
    assert (told["waits_for"], told["until"], told["to_do"]) == ("", None, "")


def test_what_is_held_waits_for_its_approver_until_it_expires(tmp_path: Path) -> None:
    told = delivery(one_mention(tmp_path, quiet(), approval=Approval(by="support", expires=timedelta(hours=4))))
    assert told["waits_for"] == "approval by support"
    assert told["until"] == "2026-11-02T13:00:00.000Z"
    assert told["to_do"] == f"fieldfare approvals approve 1@{told['digest'][:12]}"


def test_what_was_approved_tells_by_whom(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(), approval=Approval(by="support"))
    asyncio.run(line.store.do(control.approve, key="1", digest=None, by="hana", now=ms(line.clock.now())))
    told = delivery(line)
    assert told["approved_by"] == "hana"
    assert told["waits_for"] == "its turn"


@pytest.mark.parametrize(
    ("scope", "option"),
    [
        ("all", "--all"),
        ("account:brand", "--account brand"),
        ("platform:playground", "--platform playground"),
        ("automation:thanks", "--automation thanks"),
    ],
)
def test_what_a_pause_keeps_says_which_and_how_it_ends(tmp_path: Path, scope: str, option: str) -> None:
    line = one_mention(tmp_path, quiet(), approval=Approval(by="support"))
    asyncio.run(line.store.do(control.approve, key="1", digest=None, by="hana", now=ms(line.clock.now())))
    by_flag = delivery(line, flags={scope})
    assert (by_flag["waits_for"], by_flag["to_do"]) == (f"the end of a pause of {scope}", f"fieldfare resume {option}")
    asyncio.run(line.store.do(control.pause, scope=scope, reason="fair", by="ivo", now=ms(line.clock.now())))
    assert delivery(line)["waits_for"] == f"the end of a pause of {scope} by ivo: fair"


@pytest.mark.parametrize("scope", ["account:press", "platform:other", "automation:other"])
def test_a_pause_of_something_else_is_not_the_reason(tmp_path: Path, scope: str) -> None:
    line = one_mention(tmp_path, quiet(), approval=Approval(by="support"))
    asyncio.run(line.store.do(control.approve, key="1", digest=None, by="hana", now=ms(line.clock.now())))
    asyncio.run(line.store.do(control.pause, scope=scope, reason="", by="ivo", now=ms(line.clock.now())))
    assert delivery(line, flags={scope})["waits_for"] == "its turn"


def test_without_a_daemon_it_waits_for_one(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(), approval=Approval(by="support"))
    asyncio.run(line.store.do(control.approve, key="1", digest=None, by="hana", now=ms(line.clock.now())))
    told = delivery(line, running=False)
    assert (told["waits_for"], told["to_do"]) == ("a daemon: none runs", "fieldfare run")


def test_what_a_limit_keeps_says_which_and_until_when(tmp_path: Path) -> None:
    platform = quiet()
    line = Line(tmp_path, answering(platform, limits=(Rate(count=1, per=timedelta(hours=1)),)))
    lived(line, lambda: mentioned(line, platform), lambda: mentioned(line, platform, by="ben"))
    told = delivery(line)
    assert told["waits_for"].startswith("its time (rate: 1 in 1:00:00")
    assert told["until"] == "2026-11-02T10:00:00.000Z"


def test_what_the_network_asked_to_wait_for_says_so(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(answered(429, retry_after=120)))
    told = delivery(line)
    assert told["state"] == "due"
    assert told["waits_for"] == "the network, which asked this account to wait"
    assert told["until"] == "2026-11-02T09:02:00.000Z"
    assert told["attempts"][0]["outcome"] == "not sent"


def test_what_is_uncertain_names_the_step_without_an_answer(tmp_path: Path) -> None:
    told = delivery(one_mention(tmp_path, quiet(answer_lost())))
    assert told["state"] == "uncertain"
    assert [(step["name"], step["answered"]) for step in told["steps"]] == [("post", False)]
    assert told["waits_for"].startswith("the moment at which the network can be asked")


def test_a_step_that_the_network_refused_says_so(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(answered(422)))
    said = list(story.of_delivery(delivery(line), line.clock.now()))
    assert "  step post: not done; attempt 1 came to: failed" in said


def test_the_set_that_runs_is_the_latest_also_when_it_ran_before(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet())
    other = Automation(name="other", trigger=line.automations[0].trigger, decide=thanks)

    async def replaced() -> list[str]:
        names: list[str] = []
        for automation in (other, *line.automations):
            await line.engine.replace(placed([automation]), line.host)
            names += [one["name"] for one in line.store.read(why.latest_set)["automations"]]
        return names

    assert asyncio.run(replaced()) == ["other", "thanks"]


def test_what_only_a_person_can_tell_says_how(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(answer_lost()))
    change(line, "UPDATE deliveries SET hold = 'person', reason = 'this network cannot be asked'")
    told = delivery(line)
    assert told["waits_for"] == "a person who looks whether it is out: this network cannot be asked"
    assert told["to_do"] == "fieldfare settle 1 --delivered, or --not"


def test_what_stands_behind_another_in_its_order_names_it(tmp_path: Path) -> None:
    platform = quiet(swallowed())
    line = Line(tmp_path, Automation(name="shout", trigger=on.mention(Account("brand", platform)), decide=shout))
    lived(
        line,
        lambda: mentioned(line, platform, "one @brand"),
        lambda: mentioned(line, platform, "two @brand", by="ben"),
    )
    first, second = line.deliveries
    assert (first.state, second.state) == ("uncertain", "due")
    told = delivery(line)
    assert told["waits_for"] == f"{first.key}: it comes earlier in the same thread of order and is uncertain"


def test_what_says_the_same_as_something_uncertain_names_it(tmp_path: Path) -> None:
    platform = quiet(swallowed())
    line = Line(tmp_path, Automation(name="shout", trigger=on.mention(Account("brand", platform)), decide=shout))
    lived(
        line,
        lambda: mentioned(line, platform, "same @brand"),
        lambda: mentioned(line, platform, "same @brand", by="ben"),
    )
    change(line, "UPDATE deliveries SET passable = 1 WHERE state = 'uncertain'")
    assert delivery(line)["waits_for"].endswith(": it says the same and is uncertain")


def test_an_account_that_does_not_open_is_the_reason(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(), approval=Approval(by="support"))
    asyncio.run(line.store.do(control.approve, key="1", digest=None, by="hana", now=ms(line.clock.now())))
    change(line, "UPDATE accounts SET error = 'nobody answers'")
    told = delivery(line)
    assert told["waits_for"] == "the account brand: nobody answers"
    assert told["to_do"] == "fieldfare accounts test brand"


def test_a_name_that_is_gone_is_the_reason(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(), approval=Approval(by="support"))
    change(line, "UPDATE deliveries SET hold = 'missing', reason = 'automation ''thanks'' is gone'")
    told = delivery(line)
    assert (told["waits_for"], told["to_do"]) == ("automation 'thanks' is gone", "fieldfare check")


def test_a_pair_without_a_row_gets_its_reason_from_the_stored_set(tmp_path: Path) -> None:
    platform = quiet()
    line = Line(tmp_path, answering(platform, when=contains("apple")))
    lived(line, lambda: mentioned(line, platform, "pears @brand"))
    assert line.store.read(query.decisions, 1) == []
    (row,) = explainer(line).find("pears")[0]
    (decision,) = explainer(line).event(row)["decisions"]
    assert (decision["verdict"], decision["reason"]) == ("no", "no: text contains 'apple'")
    assert decision["recomputed"] is True


def test_a_missed_event_is_told_as_missed_and_judged_by_nobody(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet())
    change(line, "UPDATE events SET state = 2")
    (row,) = explainer(line).find("hello")[0]
    told = explainer(line).event(row)
    assert told["state"] == "missed"
    assert any("missed: it happened before" in said for said in story.of_event(told, START))


def test_an_event_whose_plugin_is_gone_is_told_without_its_content(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet())
    change(line, "UPDATE events SET kind = 'tide-turned'")
    (row,) = explainer(line).find("hello")[0]
    told = explainer(line).event(row)
    assert (told["kind"], told["text"], told["who"]) == ("tide-turned", "", "")
    assert len(told["deliveries"]) == 1


def test_when_retention_has_removed_the_bodies_keys_and_reasons_are_still_told(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet())
    change(line, "UPDATE events SET body = NULL")
    change(line, "UPDATE deliveries SET action = NULL")
    row = explainer(line).find(line.store.read(query.event_id, 1))[0][0]
    told = explainer(line).event(row)
    assert told["text"] == ""
    assert [one["verdict"] for one in told["decisions"]] == ["yes"]
    assert told["deliveries"][0]["state"] == "delivered"
    assert told["deliveries"][0]["texts"] == []


def test_a_post_of_ours_leads_back_to_its_delivery(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet())
    ref = delivery(line)["receipt"]["ref"]
    for name in (ref["url"], ref["id"]):
        assert [row.id for row in explainer(line).find(name)[1]] == [1]


def test_every_told_story_is_made_of_lines(tmp_path: Path) -> None:
    line = one_mention(tmp_path, quiet(answer_lost()))
    (row,) = explainer(line).find("hello")[0]
    said = list(story.of_event(explainer(line).event(row), line.clock.now()))
    assert said[0].startswith("mention ")
    assert "  step post: sent at" in "\n".join(said)
    assert any("and no answer came" in one for one in said)
