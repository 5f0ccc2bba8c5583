"""What a dry run tells: each delivery that would leave."""

from __future__ import annotations

from .._contract.delivery import Delivery, State
from .._engine.explain import texts_of
from ..hookspecs import hookimpl
from . import out


class Rehearsal:
    """An observer like any plugin; prints each delivery once, when it is decided."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    @hookimpl
    def fieldfare_delivery_changed(self, delivery: Delivery) -> None:
        if delivery.key in self._told or delivery.state not in (State.HELD, State.DUE):
            return
        self._told.add(delivery.key)
        by = f" as {delivery.account}" if delivery.account else ""
        text = " / ".join(texts_of(delivery.action))
        waits = ", after approval" if delivery.state is State.HELD else ""
        out.say(f"would {delivery.kind}{by}{waits} ({delivery.automation})" + (f": “{text}”" if text else ""))
