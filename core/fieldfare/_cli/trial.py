"""Opening one account to see whether the network lets us in."""

from __future__ import annotations

import asyncio
from typing import Any

from .._contract.platform import Account
from .._domain.errors import StoreInUse
from .._engine.clock import RealClock
from .._engine.control import call
from .._engine.introduce import introduced
from .._engine.lock import StoreLock
from .._engine.secrets import Confided
from .._engine.sessions import Sessions
from .._engine.settings import state_folder
from .._net import Client
from .._store.sqlite import Store
from .project import Opened

PATIENCE = 40.0
"""Seconds that a daemon may take to open the account."""


def tried(opened: Opened, account: Account) -> dict[str, Any]:
    """Who the network says the account is; asked of the daemon if one runs, so that only one process holds its tokens.

    Raises PlatformError, ControlError and StoreInUse.
    """
    return asyncio.run(_tried(opened, account))


async def _tried(opened: Opened, account: Account) -> dict[str, Any]:
    home = opened.home
    state_folder(home.root)
    answer = await call(home.state / "control", "test", {"account": account.name}, PATIENCE)
    if answer is not None:
        return answer
    lock = StoreLock(home.state / "lock")
    if not lock.take():
        raise StoreInUse("a daemon runs on this project and does not listen yet; try again in a moment")
    store = Store.inline(home.database)
    clock = RealClock()

    def client(of: Account | None, private: tuple[str, ...], hosts: tuple[str, ...]) -> Client:
        platform = account.platform
        return Client(hosts=platform.hosts, private=platform.private, clock=clock, redactor=opened.redactor)

    sessions = Sessions(store, clock, Confided(home.secrets, opened.redactor), client, {account.name: account})
    try:
        return await introduced(sessions, account.name)
    finally:
        await sessions.aclose()
        await store.close()
        lock.release()
