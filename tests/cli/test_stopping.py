"""`pause` and `resume`, with a daemon that runs, one that hangs, and none."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldfare._engine.stop import flags
from fieldfare._store import accounts, former
from fieldfare._store.sqlite import Store
from tests.cli.conftest import Lived
from tests.cli.typed import typed
from tests.networks.daemon import Daemon, daemon

AUTOMATIONS = """
from datetime import timedelta

from fieldfare import Account, Context, Mention, Reply, automation, on
from fieldfare.testing import Playground

brand = Account("brand", Playground())


@automation(on.mention(brand, every=timedelta(seconds=1)))
def thanks(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text=f"thank you, @{event.post.author.handle}")
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Daemon]:
    project = tmp_path / "running"
    project.mkdir()
    (project / "automations.py").write_text(AUTOMATIONS)
    made = Daemon(project, {})
    made.start()
    try:
        made.wait_for(lambda: '"ready"' in made.tail())
        yield made
    finally:
        made.close()


def paused(project: Path) -> frozenset[str]:
    return flags(project / ".fieldfare" / "pause")


def test_a_pause_without_a_daemon_is_a_flag_and_a_row(village: Lived) -> None:
    folder = village(1)
    said = typed("pause", "--all", "--reason", "wrong price", "--json", where=folder)
    assert said.json == {"scope": "all", "acknowledged": True, "on_the_wire": [], "note": ""}
    assert paused(folder) == {"all"}
    (row,) = typed("status", "--json", where=folder).json["pauses"]
    assert (row["scope"], row["reason"], row["flag"]) == ("all", "wrong price", True)


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        (("brand",), "account:brand"),
        (("--account", "brand"), "account:brand"),
        (("--platform", "playground"), "platform:playground"),
        (("--automation", "tell-me"), "automation:tell-me"),
    ],
)
def test_each_scope_is_paused_and_lifted(village: Lived, words: tuple[str, ...], scope: str) -> None:
    folder = village(1)
    assert typed("pause", *words, where=folder).code == 0
    assert paused(folder) == {scope}
    assert typed("resume", *words, "--json", where=folder).json == {"lifted": [scope]}
    assert paused(folder) == set()


@pytest.mark.parametrize("words", [(), ("--all", "--account", "brand"), ("brand", "--automation", "tell-me")])
def test_a_pause_wants_exactly_one_scope(village: Lived, words: tuple[str, ...]) -> None:
    said = typed("pause", *words, where=village(1))
    assert said.code == 2
    assert "say what: one of --all" in said.err


def test_a_misspelt_name_is_not_paused_in_silence(village: Lived) -> None:
    folder = village(1)
    for words in (("--account", "brnad"), ("brnad",)):
        said = typed("pause", *words, where=folder)
        assert said.code == 1
        assert "nothing is paused: no account is called 'brnad'; did you mean 'brand'?" in said.err
        assert paused(folder) == set()


def test_a_name_that_is_not_known_yet_is_paused_when_that_is_meant(shop: Path) -> None:
    said = typed("pause", "brand", where=shop)
    assert said.code == 1
    assert "no account is known here, since nothing has run; --anyway pauses it all the same" in said.err
    assert typed("pause", "brand", "--anyway", where=shop).code == 0
    assert typed("pause", "brand", where=shop).code == 1
    assert paused(shop) == {"account:brand"}


def test_what_was_renamed_is_paused_under_its_present_name(village: Lived) -> None:
    folder = village(1)
    store = Store.inline(folder / ".fieldfare" / "fieldfare.db")
    renames = [("before", "between"), ("between", "tell-me")]

    async def renamed() -> None:
        await store.do(lambda c: c.execute("INSERT INTO automations VALUES ('before', 0), ('between', 0)"))
        for old, new in renames:
            await store.do(former.rename, old=old, new=new)
        await store.do(accounts.enrol, name="shop", platform="playground")
        await store.do(lambda c: c.execute("UPDATE accounts SET identity = 'account-brand' WHERE name = 'shop'"))
        await store.close()

    asyncio.run(renamed())
    for old in ("before", "between"):
        said = typed("pause", "--automation", old, where=folder)
        assert said.code == 0
        assert paused(folder) == {"automation:tell-me"}
        assert f"automation {old} is called tell-me now" in said.err
    typed("resume", "--all", where=folder)
    assert typed("pause", "shop", "--json", where=folder).json["scope"] == "account:brand"
    assert paused(folder) == {"account:brand"}


def test_a_pause_of_something_else_leaves_a_flag_of_that_name_alone(village: Lived) -> None:
    folder = village(1)
    typed("pause", "--all", where=folder)
    typed("pause", "--account", "brand", where=folder)
    assert typed("resume", "--account", "brand", "--json", where=folder).json == {"lifted": ["account:brand"]}
    assert paused(folder) == {"all"}


def test_resume_all_lifts_everything(village: Lived) -> None:
    folder = village(1)
    typed("pause", "--all", where=folder)
    typed("pause", "--account", "brand", where=folder)
    assert typed("resume", "--all", "--json", where=folder).json == {"lifted": ["account:brand", "all"]}


def test_a_pause_works_when_the_settings_are_broken(village: Lived) -> None:
    folder = village(1)
    (folder / "fieldfare.toml").write_text("store = [\n")
    said = typed("pause", "--all", where=folder)
    assert said.code == 0
    assert "the flag is up and counts" in said.err
    assert paused(folder) == {"all"}


def test_a_pause_works_when_the_store_is_corrupt(village: Lived) -> None:
    folder = village(1)
    (folder / ".fieldfare" / "fieldfare.db").write_bytes(b"no database at all, " * 500)
    said = typed("pause", "--all", where=folder)
    assert said.code == 0
    assert "corrupt" in said.err
    assert paused(folder) == {"all"}


def test_where_there_is_no_project_nothing_is_paused(tmp_path: Path) -> None:
    said = typed("pause", "--all", where=tmp_path)
    assert said.code == 3
    assert "there is no project" in said.err
    assert not (tmp_path / ".fieldfare").exists()


def test_a_daemon_acknowledges_and_nothing_leaves_until_it_is_resumed(running: Daemon) -> None:
    assert typed("pause", "--all", "--json", where=running.project).json["acknowledged"] is True
    running.wait_for(lambda: bool(running.asked("outbox", "list")))
    (event,) = running.asked("explain", "When do you open")["events"]
    assert [delivery["state"] for delivery in event["deliveries"]] == ["due"]
    assert event["deliveries"][0]["waits_for"].startswith("the end of a pause of all by")
    typed("resume", "--all", where=running.project)
    running.wait_for(lambda: "delivered" in running.asked("status")["deliveries"])


def test_a_daemon_that_hangs_is_paused_all_the_same_within_moments(running: Daemon) -> None:
    os.kill(running.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        said = typed("pause", "--all", where=running.project)
        took = time.monotonic() - began
        hangs = typed("doctor", "--json", where=running.project).json["findings"]
        alive = typed("status", "--json", where=running.project).json
    finally:
        os.kill(running.pid, signal.SIGCONT)
    assert said.code == 0
    assert "nobody acknowledged it: the daemon did not answer within 2 s" in said.err
    assert took < 4
    assert paused(running.project) == {"all"}
    assert any(one["check"] == "lock" and f"kill -9 {running.pid}" in one["fix"] for one in hangs)
    assert alive["daemon"] == {"runs": True, "answers": False, "since": alive["daemon"]["since"], "refused": None}
    assert "the daemon does not answer" in alive["why_not"]


def test_a_running_daemon_can_act_and_says_since_when(running: Daemon) -> None:
    running.wait_for(lambda: bool(running.asked("status")["feeds"]))
    found = running.asked("status")
    assert found["can_act"] is True
    assert found["daemon"]["answers"] is True
    assert "it works: the daemon runs since" in typed("status", where=running.project).out


def test_files_that_a_daemon_does_not_take_are_said(running: Daemon) -> None:
    (running.project / "automations.py").write_text(AUTOMATIONS.replace("seconds", "secnods"))
    running.wait_for(lambda: '"the files were not taken' in running.tail())
    said = typed("status", where=running.project)
    assert "it runs on older files: those on disk are refused since " in said.out
    assert "automations.py:10:" in said.out
    assert "fieldfare check shows the place" in said.out
    assert running.asked("status")["daemon"]["refused"]["mistakes"]


def test_a_restore_is_refused_while_a_daemon_runs(running: Daemon, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert typed("backup", str(copy), where=running.project).code == 0
    said = typed("restore", str(copy), where=running.project)
    assert said.code == 5
    assert f"process {running.pid}" in said.err


def test_an_account_is_tried_over_the_session_of_the_daemon(running: Daemon) -> None:
    said = typed("accounts", "test", "brand", where=running.project)
    assert said.code == 0
    assert "brand is @brand on playground" in said.out


def test_the_daemon_takes_no_text_that_the_network_would_refuse(running: Daemon) -> None:
    typed("pause", "--all", where=running.project)
    running.wait_for(lambda: bool(running.asked("outbox", "list", "--state", "due")))
    said = typed("outbox", "edit", "1", "--text", "x" * 301, where=running.project)
    assert "the text is 301 long as playground counts, 300 is allowed" in said.err


def test_what_names_an_account_that_is_gone_is_not_approved(tmp_path: Path) -> None:
    asking = AUTOMATIONS.replace("seconds=1)))", "seconds=1)), approval=Approval(by='support'))")
    asking = asking.replace("Account, ", "Account, Approval, ")
    with daemon(tmp_path / "asking", asking, {}) as made:
        made.wait_for(lambda: '"ready"' in made.tail())
        made.wait_for(lambda: bool(made.asked("outbox", "list", "--state", "held")))
        (made.project / "automations.py").write_text(asking.replace('"brand"', '"marke"'))
        made.wait_for(lambda: '"reloaded"' in made.tail())
        held = made.asked("outbox", "list", "--state", "held")[-1]
        said = typed("approvals", "approve", str(held["number"]), where=made.project)
        assert (said.code, "there is no account 'brand' any more" in said.err) == (1, True)


def test_a_pause_that_cannot_be_written_is_said(village: Lived) -> None:
    folder = village(1)
    (folder / ".fieldfare" / "pause").write_text("in the way")
    said = typed("pause", "--all", where=folder)
    assert said.code == 3
    assert said.err.startswith("error: nothing is paused: ")


def test_what_the_daemon_refuses_ends_like_what_the_command_refuses(running: Daemon) -> None:
    said = typed("outbox", "cancel", "no-such-delivery", where=running.project)
    assert said.code == 1
    assert "no delivery is called 'no-such-delivery'" in said.err


def test_a_project_at_the_end_of_a_very_long_path_is_reached_all_the_same(tmp_path: Path) -> None:
    project = tmp_path / ("d" * 60) / ("e" * 60)
    project.mkdir(parents=True)
    (project / "automations.py").write_text(AUTOMATIONS)
    made = Daemon(project, {})
    made.start()
    try:
        made.wait_for(lambda: '"ready"' in made.tail())
        assert made.asked("status")["daemon"]["answers"] is True
        assert made.asked("pause", "--all")["acknowledged"] is True
    finally:
        made.close()
