"""The Playground: a platform in memory."""

from __future__ import annotations

from typing import Annotated, ClassVar, cast

from pydantic import AfterValidator, Field

from ..plugin import Bounds, Platform, Secret, Services, Session
from ._faults import Fault
from ._people import WORLDS, script
from ._session import PlaygroundSession
from ._village import BOUNDS
from ._world import PLATFORM, World


def _a_world(name: str) -> str:
    if name not in WORLDS:
        raise ValueError(f"there is no world {name!r}; take one of {', '.join(map(repr, WORLDS))}")
    return name


class Playground(Platform):
    """An account in a world in memory: no server, no network, no real people.

    Accounts of one daemon that name the same `world` and `seed` meet in the same place. In the `village` people post,
    mention the account, like, reply, follow and vanish, the same for the same seed; they begin when the first account
    is opened and go by the daemon's clock. In a `quiet` world nobody does anything.
    """

    kind: ClassVar[str] = PLATFORM
    session: ClassVar[type[Session]] = PlaygroundSession

    world: Annotated[str, AfterValidator(_a_world)] = "village"
    seed: int = 0
    handle: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = "brand"
    token: Secret | None = None
    """Not needed for anything; when it is named, it must resolve."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong, each as often as it says."""

    @property
    def bounds(self) -> Bounds:
        return BOUNDS

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset()

    @property
    def place(self) -> str:
        """What accounts that meet have in common: the key under which their sessions share a world."""
        return f"{PLATFORM}:{self.world}:{self.seed}"

    async def open(self, services: Services) -> PlaygroundSession:
        if self.token is not None:
            services.secret(self.token)
        world = services.share(self.place, lambda: World(self.world, self.seed, services.now()))
        world.join(self.handle, script(self.world, self.seed, self.handle))
        world.advance(services.now())
        session = cast(type[PlaygroundSession], self.session)
        return session(world, self.handle, self.faults, services)
