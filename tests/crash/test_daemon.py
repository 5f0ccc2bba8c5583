"""The daemon as a process: started, reloaded, stopped, killed, stood by for."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    with daemon(tmp_path / "project", AUTOMATIONS, {}) as made:
        made.wait_for(lambda: '"ready"' in made.tail())
        yield made


def rows(made: Daemon, question: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{made.project / '.fieldfare' / 'fieldfare.db'}?mode=ro", uri=True)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def run(made: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fieldfare", *words],
        cwd=made.project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_mention_is_answered_and_a_stop_is_clean(running: Daemon) -> None:
    running.wait_for(lambda: bool(rows(running, "SELECT 1 FROM deliveries WHERE state = 'delivered'")))
    assert running.stop() == 143
    assert rows(running, "SELECT count(*) FROM deliveries WHERE state IN ('sending', 'uncertain')") == [(0,)]


def test_a_second_daemon_is_refused_with_the_first_ones_process(running: Daemon) -> None:
    second = run(running, "run")
    assert second.returncode == 5
    assert f"process {running.pid}" in second.stderr


def test_a_standby_takes_over_at_once_when_the_first_is_killed(running: Daemon) -> None:
    standby = Daemon(running.project, {})
    standby.log = running.project / "standby.log"
    standby.start("--standby")
    try:
        standby.wait_for(lambda: "standing by" in standby.tail())
        running.kill()
        standby.wait_for(lambda: '"ready"' in standby.tail(), timeout=20)
        assert rows(running, "SELECT value FROM meta WHERE key = 'token'") == [("2",)]
    finally:
        standby.close()


def test_a_changed_file_is_taken_over_and_a_broken_one_is_not(running: Daemon) -> None:
    file = running.project / "automations.py"
    file.write_text(AUTOMATIONS.replace("def thanks", "def gratitude"))
    running.wait_for(lambda: '"reloaded"' in running.tail())
    file.write_text("def broken(:\n")
    running.wait_for(lambda: "the old ones run on" in running.tail())
    file.write_text(AUTOMATIONS)
    os.kill(running.pid, signal.SIGHUP)
    running.wait_for(lambda: running.tail().count('"reloaded"') == 2)


def test_pause_stops_and_resume_starts(running: Daemon) -> None:
    assert run(running, "pause", "--all").returncode == 0
    assert rows(running, "SELECT scope FROM pauses") == [("all",)]
    assert run(running, "resume", "--all").returncode == 0
    assert rows(running, "SELECT scope FROM pauses") == []


def test_a_changed_file_that_never_ends_keeps_nobody_from_stopping(running: Daemon) -> None:
    (running.project / "begun.py").write_text(
        "from pathlib import Path\nPath(__file__ + '.begun').touch()\nwhile True: ...\n"
    )
    running.wait_for((running.project / "begun.py.begun").exists)
    assert running.stop() == 143


HOOK = """
from fieldfare import Context, HookReceived, Notify, automation, on, secret


@automation(on.webhook("/hooks/shop", secret=secret("SHOP_HOOK")))
def tell(event: HookReceived, ctx: Context) -> Notify:
    return Notify(text="an order")
"""


def test_a_web_hook_whose_port_is_taken_is_said_and_the_old_files_run_on(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (project / "fieldfare.toml").write_text(f"[listener]\nport = {taken.getsockname()[1]}\n")
        with daemon(project, AUTOMATIONS, {"SHOP_HOOK": "canary-hook-51c2"}) as made:
            made.wait_for(lambda: '"ready"' in made.tail())
            (project / "hook.py").write_text(HOOK)
            made.wait_for(lambda: "cannot listen on" in made.tail())
            assert "the old ones run on" in made.tail()
            (described,) = rows(made, "SELECT description FROM sets")
            assert "hook-received" not in str(described)
