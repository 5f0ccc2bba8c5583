"""`status`, `explain`, `outbox` and `approvals` on projects that something has happened in."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Lived
from tests.cli.typed import typed

HOURLY = """
from fieldfare import Context, Notify, SlotReached, automation, on

@automation(on.schedule("0 * * * *", zone="UTC"))
def hourly(event: SlotReached, ctx: Context) -> Notify:
    return Notify(text="an hour is over")
"""


def test_a_project_where_nothing_has_run_says_so(shop: Path) -> None:
    said = typed("status", where=shop)
    assert said.code == 0
    assert "no daemon runs" in said.out
    assert "none yet" in said.out


def test_status_counts_and_names_what_waits(village: Lived) -> None:
    found = typed("status", "--json", where=village(10)).json
    assert found["can_act"] is False
    assert found["why_not"] == ["no daemon runs"]
    assert found["deliveries"]["uncertain"] == 1
    assert [row["automation"] for row in found["held"]] == ["approve-replies"]
    assert [account["handle"] for account in found["accounts"]] == ["brand"]
    assert all(feed["pulled_at"] for feed in found["feeds"])
    assert found["oldest_due"] is None


def test_status_in_words_names_the_same(village: Lived) -> None:
    said = typed("status", where=village(10)).out
    assert "uncertain (fieldfare explain NUMBER):" in said
    assert "waits for a person (fieldfare approvals):" in said
    assert "brand on playground: @brand" in said


def test_a_delivery_is_explained_from_the_mention_to_the_receipt(village: Lived) -> None:
    said = typed("explain", "1", where=village(3)).out
    assert said.startswith("mention ")
    assert "When do you open on Saturday?" in said
    assert "step post: sent" in said
    assert "answered with 200" in said
    assert "out at" in said
    assert "playground://village/@brand/" in said


def test_an_event_is_explained_with_a_reason_for_every_automation_on_it(village: Lived) -> None:
    folder = village(9)
    events = typed("explain", "lovely stall", "--json", where=folder).json["events"]
    (event,) = events
    assert [(one["automation"], one["verdict"], one["reason"]) for one in event["decisions"]] == [
        ("answer-mentions", "no", "no: asks something")
    ]
    assert event["elsewhere"] == 6
    assert event["deliveries"] == []


def test_a_pair_without_a_row_is_judged_again_from_the_stored_set(village: Lived) -> None:
    folder = village(3)
    accounts = folder / "accounts.py"
    answers = folder / "answer_mentions.py"
    # What the files say now does not matter: the set that judged is in the store.
    accounts.unlink()
    answers.unlink()
    said = typed("explain", "Is your roof ready", where=folder)
    assert said.code == 0
    assert "answer-mentions: no: the author is a bot" in said.out


def test_an_automation_is_explained_by_what_it_did_last(village: Lived) -> None:
    folder = village(10)
    (told,) = typed("explain", "answer-mentions", "--json", where=folder).json["automations"]
    assert told["present"] is True
    assert {one["verdict"] for one in told["decisions"]} >= {"yes", "no"}
    assert [one["state"] for one in told["deliveries"]] == ["delivered"]
    assert [one["feed"].partition(":")[0] for one in told["feeds"]] == ["mention"]
    said = typed("explain", "answer-mentions", where=folder).out
    assert said.startswith("automation answer-mentions\n")
    assert ": no: asks something" in said
    assert "answer-mentions/" in said


def test_an_automation_that_has_done_nothing_says_so_and_when_its_time_comes(shop: Path) -> None:
    (shop / "hourly.py").write_text(HOURLY)
    assert typed("run", "--once", where=shop).code == 0
    said = typed("explain", "hourly", where=shop).out
    assert "it has decided nothing yet" in said
    assert "schedule:0 * * * *:UTC: read at " in said
    assert "; the next slot is " in said


def test_a_feed_is_explained_by_what_it_brought_last(village: Lived) -> None:
    folder = village(10)
    (feed,) = typed("explain", "answer-mentions", "--json", where=folder).json["automations"][0]["feeds"]
    (told,) = typed("explain", feed["feed"], "--json", where=folder).json["feeds"]
    assert told["pulled_at"]
    assert "answer-mentions" in told["automations"]
    assert {one["kind"] for one in told["events"]} == {"mention"}
    assert typed("explain", feed["feed"], where=folder).out.startswith(f"feed {feed['feed']}: read ")


def test_an_automation_is_explained_although_the_files_are_broken(village: Lived) -> None:
    folder = village(3)
    (folder / "broken.py").write_text("1 / 0\n")
    assert typed("explain", "answer-mentions", where=folder).out.startswith("automation answer-mentions\n")


def test_an_account_that_the_files_do_not_have_any_more_is_marked_and_keeps_nothing_from_acting(village: Lived) -> None:
    folder = village(3)
    connection = sqlite3.connect(folder / ".fieldfare" / "fieldfare.db")
    connection.execute("INSERT INTO accounts (name, platform, error) VALUES ('old', 'playground', 'revoked')")
    connection.commit()
    connection.close()
    found = typed("status", "--json", where=folder).json
    assert {one["name"]: one["present"] for one in found["accounts"]} == {"brand": True, "old": False}
    assert found["why_not"] == ["no daemon runs"]
    assert "old on playground: not in the files any more" in typed("status", where=folder).out
    assert all(one["check"] != "accounts" for one in typed("doctor", "--json", where=folder).json["findings"])


def test_a_post_of_ours_is_traced_back_by_its_address(village: Lived) -> None:
    folder = village(3)
    address = typed("outbox", "list", "--json", where=folder).json[0]["receipt"]["ref"]["url"]
    found = typed("explain", address, "--json", where=folder).json
    assert [delivery["automation"] for delivery in found["deliveries"]] == ["answer-mentions"]


def test_what_nobody_knows_is_said_with_exit_1(village: Lived) -> None:
    said = typed("explain", "no-such-thing", where=village(1))
    assert said.code == 1
    assert "nothing is called 'no-such-thing'" in said.err


def test_a_held_delivery_says_for_whom_it_waits_and_how_it_goes_on(village: Lived) -> None:
    folder = village(5)
    (held,) = typed("outbox", "list", "--state", "held", "--json", where=folder).json
    said = typed("explain", held["key"], where=folder).out
    assert "waits for approval by support, until" in said
    assert f"to go on: fieldfare approvals approve {held['number']}@{held['digest'][:12]}" in said


def test_an_uncertain_delivery_says_which_step_got_no_answer(village: Lived) -> None:
    folder = village(10)
    (row,) = typed("outbox", "list", "--state", "uncertain", "--json", where=folder).json
    told = typed("outbox", "show", str(row["number"]), "--json", where=folder).json
    assert [(step["name"], step["answered"]) for step in told["steps"]] == [("post", False)]
    assert told["attempts"][0]["outcome"] == "uncertain"
    assert told["waits_for"] == "the moment at which the network can be asked whether it is out"


def test_a_doubt_that_was_resolved_says_how(village: Lived) -> None:
    said = typed("explain", "publish-on-schedule", where=village(13)).out
    assert "found on the network after the answer was lost" in said


def test_what_is_due_says_what_keeps_it(village: Lived) -> None:
    folder = village(5)
    typed("approvals", "approve", "2", where=folder)
    waits = typed("outbox", "show", "2", "--json", where=folder).json
    assert (waits["waits_for"], waits["to_do"]) == ("a daemon: none runs", "fieldfare run")
    typed("pause", "--account", "brand", "--reason", "holiday", where=folder)
    waits = typed("outbox", "show", "2", "--json", where=folder).json
    assert waits["waits_for"].endswith(": holiday")
    assert waits["to_do"] == "fieldfare resume --account brand"


def test_a_list_in_a_pipe_is_one_line_for_each_with_the_whole_key(village: Lived) -> None:
    said = typed("outbox", "list", where=village(5))
    lines = said.out.splitlines()
    assert len(lines) == 3
    assert all(line.count("\t") == 5 for line in lines)
    assert lines[-1].split("\t")[-1].startswith("answer-mentions/mention:playground:account-brand#")


def test_a_state_that_does_not_exist_is_a_wrong_use(shop: Path) -> None:
    said = typed("outbox", "list", "--state", "lost", where=shop)
    assert said.code == 2
    assert "'lost' is not a state" in said.err


def test_approvals_show_the_text_and_the_command(village: Lived) -> None:
    said = typed("approvals", where=village(5)).out
    assert "“Could you deliver two crates on Friday?”" in said
    assert "we deliver in the village on Fridays" in said
    assert "fieldfare approvals approve 2@" in said


def test_an_approval_is_bound_to_its_content(village: Lived) -> None:
    folder = village(5)
    (held,) = typed("approvals", "list", "--json", where=folder).json
    edited = typed("outbox", "edit", "2", "--text", "No.", "--json", where=folder).json
    assert edited["state"] == "held"
    stale = typed("approvals", "approve", f"2@{held['digest'][:12]}", where=folder)
    assert stale.code == 1
    assert "has changed since" in stale.err
    fresh = typed("approvals", "approve", f"2@{edited['digest'][:12]}", where=folder)
    assert fresh.code == 0
    assert "“No.”" in fresh.out


def test_a_refusal_keeps_its_reason(village: Lived) -> None:
    folder = village(5)
    assert typed("approvals", "refuse", "2", "--why", "said yesterday", where=folder).code == 0
    assert "said yesterday" in typed("explain", "2", where=folder).out


def test_what_was_cancelled_can_be_tried_again_and_asks_its_approver_again(village: Lived) -> None:
    folder = village(5)
    assert typed("outbox", "cancel", "2", where=folder).out.endswith(": cancelled\n")
    assert typed("outbox", "retry", "2", where=folder).out.endswith(": held\n")


@pytest.mark.parametrize("words", [("outbox", "cancel"), ("approvals", "approve"), ("approvals", "refuse")])
def test_a_change_names_the_delivery_by_its_key(village: Lived, words: tuple[str, str]) -> None:
    folder = village(5)
    key = typed("outbox", "show", "2", "--json", where=folder).json["key"]
    assert typed(*words, "2", "--json", where=folder).json["key"] == key


def test_a_text_can_come_from_stdin(village: Lived) -> None:
    folder = village(5)
    typed("outbox", "edit", "2", "--text", "-", where=folder, stdin="We do.\n")
    assert typed("outbox", "show", "2", "--json", where=folder).json["texts"] == ["We do."]


@pytest.mark.parametrize(
    ("text", "why"),
    [("x" * 301, "the text is 301 long as playground counts, 300 is allowed"), ("", "the post is empty")],
)
def test_a_text_that_the_network_would_refuse_does_not_replace_one(village: Lived, text: str, why: str) -> None:
    folder = village(5)
    said = typed("outbox", "edit", "2", "--text", text, where=folder)
    assert said.code == 1
    assert said.err.endswith(f"stays as it is: {why}\n")
    assert typed("outbox", "show", "2", "--json", where=folder).json["texts"] != [text]


REVIEWER = """
from fieldfare import Verdict, hookimpl

@hookimpl
def fieldfare_review(action, automation, account):
    if any("free" in draft.text for draft in action.drafts):
        return Verdict(reason=f"{automation.name} promises nothing for free")
"""


def test_a_text_that_a_reviewer_objects_to_does_not_replace_one(village: Lived) -> None:
    folder = village(5)
    (folder / "reviewer.py").write_text(REVIEWER)
    said = typed("outbox", "edit", "2", "--text", "Everything is free.", where=folder)
    assert said.code == 1
    assert said.err.endswith("stays as it is: review: approve-replies promises nothing for free\n")
    assert typed("outbox", "edit", "2", "--text", "Nothing is.", where=folder).code == 0


def test_what_is_uncertain_is_not_tried_again_but_settled(village: Lived) -> None:
    folder = village(10)
    (row,) = typed("outbox", "list", "--state", "uncertain", "--json", where=folder).json
    number = str(row["number"])
    again = typed("outbox", "retry", number, where=folder)
    assert again.code == 7
    assert f"fieldfare settle {number}" in again.err
    assert typed("settle", number, where=folder).code == 2
    done = typed("settle", number, "--delivered", "playground://village/@brand/x", "--json", where=folder)
    assert done.json["state"] == "delivered"
    assert "out at" in typed("explain", number, where=folder).out


def test_what_is_settled_as_not_out_is_due_again(village: Lived) -> None:
    folder = village(10)
    (row,) = typed("outbox", "list", "--state", "uncertain", "--json", where=folder).json
    assert typed("settle", str(row["number"]), "--not", "--json", where=folder).json["state"] == "due"


@pytest.mark.parametrize("command", [("status",), ("outbox", "list"), ("approvals",), ("explain", "1")])
def test_looking_changes_nothing(village: Lived, command: tuple[str, ...]) -> None:
    folder = village(5)
    before = (folder / ".fieldfare" / "fieldfare.db").read_bytes()
    typed(*command, where=folder)
    assert (folder / ".fieldfare" / "fieldfare.db").read_bytes() == before
