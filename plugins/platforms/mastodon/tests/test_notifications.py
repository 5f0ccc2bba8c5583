"""Everything that comes in is seen once, whatever the server's lists are like."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fieldfare.plugin import NotSent, Visibility
from tests.doubles import faults
from tests.doubles.fediverse_manners import HOLLO, MANNERS, MASTODON, SNAC, Manners
from tests.doubles.wire import as_json

from .scene import EVERY, Pulls, Scene, texts

LATER_HOLLO = replace(
    HOLLO, name="later hollo", note_params=MASTODON.note_params, note_links=MASTODON.note_links, min_id_is_since_id=True
)
TYPES_IGNORED = replace(SNAC, name="snac that ignores types", ignores_types=True)
NOTHING_HEEDED = replace(HOLLO, name="hollo that ignores types", ignores_types=True)
SMALL_PAGES = replace(MASTODON, name="mastodon without Link", note_links=frozenset(), post_links=frozenset())
NO_TURNS = replace(HOLLO, name="hollo without turns", note_params=frozenset({"limit"}))
ALL = [*MANNERS.values(), LATER_HOLLO, TYPES_IGNORED, SMALL_PAGES, NOTHING_HEEDED]

on_all = pytest.mark.parametrize("manners", ALL, ids=lambda each: each.name)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def say(scene: Scene, first: int, last: int, *, apart: float = 1.0) -> list[str]:
    """Numbered mentions of ours, some time apart."""
    said: list[str] = []
    for number in range(first, last + 1):
        scene.clock.advance(apart)
        scene.world.say(scene.bob, f"@brand number {number}")
        said.append(f"number {number}")
    return said


@on_all
def test_a_burst_of_several_pages_is_read_whole_and_in_order(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 3)
        await feed.pull()
        said = say(scene, 4, 153)

        assert texts(await feed.pull()) == said
        assert await feed.pull() == []
        assert feed.notes == []

    run(story)


@on_all
@pytest.mark.parametrize("apart", [0.0, 0.5, 30.0, 600.0])
def test_one_after_the_other_each_is_seen_once(manners: Manners, apart: float) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        assert await feed.pull() == []
        for number in range(1, 30):
            said = say(scene, number, number, apart=apart)
            assert texts(await feed.pull()) == said
            assert await feed.pull() == []

    run(story)


@on_all
def test_what_was_there_before_the_first_look_and_not_on_its_page_stays_history(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        say(scene, 1, 100, apart=60)
        feed = Pulls((await scene.open()).mentions)
        first = texts(await feed.pull())
        assert first == [f"number {number}" for number in range(61, 101)]
        for post in [post for post in scene.world.posts if post.text.endswith(("98", "99", "100", "70"))]:
            scene.world.delete(post)
            scene.world.notes[:] = [note for note in scene.world.notes if note.post is not post]

        assert await feed.pull() == []
        assert texts(await feed.pull() + (say(scene, 101, 101) and await feed.pull())) == ["number 101"]

    run(story)


@pytest.mark.parametrize("manners", [each for each in ALL if "min_id" in each.note_params], ids=lambda each: each.name)
@pytest.mark.parametrize("apart", [1.0, 60.0])
def test_a_mention_that_takes_its_place_behind_a_younger_one_is_not_lost(manners: Manners, apart: float) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 3, apart=apart)
        await feed.pull()
        say(scene, 4, 6)
        scene.server.settle()
        late = scene.world.notes.pop(4)
        assert texts(await feed.pull()) == ["number 4", "number 6"]
        scene.world.notes.insert(4, late)
        scene.clock.advance(30)

        assert texts(await feed.pull()) == ["number 5"]

    run(story)


@pytest.mark.parametrize("name", ["snac", "takahe"])
def test_a_mention_that_arrives_seconds_late_is_seen_when_it_arrives(name: str) -> None:
    async def story() -> None:
        scene = Scene(name, late=9.0)
        feed = Pulls((await scene.open()).mentions)
        await feed.pull()
        scene.world.say(scene.bob, "@brand late")
        scene.clock.advance(8)
        assert await feed.pull() == []
        scene.clock.advance(2)

        assert texts(await feed.pull()) == ["late"]

    run(story)


@on_all
def test_a_mention_with_an_old_date_is_news(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 5, apart=60)
        await feed.pull()
        say(scene, 6, 6)
        scene.world.say(scene.bob, "@brand old", at=datetime(2020, 1, 1, tzinfo=UTC))
        say(scene, 7, 7)

        assert sorted(texts(await feed.pull())) == ["number 6", "number 7", "old"]

    run(story)


def test_mentions_of_one_moment_are_not_cut_in_two_by_a_page() -> None:
    async def story() -> None:
        scene = Scene(HOLLO)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 1)
        await feed.pull()
        said = say(scene, 2, 21) + say(scene, 22, 41, apart=0) + say(scene, 42, 71)

        assert texts(await feed.pull()) == said

    run(story)


def test_a_backlog_longer_than_a_look_is_read_in_several() -> None:
    async def story() -> None:
        for manners in (MASTODON, LATER_HOLLO, HOLLO):
            scene = Scene(manners)
            feed = Pulls((await scene.open()).mentions)
            say(scene, 1, 1)
            await feed.pull()
            said = say(scene, 2, 1300, apart=0.05)

            assert sorted(texts(await feed.pull())) == sorted(said)
            assert await feed.pull() == []

    run(story)


def test_a_server_that_shows_its_newest_page_only_is_named() -> None:
    async def story() -> None:
        scene = Scene(NO_TURNS)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 1)
        await feed.pull()
        say(scene, 2, 100)

        assert len(await feed.pull()) == 40
        assert feed.notes == ["the server lists its 40 newest notifications only; older ones are lost"]

    run(story)


def requests_of(scene: Scene) -> int:
    """How often the list was asked for."""
    return len(scene.server.requests("GET", "/notifications"))


@on_all
def test_a_quiet_poll_is_one_request_whatever_lies_further_down(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        session = await scene.open()
        mentions, replies = Pulls(session.mentions), Pulls(session.replies)
        scene.world.say(scene.bob, "@brand yes", to=scene.world.say(scene.brand, "anybody?"))
        say(scene, 1, 300)
        for feed in (mentions, replies):
            await feed.pull()
            scene.clock.advance(600)
            await feed.pull()
            before = requests_of(scene)
            assert await feed.pull() == []
            assert requests_of(scene) - before == 1

    run(story)


@on_all
def test_a_look_ends_where_everything_is_known_though_the_place_is_gone(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 300, apart=60)
        await feed.pull()
        scene.world.notes[:] = [note for note in scene.world.notes if note.seq % 2]
        before = requests_of(scene)
        assert await feed.pull() == []
        assert requests_of(scene) - before <= 3

    run(story)


@on_all
def test_what_else_happens_hides_no_mention(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 1)
        await feed.pull()
        said = say(scene, 2, 3)
        bread = scene.world.say(scene.brand, "@bob bread")
        for number in range(60):
            scene.clock.advance(1)
            scene.world.favourite(scene.world.person(f"fan{number}"), bread)

        assert texts(await feed.pull()) == said

    run(story)


def test_a_quiet_poll_is_one_small_request() -> None:
    async def story() -> None:
        scene = Scene()
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 60, apart=60)
        await feed.pull()
        scene.clock.advance(600)
        await feed.pull()
        before = len(scene.server.exchanges)
        await feed.pull()
        (request,) = [each.request for each in scene.server.exchanges[before:]]
        answer = scene.server.exchanges[-1].response

        assert request.param("min_id")
        assert answer is not None
        assert len(answer.json()) <= 3

    run(story)


@on_all
def test_a_notification_without_its_post_is_passed_over(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        await feed.pull()
        gone = scene.world.say(scene.bob, "@brand never mind")
        scene.world.delete(gone)
        scene.world.follow(scene.bob, scene.brand)
        say(scene, 1, 1)

        assert texts(await feed.pull()) == ["number 1"]

    run(story)


@on_all
def test_a_notification_that_cannot_be_read_is_named_and_the_rest_still_comes(manners: Manners) -> None:
    async def story() -> None:
        scene = Scene(manners)
        feed = Pulls((await scene.open()).mentions)
        say(scene, 1, 1)
        await feed.pull()
        say(scene, 2, 3)
        scene.server.settle()
        first, *_, last = [scene.server.words.note(note) for note in scene.world.notes]
        broken = last | {"created_at": "yesterday", "id": "broken-1"}
        scene.server.script(faults.answer(as_json([broken, last, first]), performed=False), "GET", "*/notifications")

        assert texts(await feed.pull())[-1:] == ["number 3"]
        assert feed.notes[:1] == ["notification 'broken-1' could not be read: created_at"]

    run(story)


@pytest.mark.parametrize("name", EVERY)
def test_an_answer_to_ours_is_a_reply_and_anything_else_a_mention(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        mentions, replies = Pulls(session.mentions), Pulls(session.replies)
        await mentions.pull()
        await replies.pull()
        ours = scene.world.say(scene.brand, "anybody?")
        theirs = scene.world.say(scene.bob, "a thread of mine")
        scene.world.say(scene.bob, "@brand yes", to=ours)
        scene.world.say(scene.bob, "@brand look", to=theirs)
        scene.world.say(scene.bob, "@brand hello")

        assert texts(await replies.pull()) == ["yes"]
        assert sorted(texts(await mentions.pull())) == ["hello", "look"]

    run(story)


@pytest.mark.parametrize("name", EVERY)
def test_what_comes_in_is_told_in_full(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        feed = Pulls((await scene.open()).mentions)
        await feed.pull()
        top = scene.world.say(scene.bob, "the beginning")
        middle = scene.world.say(scene.bob, "the middle", to=top)
        post = scene.world.say(
            scene.bob,
            "@brand look: https://example.org/a?b=1&c=2",
            to=middle,
            visibility="unlisted",
            spoiler="food",
            language="de",
        )
        scene.world.favourite(scene.brand, post)
        (event,) = await feed.pull()

        assert event.id == event.post.ref.id == post.id
        assert event.post.text == "@bob look: https://example.org/a?b=1&c=2".replace("@bob", "@brand")
        assert event.post.links == ("https://example.org/a?b=1&c=2",)
        assert (event.post.warning, event.post.language) == ("food", "de")
        assert event.post.reply_to.id == middle.id
        assert event.post.ref.conversation == top.id
        assert event.post.author.handle.startswith("bob")
        assert event.post.metrics.likes == 1
        assert event.post.visibility is (Visibility.PUBLIC if name == "snac" else Visibility.UNLISTED)

    run(story)


@pytest.mark.parametrize("name", EVERY)
def test_our_own_posts_and_bots_are_marked(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        feed = Pulls((await scene.open()).mentions)
        await feed.pull()
        scene.world.say(scene.brand, "I am @brand")
        scene.world.say(scene.world.person("clock", bot=True), "@brand tick")
        marks = [(event.post.author.is_self, event.post.author.is_bot) for event in await feed.pull()]

        assert marks == ([(True, False)] if name == "gotosocial" else []) + [(False, True)]

    run(story)


@pytest.mark.parametrize("name", EVERY)
def test_a_follower_is_told_once_and_again_when_he_comes_back(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        feed = Pulls((await scene.open()).followers)
        await feed.pull()
        for _ in range(2):
            scene.clock.advance(60)
            scene.world.follow(scene.bob, scene.brand)
            assert [event.author.handle.partition("@")[0] for event in await feed.pull()] == ["bob"]
            assert await feed.pull() == []
            scene.brand.followers.remove(scene.bob)

    run(story)


def test_a_conversation_that_cannot_be_read_is_named_after_the_post_above() -> None:
    async def story() -> None:
        scene = Scene()
        feed = Pulls((await scene.open()).mentions)
        await feed.pull()
        top = scene.world.say(scene.bob, "the beginning")
        scene.world.say(scene.bob, "@brand look", to=top)
        scene.server.script(faults.broken(500, performed=False), "GET", "*/context", count=9)
        (event,) = await feed.pull()

        assert event.post.ref.conversation == top.id

    run(story)


@pytest.mark.parametrize(
    "fault", [faults.broken(502, performed=False), faults.html(performed=True), faults.truncated()], ids=str
)
def test_a_list_that_did_not_come_moves_nothing(fault: faults.Fault) -> None:
    async def story() -> None:
        scene = Scene()
        feed = Pulls((await scene.open()).mentions)
        await feed.pull()
        said = say(scene, 1, 3)
        before = feed.cursor
        scene.server.script(fault, "GET", "*/notifications")
        with pytest.raises(NotSent):
            await feed.pull()

        assert feed.cursor == before
        assert texts(await feed.pull()) == said

    run(story)


def test_a_cursor_that_is_none_of_ours_starts_again() -> None:
    async def story() -> None:
        scene = Scene()
        feed = Pulls((await scene.open()).mentions)
        feed.cursor = "what?"
        say(scene, 1, 1)

        assert texts(await feed.pull()) == ["number 1"]

    run(story)
