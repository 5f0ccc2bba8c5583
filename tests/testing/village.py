"""A Playground session without an engine."""

from __future__ import annotations

from typing import Any

from fieldfare.testing import Lent, Playground
from fieldfare.testing._lent import Hands
from fieldfare.testing._world import World


async def opened(platform: Playground, clock: Hands, shared: dict[str, Any] | None = None) -> tuple[Any, World]:
    """The session, and the world it lives in."""
    services = Lent(now=clock.now, shared=shared)
    session = await platform.open(services)
    return session, services.shared[platform.place]
