"""The conformance kit, on a scripted AT Protocol network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import pytest

from fieldfare.plugin import Author, Post, PostRef, Visibility
from fieldfare.testing.contract import Handler, PlatformContract
from fieldfare_bluesky import Bluesky
from tests.doubles import handler as doubles
from tests.doubles.base import Clock
from tests.doubles.bluesky import Bluesky as Network
from tests.doubles.bluesky_world import POST, Person

SERVER = "http://pds.test"


class Shared(Clock):
    """The kit's clock as the network's own."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._shared = now

    def now(self) -> datetime:
        return self._shared()


class Tells(Protocol):
    """Whatever tells the time."""

    def now(self) -> datetime: ...


class People:
    """The network as the people in it see it."""

    def __init__(self, network: Network, brand: Person) -> None:
        self.network = network
        self.brand = brand
        self.known: dict[str, Person] = {}

    def somebody(self, name: str) -> Person:
        if name not in self.known:
            self.known[name] = self.network.world.person(f"{name}.test")
        return self.known[name]

    def ref(self, uri: str) -> PostRef:
        return PostRef(platform="bluesky", id=uri, version=self.network.world.find(uri)[1])

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
        who = self.brand if us else self.somebody(by)
        who.bot = who.bot or bot
        return self.ref(self.network.world.say(who, f"@brand.test {text}", names=(self.brand,), at=at))

    def reply(self, text: str, *, to: PostRef, by: str, at: datetime) -> PostRef:
        return self.ref(self.network.world.say(self.somebody(by), text, to=to.id, at=at))

    def follow(self, *, by: str, at: datetime) -> None:
        self.network.world.follow(self.somebody(by), self.brand)

    def post(self, text: str, *, by: str, at: datetime) -> PostRef:
        return self.ref(self.network.world.say(self.somebody(by), text, at=at))

    def vanish(self, ref: PostRef) -> None:
        self.network.world.remove(ref.id)

    def published(self) -> Sequence[Post]:
        found: list[Post] = []
        for (kind, rkey), (record, cid) in sorted(self.brand.repo.items()):
            if kind == POST:
                uri = f"at://{self.brand.did}/{kind}/{rkey}"
                parent = record.get("reply", {}).get("parent", {}).get("uri")
                found.append(
                    Post(
                        ref=PostRef(platform="bluesky", id=uri, version=cid),
                        author=Author(id=self.brand.did, handle=self.brand.handle, is_self=True),
                        text=record["text"],
                        created_at=datetime.fromisoformat(record["createdAt"]),
                        reply_to=PostRef(platform="bluesky", id=parent) if parent else None,
                        media_count=len(record.get("embed", {}).get("images", ())),
                    )
                )
        return sorted(found, key=lambda post: post.created_at)


class TestBluesky(PlatformContract):
    @pytest.fixture(params=[False, True], ids=["newer", "older"])
    def network(self, request: pytest.FixtureRequest, clock: Tells) -> Network:
        return Network(clock=Shared(clock.now), older=request.param)

    @pytest.fixture
    def platform(self) -> Bluesky:
        return Bluesky(handle="brand.test", server=SERVER)

    @pytest.fixture
    def handler(self, network: Network) -> Handler:
        return doubles.handler(network)

    @pytest.fixture
    def brand(self, network: Network, secrets: dict[str, str]) -> Person:
        brand = network.world.person("brand.test")
        [brand.password] = secrets.values()
        return brand

    @pytest.fixture(autouse=True)
    def world(self, network: Network, brand: Person) -> People:
        return People(network, brand)
