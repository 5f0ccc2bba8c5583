"""RSS and Atom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from .._contract.feeds import Feed
from .._contract.triggers import Trigger
from .._domain import events


class OnFeed(Trigger[events.EntryPublished]):
    kind: ClassVar[str] = "feed"
    event: ClassVar[type[events.Event]] = events.EntryPublished

    url: str
    every: timedelta
    private: tuple[str, ...] = ()

    def feeds(self) -> Sequence[Feed[Any]]:
        return []
