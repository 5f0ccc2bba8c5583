"""`doctor`: each broken set-up is named, with what to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Lived
from tests.cli.typed import typed

Broken = Callable[[Path], None]


def findings(where: Path) -> list[dict[str, Any]]:
    return [one for one in typed("doctor", "--json", where=where).json["findings"] if one["level"] != "note"]


def database(folder: Path) -> Path:
    return folder / ".fieldfare" / "fieldfare.db"


def change(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(database(folder))
    with connection:
        connection.execute(statement, values)
    connection.close()


def names_a_secret(folder: Path) -> None:
    file = folder / "accounts.py"
    text = file.read_text().replace("import Account", "import Account, secret")
    file.write_text(text.replace('Playground(handle="brand"', 'Playground(handle="brand", token=secret("BRAND_TOKEN")'))


def open_secrets(folder: Path) -> None:
    names_a_secret(folder)
    (folder / "secrets.toml").write_text('BRAND_TOKEN = "canary-doctor-91ff"\n')
    (folder / "secrets.toml").chmod(0o644)


def unreadable_secrets(folder: Path) -> None:
    names_a_secret(folder)
    (folder / "secrets.toml").write_text("BRAND_TOKEN = [canary-doctor-91ff\n")
    (folder / "secrets.toml").chmod(0o600)


def newer_store(folder: Path) -> None:
    change(folder, "PRAGMA user_version = 99")


def corrupt_store(folder: Path) -> None:
    database(folder).write_bytes(b"this is no database. " * 400)


def damaged_store(folder: Path) -> None:
    change(folder, "VACUUM")
    for suffix in ("-wal", "-shm"):
        database(folder).with_name(f"fieldfare.db{suffix}").unlink(missing_ok=True)
    data = bytearray(database(folder).read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    database(folder).write_bytes(data)


def left_behind(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".fieldfare" / "control"))


def from_the_future(folder: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=3)
    change(folder, "UPDATE deliveries SET updated_at = ?", int(later.timestamp() * 1000))


def account_refused(folder: Path) -> None:
    change(folder, "UPDATE accounts SET error = 'the token was revoked'")


def feed_failing(folder: Path) -> None:
    change(
        folder, "UPDATE feeds SET failed_at = pulled_at + 1, error = 'it answered with HTML' WHERE key LIKE 'mention%'"
    )


def long_doubt(folder: Path) -> None:
    change(folder, "UPDATE deliveries SET updated_at = updated_at - 7200000 WHERE state = 'uncertain'")


def doubt_for_a_person(folder: Path) -> None:
    change(folder, "UPDATE deliveries SET hold = 'person', reason = 'cannot be asked' WHERE state = 'uncertain'")


def expires_soon(folder: Path) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=20)
    change(folder, "UPDATE deliveries SET expires_at = ? WHERE state = 'held'", int(soon.timestamp() * 1000))


def paused(folder: Path) -> None:
    typed("pause", "--account", "brand", where=folder)


def flag_only(folder: Path) -> None:
    (folder / ".fieldfare" / "pause").mkdir()
    (folder / ".fieldfare" / "pause" / "all").touch()


def settings_wrong(folder: Path) -> None:
    (folder / "fieldfare.toml").write_text("[log]\nlevle = 'info'\n")


def file_wrong(folder: Path) -> None:
    (folder / "tell_me.py").write_text("from fieldfare import Notfy\n")


CASES: list[tuple[Broken, str, str, str, str]] = [
    (lambda f: (f / ".fieldfare").chmod(0o755), "permissions", "error", "is open to others (mode 755)", "chmod 700"),
    (lambda f: database(f).chmod(0o644), "permissions", "error", "fieldfare.db is open to others", "chmod 600"),
    (open_secrets, "permissions", "error", "secrets.toml is open to others (mode 644)", "chmod 600"),
    (names_a_secret, "secrets", "error", "no source has the secret 'BRAND_TOKEN'", "fieldfare accounts login brand"),
    (unreadable_secrets, "secrets", "error", "this is not TOML", "fieldfare accounts login brand"),
    (newer_store, "store", "error", "was written by a newer Fieldfare", "upgrade Fieldfare"),
    (corrupt_store, "store", "error", "is corrupt", "fieldfare restore FILE"),
    (damaged_store, "store", "error", "", "fieldfare restore FILE"),
    (from_the_future, "clock", "error", "the clock says it is only", "set the clock"),
    (account_refused, "accounts", "error", "the token was revoked", "fieldfare accounts login brand"),
    (feed_failing, "feeds", "warning", "it answered with HTML", "tried again by itself"),
    (long_doubt, "uncertain", "warning", "is uncertain since 2 h", "fieldfare explain"),
    (doubt_for_a_person, "uncertain", "error", "may or may not be out", "fieldfare settle"),
    (expires_soon, "approvals", "warning", "waits for approval and expires", "fieldfare approvals approve"),
    (paused, "pause", "warning", "account:brand is paused by", "fieldfare resume --account brand"),
    (flag_only, "pause", "warning", "all is paused by its flag", "fieldfare resume --all"),
    (settings_wrong, "settings", "error", "fieldfare.toml:2:1", "did you mean 'level'?"),
    (file_wrong, "files", "error", "tell_me.py:1:23", "did you mean 'Notify'?"),
]


@pytest.mark.parametrize(("break_it", "check", "level", "what", "fix"), CASES)
def test_a_broken_set_up_is_named_with_its_cure(
    village: Lived, break_it: Broken, check: str, level: str, what: str, fix: str
) -> None:
    folder = village(10)
    break_it(folder)
    try:
        found = [one for one in findings(folder) if one["check"] == check]
    finally:
        (folder / ".fieldfare").chmod(0o700)
    assert any(one["level"] == level and what in one["what"] and fix in one["fix"] for one in found), found


def test_paths_are_as_they_are_typed(village: Lived) -> None:
    folder = village(10)
    database(folder).chmod(0o644)
    said = typed("doctor", where=folder)
    assert "error: .fieldfare/fieldfare.db is open to others" in said.out
    assert "chmod 600 .fieldfare/fieldfare.db" in said.out
    said = typed("doctor", "--project", "village", where=folder.parent)
    assert "chmod 600 village/.fieldfare/fieldfare.db" in said.out


def test_a_sound_project_has_nothing_wrong(village: Lived) -> None:
    said = typed("doctor", where=village(3))
    assert said.code == 0
    assert "nothing is wrong" in said.err


def test_what_is_wrong_ends_with_1_and_what_is_only_odd_with_0(village: Lived) -> None:
    folder = village(3)
    flag_only(folder)
    assert typed("doctor", where=folder).code == 0
    account_refused(folder)
    assert typed("doctor", where=folder).code == 1


def test_a_project_that_never_ran_is_sound(shop: Path) -> None:
    assert findings(shop) == []


def test_a_socket_that_was_left_behind_is_only_noted(village: Lived) -> None:
    folder = village(1)
    left_behind(folder)
    said = typed("doctor", where=folder)
    assert said.code == 0
    assert "left behind by a daemon that did not end well" in said.out


HOOKED = """
from fieldfare import Context, HookReceived, Notify, automation, on, secret


@automation(on.webhook("/orders", secret=secret("HOOK")))
def order(event: HookReceived, ctx: Context) -> Notify:
    return Notify(text="an order")
"""


def test_a_port_that_is_taken_is_named(village: Lived) -> None:
    folder = village(1)
    (folder / "order.py").write_text(HOOKED)
    (folder / "secrets.toml").write_text('HOOK = "canary-hook-2b1d"\n')
    (folder / "secrets.toml").chmod(0o600)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (folder / "fieldfare.toml").write_text(f"[listener]\nport = {port}\n")
        (found,) = findings(folder)
    assert found["check"] == "listener"
    assert f"127.0.0.1:{port}" in found["what"]
    assert "[listener] in fieldfare.toml" in found["fix"]


def test_a_full_disk_is_named(village: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = village(1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    assert [one["check"] for one in findings(folder)] == ["disk"]


def with_plugin(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    site = folder.parent / "site"
    info = site / "lame_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "lame_plugin.py").write_text(code)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lame-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fieldfare]\nlame = lame_plugin\n")
    return subprocess.run(
        [sys.executable, "-m", "fieldfare", "doctor"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_plugin_that_cannot_be_imported_is_only_left_out(shop: Path) -> None:
    said = with_plugin(shop, "import nothing_of_that_name\n")
    assert said.returncode == 0
    assert "warning: the plugin lame (lame-plugin 1.0) cannot be imported" in said.stdout


def test_a_plugin_that_is_wrong_is_named(shop: Path) -> None:
    said = with_plugin(shop, "from fieldfare import hookimpl\n\n@hookimpl\nasync def fieldfare_rules(): return ()\n")
    assert said.returncode == 1
    assert "error: the plugin lame (lame-plugin 1.0) cannot be used" in said.stdout
    assert "[plugins] in fieldfare.toml" in said.stdout
