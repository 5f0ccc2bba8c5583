"""The Playground answers the same questions as any connector."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from fieldfare.plugin import Post, PostRef, Visibility
from fieldfare.testing import Hands, Playground
from fieldfare.testing._world import World
from fieldfare.testing.contract import OtherSide, PlatformContract


class Place:
    """A world as the kit wants to see it."""

    def __init__(self, world: World, handle: str, clock: Hands) -> None:
        self._world = world
        self._handle = handle
        self._clock = clock

    def mention(
        self,
        text: str,
        *,
        by: str,
        at: datetime,
        bot: bool = False,
        us: bool = False,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> PostRef:
        author = self._handle if us else self._world.person(by, bot=bot).handle
        return self._world.post(author, f"@{self._handle} {text}", at=at, visibility=visibility).ref

    def reply(self, text: str, *, to: PostRef, by: str, at: datetime) -> PostRef:
        return self._world.post(self._world.person(by).handle, text, at=at, reply_to=to.id).ref

    def follow(self, *, by: str, at: datetime) -> None:
        self._world.follow(self._world.person(by).handle, self._handle, at=at)

    def post(self, text: str, *, by: str, at: datetime) -> PostRef:
        return self._world.post(self._world.person(by).handle, text, at=at).ref

    def vanish(self, ref: PostRef) -> None:
        self._world.remove(ref.id)

    def published(self) -> Sequence[Post]:
        written = self._world.written_by(self._handle, self._world.begun)
        return [post for kept in written if (post := self._world.seen(kept.ref.id, self._handle)) is not None]


class TestPlayground(PlatformContract):
    @pytest.fixture
    def platform(self) -> Playground:
        return Playground(world="quiet")

    @pytest.fixture
    def world(self, platform: Playground, shared: dict[str, Any], clock: Hands) -> OtherSide:
        place = shared[platform.place] = World(platform.world, platform.seed, clock.now())
        return Place(place, platform.handle, clock)
