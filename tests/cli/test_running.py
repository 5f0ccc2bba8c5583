"""`run`, `run --once`, `run --dry-run` and `demo`, as processes."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fieldfare._cli.exits import Exit
from fieldfare._cli.project import looking
from fieldfare._cli.rehearsal import Rehearsal
from fieldfare._cli.serve import _after_once
from fieldfare._contract.delivery import State
from fieldfare._engine.home import Home
from fieldfare._store import query
from tests.cli.conftest import Lived
from tests.cli.typed import typed


def process(*words: str, where: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fieldfare", *words],
        cwd=where,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*words: str, where: Path) -> tuple[int, str, str]:
    with process(*words, where=where) as made:
        out, err = made.communicate(timeout=60)
    return made.returncode, out, err


def test_the_demo_tells_its_story_and_ends_well(tmp_path: Path) -> None:
    began = time.monotonic()
    code, out, err = ended("demo", where=tmp_path)
    took = time.monotonic() - began
    assert (code, err) == (0, "")
    told = re.sub(r" +\d+\.\d s  ", "", out)
    for beat in (
        "writes: “@brand When do you open on Saturday?”",
        "answered: “Hello ",
        "gets no answer. Why? no: the author is a bot",
        "an answer waits for approval: “Gladly, ",
        "support reads it and says yes: fieldfare approvals approve ",
        "answered: “Gladly, ",
        "shown again, because it has become popular: “The first apples are in.",
        "published from the calendar, at its time: “We are on the market square",
        "sent: “Willow baskets are back, woven this winter. Each one is a little different.”, and the connection broke",
        "found: it is out since then, at playground://village/@brand/",
        "(on the network it stands 1 time)",
        "fieldfare init shop",
        "fieldfare check shop",
        "fieldfare run shop",
    ):
        assert beat in told
    assert told.index("waits for approval") < told.index("says yes") < told.index("answered: “Gladly")
    assert told.index("connection broke") < told.index("found: it is out")
    assert out.count("✓") == 6
    assert "✗" not in out
    assert took < 40
    assert os.listdir(tmp_path) == []


def test_a_demo_that_is_interrupted_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    # So deep a folder that its socket needs another name.
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with process("demo", where=tmp_path, TMPDIR=str(deep)) as made:
        assert made.stdout is not None
        assert "The daemon runs" in made.stdout.readline()
        made.send_signal(signal.SIGINT)
        _, err = made.communicate(timeout=30)
    assert made.returncode == 130
    assert "Traceback" not in err
    assert list(deep.iterdir()) == []


def test_a_dry_run_prints_what_would_be_sent_and_leaves_no_trace(shop: Path) -> None:
    # The first question of the village comes two seconds after it was opened.
    with process("run", "--dry-run", where=shop) as made:
        assert made.stdout is not None
        line = made.stdout.readline()
        made.send_signal(signal.SIGINT)
        made.communicate(timeout=30)
    assert line == "would reply as brand (answer-questions): “Hello! We are open from Monday to Saturday, 9 to 17.”\n"
    assert made.returncode == 130
    assert not (shop / ".fieldfare").exists()


def test_a_dry_run_works_on_a_copy_beside_a_store_that_it_does_not_touch(village: Lived) -> None:
    folder = village(5)
    before = (folder / ".fieldfare" / "fieldfare.db").read_bytes()
    code, _, err = ended("run", "--dry-run", "--once", where=folder)
    assert (code, err) == (0, "")
    assert (folder / ".fieldfare" / "fieldfare.db").read_bytes() == before


@pytest.mark.parametrize("state", sorted({*State} - {State.HELD, State.DUE}))
def test_a_dry_run_promises_nothing_about_what_is_past(
    state: State, village: Lived, capsys: pytest.CaptureFixture[str]
) -> None:
    with looking(Home.at(village(5))) as store:
        (held,) = query.deliveries(store, states=["held"])
    told = Rehearsal()
    told.fieldfare_delivery_changed(dataclasses.replace(held.public, state=state))
    assert capsys.readouterr().out == ""
    told.fieldfare_delivery_changed(held.public)
    assert capsys.readouterr().out.startswith("would reply as brand, after approval")


def test_a_single_round_ends_well(shop: Path) -> None:
    assert ended("run", "--once", where=shop) == (0, "", "")
    assert typed("status", "--json", where=shop).json["accounts"][0]["handle"] == "brand"


def test_a_single_round_with_an_account_that_is_locked_out_ends_with_4(shop: Path) -> None:
    file = shop / "accounts.py"
    text = file.read_text().replace("import Account", "import Account, secret")
    file.write_text(text.replace('handle="brand"', 'handle="brand", token=secret("BRAND_TOKEN")'))
    code, _, err = ended("run", "--once", where=shop)
    # A secret that nobody has is a mistake of the project; one that the network refuses is not.
    assert code == 3
    assert "no source has the secret 'BRAND_TOKEN'" in err
    assert "Traceback" not in err


AFTER: list[tuple[str, Exit]] = [
    ("UPDATE deliveries SET state = 'uncertain' WHERE id = 1", Exit.UNKNOWN),
    ("UPDATE accounts SET error = 'the token was revoked'", Exit.LOGIN),
    ("INSERT INTO accounts (name, platform, error) VALUES ('gone', 'playground', 'revoked')", Exit.DONE),
    ("UPDATE feeds SET failed_at = 1, error = 'html' WHERE id = 1", Exit.PARTLY),
    ("UPDATE feeds SET failed_at = 1, error = 'html'", Exit.LATER),
    ("UPDATE deliveries SET state = 'due' WHERE id = 1", Exit.DONE),
    ("INSERT INTO pauses VALUES ('all', '', 'ada', 1)", Exit.DONE),
    (
        "INSERT INTO pauses VALUES ('all', '', 'ada', 1); UPDATE deliveries SET state = 'due' WHERE id = 1",
        Exit.STOPPED,
    ),
]


@pytest.mark.parametrize(("change", "code"), AFTER)
def test_a_single_round_says_by_its_exit_code_what_is_left(village: Lived, change: str, code: Exit) -> None:
    folder = village(3)
    connection = sqlite3.connect(folder / ".fieldfare" / "fieldfare.db")
    connection.executescript(change)
    connection.close()
    assert _after_once(Home.at(folder)) is code


def test_a_run_of_a_broken_project_shows_every_mistake_and_begins_nothing(shop: Path) -> None:
    (shop / "one.py").write_text("import nothing_of_that_name\n")
    (shop / "two.py").write_text("from fieldfare import Replly\n")
    code, _, err = ended("run", where=shop)
    assert code == 3
    assert "one.py:1:8" in err
    assert "did you mean 'Reply'?" in err
    assert "2 mistakes" in err
    assert "Traceback" not in err
    assert not (shop / ".fieldfare" / "fieldfare.db").exists()


def test_what_a_run_logs_in_a_pipe_is_json(shop: Path) -> None:
    with process("run", where=shop) as made:
        assert made.stderr is not None
        first = json.loads(made.stderr.readline())
        made.send_signal(signal.SIGTERM)
        _, rest = made.communicate(timeout=30)
    assert (first["event"], first["automations"]) == ("ready", 2)
    assert [json.loads(line)["event"] for line in rest.splitlines()] == ["stopping"]
    assert made.returncode == 143


def test_one_file_of_a_project_runs_by_itself(shop: Path) -> None:
    assert ended("run", "--once", str(shop / "answers.py"), where=shop.parent)[0] == 0
    assert (shop / ".fieldfare" / "fieldfare.db").exists()
