"""Stores in memory that tests make: each is closed when its test is over."""

from __future__ import annotations

from fieldfare._store.sqlite import Store

_OPEN: list[Store] = []


def in_memory() -> Store:
    """A new store, open as long as the test runs."""
    store = Store.in_memory()
    _OPEN.append(store)
    return store


def close_all() -> None:
    """Close every store of this test."""
    while _OPEN:
        _OPEN.pop().read(lambda connection: connection.close())
