"""An account under another name of ours is the same account: what it did counts, what it has seen is decided."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from fieldfare import Account, Automation, Caps, Context, Mention, Publish, Rate, Reply, Repost, on
from fieldfare._store import accounts, query
from fieldfare._store.sqlite import ms
from fieldfare.plugin import Draft
from fieldfare.testing import Playground
from tests.stores import in_memory

from .line import START, Line, placed
from .test_line import mentioned, quiet, thanks
from .test_second_thoughts import admit, planned, state

NOW = ms(START)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def under(name: str, platform: Playground, decide: Any = thanks, **more: Any) -> Automation[Mention]:
    return Automation(name="thanks", trigger=on.mention(Account(name, platform)), decide=decide, **more)


async def renamed(line: Line, automation: Automation[Mention]) -> None:
    line.automations = (automation,)
    await line.engine.replace(placed(line.automations), line.host)


def test_one_reply_per_conversation_is_one_under_both_names(tmp_path: Path) -> None:
    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, under("brand", platform)).start()
        kept = await mentioned(line, platform)
        await renamed(line, under("shop", platform))
        line.world(platform).post("ada", "and again @brand", at=line.clock.now(), reply_to=kept.ref.id)
        await line.round()
        assert line.states == ["delivered"]
        said = "caps: already 1 of 1 automatic replies in this conversation"
        assert line.reasons(2)["thanks"] == ("no", said)

    run(story())


def test_caps_per_person_and_per_account_count_under_both_names(tmp_path: Path) -> None:
    async def story(caps: Caps, said: str) -> None:
        platform = quiet()
        line = await Line(tmp_path, under("brand", platform, limits=[caps])).start()
        await mentioned(line, platform)
        await renamed(line, under("shop", platform, limits=[caps]))
        await mentioned(line, platform, "something else @brand")
        assert line.reasons(2)["thanks"][1].startswith(said)

    run(story(Caps(per_person=1), "caps: already 1 of 1 automatic replies to this person"))
    run(story(Caps(per_account=1), "caps: already 1 of 1 automatic replies from this account"))


def test_a_rate_over_the_account_counts_under_both_names(tmp_path: Path) -> None:
    rate = Rate(count=1, per=timedelta(hours=1), over="account")

    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, under("brand", platform, limits=[rate])).start()
        await mentioned(line, platform)
        await renamed(line, under("shop", platform, limits=[rate]))
        await mentioned(line, platform, "something else @brand")
        assert line.states == ["delivered", "due"]
        assert line.deliveries[1].reason.startswith("rate: 1 in 1:00:00")

    run(story())


def test_a_post_is_reposted_once_under_both_names(tmp_path: Path) -> None:
    def share(event: Mention, ctx: Context) -> Repost:
        return Repost(post=event.post.ref)

    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, under("brand", platform, share)).start()
        await mentioned(line, platform)
        first = Automation(name="again", trigger=on.mention(Account("shop", platform)), decide=share)
        await renamed(line, first)
        await line.store.do(lambda c: c.execute("UPDATE events SET state = 0"))
        await line.restart()
        await line.round()
        assert line.states == ["delivered"]
        assert "already done by" in line.reasons()["again"][1]

    run(story())


def test_what_was_decided_before_the_network_said_who_a_new_name_is_is_not_done_again() -> None:
    async def story() -> None:
        store = in_memory()
        for name in ("brand", "shop"):
            await store.do(accounts.enrol, name=name, platform="p")
        await store.do(accounts.identified, name="brand", identity="id7", handle="brand", now=NOW)
        await admit(store, planned("before", kind="repost", second="p:id7|repost|1"))
        await admit(store, planned("after", kind="repost", account="shop", second="p:shop|repost|1"))
        await store.do(accounts.identified, name="shop", identity="id7", handle="brand", now=NOW)
        assert state(store, "before") == ("due", "")
        assert state(store, "after") == ("refused", "")

    run(story())


def test_an_event_that_nobody_had_judged_finds_its_account_under_the_new_name(tmp_path: Path) -> None:
    def answer(event: Mention, ctx: Context) -> Reply:
        return Reply(to=event.post.ref, text=f"thank you from {ctx.account.name if ctx.account else 'nobody'}")

    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, under("brand", platform, answer)).start()
        world = line.world(platform)
        world.person("ada")
        world.post("ada", "hello @brand", at=line.clock.now())
        await line.engine.feeds.pull_all()
        await renamed(line, under("shop", platform, answer))
        while await line.engine.decide.round():
            pass
        assert line.store.read(query.event_counts) == {"seen": 1}
        await line.engine.round()
        assert (line.states, line.deliveries[0].account) == (["delivered"], "shop")
        assert "thank you from shop" in (line.deliveries[0].action or "")

    run(story())


def test_an_event_of_a_feed_that_nobody_reads_any_more_is_closed_when_every_account_is_known(tmp_path: Path) -> None:
    def post(event: Mention, ctx: Context) -> Publish:
        return Publish(draft=Draft(text="hello"))

    async def story() -> None:
        platform = quiet()
        line = await Line(tmp_path, under("brand", platform, post)).start()
        world = line.world(platform)
        world.person("ada")
        world.post("ada", "hello @brand", at=line.clock.now())
        await line.engine.feeds.pull_all()
        await renamed(line, under("press", quiet(handle="press"), post))
        await line.engine.round()
        assert (line.store.read(query.event_counts), line.states) == ({"decided": 1}, [])

    run(story())
