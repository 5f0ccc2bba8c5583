"""`fieldfare run` as a process of its own on the real AT Protocol network, behind a proxy that loses what it must."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.networks.bluesky_network import Network, Person, Ref, facet_texts
from tests.networks.daemon import Daemon, daemon
from tests.networks.proxy import Deed, Proxy, proxied

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
SECRET = "BLUESKY_APP_PASSWORD"
AUTOMATIONS = """
from datetime import timedelta

from fieldfare import Account, Context, Draft, Media, Mention, MetricsObserved, Publish, Reply, Repost
from fieldfare import automation, contains, on
from fieldfare_bluesky import Bluesky

brand = Account("brand", Bluesky(handle={handle!r}, server={server!r}, private=("127.0.0.0/8",)))
SECOND = timedelta(seconds=1)


@automation(on.mention(brand, every=SECOND), when=contains("open"))
def answer(event: Mention, ctx: Context) -> Reply:
    text = f"🎉 Danke @{{event.post.author.handle}}! Alles auf https://brand.example/ü #geöffnet"
    return Reply(to=event.post.ref, text=text)


@automation(on.mention(brand, every=SECOND), when=contains("publish"))
def publish(event: Mention, ctx: Context) -> Publish:
    picture = Media(source="dot.png", alt="a dot")
    return Publish(draft=Draft(text="eins", media=(picture,)), thread=(Draft(text="zwei"), Draft(text="drei")))


@automation(on.metrics(brand, every=SECOND, passes=3))
def repost_popular(event: MetricsObserved, ctx: Context) -> Repost:
    return Repost(post=event.post.ref)
"""
KILLS = 20


class Scene:
    """A brand with a daemon behind a proxy, and people who write to it."""

    def __init__(self, network: Network, proxy: Proxy, project: Path) -> None:
        self.network = network
        self.proxy = proxy
        self.project = project
        self.brand = network.person("brand")
        self.fan = network.person("fan")
        self.daemon: Daemon
        self._numbers = itertools.count(1)

    @property
    def automations(self) -> str:
        return AUTOMATIONS.format(handle=self.brand.handle, server=self.proxy.url)

    def calls(self, name: str) -> int:
        """How often a method was called and answered through the proxy."""
        return len([one for one in self.proxy.passed if one.path.endswith(name) and one.status == 200])

    def looks(self, name: str, more: int = 2) -> None:
        """Returns after `more` further calls of a method."""
        before = self.calls(name)
        self.daemon.wait_for(lambda: self.calls(name) >= before + more)

    def mention(self, by: Person | None = None, words: str = "are you open?") -> Ref:
        text = f"Grüße 🐦 @{self.brand.handle}, {words} ({next(self._numbers)})"
        return (by or self.fan).post(text, mentions=[self.brand])

    def replies(self, to: Ref) -> int:
        return len(self.network.replies(self.brand, to))

    def open_deliveries(self) -> int:
        """Deliveries that have not come to an end."""
        rows = self.daemon.asked("outbox", "list")
        return len([row for row in rows if row["state"] in ("due", "sending", "uncertain", "held")])


@pytest.fixture
def scene(bluesky_network: Network, tmp_path: Path) -> Iterator[Scene]:
    with proxied(bluesky_network.pds) as proxy:
        made = Scene(bluesky_network, proxy, tmp_path)
        (tmp_path / "dot.png").write_bytes(PNG)
        with daemon(tmp_path, made.automations, {SECRET: made.brand.app_password()}) as started:
            made.daemon = started
            # The first look marks the start: what was there before is not answered.
            made.looks("listNotifications")
            yield made


def test_a_mention_is_answered_once_under_the_right_parent_with_working_facets(scene: Scene) -> None:
    other = scene.fan.post("something else")
    root = scene.fan.post("the beginning")
    asked = scene.fan.post(f"Grüße 🐦 @{scene.brand.handle}, are you open?", mentions=[scene.brand], reply_to=root)
    scene.daemon.wait_for(lambda: scene.replies(asked) > 0)
    scene.looks("listNotifications", 3)
    [record] = scene.brand.records()
    assert record["value"]["reply"]["parent"]["uri"] == asked.uri
    assert record["value"]["reply"]["root"]["uri"] == root.uri
    assert facet_texts(record["value"]) == [
        (f"@{scene.fan.handle}", scene.fan.did),
        ("https://brand.example/ü", "https://brand.example/ü"),
        ("#geöffnet", "geöffnet"),
    ]
    scene.network.settle()
    assert [note["uri"] for note in scene.fan.notifications()] == [record["uri"]]
    assert (scene.fan.view(asked)["replyCount"], scene.fan.view(other)["replyCount"]) == (1, 0)


def test_a_post_that_gathers_likes_is_reposted_once(scene: Scene) -> None:
    popular, quiet = scene.brand.post("popular"), scene.brand.post("quiet")
    scene.looks("getAuthorFeed", 3)
    people = [scene.network.person("fan") for _ in range(4)]
    for one in people[:3]:
        one.like(popular)
    people[0].like(quiet)
    scene.daemon.wait_for(lambda: bool(scene.brand.records("app.bsky.feed.repost")))
    people[3].like(popular)
    scene.looks("getAuthorFeed", 4)
    [repost] = scene.brand.records("app.bsky.feed.repost")
    assert repost["value"]["subject"] == popular.strong


def test_a_thread_of_three_with_a_picture_is_published(scene: Scene) -> None:
    scene.mention(words="please publish")
    scene.daemon.wait_for(lambda: bool(scene.brand.records()))
    first, second, third = (record["value"] for record in scene.brand.records())
    uris = [record["uri"] for record in scene.brand.records()]
    assert [part["text"] for part in (first, second, third)] == ["eins", "zwei", "drei"]
    assert [part["reply"]["parent"]["uri"] for part in (second, third)] == uris[:2]
    assert first["embed"]["images"][0]["alt"] == "a dot"
    scene.network.settle()
    view = scene.fan.call("app.bsky.feed.getPosts", uris=uris[:1])["posts"][0]
    assert scene.network.http.get(view["embed"]["images"][0]["thumb"]).status_code == 200


@pytest.mark.parametrize("deed", [Deed.DROP_ANSWER, Deed.CUT_REQUEST])
@pytest.mark.parametrize("words", ["are you open?", "please publish"])
def test_a_socket_that_is_cut_is_resolved_by_looking(scene: Scene, deed: Deed, words: str) -> None:
    write = "*putRecord" if "open" in words else "*applyWrites"
    parts = 1 if "open" in words else 3
    scene.proxy.next(deed, write)
    scene.mention(words=words)
    scene.daemon.wait_for(lambda: scene.calls("getRecord") + len(_not_found(scene)) > 0)
    scene.daemon.wait_for(lambda: len(scene.brand.records()) == parts and not scene.open_deliveries())
    performed = [one for one in scene.proxy.passed if _fits(one.path, write) and one.status == 200]
    assert len(performed) == 1
    assert len(scene.brand.records()) == parts


def test_killed_between_sending_and_recording_every_mention_has_one_reply(scene: Scene) -> None:
    asked: list[Ref] = []
    for number in range(KILLS):
        # In every other round the server has performed the write when the daemon dies; in the rest it never gets it.
        deed = Deed.HOLD_ANSWER if number % 2 == 0 else Deed.HOLD_REQUEST
        scene.proxy.next(deed, "*putRecord")
        asked.append(scene.mention(scene.network.person("fan")))
        scene.proxy.wait_held()
        scene.daemon.kill()
        scene.proxy.release()
        scene.daemon.start()
    scene.daemon.wait_for(lambda: all(scene.replies(one) for one in asked), 180)
    scene.daemon.wait_for(lambda: not scene.open_deliveries(), 180)
    held = [one for one in scene.proxy.passed if one.deed in (Deed.HOLD_ANSWER, Deed.HOLD_REQUEST)]
    assert [one.status for one in held] == [200, 0] * (KILLS // 2)
    assert [scene.replies(one) for one in asked] == [1] * KILLS
    assert len(scene.brand.records()) == KILLS
    assert scene.daemon.stop() == 143


@pytest.mark.parametrize("deed", [Deed.HOLD_ANSWER, Deed.HOLD_REQUEST])
@pytest.mark.parametrize("write", ["*uploadBlob", "*applyWrites"])
def test_killed_while_a_thread_or_its_picture_is_on_its_way_the_thread_stands_once(
    scene: Scene, write: str, deed: Deed
) -> None:
    scene.proxy.next(deed, write)
    scene.mention(words="please publish")
    scene.proxy.wait_held()
    scene.daemon.kill()
    scene.proxy.release()
    scene.daemon.start()
    scene.daemon.wait_for(lambda: len(scene.brand.records()) >= 3 and not scene.open_deliveries(), 120)
    assert [record["value"]["text"] for record in scene.brand.records()] == ["eins", "zwei", "drei"]
    assert len(scene.brand.records()[0]["value"]["embed"]["images"]) == 1


def _fits(path: str, pattern: str) -> bool:
    return path.endswith(pattern.lstrip("*"))


def _not_found(scene: Scene) -> list[str]:
    return [one.path for one in scene.proxy.passed if one.path.endswith("getRecord") and one.status == 400]
