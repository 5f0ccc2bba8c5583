"""What the core brings, by the route that every plugin takes: hooks only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._contract import actions
from .._contract.actions import Action
from .._contract.triggers import Trigger
from ..hookspecs import hookimpl
from .calendar import OnCsv
from .network import OnFollow, OnMention, OnMetrics, OnPublished, OnReply
from .queue import OnQueue
from .schedule import OnSchedule
from .settled import OnDelivered, OnTrouble
from .syndication import OnFeed
from .webhook import OnWebhook


@hookimpl
def fieldfare_triggers() -> Iterable[type[Trigger[Any]]]:
    return (
        OnMention,
        OnReply,
        OnFollow,
        OnPublished,
        OnMetrics,
        OnDelivered,
        OnTrouble,
        OnSchedule,
        OnCsv,
        OnQueue,
        OnFeed,
        OnWebhook,
    )


@hookimpl
def fieldfare_actions() -> Iterable[type[Action[Any]]]:
    return actions.BUILT_IN
