"""Who we are, what answers there, and what stands there now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fieldfare.plugin import AuthFailed, NotSent, PostRef, Publishes
from fieldfare.testing import Lent
from fieldfare_mastodon import Mastodon
from fieldfare_mastodon._server import Habits, detect
from tests.doubles import faults
from tests.doubles.fediverse_manners import MANNERS, MASTODON, PAGES, Manners
from tests.doubles.wire import Response

from .scene import EVERY, TOKEN, Scene

on_every_server = pytest.mark.parametrize("name", EVERY)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def ref(id: str) -> PostRef:
    return PostRef(platform="mastodon", id=id)


@on_every_server
def test_the_account_is_known_by_the_servers_own_id(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        me = await (await scene.open()).whoami()

        assert (me.id, me.is_self) == (scene.brand.id, True)

    run(story)


@on_every_server
def test_a_bad_token_is_said_so_and_never_shown(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        scene.brand.token = "another"
        with pytest.raises(AuthFailed, match="make a new token") as caught:
            await (await scene.open()).whoami()

        assert TOKEN not in str(caught.value)

    run(story)


def test_a_token_that_is_missing_is_asked_for_by_name() -> None:
    async def story() -> None:
        scene = Scene()
        session = await scene.platform.open(Lent(scene.handler))
        with pytest.raises(AuthFailed, match="MASTODON_TOKEN"):
            await session.whoami()

    run(story)


@on_every_server
def test_what_answers_is_recognised(name: str) -> None:
    async def story() -> None:
        session = await Scene(name).open()

        assert (await detect(session._client)).software == name

    run(story)


@pytest.mark.parametrize("name", ["snac", "takahe", "hollo"])
def test_without_nodeinfo_it_is_recognised_by_its_version(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        scene.server.script(faults.answer(Response(404), performed=False), "GET", "*/nodeinfo")

        assert (await detect((await scene.open())._client)).software == name

    run(story)


@pytest.mark.parametrize(
    "said", [b"{}", b'{"links": "none"}', b'{"links": [{"href": 7}]}', b"<h1>hello</h1>", b"[]"], ids=str
)
def test_a_server_that_cannot_be_recognised_is_trusted_with_nothing(said: bytes) -> None:
    async def story() -> None:
        scene = Scene(replace(MASTODON, version="1.0"))
        scene.server.script(faults.answer(Response(404), performed=False), "GET", "/nodeinfo*", count=9)
        scene.server.script(faults.answer(Response(200, said), performed=False), "GET", "*/nodeinfo", count=9)
        session = await scene.open()
        try:
            found = await detect(session._client)
        except NotSent:
            return

        assert found == Habits("")

    run(story)


def test_nobody_is_told_who_asks_before_it_matters() -> None:
    async def story() -> None:
        scene = Scene()
        await (await scene.open())._habits()

        assert [request.bearer for request in scene.server.requests()] == ["", ""]

    run(story)


@on_every_server
def test_posts_are_read_as_they_stand_and_those_that_are_gone_are_missing(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        kept, gone = scene.world.say(scene.bob, "stays"), scene.world.say(scene.bob, "goes")
        hidden = scene.world.say(scene.bob, "not for us", visibility="direct")
        scene.world.delete(gone)
        scene.world.boost(scene.brand, kept)
        found = await session.posts([ref(post.id) for post in (kept, gone, hidden)])

        assert list(found) == [kept.id]
        assert found[kept.id].ref.id == kept.id
        metrics = found[kept.id].metrics
        assert metrics is not None
        assert (found[kept.id].text, metrics.reposts) == ("stays", 1)

    run(story)


def test_an_id_may_hold_any_character() -> None:
    async def story() -> None:
        scene = Scene()
        session = await scene.open()
        assert await session.posts([ref("a/b?c#d/../e")]) == {}

        assert scene.server.requests("GET", "/api/v1/statuses/a/b?c#d/../e")

    run(story)


@pytest.mark.parametrize(
    "manners", [*MANNERS.values(), replace(MASTODON, name="that lists boosts", post_params=PAGES)], ids=lambda m: m.name
)
def test_own_posts_are_listed_without_boosts_as_far_back_as_asked(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        session = await scene.open()
        for number in range(120):
            scene.world.say(scene.brand, f"number {number}")
            scene.world.boost(scene.brand, scene.world.say(scene.bob, "bread"))
            scene.clock.advance(60)
        found = await session.own_posts(scene.clock.now() - timedelta(minutes=100, seconds=30))

        assert [post.text for post in found] == [f"number {number}" for number in range(119, 19, -1)]
        assert {post.author.is_self for post in found} == {True}

    run(story)


@on_every_server
def test_counts_of_many_posts_take_few_requests(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        posts = [scene.world.say(scene.brand, f"number {number}") for number in range(60)]
        scene.world.favourite(scene.bob, posts[3])
        await session.whoami()
        await session._habits()
        before = len(scene.server.exchanges)
        found = await session.metrics([ref(post.id) for post in posts])

        assert len(found) == 60
        assert [id for id, post in found.items() if post.metrics and post.metrics.likes] == [posts[3].id]
        assert len(scene.server.exchanges) - before <= 4

    run(story)


def test_counts_of_posts_that_are_not_listed_are_read_one_by_one() -> None:
    async def story() -> None:
        scene = Scene("snac")
        session = await scene.open()
        posts = [scene.world.say(scene.brand, f"number {number}", visibility="private") for number in range(8)]

        assert len(await session.metrics([ref(post.id) for post in posts])) == 8

    run(story)


@pytest.mark.parametrize("seconds", [30.0, 5.0])
def test_a_server_may_be_given_more_or_less_time(seconds: float) -> None:
    async def story() -> None:
        platform = Mastodon(server="https://social.example", settle_seconds=seconds)
        session = await platform.open(Lent())

        assert session.declares[Publishes].settle == timedelta(seconds=seconds)

    run(story)


def test_every_declaration_says_where_it_comes_from() -> None:
    for declaration in Mastodon.session.declares.values():
        assert "2026-11-22" in declaration.source
        assert declaration.scopes
    assert set(EVERY) == set(MANNERS)
