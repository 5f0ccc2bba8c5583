"""The store as a file: created, migrated, refused, backed up and put back."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from fieldfare._domain.errors import StoreError
from fieldfare._store import accounts
from fieldfare._store.sqlite import VERSION, Store, backup, connect, prepare, restore


def mark(path: Path, value: str) -> None:
    async def story() -> None:
        store = Store.inline(path)
        await store.do(accounts.keep, account="brand", name="mark", value=value)
        await store.close()

    asyncio.run(story())


def marked(path: Path) -> str | None:
    connection = connect(path, read_only=True)
    try:
        return accounts.kept(connection, "brand", "mark")
    finally:
        connection.close()


def test_a_new_store_is_for_its_owner_only(tmp_path: Path) -> None:
    prepare(tmp_path / "state" / "s.db")
    assert oct(os.stat(tmp_path / "state" / "s.db").st_mode & 0o777) == "0o600"
    assert oct(os.stat(tmp_path / "state").st_mode & 0o777) == "0o700"


def test_every_commit_is_synced_to_disk(tmp_path: Path) -> None:
    prepare(tmp_path / "s.db")
    connection = connect(tmp_path / "s.db")
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_newer_store_is_refused_with_the_remedy(tmp_path: Path) -> None:
    prepare(tmp_path / "s.db")
    connection = sqlite3.connect(tmp_path / "s.db")
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match=r"newer Fieldfare .* upgrade Fieldfare"):
        prepare(tmp_path / "s.db")


@pytest.mark.parametrize("content", [b"this is no database at all, not even a little\n" * 50])
def test_a_corrupt_store_is_refused_with_the_remedy(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"corrupt .*`fieldfare restore"):
        prepare(tmp_path / "s.db")


def test_an_empty_store_is_refused_and_never_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "s.db").touch()
    with pytest.raises(StoreError, match=r"is empty: .*`fieldfare restore FILE`, or remove the file"):
        prepare(tmp_path / "s.db")


def test_a_new_store_is_not_mixed_with_the_log_of_one_that_is_gone(tmp_path: Path) -> None:
    mark(tmp_path / "s.db", "old")
    connection = connect(tmp_path / "s.db")
    connection.execute("UPDATE kept SET value = 'older'")
    log = (tmp_path / "s.db-wal").read_bytes()
    connection.close()
    (tmp_path / "s.db").unlink()
    (tmp_path / "s.db-wal").write_bytes(log)
    prepare(tmp_path / "s.db")
    assert marked(tmp_path / "s.db") is None


def test_a_read_only_store_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path / "s.db")
    (tmp_path / "s.db").chmod(0o400)
    with pytest.raises(StoreError, match="read-only"):
        prepare(tmp_path / "s.db")


def test_a_backup_holds_what_the_store_held_while_it_was_open(tmp_path: Path) -> None:
    async def story() -> None:
        store = Store.threaded(tmp_path / "s.db")
        await store.do(accounts.keep, account="brand", name="mark", value="one")
        backup(tmp_path / "s.db", tmp_path / "copy.db")
        await store.do(accounts.keep, account="brand", name="mark", value="two")
        await store.close()

    asyncio.run(story())
    assert marked(tmp_path / "copy.db") == "one"


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    mark(tmp_path / "s.db", "one")
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StoreError, match="overwrites nothing"):
        backup(tmp_path / "s.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_restore_puts_the_copy_in_place_and_keeps_the_old_store(tmp_path: Path) -> None:
    mark(tmp_path / "s.db", "old")
    backup(tmp_path / "s.db", tmp_path / "copy.db")
    mark(tmp_path / "s.db", "new")
    restore(tmp_path / "copy.db", tmp_path / "s.db")
    assert marked(tmp_path / "s.db") == "old"
    assert marked(tmp_path / "s.db.before-restore") == "new"


def test_a_second_restore_keeps_what_the_first_one_kept(tmp_path: Path) -> None:
    mark(tmp_path / "s.db", "old")
    backup(tmp_path / "s.db", tmp_path / "copy.db")
    mark(tmp_path / "s.db", "the only one")
    kept = [restore(tmp_path / "copy.db", tmp_path / "s.db") for _ in range(2)]
    assert [marked(one) for one in kept] == ["the only one", "old"]


def test_a_damaged_backup_is_not_restored(tmp_path: Path) -> None:
    mark(tmp_path / "s.db", "mine")
    (tmp_path / "copy.db").write_bytes(b"not a store" * 100)
    with pytest.raises(StoreError):
        restore(tmp_path / "copy.db", tmp_path / "s.db")
    assert marked(tmp_path / "s.db") == "mine"
