"""The next item at each slot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from .._contract.feeds import Feed
from .._contract.limits import Zone
from .._contract.triggers import Trigger
from .._domain import events


class OnQueue(Trigger[events.ContentDue]):
    kind: ClassVar[str] = "queue"
    event: ClassVar[type[events.Event]] = events.ContentDue

    path: Path
    cron: str
    zone: Zone

    def feeds(self) -> Sequence[Feed[Any]]:
        return []
