"""One intent, one post: on every kind of server, whatever became of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from fieldfare import Delete, Like, Publish, Reply, Repost
from fieldfare.plugin import Absent, Answer, Draft, Found, Media, OutcomeUnknown, PostRef, Receipt, Request, Unknowable
from tests.doubles import faults
from tests.doubles.faults import Fault
from tests.doubles.fediverse_manners import MANNERS, PAGES, SNAC
from tests.doubles.wire import as_json

from .scene import EVERY, Scene

STATUSES = "/api/v1/statuses"
TEXT = "Open *today* from 9 to 5 & <later>: https://example.org/hours?day=wed#now #tea"
LOSSES = [
    faults.drop(performed=True),
    faults.drop(performed=False),
    faults.reset(performed=True),
    faults.reset(performed=False),
    faults.hang(performed=True),
    faults.hang(performed=False),
    faults.truncated(performed=True),
    faults.truncated(performed=False),
    faults.endless(performed=True),
    faults.html(performed=True),
    faults.html(performed=False),
    faults.broken(500, performed=True),
    faults.broken(503, performed=False),
]

on_every_server = pytest.mark.parametrize("name", EVERY)
however_lost = pytest.mark.parametrize("fault", LOSSES, ids=str)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def ref(id: str) -> PostRef:
    return PostRef(platform="mastodon", id=id)


@on_every_server
@however_lost
def test_a_post_is_made_once(name: str, fault: Fault) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        scene.server.script(fault, "POST", STATUSES)
        action = Publish(draft=Draft(text=TEXT))
        done = await scene.settle(action, scene.trial(session))

        assert isinstance(done, Receipt)
        assert [post.text for post in scene.ours] == [TEXT]
        assert done.ref is not None
        assert done.ref.id == scene.ours[0].id

    run(story)


@on_every_server
@however_lost
def test_a_mention_is_answered_once(name: str, fault: Fault) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        asked = scene.world.say(scene.bob, "@brand when are you open?")
        scene.server.script(fault, "POST", STATUSES)
        done = await scene.settle(Reply(to=ref(asked.id), text=TEXT), scene.trial(session))

        assert isinstance(done, Receipt)
        assert [post.to for post in scene.ours] == [asked]

    run(story)


@on_every_server
@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("performed", [True, False])
def test_a_thread_goes_on_where_it_broke(name: str, lost: int, performed: bool) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        scene.server.script(faults.drop(performed=performed), "POST", STATUSES, spare=lost - 1)
        thread = Publish(draft=Draft(text="One"), thread=(Draft(text="Two"), Draft(text="Three")))
        done = await scene.settle(thread, scene.trial(session))

        assert isinstance(done, Receipt)
        assert [post.text for post in scene.ours] == ["One", "Two", "Three"]
        assert [post.to and post.to.text for post in scene.ours] == [None, "One", "Two"]
        assert [each.id for each in done.refs] == [post.id for post in scene.ours]

    run(story)


@on_every_server
@pytest.mark.parametrize("performed", [True, False])
def test_a_post_with_a_picture_is_made_once(name: str, performed: bool) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        dot = Media(source="dot.png", alt="a dot", sha256="d0", mime="image/png", size=3)
        scene.server.script(faults.drop(performed=performed), "POST", "/api/v2/media")
        scene.server.script(faults.drop(performed=performed), "POST", STATUSES)
        action = Publish(draft=Draft(text="look", media=(dot,)))
        done = await scene.settle(action, scene.trial(session, media={"d0": b"png"}))

        assert isinstance(done, Receipt)
        assert [[medium.description for medium in post.media] for post in scene.ours] == [["a dot"]]

    run(story)


@on_every_server
@however_lost
def test_a_boost_is_made_once(name: str, fault: Fault) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        post = scene.world.say(scene.bob, "fresh bread")
        scene.server.script(fault, "POST", "*/reblog")
        done = await scene.settle(Repost(post=ref(post.id)), scene.trial(session))

        assert isinstance(done, Receipt)
        assert [boost.author for boost in post.boosts] == [scene.brand]

    run(story)


@on_every_server
@however_lost
def test_a_like_counts_once(name: str, fault: Fault) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        post = scene.world.say(scene.bob, "fresh bread")
        scene.server.script(fault, "POST", "*/favourite")
        done = await scene.settle(Like(post=ref(post.id)), scene.trial(session))

        assert isinstance(done, Receipt)
        assert post.favourited_by == [scene.brand]

    run(story)


@on_every_server
@however_lost
def test_a_deleted_post_is_gone(name: str, fault: Fault) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        post = scene.world.say(scene.brand, "a mistake")
        scene.server.script(fault, "DELETE", f"{STATUSES}/*")
        done = await scene.settle(Delete(post=ref(post.id)), scene.trial(session))

        assert isinstance(done, Receipt)
        assert scene.ours == []

    run(story)


@on_every_server
def test_the_same_text_said_before_is_not_taken_for_the_lost_one(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        scene.world.say(scene.brand, TEXT)
        scene.clock.advance(60)
        scene.server.script(faults.drop(performed=False), "POST", STATUSES)
        done = await scene.settle(Publish(draft=Draft(text=TEXT)), scene.trial(session))

        assert isinstance(done, Receipt)
        assert len(scene.ours) == 2
        assert done.ref is not None
        assert done.ref.id == scene.ours[1].id

    run(story)


@on_every_server
def test_the_same_answer_to_somebody_else_is_not_taken_for_the_lost_one(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        eve = scene.world.person("eve")
        first = scene.world.say(scene.bob, "@brand open?")
        second = scene.world.say(eve, "@brand open?")
        scene.server.script(faults.drop(performed=False), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Reply(to=ref(first.id), text="yes").perform(session, trial)
        other = await scene.perform(Reply(to=ref(second.id), text="yes"))
        trial.taken_ids = frozenset({other.ref.id})
        scene.clock.advance(31)

        assert isinstance(await trial.resolve(Reply(to=ref(first.id), text="yes")), Absent)

    run(story)


@pytest.mark.parametrize("ahead", [-90.0, 0.0, 90.0])
def test_a_server_whose_clock_is_wrong_is_asked_in_its_own_time(ahead: float) -> None:
    async def story() -> None:
        scene = Scene("gotosocial", ahead=ahead)
        session = await scene.open()
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        done = await scene.settle(Publish(draft=Draft(text=TEXT)), scene.trial(session))

        assert isinstance(done, Receipt)
        assert len(scene.ours) == 1

    run(story)


@on_every_server
def test_a_long_list_of_younger_posts_is_read_to_its_end(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        for number in range(60):
            scene.world.say(scene.brand, f"before {number}")
        scene.clock.advance(60)
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=TEXT)).perform(session, trial)
        for number in range(130):
            scene.clock.advance(1)
            scene.world.say(scene.brand, f"after {number}")

        assert isinstance(await trial.resolve(Publish(draft=Draft(text=TEXT))), Found)

    run(story)


def test_a_list_that_cannot_be_read_far_enough_proves_nothing() -> None:
    async def story() -> None:
        scene = Scene("snac")
        session = await scene.open()
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=TEXT)).perform(session, trial)
        for number in range(300):
            scene.clock.advance(1)
            scene.world.say(scene.brand, f"after {number}")
        said = await trial.resolve(Publish(draft=Draft(text=TEXT)))

        assert isinstance(said, Unknowable)
        assert "does not list" in said.why

    run(story)


def test_posts_with_old_dates_do_not_end_the_list() -> None:
    async def story() -> None:
        scene = Scene("gotosocial")
        session = await scene.open()
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=TEXT)).perform(session, trial)
        for number in range(39):
            scene.clock.advance(1)
            scene.world.say(scene.brand, f"old {number}", at=scene.clock.now().replace(year=2020))
        scene.world.say(scene.brand, "new")

        assert isinstance(await trial.resolve(Publish(draft=Draft(text=TEXT))), Found)

    run(story)


@pytest.mark.parametrize("visibility", ["private", "direct"])
@on_every_server
def test_a_hidden_answer_that_was_lost_is_found_in_the_conversation(name: str, visibility: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        asked = scene.world.say(scene.bob, "@brand psst", visibility=visibility)
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        done = await scene.settle(Reply(to=ref(asked.id), text="yes?"), scene.trial(session))

        assert isinstance(done, Receipt)
        assert len(scene.ours) == 1

    run(story)


@on_every_server
def test_a_hidden_answer_that_never_arrived_is_a_question_where_the_list_hides_it(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        asked = scene.world.say(scene.bob, "@brand psst", visibility="direct")
        scene.server.script(faults.drop(performed=False), "POST", STATUSES)
        done = await scene.settle(Reply(to=ref(asked.id), text="yes?"), scene.trial(session))

        assert isinstance(done, Unknowable if name in ("snac", "takahe") else Receipt)
        assert len(scene.ours) == (0 if name in ("snac", "takahe") else 1)

    run(story)


@on_every_server
@pytest.mark.parametrize(
    ("before", "after"), [("Open today", "Open today!"), (TEXT, TEXT.replace("9 to 5", "nine to five"))]
)
def test_a_text_that_the_server_rewrote_is_a_question(name: str, before: str, after: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=before)).perform(session, trial)
        scene.ours[0].text = after
        said = await trial.resolve(Publish(draft=Draft(text=before)))

        assert isinstance(said, Unknowable)
        assert "not quite the same" in said.why

    run(story)


@pytest.mark.parametrize("name", ["snac", "takahe"])
def test_an_answer_that_lost_its_parent_is_a_question(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        asked = scene.world.say(scene.bob, "@brand open?")
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Reply(to=ref(asked.id), text="yes").perform(session, trial)
        scene.ours[0].to = None
        said = await trial.resolve(Reply(to=ref(asked.id), text="yes"))

        assert isinstance(said, Unknowable)

    run(story)


def test_a_post_with_another_number_of_pictures_is_a_question() -> None:
    async def story() -> None:
        scene = Scene()
        session = await scene.open()
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        dot = Media(source="dot.png", alt="a dot", sha256="d0", mime="image/png", size=3)
        action = Publish(draft=Draft(text="look", media=(dot,)))
        trial = scene.trial(session, media={"d0": b"png"})
        with pytest.raises(OutcomeUnknown):
            await action.perform(session, trial)
        scene.ours[0].media = ()

        assert isinstance(await trial.resolve(action), Unknowable)

    run(story)


def test_a_post_that_another_delivery_holds_is_never_ours() -> None:
    async def story() -> None:
        scene = Scene("gotosocial")
        session = await scene.open()
        scene.server.script(faults.drop(performed=False), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=TEXT)).perform(session, trial)
        other = await scene.perform(Publish(draft=Draft(text=TEXT)))
        trial.taken_ids = frozenset({other.ref.id})

        assert isinstance(await trial.resolve(Publish(draft=Draft(text=TEXT))), Absent)

    run(story)


@pytest.mark.parametrize("manners", [SNAC, replace(SNAC, boosted_id_upper=False)], ids=["upper", "lower"])
def test_a_post_that_reads_back_under_another_case_is_still_held_by_its_delivery(manners: Any) -> None:
    async def story() -> None:
        scene = Scene(manners)
        session = await scene.open()
        scene.server.script(faults.drop(performed=False), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=TEXT)).perform(session, trial)
        other = await scene.perform(Publish(draft=Draft(text=TEXT)))
        scene.world.boost(scene.bob, scene.ours[0])
        trial.taken_ids = frozenset({other.ref.id})

        assert isinstance(await trial.resolve(Publish(draft=Draft(text=TEXT))), Absent)

    run(story)


def test_our_own_boost_of_an_equal_post_is_not_taken_for_the_lost_one() -> None:
    async def story() -> None:
        scene = Scene(replace(MANNERS["mastodon"], post_params=PAGES))
        session = await scene.open()
        before = scene.world.say(scene.brand, TEXT)
        scene.clock.advance(60)
        scene.server.script(faults.drop(performed=False), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=TEXT)).perform(session, trial)
        scene.world.boost(scene.brand, before)

        assert isinstance(await trial.resolve(Publish(draft=Draft(text=TEXT))), Absent)

    run(story)


def test_a_server_that_does_not_tell_the_time_and_cuts_it_is_understood() -> None:
    async def story() -> None:
        scene = Scene("snac")
        whole = scene.handler

        def timeless(asked: Request) -> Answer:
            answer = whole(asked)
            assert isinstance(answer, Answer)
            return replace(answer, headers={name: v for name, v in answer.headers.items() if name != "date"})

        scene.handler = timeless
        session = await scene.open()
        scene.server.script(faults.drop(performed=True), "POST", STATUSES)
        done = await scene.settle(Publish(draft=Draft(text=TEXT)), scene.trial(session))

        assert isinstance(done, Receipt)
        assert len(scene.ours) == 1

    run(story)


def test_a_list_with_a_post_that_cannot_be_read_proves_nothing() -> None:
    async def story() -> None:
        scene = Scene()
        session = await scene.open()
        scene.server.script(faults.drop(performed=False), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(OutcomeUnknown):
            await Publish(draft=Draft(text=TEXT)).perform(session, trial)
        broken = scene.server.words.post(scene.world.say(scene.brand, "other"), scene.brand) | {"created_at": "?"}

        scene.server.script(faults.answer(as_json([broken]), performed=False), "GET", "*/statuses", spare=1)

        assert isinstance(await trial.resolve(Publish(draft=Draft(text=TEXT))), Unknowable)

    run(story)


def test_every_kind_of_server_is_played() -> None:
    assert set(EVERY) == set(MANNERS) == {"gotosocial", "hollo", "mastodon", "snac", "takahe"}
