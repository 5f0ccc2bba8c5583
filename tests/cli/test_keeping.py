"""`backup`, `restore`, and stores that cannot be used."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldfare._cli.copying import copy
from fieldfare._engine.lock import StoreLock
from fieldfare._engine.stop import flags
from tests.cli.conftest import Lived
from tests.cli.typed import typed


def database(folder: Path) -> Path:
    return folder / ".fieldfare" / "fieldfare.db"


def test_a_backup_is_one_whole_file_for_its_owner(village: Lived, tmp_path: Path) -> None:
    target = tmp_path / "monday.db"
    said = typed("backup", str(target), "--json", where=village(5))
    assert said.json == {"file": str(target), "bytes": target.stat().st_size}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    connection = sqlite3.connect(target)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (3,)
    connection.close()


def test_a_backup_overwrites_nothing(village: Lived, tmp_path: Path) -> None:
    target = tmp_path / "monday.db"
    target.write_text("precious")
    said = typed("backup", str(target), where=village(1))
    assert said.code == 3
    assert "exists; name a new file" in said.err
    assert target.read_text() == "precious"


def test_where_nothing_has_run_there_is_nothing_to_back_up(shop: Path, tmp_path: Path) -> None:
    said = typed("backup", str(tmp_path / "x.db"), where=shop)
    assert said.code == 3
    assert "nothing has run here yet" in said.err


def test_a_backup_is_one_moment_although_somebody_writes(tmp_path: Path) -> None:
    source = tmp_path / "store.db"
    writer = sqlite3.connect(source, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.executescript("CREATE TABLE meta (key, value); CREATE TABLE filled (row)")
    writer.executemany("INSERT INTO filled VALUES (?)", [("x" * 4000,) for _ in range(3000)])
    steps = 0

    class Writing:
        """Writes between every two steps of the copy."""

        def __enter__(self) -> Callable[[int, int], None]:
            return self.told

        def __exit__(self, *_: object) -> None: ...

        def told(self, done: int, of: int) -> None:
            nonlocal steps
            steps += 1
            writer.execute("INSERT INTO filled VALUES ('later')")

    copy(source, tmp_path / "copy.db", progress=Writing())
    writer.close()
    made = sqlite3.connect(tmp_path / "copy.db")
    assert steps > 1
    assert made.execute("SELECT count(*) FROM filled").fetchone() == (3000,)
    made.close()


def test_a_restored_store_is_what_it_was_and_paused(village: Lived, tmp_path: Path) -> None:
    folder = village(5)
    target = tmp_path / "monday.db"
    typed("backup", str(target), where=folder)
    typed("approvals", "refuse", "2", where=folder)
    said = typed("restore", str(target), where=folder)
    assert said.code == 0
    assert "everything is paused" in said.out
    assert flags(folder / ".fieldfare" / "pause") == {"all"}
    assert typed("outbox", "list", "--state", "held", "--json", where=folder).json != []
    assert database(folder).with_name("fieldfare.db.before-restore").exists()


def test_what_is_to_be_typed_next_can_be_typed(village: Lived) -> None:
    folder = village(1)
    said = typed("backup", "of monday.db", where=folder)
    assert said.out.endswith("fieldfare restore 'of monday.db'\n")
    said = typed("init", "my shop", where=folder)
    assert said.err == "next: fieldfare check 'my shop', then: fieldfare run 'my shop'\n"


@pytest.mark.parametrize("content", [b"no database. " * 400, b""])
def test_a_file_that_is_no_backup_is_refused_and_the_store_stays(
    village: Lived, tmp_path: Path, content: bytes
) -> None:
    folder = village(1)
    before = database(folder).read_bytes()
    (tmp_path / "bad.db").write_bytes(content)
    said = typed("restore", str(tmp_path / "bad.db"), where=folder)
    assert said.code == 3
    assert "Traceback" not in said.err
    assert database(folder).read_bytes() == before


def test_a_folder_is_no_backup(village: Lived, tmp_path: Path) -> None:
    said = typed("restore", str(tmp_path), where=village(1))
    assert said.code == 3
    assert f"{tmp_path} is not a file" in said.err


def test_a_backup_that_cannot_be_written_says_why(village: Lived) -> None:
    said = typed("backup", "/proc/monday.db", where=village(1))
    assert said.code == 3
    assert "the backup was not made: " in said.err
    assert "Errno" not in said.err


def test_a_backup_that_is_not_there_is_said(village: Lived) -> None:
    said = typed("restore", "nowhere.db", where=village(1))
    assert said.code == 3
    assert "nowhere.db does not exist" in said.err


COMMANDS = (
    ("status",),
    ("explain", "1"),
    ("outbox", "list"),
    ("approvals",),
    ("outbox", "cancel", "1"),
    ("resume", "--all"),
    ("run", "--once"),
)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_corrupt_store_is_said_by_every_command(village: Lived, words: tuple[str, ...]) -> None:
    folder = village(1)
    database(folder).write_bytes(b"this is no database. " * 400)
    said = typed(*words, where=folder)
    assert said.code == 3
    assert "is corrupt" in said.err
    assert "fieldfare restore FILE" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("words", COMMANDS)
def test_a_store_of_a_newer_version_is_said_by_every_command(village: Lived, words: tuple[str, ...]) -> None:
    folder = village(1)
    connection = sqlite3.connect(database(folder))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    said = typed(*words, where=folder)
    assert said.code == 3
    assert "was written by a newer Fieldfare" in said.err


@pytest.mark.parametrize("words", [*COMMANDS, ("run", "--once", "--dry-run"), ("backup", "monday.db")])
def test_a_store_that_lost_everything_is_not_taken_for_a_new_one(village: Lived, words: tuple[str, ...]) -> None:
    folder = village(1)
    database(folder).write_bytes(b"")
    said = typed(*words, where=folder)
    assert said.code == 3
    assert "is empty" in said.err
    assert "fieldfare restore FILE" in said.err
    assert database(folder).read_bytes() == b""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_that_cannot_be_written_is_said(village: Lived) -> None:
    folder = village(1)
    database(folder).chmod(0o400)
    said = typed("run", "--once", where=folder)
    assert said.code == 3
    assert "is read-only" in said.err


@pytest.mark.parametrize("words", [("run",), ("run", "--once"), ("restore", "x.db"), ("outbox", "cancel", "1")])
def test_who_holds_the_store_is_named_with_exit_5(village: Lived, words: tuple[str, ...]) -> None:
    folder = village(1)
    lock = StoreLock(folder / ".fieldfare" / "lock")
    assert lock.take()
    try:
        said = typed(*words, where=folder)
    finally:
        lock.release()
    assert said.code == 5
    assert f"process {os.getpid()}" in said.err


def test_a_state_folder_that_others_can_read_is_refused(village: Lived) -> None:
    folder = village(1)
    (folder / ".fieldfare").chmod(0o755)
    said = typed("run", "--once", where=folder)
    (folder / ".fieldfare").chmod(0o700)
    assert said.code == 3
    assert "chmod 700" in said.err
