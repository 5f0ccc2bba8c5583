"""`init`, `check` and `simulate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, Lived
from tests.cli.typed import typed


def test_what_init_writes_passes_check(shop: Path) -> None:
    said = typed("check", where=shop)
    assert said.code == 0
    assert [line.split("\t")[0] for line in said.out.splitlines()] == ["answer-questions", "tell-somebody"]


def test_a_first_project_keeps_state_and_secrets_out_of_version_control(shop: Path) -> None:
    assert {".fieldfare/", "secrets.toml"} <= set((shop / ".gitignore").read_text().splitlines())


def test_a_first_project_tells_somebody_about_trouble(shop: Path) -> None:
    (trouble,) = (
        row for row in typed("check", "--json", where=shop).json["automations"] if row["trigger"] == "trouble"
    )
    assert trouble["name"] == "tell-somebody"


def test_init_overwrites_nothing(shop: Path) -> None:
    (shop / "accounts.py").write_text("mine")
    said = typed("init", where=shop)
    assert said.code == 0
    assert "accounts.py exists and stays as it is" in said.err
    assert (shop / "accounts.py").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = typed("init", "file/shop", where=tmp_path)
    assert said.code == 3
    assert "cannot be written" in said.err


AUTOMATED = sorted(path.name for path in EXAMPLES.glob("*.py") if "utomation(" in path.read_text())


@pytest.mark.parametrize("file", AUTOMATED)
def test_each_example_passes_check_alone(file: str, tmp_path: Path) -> None:
    assert typed("check", str(EXAMPLES / file), where=tmp_path).code == 0


def test_check_shows_every_automation_with_its_place(tmp_path: Path) -> None:
    rows = typed("check", str(EXAMPLES), "--json", where=tmp_path).json["automations"]
    (held,) = (row for row in rows if row["approval"])
    assert held["name"] == "approve-replies"
    assert held["accounts"] == ["brand"]
    assert held["place"] == f"{EXAMPLES / 'approve_replies.py'}:20:1"


@pytest.mark.parametrize("words", [("check",), ("run", "--once"), ("doctor",)])
def test_a_file_that_does_not_end_is_a_mistake_in_its_place(
    shop: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("project", "examine"):
        monkeypatch.setattr(f"fieldfare._cli.{module}.LOADING", 0.5)
    (shop / "endless.py").write_text("while True:\n    pass\n")
    said = typed(*words, where=shop)
    assert said.code == (1 if words == ("doctor",) else 3)
    assert "endless.py:" in said.err + said.out
    assert "the file does not come to its end: not done after 0.5 s" in said.err + said.out


def test_check_shows_the_line_with_a_caret_under_the_mistake(shop: Path) -> None:
    file = shop / "answers.py"
    file.write_text(file.read_text().replace("limits=(Rate(count=20", "limits=(Rate(cuont=20"))
    said = typed("check", where=shop)
    assert said.code == 3
    place, source, caret, remedy, *_ = said.err.splitlines()
    assert place.startswith("answers.py:21:18: ")
    assert source.index("cuont") == caret.index("^")
    assert "did you mean 'count'?" in remedy
    assert said.out == ""


def test_check_names_all_mistakes_at_once_for_programs_too(shop: Path) -> None:
    (shop / "one.py").write_text("import nothing_of_that_name\n")
    (shop / "two.py").write_text("def (\n")
    said = typed("check", "--json", where=shop)
    assert said.code == 3
    assert {(one["path"], one["line"]) for one in said.json["mistakes"]} == {("one.py", 1), ("two.py", 1)}
    assert said.json["exit"] == 3


def test_a_secret_that_no_source_has_is_a_mistake_in_its_place(shop: Path) -> None:
    file = shop / "accounts.py"
    text = file.read_text().replace("import Account", "import Account, secret")
    file.write_text(text.replace('handle="brand"', 'handle="brand", token=secret("BRAND_TOKEN")'))
    said = typed("check", where=shop)
    assert said.code == 3
    assert "no source has the secret 'BRAND_TOKEN'" in said.err
    assert typed("check", "--without-secrets", where=shop).code == 0


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    said = typed("check", "no/such/place", where=tmp_path)
    assert said.code == 3
    assert "no/such/place: does not exist" in said.err


EVENTS = [
    {
        "kind": "mention",
        "id": "1",
        "occurred_at": "2026-11-01T09:00:00Z",
        "post": {
            "ref": {"platform": "playground", "id": "p1"},
            "author": {"id": "u1", "handle": "ada"},
            "text": "@brand when do you open?",
            "created_at": "2026-11-01T09:00:00Z",
        },
    },
    {"kind": "trouble-seen", "id": "2", "occurred_at": "2026-11-01T09:01:00Z", "what": "held", "says": "look here"},
]


@pytest.fixture
def sample(shop: Path) -> Path:
    file = shop / "sample.jsonl"
    file.write_text("\n".join(map(json.dumps, EVENTS)) + "\n")
    return file


def test_a_simulation_says_what_would_be_done_and_why_not(shop: Path, sample: Path) -> None:
    said = typed("simulate", "--events", str(sample), where=shop)
    assert said.code == 0
    assert said.out.splitlines() == [
        "2026-11-01T09:00:00.000Z mention 1 by ada: “@brand when do you open?”",
        "  answer-questions: would reply: “Hello! We are open from Monday to Saturday, 9 to 17.”",
        "2026-11-01T09:01:00.000Z trouble-seen 2",
        "  tell-somebody: would notify: “look here”",
        "2 would be sent, 0 times nothing would be done",
    ]


def test_a_simulation_sends_nothing_and_leaves_no_trace(shop: Path, sample: Path) -> None:
    typed("simulate", "--events", str(sample), where=shop)
    assert not (shop / ".fieldfare").exists()


DICE = """
import random

from fieldfare import Context, Mention, Reply, automation, on

from accounts import brand


@automation(on.mention(brand))
def roll(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text=str(random.randrange(10**9)))
"""


def test_the_same_seed_gives_the_same_bytes(shop: Path, sample: Path) -> None:
    (shop / "dice.py").write_text(DICE)
    one, two, other = (typed("simulate", "--events", str(sample), "--seed", seed, where=shop).out for seed in "778")
    assert one == two
    assert one != other


def test_a_simulation_opens_no_connection(shop: Path, sample: Path) -> None:
    watch = (
        "import sys; seen = [];"
        "sys.addaudithook(lambda e, a: seen.append(e) if e in ('socket.connect', 'socket.bind', 'socket.sendto',"
        " 'socket.getaddrinfo') else None);"
        "from fieldfare._cli.app import run; code = run(sys.argv[1:]); print(code, seen, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, "simulate", "--events", str(sample)],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == "0 []\n"


def test_events_come_from_stdin_too(shop: Path) -> None:
    said = typed("simulate", "--events", "-", "--json", where=shop, stdin=json.dumps(EVENTS))
    assert [row["event"] for row in said.json] == ["1", "2"]


def test_a_bad_line_of_events_is_shown_in_its_place(shop: Path, sample: Path) -> None:
    sample.write_text('{"kind": "mention"\n{"kind": "mentoin", "id": "1"}\n{"kind": "slot-reached", "id": 7}\n[1]\n')
    said = typed("simulate", "--events", str(sample), where=shop)
    assert said.code == 3
    assert f"{sample.name}:1:19: this is not JSON" in said.err
    assert f"{sample.name}:2:1: no installed plugin brings the event 'mentoin'" in said.err
    assert f"{sample.name}:3:1: slot-reached needs 'nominal'" in said.err
    assert f"{sample.name}:4:1: this is not an event" in said.err


def test_what_happened_can_be_played_again_from_the_store(village: Lived) -> None:
    folder = village(9)
    told = typed("simulate", "--from-store", "--json", where=folder).json
    verdicts = [decision["verdict"] for row in told for decision in row["decisions"] if row["kind"] == "mention"]
    assert verdicts == ["yes", "no", "no"]
    assert typed("simulate", "--from", "2020-01-01", "--to", "2020-01-02", "--json", where=folder).json == []


def test_a_date_that_is_none_is_a_wrong_use(shop: Path) -> None:
    said = typed("simulate", "--from", "2026-13-01", where=shop)
    assert said.code == 2
    assert "'2026-13-01' is not a date" in said.err


def test_what_is_to_be_simulated_must_be_said(shop: Path) -> None:
    assert typed("simulate", where=shop).code == 2
    assert typed("simulate", "--from", "yesterday", where=shop).code == 2


def test_check_and_simulate_work_in_a_folder_that_cannot_be_written(shop: Path, sample: Path) -> None:
    shop.chmod(0o500)
    try:
        assert typed("check", where=shop).code == 0
        assert typed("simulate", "--events", str(sample), where=shop).code == 0
        assert not (shop / "__pycache__").exists() or os.geteuid() == 0
    finally:
        shop.chmod(0o700)
