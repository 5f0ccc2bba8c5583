"""The daemon as a process of its own against servers of the Mastodon API: a mention is answered, once.

The servers are a third party's double and a scripted one of ours with the habits of five kinds; no real one can be had
from the package registries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doubles import faults
from tests.doubles.faults import LIMIT_FORMS, Fault
from tests.doubles.fediverse import Fediverse
from tests.doubles.fediverse_manners import HOLLO, MANNERS
from tests.doubles.fediverse_world import Post
from tests.doubles.server import beside
from tests.networks.daemon import Daemon, daemon
from tests.networks.mastodon_mock import MastodonMock
from tests.networks.proxy import Deed, proxied

EVERY = sorted(MANNERS)
TOKEN = "canary-mastodon-b7e2"
STATUSES = "/api/v1/statuses"
KILLS = 6
"""SIGKILLs on each of the six servers: 36 in all."""

AUTOMATIONS = """
from datetime import timedelta

from fieldfare import Account, Caps, Context, Mention, MetricsObserved, Reply, Repost, automation, on, secret
from fieldfare_mastodon import Mastodon

brand = Account(
    "brand",
    Mastodon(server="{url}", token=secret("MASTODON_TOKEN"), private=("127.0.0.0/8",), settle_seconds=1.5),
)


@automation(on.mention(brand, every=timedelta(seconds=0.5)), limits=[Caps(per_account=1000)])
def answer(event: Mention, ctx: Context) -> Reply:
    return Reply(to=event.post.ref, text=f"We open at 9 & close at 5, @{{event.post.author.handle}}.")


@automation(on.metrics(brand, every=timedelta(seconds=0.5), passes=3))
def repost_what_is_popular(event: MetricsObserved, ctx: Context) -> Repost:
    return Repost(post=event.post.ref)
"""


class Stage:
    """A scripted server with a daemon that answers on it, as the people there see it."""

    def __init__(self, server: Fediverse, running: Daemon) -> None:
        self.server = server
        self.daemon = running
        self._people = 0

    def mention(self, text: str = "when are you open?") -> Post:
        """Somebody new names us."""
        self._people += 1
        with self.server.lock:
            return self.server.world.say(self.server.world.person(f"fan{self._people}"), f"@brand {text}")

    def answers(self, post: Post) -> int:
        """How many of our posts answer it."""
        with self.server.lock:
            return sum(1 for each in self.server.world.posts if each.to is post and each.author.name == "brand")

    def wait_answered(self, *posts: Post, timeout: float = 90.0) -> None:
        """Returns when each of these has an answer."""
        self.daemon.wait_for(lambda: all(self.answers(post) for post in posts), timeout)

    def wait_asked(self, count: int) -> None:
        """Returns when so many posts were asked for, whatever became of them."""
        self.daemon.wait_for(lambda: len(self.server.requests("POST", STATUSES)) >= count)

    def polled(self, times: int) -> None:
        """Returns after so many more complete looks at the notifications."""
        already = self._looks()
        self.daemon.wait_for(lambda: self._looks() >= already + times)

    def _looks(self) -> int:
        with self.server.lock:
            return sum(
                1
                for each in self.server.exchanges
                if each.request.path.endswith("/notifications") and each.response is not None
            )


@contextmanager
def staged(folder: Path, server: Fediverse) -> Iterator[Stage]:
    """A daemon that has had its first look at a scripted server."""
    server.world.person("brand", TOKEN)
    with (
        beside(server),
        daemon(folder / "project", AUTOMATIONS.format(url=server.url), {"MASTODON_TOKEN": TOKEN}) as running,
    ):
        stage = Stage(server, running)
        stage.polled(1)
        yield stage


@pytest.mark.parametrize("name", EVERY)
def test_a_mention_is_answered_once(name: str, tmp_path: Path) -> None:
    with staged(tmp_path, Fediverse(name)) as stage:
        posts = [stage.mention() for _ in range(3)]
        stage.wait_answered(*posts)
        stage.polled(4)
        assert [stage.answers(post) for post in posts] == [1, 1, 1]
        assert stage.daemon.stop() in (0, 143)


@pytest.mark.parametrize("name", EVERY)
def test_a_daemon_killed_between_sending_and_recording_answers_once(name: str, tmp_path: Path) -> None:
    with staged(tmp_path, Fediverse(name, late=0.1)) as stage:
        posts: list[Post] = []
        for number in range(KILLS):
            # Every other request was performed before the daemon died; the rest never were.
            stage.server.script(faults.hang(performed=number % 2 == 0), "POST", STATUSES)
            before = len(stage.server.requests("POST", STATUSES))
            posts.append(stage.mention())
            stage.wait_asked(before + 1)
            stage.daemon.kill()
            assert stage.answers(posts[-1]) == 1 - number % 2
            stage.daemon.start()
        stage.wait_answered(*posts, timeout=120)
        stage.polled(6)
        assert [stage.answers(post) for post in posts] == [1] * KILLS


LOSSES = [
    faults.drop(performed=True),
    faults.reset(performed=False),
    faults.truncated(),
    faults.html(performed=True),
    faults.html(performed=False),
    faults.broken(502, performed=True),
    faults.broken(500, performed=False),
    faults.endless(performed=True),
    faults.reset_reused(),
    *(faults.limited(form, 1) for form in LIMIT_FORMS),
]


@pytest.mark.parametrize("name", EVERY)
def test_whatever_becomes_of_the_answer_it_is_answered_once(name: str, tmp_path: Path) -> None:
    with staged(tmp_path, Fediverse(name, late=0.1)) as stage:
        for fault in LOSSES:
            stage.server.script(fault, "POST", STATUSES)
            post = stage.mention(f"during {fault.name}")
            stage.wait_answered(post)
        stage.polled(4)
        with stage.server.lock:
            asked = [post for post in stage.server.world.posts if post.text.startswith("@brand")]
        assert {post.text: stage.answers(post) for post in asked} == {post.text: 1 for post in asked}


@pytest.mark.parametrize(
    "fault",
    [faults.reset_reused(), faults.html(performed=True), faults.broken(503, performed=False)],
    ids=lambda fault: fault.name,
)
def test_reads_that_fail_lose_nothing(fault: Fault, tmp_path: Path) -> None:
    with staged(tmp_path, Fediverse("gotosocial", late=0.1)) as stage:
        stage.server.script(fault, "GET", count=20)
        posts = [stage.mention() for _ in range(3)]
        stage.wait_answered(*posts)
        stage.polled(4)
        assert [stage.answers(post) for post in posts] == [1, 1, 1]


@pytest.mark.parametrize("name", EVERY)
def test_a_popular_post_is_boosted_once(name: str, tmp_path: Path) -> None:
    with staged(tmp_path, Fediverse(name, late=0.1)) as stage:
        world = stage.server.world
        with stage.server.lock:
            post = world.say(world.people["brand"], "fresh bread")
        stage.polled(3)
        with stage.server.lock:
            for number in range(3):
                world.favourite(world.person(f"friend{number}"), post)
        stage.server.script(faults.drop(performed=True), "POST", "*/reblog")
        stage.daemon.wait_for(lambda: len(post.boosts) > 0)
        stage.polled(8)
        assert len(post.boosts) == 1


def test_more_mentions_than_a_page_are_each_answered_once(tmp_path: Path) -> None:
    manners = replace(HOLLO, name="later hollo", note_params=MANNERS["mastodon"].note_params, min_id_is_since_id=True)
    with staged(tmp_path, Fediverse(manners, late=0.0)) as stage:
        posts = [stage.mention() for _ in range(90)]
        stage.wait_answered(*posts, timeout=120)
        stage.polled(4)
        assert {stage.answers(post) for post in posts} == {1}


def test_somebody_elses_double_is_answered_once_whatever_the_wire_does(
    mastodon_mock: MastodonMock, tmp_path: Path
) -> None:
    brand, deeds = mastodon_mock.person(), [Deed.PASS, Deed.DROP_ANSWER, Deed.CUT_REQUEST]
    with (
        proxied(mastodon_mock.url) as proxy,
        daemon(tmp_path / "p", AUTOMATIONS.format(url=proxy.url), {"MASTODON_TOKEN": brand.token}) as running,
    ):
        proxy.wait_for(lambda passed: any(one.path.endswith("/notifications") and one.status for one in passed))
        asked: list[str] = []
        for deed in deeds:
            proxy.next(deed, STATUSES)
            asked.append(mastodon_mock.person().post(f"@{brand.name} when are you open?"))
            running.wait_for(lambda: bool(brand.answers(asked[-1])))
        looks = len(proxy.passed)
        proxy.wait_for(lambda passed: len(passed) > looks + 8)
        assert [len(brand.answers(id)) for id in asked] == [1, 1, 1]


def test_somebody_elses_double_is_answered_once_by_a_daemon_that_is_killed(
    mastodon_mock: MastodonMock, tmp_path: Path
) -> None:
    brand = mastodon_mock.person()
    with (
        proxied(mastodon_mock.url) as proxy,
        daemon(tmp_path / "p", AUTOMATIONS.format(url=proxy.url), {"MASTODON_TOKEN": brand.token}) as running,
    ):
        proxy.wait_for(lambda passed: any(one.path.endswith("/notifications") and one.status for one in passed))
        asked: list[str] = []
        for number in range(KILLS):
            proxy.next(Deed.HOLD_ANSWER if number % 2 == 0 else Deed.HOLD_REQUEST, STATUSES)
            asked.append(mastodon_mock.person().post(f"@{brand.name} when are you open?"))
            proxy.wait_held()
            running.kill()
            proxy.release()
            running.start()
        running.wait_for(lambda: all(brand.answers(id) for id in asked), 120)
        looks = len(proxy.passed)
        proxy.wait_for(lambda passed: len(passed) > looks + 12)
        assert [len(brand.answers(id)) for id in asked] == [1] * KILLS
