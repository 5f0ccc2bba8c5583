"""The Playground: one world for several accounts, a play from a seed, and faults on order."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from fieldfare import Delete, Like, Publish, Reply, Repost
from fieldfare.plugin import (
    Absent,
    AuthFailed,
    Boosts,
    Draft,
    Found,
    Media,
    NotSent,
    OutcomeUnknown,
    PlatformError,
    PostRef,
    Receipt,
    Rejected,
    Request,
    Unknowable,
    Visibility,
    secret,
)
from fieldfare.testing import Fault, Lent, Playground, Trial, answer_lost, answered, swallowed, unreachable
from fieldfare.testing._lent import NOON, Hands
from fieldfare.testing._people import Deed, cast, script
from fieldfare.testing._village import carry
from fieldfare.testing._world import World
from fieldfare.testing.contract._bench import Pulling

from .village import opened

TEA = Publish(draft=Draft(text="Tea at five"))


def everything(seed: int) -> tuple[Any, ...]:
    """What an account of the village sees in its first hour, looking once a minute."""

    async def looked() -> tuple[Any, ...]:
        clock = Hands()
        session, _ = await opened(Playground(seed=seed), clock)
        feeds = [Pulling(session.mentions), Pulling(session.replies), Pulling(session.followers)]
        seen: list[Any] = []
        for _ in range(60):
            clock.advance(60)
            for feed in feeds:
                seen.extend(await feed.pull())
            seen.extend(await session.own_posts(clock.now() - timedelta(days=2)))
        return tuple(seen)

    return asyncio.run(looked())


def test_the_same_seed_brings_the_same_people_who_do_the_same() -> None:
    assert everything(seed=4) == everything(seed=4)


def test_another_seed_brings_other_people() -> None:
    assert everything(seed=4) != everything(seed=5)


def test_the_cast_has_one_bot_and_no_name_twice() -> None:
    people = cast("village", 7)
    assert len({person.handle for person in people}) == len(people)
    assert [person.is_bot for person in people].count(True) == 1


def test_the_script_has_everything_that_people_do() -> None:
    assert {deed.does for deed in script("village", 0, "brand")} >= {"post", "reply", "like", "follow", "vanish"}


def test_nothing_happens_before_its_time_and_all_of_it_by_then() -> None:
    async def story() -> list[int]:
        clock = Hands()
        session, _ = await opened(Playground(), clock)
        feed = Pulling(session.mentions)
        counts = [len(await feed.pull())]
        for seconds in (1.9, 0.1, 1.0):
            clock.advance(seconds)
            counts.append(len(await feed.pull()))
        return counts

    assert asyncio.run(story()) == [0, 0, 1, 1]


def test_how_often_one_looks_does_not_change_what_happens() -> None:
    async def story(steps: int) -> Any:
        clock = Hands()
        session, _ = await opened(Playground(), clock)
        feed = Pulling(session.mentions)
        seen: list[Any] = await feed.pull()
        for _ in range(steps):
            clock.advance(600 / steps)
            seen.extend(await feed.pull())
        # A post that was taken down between two looks is rightly seen by one of them only.
        return [
            e
            for e in seen
            if "Thank you" not in e.post.text and "cider" not in e.post.text and "hill" not in e.post.text
        ]

    few, many = asyncio.run(story(3)), asyncio.run(story(200))
    assert [(e.id, e.post.text, e.occurred_at) for e in few] == [(e.id, e.post.text, e.occurred_at) for e in many]


def test_accounts_of_one_daemon_meet_in_one_world() -> None:
    async def story() -> Any:
        clock, shared = Hands(), dict[str, Any]()
        brand, _ = await opened(Playground(world="quiet"), clock, shared)
        press, _ = await opened(Playground(world="quiet", handle="press"), clock, shared)
        await Publish(draft=Draft(text="good morning @press")).perform(brand, Trial(brand, now=clock.now))
        (event,) = await Pulling(press.mentions).pull()
        return event.post.author.handle, event.post.author.is_self

    assert asyncio.run(story()) == ("brand", False)


def test_accounts_with_another_seed_are_elsewhere() -> None:
    async def story() -> list[Any]:
        clock, shared = Hands(), dict[str, Any]()
        brand, _ = await opened(Playground(world="quiet"), clock, shared)
        press, _ = await opened(Playground(world="quiet", handle="press", seed=1), clock, shared)
        await Publish(draft=Draft(text="good morning @press")).perform(brand, Trial(brand, now=clock.now))
        return await Pulling(press.mentions).pull()

    assert asyncio.run(story()) == []


def test_a_world_made_anew_repeats_no_id_and_is_read_from_its_beginning() -> None:
    async def story() -> Any:
        clock = Hands()
        session, _ = await opened(Playground(), clock)
        clock.advance(10)
        old = Pulling(session.mentions)
        before = await old.pull()
        clock.advance(60)
        session, _ = await opened(Playground(), clock)
        clock.advance(10)
        old.read = session.mentions
        return [e.post.text for e in before], [e.post.text for e in await old.pull()]

    before, after = asyncio.run(story())
    assert before == after
    assert len(before) == 3


def test_an_account_that_is_opened_again_meets_the_same_people_once() -> None:
    async def story() -> int:
        clock, shared = Hands(), dict[str, Any]()
        await opened(Playground(), clock, shared)
        session, _ = await opened(Playground(), clock, shared)
        clock.advance(10)
        return len(await Pulling(session.mentions).pull())

    assert asyncio.run(story()) == 3


def test_a_full_page_says_that_there_is_more() -> None:
    async def story() -> list[bool]:
        clock = Hands()
        session, world = await opened(Playground(world="quiet"), clock)
        batch = await session.mentions(None, None)
        for _ in range(60):
            world.post("ada", "@brand hello", at=clock.now())
        said = []
        for _ in range(2):
            batch = await session.mentions(batch.cursor, None)
            said.append(batch.more)
        return said

    assert asyncio.run(story()) == [True, False]


def test_a_misspelt_world_is_refused_with_the_worlds_there_are() -> None:
    with pytest.raises(ValidationError, match="there is no world 'vilage'; take one of 'village', 'quiet'"):
        Playground(world="vilage")


def test_a_secret_that_is_named_must_resolve() -> None:
    with pytest.raises(AuthFailed, match="'TOKEN'"):
        asyncio.run(Playground(token=secret("TOKEN")).open(Lent()))


def test_a_secret_is_never_kept() -> None:
    session = asyncio.run(Playground(token=secret("TOKEN")).open(Lent(secrets={"TOKEN": "canary-playground-41cc"})))
    assert "canary-playground-41cc" not in repr(vars(session))


def test_it_has_no_ads() -> None:
    assert not issubclass(Playground.session, Boosts)


async def tried(fault: Fault, times: int = 1) -> tuple[list[type[BaseException] | None], list[str]]:
    """What publishing raised, time after time, and what is there in the end."""
    clock = Hands()
    session, world = await opened(Playground(world="quiet", faults=(fault,)), clock)
    raised: list[type[BaseException] | None] = []
    for number in range(times):
        try:
            await TEA.perform(session, Trial(session, delivery=f"tea/{number}/0", now=clock.now))
            raised.append(None)
        except PlatformError as exc:
            raised.append(type(exc))
    return raised, [kept.text for kept in world.written_by("brand", world.begun)]


@pytest.mark.parametrize(
    ("fault", "raised", "there"),
    [
        (answer_lost(), OutcomeUnknown, ["Tea at five"]),
        (swallowed(), OutcomeUnknown, []),
        (unreachable(), NotSent, []),
        (answered(401), AuthFailed, []),
        (answered(422), Rejected, []),
        (answered(429, retry_after=7), NotSent, []),
        (answered(503), OutcomeUnknown, []),
    ],
)
def test_a_fault_does_what_it_says(fault: Fault, raised: type[PlatformError], there: list[str]) -> None:
    assert asyncio.run(tried(fault)) == ([raised], there)


def test_a_fault_strikes_the_write_it_names_and_no_other() -> None:
    raised, there = asyncio.run(tried(answer_lost(write=3), times=4))
    assert raised == [None, None, OutcomeUnknown, None]
    assert len(there) == 4


def test_a_fault_strikes_the_text_it_names_and_no_other() -> None:
    assert asyncio.run(tried(answer_lost(containing="coffee"), times=2))[0] == [None, None]
    assert asyncio.run(tried(answer_lost(containing="five"), times=2))[0] == [OutcomeUnknown, None]


def test_a_fault_strikes_as_often_as_it_says() -> None:
    assert asyncio.run(tried(unreachable(times=2), times=3))[0] == [NotSent, NotSent, None]


def test_a_fault_that_was_spent_stays_spent_when_the_account_is_opened_again() -> None:
    async def story() -> Any:
        clock, shared = Hands(), dict[str, Any]()
        platform = Playground(world="quiet", faults=(unreachable(),))
        session, _ = await opened(platform, clock, shared)
        with pytest.raises(NotSent):
            await TEA.perform(session, Trial(session, now=clock.now))
        session, _ = await opened(platform, clock, shared)
        return await TEA.perform(session, Trial(session, now=clock.now))

    assert isinstance(asyncio.run(story()), Receipt)


def test_a_thread_that_broke_in_the_middle_goes_on_where_it_was() -> None:
    thread = Publish(draft=Draft(text="one"), thread=(Draft(text="two"), Draft(text="three")))

    async def story() -> Any:
        clock = Hands()
        session, world = await opened(Playground(world="quiet", faults=(answer_lost(containing="two"),)), clock)
        trial = Trial(session, now=clock.now)
        with pytest.raises(OutcomeUnknown):
            await thread.perform(session, trial)
        clock.advance(5)
        done = await trial.settled(thread)
        return done, world.written_by("brand", world.begun)

    done, there = asyncio.run(story())
    assert [kept.text for kept in there] == ["one", "two", "three"]
    assert done == Receipt(ref=there[0].ref, refs=tuple(kept.ref for kept in there))


def test_a_mark_whose_answer_was_lost_is_seen_on_the_post() -> None:
    async def story(fault: Fault) -> Any:
        clock = Hands()
        session, world = await opened(Playground(world="quiet", faults=(fault,)), clock)
        there = world.post("ada", "fresh bread", at=clock.now()).ref
        said = []
        for action in (Repost(post=there), Like(post=there)):
            trial = Trial(session, delivery=action.kind, now=clock.now)
            with pytest.raises(OutcomeUnknown):
                await action.perform(session, trial)
            said.append(type(await trial.resolve(action)))
        return said

    assert asyncio.run(story(answer_lost(times=2))) == [Found, Found]
    assert asyncio.run(story(swallowed(times=2))) == [Absent, Absent]


def test_a_new_world_cannot_say_what_happened_in_the_old_one() -> None:
    async def story() -> Any:
        clock = Hands()
        session, _ = await opened(Playground(world="quiet"), clock)
        trial = Trial(session, now=clock.now).lose()
        with pytest.raises(OutcomeUnknown):
            await TEA.perform(session, trial)
        clock.advance(60)
        trial.session, _ = await opened(Playground(world="quiet"), clock)
        return await trial.resolve(TEA)

    assert isinstance(asyncio.run(story()), Unknowable)


def test_nothing_was_sent_means_absent() -> None:
    async def story() -> Any:
        session, _ = await opened(Playground(world="quiet"), Hands())
        return await Trial(session).resolve(TEA)

    assert isinstance(asyncio.run(story()), Absent)


def test_a_reply_where_none_is_allowed_is_rejected_before_anything_is_sent() -> None:
    async def story() -> Any:
        clock = Hands()
        session, world = await opened(Playground(world="quiet"), clock)
        there = world.post("ada", "no answers please", at=clock.now(), replies_allowed=False).ref
        trial = Trial(session, now=clock.now)
        with pytest.raises(Rejected, match="takes no replies"):
            await Reply(to=there, text="but").perform(session, trial)
        return trial.sent

    assert asyncio.run(story()) == []


@pytest.mark.parametrize("draft", [Draft(text="a" * 301), Draft()])
def test_the_far_side_takes_no_more_than_its_bounds(draft: Draft) -> None:
    async def story() -> None:
        session, _ = await opened(Playground(world="quiet"), Hands())
        await Publish(draft=draft).perform(session, Trial(session))

    with pytest.raises(Rejected):
        asyncio.run(story())


def test_a_file_that_is_not_what_its_address_says_is_rejected() -> None:
    async def story() -> None:
        session, _ = await opened(Playground(world="quiet"), Hands())
        sha256 = hashlib.sha256(b"a cat").hexdigest()
        media = Media(source="cat.png", alt="a cat", sha256=sha256, mime="image/png", size=5)
        await Publish(draft=Draft(text="look", media=(media,))).perform(
            session, Trial(session, media={sha256: b"a dog"})
        )

    with pytest.raises(Rejected, match="not the one its address names"):
        asyncio.run(story())


def test_a_post_of_somebody_else_is_not_deleted() -> None:
    async def story() -> None:
        clock = Hands()
        session, world = await opened(Playground(world="quiet"), clock)
        there = world.post("ada", "mine", at=clock.now()).ref
        await Delete(post=there).perform(session, Trial(session))

    with pytest.raises(Rejected, match="a post of @ada"):
        asyncio.run(story())


def test_who_vanishes_takes_everything_along() -> None:
    async def story() -> Any:
        clock = Hands()
        session, world = await opened(Playground(world="quiet"), clock)
        ours = world.post("brand", "Tea at five", at=clock.now()).ref
        theirs = world.post("ada", "@brand hello", at=clock.now()).ref
        world.like("ada", ours.id)
        world.vanish("ada")
        likes = (await session.metrics([ours]))[ours.id].metrics.likes
        return await session.posts([theirs]), await Pulling(session.mentions).pull(), likes

    assert asyncio.run(story()) == ({}, [], 0)


def test_a_post_for_followers_is_seen_by_followers_only() -> None:
    async def story() -> list[list[str]]:
        clock = Hands()
        session, world = await opened(Playground(world="quiet"), clock)
        ref: PostRef = world.post("ada", "for friends", at=clock.now(), visibility=Visibility.FOLLOWERS).ref
        before = list(await session.posts([ref]))
        world.join("ada")
        world.follow("brand", "ada", at=clock.now())
        return [before, list(await session.posts([ref]))]

    before, after = asyncio.run(story())
    assert before == []
    assert len(after) == 1


def test_a_clock_that_is_set_back_undoes_nothing() -> None:
    world = World("quiet", 0, NOON)
    world.join("brand", [Deed(at=5.0, by="ada", does="post", text="@brand hello")])
    world.advance(NOON + timedelta(seconds=10))
    world.advance(NOON)
    assert world.now == NOON + timedelta(seconds=10)
    assert len(world.inbox("brand", "mention")) == 1


def test_who_has_vanished_does_nothing_more() -> None:
    world = World("quiet", 0, NOON)
    ada = cast("quiet", 0)[0].handle
    deeds = [
        Deed(at=1.0, by=ada, does="vanish"),
        Deed(at=2.0, by=ada, does="post", text="@brand hello"),
        Deed(at=2.0, by=ada, does="follow", of="brand"),
    ]
    world.join("brand", deeds)
    world.advance(NOON + timedelta(seconds=10))
    assert (world.inbox("brand", "mention"), world.inbox("brand", "follow")) == ([], [])


def test_what_is_done_to_a_post_that_is_gone_is_not_done() -> None:
    world = World("quiet", 0, NOON)
    deeds = [
        Deed(at=1.0, by="brand", does="post", text="tea", label="tea"),
        Deed(at=2.0, by="brand", does="vanish", of="tea"),
        *(Deed(at=3.0, by="brand", does=does, of="tea", text="yes") for does in ("like", "repost", "reply")),
    ]
    world.join("brand", deeds)
    world.advance(NOON + timedelta(seconds=10))
    assert world.written_by("brand", NOON) == []


def test_following_twice_is_following_once() -> None:
    world = World("quiet", 0, NOON)
    world.join("brand")
    for _ in range(2):
        world.follow("ada", "brand", at=NOON)
    assert len(world.inbox("brand", "follow")) == 1


def test_a_reply_that_names_the_account_is_a_mention_and_not_a_reply_as_well() -> None:
    world = World("quiet", 0, NOON)
    world.join("brand")
    ours = world.post("brand", "tea?", at=NOON).ref.id
    world.post("ada", "@brand yes", at=NOON, reply_to=ours)
    assert (len(world.inbox("brand", "mention")), len(world.inbox("brand", "reply"))) == (1, 0)


def test_an_answer_of_ours_to_ourselves_is_no_reply_received() -> None:
    world = World("quiet", 0, NOON)
    world.join("brand")
    world.post("brand", "and cake", at=NOON, reply_to=world.post("brand", "tea", at=NOON).ref.id)
    assert world.inbox("brand", "reply") == []


EMPTY = hashlib.sha256(b"").hexdigest()
BODY: dict[str, Any] = {
    "text": "tea",
    "reply_to": "",
    "media": [],
    "visibility": "public",
    "warning": None,
    "language": None,
}


def status(method: str, path: str, world: World | None = None, **more: Any) -> int:
    """What the far side answers to a request that no session of ours would make."""
    place = world or World("quiet", 0, NOON)
    place.join("brand")
    carry(place, "brand", (), Request(method="PUT", url=f"playground://quiet/media/{EMPTY}", content=b""))
    return carry(place, "brand", (), Request(method=method, url=f"playground://quiet/{path}", **more)).status


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, 200),
        ({"text": "a" * 300}, 200),
        ({"text": "👩‍👩‍👧‍👦" * 300}, 200),
        ({"text": "a" * 301}, 422),
        ({"text": ""}, 422),
        ({"media": [{"id": "0" * 64}]}, 422),
        ({"media": [{"id": EMPTY}] * 4}, 200),
        ({"media": [{"id": EMPTY}] * 5}, 422),
        ({"reply_to": "nothing"}, 404),
    ],
)
def test_the_far_side_checks_what_it_is_sent(body: dict[str, Any], expected: int) -> None:
    assert status("POST", "posts", json=BODY | body) == expected


def test_the_far_side_takes_no_reply_where_none_is_allowed() -> None:
    world = World("quiet", 0, NOON)
    there = world.post("ada", "no answers", at=NOON, replies_allowed=False).ref.id
    assert status("POST", "posts", world, json=BODY | {"reply_to": there}) == 403


def test_the_far_side_shows_no_post_to_whom_it_is_not_for() -> None:
    world = World("quiet", 0, NOON)
    there = world.post("ada", "for friends", at=NOON, visibility=Visibility.FOLLOWERS).ref.id
    assert status("POST", "posts", world, json=BODY | {"reply_to": there}) == 404
    assert status("PUT", f"posts/{there}/like", world) == 404


def test_the_far_side_takes_no_file_that_is_too_large() -> None:
    content = b"x" * 1_000_001
    path = f"media/{hashlib.sha256(content).hexdigest()}"
    assert status("PUT", path, content=content) == 422
    assert status("PUT", f"media/{hashlib.sha256(content[1:]).hexdigest()}", content=content[1:]) == 200


def test_the_far_side_knows_nothing_else() -> None:
    assert status("GET", "posts") == 404
    assert status("PUT", "posts/nothing/like") == 404
