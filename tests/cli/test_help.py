"""Help, versions, completion: fast, and with nothing of the engine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fieldfare import __version__
from tests.cli.conftest import Lived
from tests.cli.typed import typed

HEAVY = ("pydantic", "httpx", "aiohttp", "pluggy", "apscheduler", "structlog", "starlette", "asyncio", "sqlite3")
COMMANDS = (
    *("init", "check", "simulate", "run", "demo", "status", "explain", "doctor", "plugins"),
    *("outbox", "approvals", "settle", "pause", "resume", "accounts", "backup", "restore"),
)


def process(*words: str, where: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=where,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_names_every_command_and_begins_with_examples(tmp_path: Path) -> None:
    said = typed("--help", where=tmp_path)
    assert said.code == 0
    assert all(f"\n  {command} " in said.out for command in COMMANDS)
    assert said.out.index("fieldfare demo") < said.out.index("Options:")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_shows_how_it_is_typed(command: str, tmp_path: Path) -> None:
    said = typed(command, "--help", where=tmp_path)
    assert said.code == 0
    assert f"    fieldfare {command}" in said.out.partition("Options:")[0]


@pytest.mark.parametrize(
    "words",
    [
        ("outbox", "list"),
        ("outbox", "show"),
        ("outbox", "cancel"),
        ("outbox", "edit"),
        ("outbox", "retry"),
        ("approvals", "list"),
        ("approvals", "approve"),
        ("approvals", "refuse"),
        ("accounts", "list"),
        ("accounts", "login"),
        ("accounts", "test"),
        ("plugins", "list"),
    ],
)
def test_the_help_of_each_second_word_shows_how_it_is_typed(words: tuple[str, str], tmp_path: Path) -> None:
    said = typed(*words, "--help", where=tmp_path)
    assert f"    fieldfare {' '.join(words)}" in said.out.partition("Arguments:")[0].partition("Options:")[0]


def imported(words: tuple[str, ...], where: Path) -> set[str]:
    """Which heavy modules, and which of ours beside the command line, a command has imported."""
    code = (
        "import sys; from fieldfare._cli.app import run; run(sys.argv[1:]);"
        "print(*(m for m in sys.modules if m.startswith('fieldfare.') and not m.startswith('fieldfare._cli')),"
        f"*(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr)"
    )
    return set(process("-c", code, *words, where=where).stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_help_imports_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    assert imported(words, tmp_path) == set()


@pytest.mark.parametrize("words", [("run", "--help"), ("outbox", "--help"), ("outbox", "edit", "--help")])
def test_help_of_a_command_imports_nothing_of_the_engine(words: tuple[str, ...], tmp_path: Path) -> None:
    # Typer reads the defaults of arguments with pydantic.
    assert imported(words, tmp_path) <= {"pydantic"}


def test_help_takes_no_longer_than_a_few_times_a_bare_python(tmp_path: Path) -> None:
    # The goal is 15; the rest is room for a busy machine, on which both are measured in turn.
    def seconds(*words: str) -> float:
        began = time.perf_counter()
        process(*words, where=tmp_path)
        return time.perf_counter() - began

    seconds("-m", "fieldfare", "--help")
    pairs = [(seconds("-c", "pass"), seconds("-m", "fieldfare", "--help")) for _ in range(5)]
    assert statistics.median(full / bare for bare, full in pairs) < 30


def test_the_version_is_said(tmp_path: Path) -> None:
    assert typed("--version", where=tmp_path).out == f"fieldfare {__version__}\n"


def test_a_misspelt_command_names_the_nearest(tmp_path: Path) -> None:
    said = typed("explian", where=tmp_path)
    assert said.code == 2
    assert "Did you mean 'explain'?" in said.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_a_script_that_it_can_read(shell: str, tmp_path: Path) -> None:
    script = process("-m", "fieldfare", where=tmp_path, _FIELDFARE_COMPLETE=f"source_{shell}").stdout
    assert "_FIELDFARE_COMPLETE" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def completed(shell: str, words: str, where: Path) -> str:
    asked = {
        "bash": {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": words},
        "fish": {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    asked |= {"_FIELDFARE_COMPLETE": f"complete_{shell}"}
    return process("-m", "fieldfare", where=where, **asked).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_are_completed(shell: str, tmp_path: Path) -> None:
    assert "approvals" in completed(shell, "fieldfare app", tmp_path)


def test_names_are_completed_from_the_store(village: Lived) -> None:
    folder = village(5)
    assert completed("bash", "fieldfare pause --account b", folder).split() == ["brand"]
    assert "tell-me" in completed("bash", "fieldfare pause --automation t", folder)
    assert "approve-replies/" in completed("bash", "fieldfare explain a", folder)


def test_completion_without_a_store_offers_nothing(tmp_path: Path) -> None:
    assert completed("bash", "fieldfare pause --account b", tmp_path).strip() == ""


PLUGIN = """
import sys
import typer

print("imported", file=sys.stderr)
app = typer.Typer()


@app.command()
def greet(name: str) -> None:
    typer.echo(f"hello {name}")


def plain() -> None:
    typer.echo("plain")
"""
ENTRIES = (
    "[fieldfare.commands]\ngreet = extra_commands:app\nplain = extra_commands:plain\nbroken = no_such_module:app\n"
)


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """A folder with a distribution that brings commands."""
    folder = tmp_path / "site"
    info = folder / "extra_commands-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "extra_commands.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extra-commands\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    return folder


def test_commands_of_plugins_are_listed_without_importing_them(extra: Path) -> None:
    said = process("-m", "fieldfare", "--help", where=extra, PYTHONPATH=str(extra))
    assert "From plugins:" in said.stdout
    assert "greet" in said.stdout
    assert "from extra-commands" in said.stdout
    assert said.stderr == ""


def test_a_command_of_a_plugin_is_run(extra: Path) -> None:
    greeted = process("-m", "fieldfare", "greet", "ada", where=extra, PYTHONPATH=str(extra))
    assert (greeted.returncode, greeted.stdout) == (0, "hello ada\n")
    assert process("-m", "fieldfare", "plain", where=extra, PYTHONPATH=str(extra)).stdout == "plain\n"


def test_a_command_that_cannot_be_imported_is_named_with_its_distribution(extra: Path) -> None:
    said = process("-m", "fieldfare", "broken", where=extra, PYTHONPATH=str(extra))
    assert said.returncode == 3
    assert "the command 'broken' of extra-commands cannot be imported: ModuleNotFoundError" in said.stderr
    assert "Traceback" not in said.stderr


def test_names_of_plugin_commands_are_completed(extra: Path) -> None:
    asked = {"_FIELDFARE_COMPLETE": "complete_bash", "COMP_WORDS": "fieldfare gre", "COMP_CWORD": "1"}
    assert "greet" in process("-m", "fieldfare", where=extra, PYTHONPATH=str(extra), **asked).stdout
