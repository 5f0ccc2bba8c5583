"""What stands on stdout and stderr: JSON that is nothing but JSON, no colour where none is wanted, nothing that a
terminal obeys, and never a traceback."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldfare._cli import out
from fieldfare._cli.app import run
from fieldfare._cli.exits import Exit, code_for
from fieldfare._cli.failure import failed
from fieldfare._domain import errors
from fieldfare._domain.errors import Mistake
from fieldfare._engine.control import ControlError
from fieldfare._store.writer import Fenced
from tests.cli.conftest import Lived
from tests.cli.typed import typed

JSON = (
    ("check",),
    ("status",),
    ("doctor",),
    ("plugins",),
    ("plugins", "list"),
    ("outbox", "list"),
    ("outbox", "show", "1"),
    ("outbox", "cancel", "2"),
    ("outbox", "edit", "2", "--text", "x"),
    ("approvals",),
    ("approvals", "list"),
    ("approvals", "approve", "2"),
    ("approvals", "refuse", "2"),
    ("accounts", "list"),
    ("accounts", "test", "brand"),
    ("explain", "1"),
    ("explain", "nothing-like-that"),
    ("pause", "--all"),
    ("resume", "--all"),
    ("settle", "1", "--not"),
    ("simulate", "--from-store"),
    ("simulate", "--events", "nowhere"),
    ("backup", "copy.db"),
    ("restore", "nowhere.db"),
    ("status", "--jsn"),
    ("outbox", "list", "--state", "bogus"),
    ("pause", "nobody"),
    ("pause",),
    ("simulate",),
    ("nonsense",),
)


@pytest.mark.parametrize("words", JSON, ids=" ".join)
def test_with_json_there_is_one_value_on_stdout_whatever_happens(village: Lived, words: tuple[str, ...]) -> None:
    said = typed(*words, "--json", where=village(5))
    json.loads(said.out)
    assert "\x1b" not in said.out + said.err


def test_with_json_a_retry_of_what_may_be_out_says_so_too(village: Lived) -> None:
    folder = village(10)
    (row,) = typed("outbox", "list", "--state", "uncertain", "--json", where=folder).json
    said = typed("outbox", "retry", str(row["number"]), "--json", where=folder)
    assert said.json["exit"] == said.code == 7


def test_even_on_a_terminal_json_has_no_colour(village: Lived) -> None:
    assert typed("status", "--json", where=village(5), terminal=True).json["can_act"] is False


EVIL = "\x1b]0;gotcha\x07\x1b[2J[bold red]boo[/] \u202eesrever\u2028line\r\nnext\x9b31m"


def evil(folder: Path) -> None:
    """Somebody wrote a mention that is made of what terminals obey."""
    connection = sqlite3.connect(folder / ".fieldfare" / "fieldfare.db")
    with connection:
        for table, key in (("events", "$.post.text"), ("events", "$.post.author.handle")):
            connection.execute(f"UPDATE {table} SET body = json_set(body, ?, ?) WHERE kind = 'mention'", (key, EVIL))
        connection.execute("UPDATE deliveries SET action = json_set(action, '$.text', ?), reason = ?", (EVIL, EVIL))
        connection.execute("UPDATE accounts SET handle = ?, error = ?", (EVIL, EVIL))
    connection.close()


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    "words", [("explain", "1"), ("status",), ("outbox", "list"), ("outbox", "show", "2"), ("approvals",), ("doctor",)]
)
def test_what_others_wrote_moves_no_cursor(village: Lived, words: tuple[str, ...], terminal: bool) -> None:
    folder = village(5)
    evil(folder)
    said = typed(*words, where=folder, terminal=terminal)
    text = said.out + said.err
    for own in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[2m"):
        text = text.replace(own, "")
    assert not any(character in text for character in "\x1b\x07\u202e\u2028\r\x9b")
    # A table on a terminal breaks long texts.
    assert "[bold red]boo[/]" in text or terminal


def test_a_terminal_sees_colour_unless_it_asked_for_none(village: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = village(5)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[" in typed("outbox", "list", where=folder, terminal=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in typed("outbox", "list", where=folder, terminal=True).out


def test_a_mistake_is_red_on_a_terminal_and_plain_with_no_color(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "bad.py").write_text("import nothing_of_that_name\n")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[31m" in typed("check", where=shop, terminal=True).err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in typed("check", where=shop, terminal=True).err


@given(st.text())
def test_any_text_becomes_harmless_and_stays_one_line(text: str) -> None:
    shown = out.inert(text)
    assert all(character.isprintable() or character == "\u200d" for character in shown)
    assert out.inert(shown) == shown


@pytest.mark.parametrize("text", ["grüß dich", "👩\u200d🌾 apples", "日本語", "\U0001f469\U0001f3fd"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert out.inert(text) == text


@pytest.mark.parametrize(
    ("source", "column", "under"),
    [
        ("    when=cuont,", 10, "cuont,"),
        ("\t\tx = 日本語, bad", 12, "bad"),
        ("x" * 300 + "bad" + "y" * 300, 301, "bad"),
    ],
)
def test_the_caret_stands_under_its_column(
    source: str, column: int, under: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.cells import cell_len

    out.mistakes([Mistake(Path("a.py"), 3, column, "wrong", "", source)])
    place, line, caret, *_ = capsys.readouterr().err.splitlines()
    assert place == f"a.py:3:{column}: wrong"
    before = line[: line.index(under)]
    assert cell_len(before) == caret.index("^")
    assert len(line) < 200


EXITS = [
    (errors.ConfigError("x"), Exit.CONFIG),
    (errors.PluginError("x"), Exit.CONFIG),
    (errors.StoreError("x"), Exit.CONFIG),
    (errors.StoreInUse("x"), Exit.STOPPED),
    (errors.Refused("x"), Exit.STOPPED),
    (Fenced("x"), Exit.STOPPED),
    (errors.AuthFailed("x"), Exit.LOGIN),
    (errors.NotSent("x"), Exit.LATER),
    (errors.Rejected("x"), Exit.FAILED),
    (errors.OutcomeUnknown("x"), Exit.UNKNOWN),
    (errors.FieldfareError("x"), Exit.FAILED),
    (ControlError("x", "AuthFailed"), Exit.LOGIN),
    (ControlError("x", "ConfigError"), Exit.CONFIG),
    (ControlError("x", "TooLate"), Exit.FAILED),
    (ControlError("x"), Exit.LATER),
]


@pytest.mark.parametrize(("exc", "code"), EXITS, ids=lambda value: type(value).__name__)
def test_each_error_has_its_exit_code(exc: Exception, code: Exit) -> None:
    assert code_for(exc) is code


def test_an_error_nobody_foresaw_is_one_sentence_and_a_file_without_secrets(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / ".fieldfare").mkdir(mode=0o700)
    monkeypatch.chdir(shop)
    try:
        raise RuntimeError("password=canary-crash-77aa boom")
    except RuntimeError as exc:
        code = failed(exc, ["status"])
    said = capsys.readouterr().err
    (file,) = (shop / ".fieldfare").glob("error-*.txt")
    assert code == 1
    assert said.count("\n") == 1
    assert str(file.relative_to(shop)) in said
    assert "Traceback" not in said
    assert "Traceback" in file.read_text()
    assert "canary-crash-77aa" not in said + file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_an_error_nobody_foresaw_is_json_when_json_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert failed(RuntimeError("boom"), ["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["exit"] == 1


def test_who_stops_reading_ends_nothing_with_a_traceback(village: Lived) -> None:
    done = subprocess.run(
        f"{sys.executable} -m fieldfare outbox list --limit 1000 | true",
        shell=True,
        cwd=village(13),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""


def shell(line: str, where: Path) -> subprocess.CompletedProcess[str]:
    program = line.replace("fieldfare", f"{sys.executable} -m fieldfare")
    return subprocess.run(program, shell=True, cwd=where, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("words", ["status", "status --json", "--help"])
def test_a_full_disk_under_stdout_is_said_in_one_line(shop: Path, words: str) -> None:
    done = shell(f"fieldfare {words} > /dev/full", shop)
    assert done.stderr == "error: nothing more can be written: No space left on device\n"
    assert done.returncode == 1


def test_a_stdout_that_is_closed_is_no_reason_to_fail(shop: Path) -> None:
    done = shell("fieldfare status >&-", shop)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_terminal_of_another_encoding_cannot_show_is_shown_as_an_escape(village: Lived) -> None:
    done = shell("PYTHONIOENCODING=ascii fieldfare explain 1", village(5))
    assert done.returncode == 0
    assert "\\u201c" in done.stdout


def test_an_argument_that_is_no_text_is_refused_and_not_repeated(village: Lived) -> None:
    done = shell(r"fieldfare explain $(printf 'can\377ary')", village(1))
    assert done.returncode == 2
    assert done.stderr == "error: argument 2 is not UTF-8; set your terminal to it\n"


def test_a_pause_counts_whatever_its_reason_is_written_in(village: Lived) -> None:
    folder = village(1)
    assert shell(r"fieldfare pause --all --reason $(printf 'Preis\374bersicht')", folder).returncode == 0
    (row,) = typed("status", "--json", where=folder).json["pauses"]
    assert row["reason"] == r"Preis\udcfcbersicht"


def test_a_text_on_stdin_that_is_no_text_is_refused(village: Lived) -> None:
    done = shell(r"printf '\377' | fieldfare outbox edit 2 --text -", village(5))
    assert done.returncode == 2
    assert "what stands on stdin is not UTF-8" in done.stderr


def test_nothing_cannot_be_explained(village: Lived) -> None:
    assert typed("explain", "", where=village(1)).code == 2


def test_what_a_file_prints_is_no_result(shop: Path) -> None:
    (shop / "loud.py").write_text("print('here I am')\n")
    said = typed("check", "--json", where=shop)
    assert said.json["mistakes"] == []
    assert said.err == "here I am\n"


def test_the_exit_codes_in_the_documentation_are_these() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for code in Exit:
        assert f"| {int(code)} |" in text


def test_run_raises_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [run([word]) for word in ("--version", "nonsense", "check")] == [0, 2, 3]
    assert os.listdir(tmp_path) == []
