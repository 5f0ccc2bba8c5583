"""What automations would make of events: decided, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import pluggy

from .. import hookspecs
from .._contract.automation import Automation
from .._contract.platform import Account
from .._domain.events import Event
from .._engine.placed import Placed
from ..plugin import Action, Verdict
from ._play import Play, Review, Simulation

__all__ = ["Simulation", "simulate"]

Automations: TypeAlias = Automation[Any] | Placed | Iterable[Automation[Any] | Placed]


async def simulate(
    automations: Automations,
    events: Iterable[Event],
    *,
    accounts: Iterable[Account] = (),
    now: datetime | None = None,
    seed: int = 0,
    plugins: Iterable[object] = (),
    project: Path | None = None,
) -> Simulation:
    """Decide what these automations would do about these events, oldest first, without store, network or trace.

    Each event is judged at `now`, or at its own moment when that is not given. An event that names no account is
    taken to have come to the first account the automation listens to; `accounts` adds others that events name. Keys
    of `once_per`, actions that may happen once, crossings and `ctx.history` are remembered from event to event, as if
    all that would have left had been delivered. Limits and approvals are not asked, since they depend on what else was
    sent. `plugins` are modules or objects with `fieldfare_review` in them. Media files are read below `project`
    (default: the current folder). `seed` is what the module `random` starts from, for decisions that use it.
    """
    placed = [_placed(one) for one in _several(automations)]
    known = {account.name: account for one in placed for account in _accounts(one.automation)}
    known |= {account.name: account for account in accounts}
    play = Play(placed, known, _reviewer(plugins), project or Path())
    with _seeded(seed):
        for number, event in enumerate(events):
            await play.show(number, event, now or event.occurred_at)
    return play.simulation


def _several(automations: Automations) -> Iterable[Automation[Any] | Placed]:
    return (automations,) if isinstance(automations, Automation | Placed) else automations


def _placed(automation: Automation[Any] | Placed) -> Placed:
    if isinstance(automation, Placed):
        return automation
    return Placed(automation, Path("simulated"), 0, 0, "")


def _accounts(automation: Automation[Any]) -> Iterator[Account]:
    yield from automation.trigger.accounts
    if automation.account is not None:
        yield automation.account


def _reviewer(plugins: Iterable[object]) -> Review:
    manager = pluggy.PluginManager("fieldfare")
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    manager.check_pending()

    def review(action: Action[Any], automation: Automation[Any], account: Account | None) -> Verdict | None:
        said: Verdict | None = manager.hook.fieldfare_review(action=action, automation=automation, account=account)
        return said

    return review


@contextmanager
def _seeded(seed: int) -> Generator[None]:
    """The module `random` starts from the seed, and afterwards goes on as if nothing had been drawn."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
