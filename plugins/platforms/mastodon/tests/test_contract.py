"""The questions every connector is asked, put to this one on a server of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import pytest

from fieldfare.plugin import Post, PostRef, Visibility
from fieldfare.testing import Handler, author
from fieldfare.testing.contract import PlatformContract
from fieldfare_mastodon import Mastodon
from tests.doubles.fediverse import Fediverse
from tests.doubles.fediverse_world import Person
from tests.doubles.lent import Following, handler

SAID = {
    Visibility.PUBLIC: "public",
    Visibility.UNLISTED: "unlisted",
    Visibility.FOLLOWERS: "private",
    Visibility.DIRECT: "direct",
}


class People:
    """The people on the server, as the kit wants them to act."""

    def __init__(self, server: Fediverse, us: Person) -> None:
        self.server = server
        self.us = us

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
        who = self.us if us else self.server.world.person(by, bot=bot)
        return self._ref(self.server.world.say(who, f"@brand {text}", visibility=SAID[visibility]).id)

    def reply(self, text: str, *, to: PostRef, by: str, at: datetime) -> PostRef:
        parent = self.server.world.find(to.id)
        return self._ref(self.server.world.say(self.server.world.person(by), text, to=parent).id)

    def follow(self, *, by: str, at: datetime) -> None:
        self.server.world.follow(self.server.world.person(by), self.us)

    def post(self, text: str, *, by: str, at: datetime) -> PostRef:
        return self._ref(self.server.world.say(self.server.world.person(by), text).id)

    def vanish(self, ref: PostRef) -> None:
        found = self.server.world.find(ref.id)
        assert found is not None
        self.server.world.delete(found)

    def published(self) -> Sequence[Post]:
        return [
            Post(
                ref=self._ref(each.id),
                author=author("brand"),
                text=each.text,
                created_at=each.at,
                visibility=next(ours for ours, said in SAID.items() if said == each.visibility),
                reply_to=self._ref(each.to.id) if each.to else None,
                media_count=len(each.media),
            )
            for each in self.server.world.posts
            if each.author is self.us and not each.gone and each.boost_of is None
        ]

    @staticmethod
    def _ref(id: str) -> PostRef:
        return PostRef(platform="mastodon", id=id)


class Kit(PlatformContract):
    manners: ClassVar[str]

    @pytest.fixture
    def platform(self) -> Mastodon:
        return Mastodon(server="https://social.example")

    @pytest.fixture
    def server(self, clock: Any, secrets: dict[str, str]) -> Fediverse:
        server = Fediverse(self.manners, clock=Following(clock.now), late=0)
        server.url = "https://social.example"
        server.world.person("brand", secrets["MASTODON_TOKEN"])
        return server

    @pytest.fixture
    def handler(self, server: Fediverse) -> Handler:
        return handler(server)

    @pytest.fixture
    def world(self, server: Fediverse) -> People:
        return People(server, server.world.people["brand"])


class TestOnMastodon(Kit):
    manners = "mastodon"


class TestOnGoToSocial(Kit):
    manners = "gotosocial"


class TestOnSnac(Kit):
    manners = "snac"


class TestOnTakahe(Kit):
    manners = "takahe"


class TestOnHollo(Kit):
    manners = "hollo"
