"""Web hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from .._contract.feeds import Feed
from .._contract.triggers import Trigger
from .._domain import events
from .._domain.values import Secret


class OnWebhook(Trigger[events.HookReceived]):
    kind: ClassVar[str] = "webhook"
    event: ClassVar[type[events.Event]] = events.HookReceived

    path: str
    secret: Secret
    id_field: str = "id"

    def feeds(self) -> Sequence[Feed[Any]]:
        return []
