"""A trigger is a moment: it names feeds and picks from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

from .._domain.events import Event
from .._domain.values import Value
from .conditions import Condition
from .feeds import Feed
from .platform import Account, Session

E = TypeVar("E", bound=Event)


class Crossing(Value):
    """A level with memory per (automation, post): armed while below, spent by a delivery.

    Posts already above at an automation's first reading are missed unless `existing`.
    """

    of: Literal["engagement", "likes", "reposts", "replies", "quotes", "views"] = "engagement"
    level: int
    existing: bool = False


class Trigger(Value, ABC, Generic[E]):
    """When to decide: settings only, no I/O."""

    kind: ClassVar[str]
    event: ClassVar[type[Event]]
    needs: ClassVar[tuple[type[Session], ...]] = ()
    """Capabilities that each of `accounts` must have."""

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts whose feeds are read; an automation acts as the one that observed the event."""
        return ()

    @abstractmethod
    def feeds(self) -> Sequence[Feed[Any]]:
        """The feeds this trigger reads; each pull of each gives events of `event`."""

    def condition(self) -> Condition[Any] | None:
        """What it picks from its feeds, as a data condition; None takes everything."""
        return None

    @property
    def crossing(self) -> Crossing | None:
        return None
