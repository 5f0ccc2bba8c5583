"""Changes on behalf of a person: asked of the daemon, or made in the store under its lock when none runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from typing import Any

from .._contract.actions import BUILT_IN, Action
from .._domain.errors import ConfigError, FieldfareError
from .._engine.clock import Clock, RealClock
from .._engine.control import PATIENCE, ControlError, call, person, reachable
from .._engine.home import Home
from .._engine.lock import StoreLock
from .._engine.operations import Operations
from .._engine.settings import state_folder
from .._store import query, why
from .._store.sqlite import Store

BEGINNING = 3.0
"""Seconds that a daemon which holds the lock may take until it answers."""


def act(home: Home, name: str, args: Mapping[str, Any], patience: float = PATIENCE) -> dict[str, Any]:
    """Run an operation, and give its answer.

    Raises FieldfareError in words for the person, ControlError when a daemon does not answer, StoreInUse when one is
    about to begin and takes too long.
    """
    return asyncio.run(_act(home, name, args, patience, RealClock()))


async def _act(home: Home, name: str, args: Mapping[str, Any], patience: float, clock: Clock) -> dict[str, Any]:
    state_folder(home.root)
    lock = StoreLock(home.state / "lock")
    until = clock.monotonic() + BEGINNING
    while True:
        answer = await call(home.state / "control", name, args, patience)
        if answer is not None:
            return answer
        if clock.monotonic() > until:
            lock.take_or_refuse()
            break
        if lock.take():
            break
        await clock.sleep(0.1)
    try:
        return await _alone(home, name, args, clock)
    finally:
        lock.release()


async def _alone(home: Home, name: str, args: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    store = Store.inline(home.database)
    try:
        operations = Operations(
            store=store,
            clock=clock,
            flags=home.state / "pause",
            decode=_decoded,
            asks=lambda automation: _asks(store, automation),
            objections=lambda found, action: _objections(home, found, action),
            wake=lambda key: None,
        )
        return await operations.run(name, args, person(os.getuid()))
    finally:
        await store.close()


def _decoded(kind: str, body: str) -> Action[Any]:
    """A stored action of the core; what plugins bring has no text that could be edited."""
    found = next((one for one in BUILT_IN if one.kind == kind), None)
    if found is None:
        raise FieldfareError(f"a {kind} cannot be edited; only posts and replies have a text")
    return found.model_validate_json(body)


def _objections(home: Home, found: query.Full, action: Action[Any]) -> list[str]:
    """What the network of the account, or a reviewer, says against it; nothing while the files have mistakes."""
    from .._engine.objections import objections
    from .project import Opened

    try:
        automations, host = Opened.at(home.root).load(secrets=False)
    except FieldfareError:
        return []
    return objections(automations, host.review, found, action)


def _asks(store: Store, automation: str) -> bool:
    """Whether the automation wants approval, as it was last known; yes when it is not known."""
    description = store.read(why.latest_set)
    found = next((one for one in description.get("automations", ()) if one["name"] == automation), None)
    return found is None or found["approval"] is not None


def runs(home: Home) -> bool:
    """Whether a daemon has this project open."""
    return asyncio.run(_reachable(home))


async def _reachable(home: Home) -> bool:
    try:
        with reachable(home.state / "control") as path:
            _, writer = await asyncio.open_unix_connection(path)
    except (OSError, ConfigError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def answers(home: Home) -> bool:
    """Whether the daemon's loop turns: it is asked, and answers within two seconds."""
    return pinged(home) is not None


def pinged(home: Home, patience: float = 2.0) -> dict[str, Any] | None:
    """What the daemon answers when it is asked how it does; None when it does not within `patience` seconds."""
    try:
        return asyncio.run(call(home.state / "control", "ping", {}, patience))
    except ControlError as exc:
        return {} if exc.kind else None
    except (OSError, ConfigError):
        return None
