"""Cron slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from .._contract.feeds import Feed
from .._contract.limits import Zone
from .._contract.triggers import Trigger
from .._domain import events


class OnSchedule(Trigger[events.SlotReached]):
    kind: ClassVar[str] = "schedule"
    event: ClassVar[type[events.Event]] = events.SlotReached

    cron: str
    zone: Zone

    def feeds(self) -> Sequence[Feed[Any]]:
        return []
