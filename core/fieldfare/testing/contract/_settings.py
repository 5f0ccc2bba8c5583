"""Fixtures of the kit, and the questions about settings and declarations."""

from __future__ import annotations

from typing import Any

import pytest
import regex

from ... import Publish
from ...plugin import (
    Boosts,
    Deletes,
    Draft,
    Likes,
    Platform,
    Publishes,
    Replies,
    Reposts,
    Session,
)
from .._lent import Handler, Hands, nobody
from ._bench import Bench, OtherSide, story, strays

WRITES: tuple[type[Session], ...] = (Publishes, Replies, Reposts, Likes, Deletes, Boosts)


class Settings:
    """What a connector gives to the kit, and what is asked of its settings."""

    @pytest.fixture
    def platform(self) -> Platform:
        """The settings under test."""
        raise NotImplementedError("give the fixture `platform`: the settings of an account on your network")

    @pytest.fixture
    def handler(self) -> Handler:
        """Answers the requests of the session. Not asked when the session brings its own transport."""
        return nobody

    @pytest.fixture
    def world(self) -> OtherSide:
        """The network as the people in it see it."""
        raise NotImplementedError(
            "give the fixture `world`: an object with the methods of OtherSide, to look at your server"
        )

    @pytest.fixture
    def clock(self) -> Hands:
        """The time on both sides; it moves only when a test moves it."""
        return Hands()

    @pytest.fixture
    def shared(self) -> dict[str, Any]:
        """What sessions of one daemon share."""
        return {}

    @pytest.fixture
    def secrets(self, platform: Platform) -> dict[str, str]:
        """A value for every secret the settings name: unique, so that it is recognised where it must not be."""
        return {secret.name: f"canary-{secret.name.lower()}-7f3a" for secret in platform.secrets}

    @pytest.fixture
    def bench(
        self, platform: Platform, handler: Handler, clock: Hands, secrets: dict[str, str], shared: dict[str, Any]
    ) -> Bench:
        return Bench(platform=platform, handler=handler, clock=clock, secrets=secrets, shared=shared)

    @pytest.fixture(autouse=True)
    def _only_what_the_session_can(self, request: pytest.FixtureRequest, platform: Platform) -> None:
        missing = [
            want.__name__ for want in getattr(request.function, "wants", ()) if not issubclass(platform.session, want)
        ]
        if missing:
            pytest.skip(f"{platform.session.__name__} has no {', '.join(missing)}")

    def test_the_kind_is_a_slug(self, platform: Platform) -> None:
        assert regex.fullmatch(r"[a-z][a-z0-9-]*", platform.kind), f"{platform.kind!r} is not a slug"

    def test_settings_survive_json(self, platform: Platform) -> None:
        assert type(platform).model_validate_json(platform.model_dump_json()) == platform

    def test_the_numbers_say_where_they_come_from(self, platform: Platform) -> None:
        assert platform.bounds.text > 0
        assert platform.bounds.thread >= 1
        assert platform.bounds.source, "bounds.source is empty: name the page and the day you read it"

    def test_a_text_is_measured_up_to_the_bound(self, platform: Platform) -> None:
        longest = "a" * platform.bounds.text
        assert platform.objections(Draft(text=longest)) == []
        assert platform.objections(Draft(text=longest + "a")) != []

    def test_an_empty_post_is_objected_to(self, platform: Platform) -> None:
        assert platform.objections(Draft()) != []

    @story()
    async def test_no_secret_is_in_what_is_shown(self, bench: Bench) -> None:
        session = await bench.open()
        shown = f"{bench.platform!r} {bench.platform} {session!r} {session} {bench.asked!r}"
        await session.aclose()
        assert [value for value in bench.secrets.values() if value in shown] == []

    @story()
    async def test_every_write_is_declared(self, bench: Bench) -> None:
        session = await bench.open()
        await session.aclose()
        writes = [write for write in WRITES if isinstance(session, write)]
        assert [write.__name__ for write in writes if write not in session.declares] == []

    @story()
    async def test_the_account_is_the_same_whenever_it_is_opened(self, bench: Bench) -> None:
        first = await bench.open()
        before = await first.whoami()
        await first.aclose()
        second = await bench.open()
        after = await second.whoami()
        await second.aclose()
        assert before.id
        assert (before.id, before.handle) == (after.id, after.handle)

    @story(Publishes)
    async def test_only_declared_hosts_are_asked(self, bench: Bench) -> None:
        session = await bench.open()
        await Publish(draft=Draft(text="Hello from here")).perform(session, bench.trial(session))
        await session.aclose()
        assert strays(bench.asked, bench.platform.hosts) == []
