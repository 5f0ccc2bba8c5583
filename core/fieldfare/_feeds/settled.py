"""Our own deliveries and troubles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from .._contract.feeds import Feed
from .._contract.triggers import Trigger
from .._domain import events


class OnDelivered(Trigger[events.DeliverySettled]):
    kind: ClassVar[str] = "delivered"
    event: ClassVar[type[events.Event]] = events.DeliverySettled

    automation: str
    after: timedelta

    def feeds(self) -> Sequence[Feed[Any]]:
        return []


class OnTrouble(Trigger[events.TroubleSeen]):
    kind: ClassVar[str] = "trouble"
    event: ClassVar[type[events.Event]] = events.TroubleSeen

    what: frozenset[str] = frozenset()

    def feeds(self) -> Sequence[Feed[Any]]:
        return []
