"""What goes out: JSON, one key for each post, who may see it said every time, and nothing that is there already."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fieldfare import Delete, Like, Publish, Reply, Repost
from fieldfare.plugin import AuthFailed, Draft, Media, NotSent, Pending, PostRef, Receipt, Rejected, Visibility
from tests.doubles import faults
from tests.doubles.fediverse_manners import MASTODON
from tests.doubles.wire import Response

from .scene import EVERY, TOKEN, Scene

STATUSES = "/api/v1/statuses"
DOT = Media(source="pictures/dot.png", alt="a grey dot", sha256="d0", mime="image/png", size=3)
FILES = {"d0": b"png"}
VISIBLE = ["public", "unlisted", "private", "direct"]

on_every_server = pytest.mark.parametrize("name", EVERY)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def ref(id: str) -> PostRef:
    return PostRef(platform="mastodon", id=id)


def bodies(scene: Scene) -> list[dict[str, Any]]:
    """The JSON of every post that was asked for."""
    return [json.loads(request.body) for request in scene.server.requests("POST", STATUSES)]


@on_every_server
def test_a_post_is_sent_as_json_with_a_key_and_a_visibility(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        await scene.perform(Publish(draft=Draft(text="Hello", language="en", warning="food")))
        (request,) = scene.server.requests("POST", STATUSES)

        assert request.mime == "application/json"
        assert len(request.headers["idempotency-key"]) == 32
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        default = scene.server.manners.default_visibility
        assert bodies(scene) == [{"status": "Hello", "visibility": default, "spoiler_text": "food", "language": "en"}]
        assert [(post.text, post.visibility) for post in scene.ours] == [("Hello", default)]

    run(story)


@on_every_server
@pytest.mark.parametrize("visibility", list(Visibility))
def test_a_post_is_as_visible_as_it_was_asked_to_be(name: str, visibility: Visibility) -> None:
    async def story() -> None:
        scene = Scene(name)
        await scene.perform(Publish(draft=Draft(text="Hello", visibility=visibility)))

        assert [VISIBLE.index(post.visibility) for post in scene.ours] == [list(Visibility).index(visibility)]

    run(story)


def test_each_post_of_a_thread_has_a_key_of_its_own_and_hangs_below_the_one_before() -> None:
    async def story() -> None:
        scene = Scene()
        thread = Publish(draft=Draft(text="One"), thread=(Draft(text="Two"), Draft(text="Three")))
        done = await scene.perform(thread)
        keys = [request.headers["idempotency-key"] for request in scene.server.requests("POST", STATUSES)]

        assert len(set(keys)) == 3
        assert [post.to for post in scene.ours] == [None, *scene.ours[:2]]
        assert {each.thread for each in done.refs} == {scene.ours[0].id}

    run(story)


# Replies


@on_every_server
@pytest.mark.parametrize("asked", VISIBLE)
@pytest.mark.parametrize("wanted", [None, *Visibility])
def test_a_reply_is_never_more_visible_than_what_it_answers(name: str, asked: str, wanted: Visibility | None) -> None:
    async def story() -> None:
        scene = Scene(name)
        parent = scene.world.say(scene.bob, "@brand hi", visibility=asked)
        await scene.perform(Reply(to=ref(parent.id), text="hi", visibility=wanted))

        assert VISIBLE.index(scene.ours[0].visibility) >= VISIBLE.index(asked)

    run(story)


def test_a_reply_on_a_server_that_says_private_for_direct_is_direct() -> None:
    async def story() -> None:
        scene = Scene("snac")
        parent = scene.world.say(scene.bob, "@brand hi", visibility="direct")
        await scene.perform(Reply(to=ref(parent.id), text="hi"))

        assert scene.ours[0].visibility == "direct"

    run(story)


def test_a_visibility_that_nobody_knows_is_taken_for_the_narrowest() -> None:
    async def story() -> None:
        scene = Scene()
        parent = scene.world.say(scene.bob, "@brand hi")
        parent.visibility = "public"
        shown = scene.server.words.post(parent, scene.brand) | {"visibility": "mutuals_only"}
        body = json.dumps(shown).encode()
        scene.server.script(faults.answer(Response(200, body), performed=False), "GET", f"{STATUSES}/*")
        await scene.perform(Reply(to=ref(parent.id), text="hi"))

        assert scene.ours[0].visibility == "direct"

    run(story)


def test_a_reply_keeps_warning_and_language_unless_it_has_its_own() -> None:
    async def story() -> None:
        scene = Scene()
        parent = scene.world.say(scene.bob, "@brand hallo", spoiler="Essen", language="de")
        for warning, language in ((None, None), ("food", "en"), ("", None)):
            await scene.perform(Reply(to=ref(parent.id), text="hi", warning=warning, language=language))

        assert [(post.spoiler, post.language) for post in scene.ours] == [("Essen", "de"), ("food", "en"), ("", "de")]

    run(story)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("hello", "@bob hello"),
        ("hello @bob!", "hello @bob!"),
        ("@bob@social.example hello", "@bob@social.example hello"),
        ("(@BOB) hello", "(@BOB) hello"),
        ("@bobby hello", "@bob @bobby hello"),
        ("bob hello", "@bob bob hello"),
    ],
)
def test_a_reply_names_whom_it_answers_once(text: str, sent: str) -> None:
    async def story() -> None:
        scene = Scene()
        parent = scene.world.say(scene.bob, "@brand hi")
        await scene.perform(Reply(to=ref(parent.id), text=text))

        assert scene.ours[0].text == sent

    run(story)


def test_a_reply_to_somebody_elsewhere_names_the_whole_address() -> None:
    async def story() -> None:
        scene = Scene("takahe")
        parent = scene.world.say(scene.bob, "@brand hi")
        await scene.perform(Reply(to=ref(parent.id), text="@bob hello"))
        await scene.perform(Reply(to=ref(parent.id), text="hello @bob@social.example."))

        assert [post.text for post in scene.ours] == [
            "@bob@social.example @bob hello",
            "hello @bob@social.example.",
        ]

    run(story)


def test_a_reply_to_ourselves_names_nobody() -> None:
    async def story() -> None:
        scene = Scene()
        parent = scene.world.say(scene.brand, "first")
        await scene.perform(Reply(to=ref(parent.id), text="second"))

        assert scene.ours[1].text == "second"

    run(story)


@on_every_server
def test_a_reply_to_what_is_gone_is_rejected_before_anything_is_sent(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        parent = scene.world.say(scene.bob, "@brand hi")
        scene.world.delete(parent)
        with pytest.raises(Rejected):
            await scene.perform(Reply(to=ref(parent.id), text="hi"))

        assert scene.server.requests("POST") == []

    run(story)


def test_a_server_that_drops_the_parent_is_reported() -> None:
    async def story() -> None:
        scene = Scene("snac")
        parent = scene.world.say(scene.bob, "@brand hi")
        session = await scene.open()
        trial = scene.trial(session)
        await trial.once("parent", lambda: _parent(parent.id))
        scene.world.delete(parent)
        done = await Reply(to=ref(parent.id), text="hi").perform(session, trial)

        assert isinstance(done, Receipt)
        assert "did not hang" in done.note

    def _parent(id: str) -> dict[str, Any]:
        return {"id": id, "visibility": "public", "warning": "", "language": None, "mention": "@bob"}

    run(story)


# Marks


@on_every_server
def test_what_is_boosted_or_liked_already_is_done_without_a_request(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        post = scene.world.say(scene.bob, "bread")
        for _ in range(2):
            await scene.perform(Repost(post=ref(post.id)))
            await scene.perform(Like(post=ref(post.id)))

        assert [request.path.rpartition("/")[2] for request in scene.server.requests("POST")] == ["reblog", "favourite"]
        assert (len(post.boosts), len(post.favourited_by)) == (1, 1)

    run(story)


@on_every_server
def test_a_boost_says_where_it_is_or_else_what_it_boosts(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        post = scene.world.say(scene.bob, "bread")
        done = await scene.perform(Repost(post=ref(post.id)))

        assert done.ref.id == (post.id if name == "takahe" else post.boosts[0].id)

    run(story)


@pytest.mark.parametrize("deed", [Repost, Like])
def test_what_is_gone_can_be_neither_boosted_nor_liked(deed: type[Repost] | type[Like]) -> None:
    async def story() -> None:
        scene = Scene()
        post = scene.world.say(scene.bob, "bread")
        scene.world.delete(post)
        with pytest.raises(Rejected):
            await scene.perform(deed(post=ref(post.id)))

    run(story)


@on_every_server
def test_a_post_of_ours_can_be_deleted_and_nobody_elses(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        ours, theirs = scene.world.say(scene.brand, "oops"), scene.world.say(scene.bob, "fine")
        await scene.perform(Delete(post=ref(ours.id)))
        again = await scene.perform(Delete(post=ref(ours.id)))
        with pytest.raises(Rejected, match="not a post of this account"):
            await scene.perform(Delete(post=ref(theirs.id)))

        assert (ours.gone, theirs.gone, again.note) == (True, False, "it was gone already")

    run(story)


# Media


@on_every_server
def test_a_picture_is_uploaded_with_its_alt_text_before_its_post(name: str) -> None:
    async def story() -> None:
        scene = Scene(name)
        await scene.perform(Publish(draft=Draft(text="look", media=(DOT,), warning="light")), media=FILES)
        (part,) = [part for part in scene.server.requests("POST", "/media")[0].parts if part.filename]

        assert (part.filename, part.mime, part.content) == ("dot.png", "image/png", b"png")
        assert [(m.description, m.content) for m in scene.ours[0].media] == [("a grey dot", b"png")]
        assert scene.ours[0].sensitive

    run(story)


def test_every_picture_of_a_thread_is_up_before_its_first_post() -> None:
    async def story() -> None:
        scene = Scene()
        draft = Draft(text="look", media=(DOT,))
        await scene.perform(Publish(draft=draft, thread=(draft, draft)), media=FILES)
        order = [request.path for request in scene.server.requests("POST")]

        assert order == ["/api/v2/media"] * 3 + [STATUSES] * 3

    run(story)


def test_an_alt_text_that_the_upload_lost_is_written_afterwards() -> None:
    async def story() -> None:
        scene = Scene()
        body = b'{"id": "1000", "url": "https://social.example/media/1000", "description": null}'
        session = await scene.open()
        trial = scene.trial(session, media=FILES)
        scene.server.script(faults.answer(Response(200, body), performed=True), "POST", "/api/v2/media")
        await Publish(draft=Draft(text="look", media=(DOT,))).perform(session, trial)

        assert [effect.detail["description"] for effect in scene.server.done("describe")] == ["a grey dot"]

    run(story)


def test_a_server_without_the_second_version_is_given_the_first() -> None:
    async def story() -> None:
        scene = Scene()
        scene.server.script(faults.answer(Response(404), performed=False), "POST", "/api/v2/media")
        await scene.perform(Publish(draft=Draft(text="look", media=(DOT,))), media=FILES)

        assert len(scene.ours[0].media) == 1

    run(story)


def test_a_picture_that_takes_time_is_waited_for_without_sleeping() -> None:
    async def story() -> None:
        scene = Scene(media_takes=5.0)
        session = await scene.open()
        action = Publish(draft=Draft(text="look", media=(DOT,)))
        trial = scene.trial(session, media=FILES)
        first = await action.perform(session, trial)
        assert isinstance(first, Pending)
        assert first.until == scene.clock.now() + timedelta(seconds=2)
        scene.clock.advance(6)
        second = await action.perform(session, trial.again())

        assert isinstance(second, Receipt)
        assert len(scene.server.done("media")) == len(scene.ours) == 1

    run(story)


def test_a_picture_that_is_never_ready_is_given_up() -> None:
    async def story() -> None:
        scene = Scene(media_takes=5000.0)
        session = await scene.open()
        action = Publish(draft=Draft(text="look", media=(DOT,)))
        trial = scene.trial(session, media=FILES)
        assert isinstance(await action.perform(session, trial), Pending)
        scene.clock.advance(601)
        with pytest.raises(Rejected, match=r"has not finished 'pictures/dot\.png' in 10 min"):
            await action.perform(session, trial.again())

    run(story)


def test_a_server_that_cannot_be_asked_about_uploads_is_trusted() -> None:
    async def story() -> None:
        scene = Scene(replace(MASTODON, media_get=False), media_takes=5.0)
        session = await scene.open()
        action = Publish(draft=Draft(text="look", media=(DOT,)))
        trial = scene.trial(session, media=FILES)
        with pytest.raises(NotSent, match="not finished processing"):
            await action.perform(session, trial)
        scene.clock.advance(6)

        assert isinstance(await action.perform(session, trial.again()), Receipt)

    run(story)


# No


@pytest.mark.parametrize(("name", "status"), [("gotosocial", 401), ("takahe", 400), ("snac", 401)])
def test_a_token_that_was_revoked_pauses_the_account(name: str, status: int) -> None:
    async def story() -> None:
        scene = Scene(name)
        session = await scene.open()
        await session.whoami()
        scene.brand.token = "another"
        with pytest.raises(AuthFailed, match="make a new token") as caught:
            await Publish(draft=Draft(text="x", visibility=Visibility.PUBLIC)).perform(session, scene.trial(session))

        assert TOKEN not in str(caught.value)
        assert scene.ours == []

    run(story)


@pytest.mark.parametrize("form", ["retry-after", "x-ratelimit-reset-iso", "x-ratelimit-reset-epoch", "retry-after-ms"])
def test_a_server_that_is_busy_says_when_to_come_back(form: str) -> None:
    async def story() -> None:
        scene = Scene()
        session = await scene.open()
        scene.server.script(faults.limited(form, 90), "POST", STATUSES)
        trial = scene.trial(session)
        with pytest.raises(NotSent) as caught:
            await Publish(draft=Draft(text="x")).perform(session, trial)

        assert caught.value.retry_after == pytest.approx(90, abs=1.0)
        assert trial.doubt is None
        assert isinstance(await Publish(draft=Draft(text="x")).perform(session, trial.again()), Receipt)

    run(story)
