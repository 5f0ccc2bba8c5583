"""What the account sees: mentions, replies, followers, posts and their counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fieldfare.plugin import Followed, Mention, NotSent, PostRef, ReplyReceived
from fieldfare_bluesky._wire import Notification, post_of_notification
from tests.doubles import faults
from tests.doubles.bluesky_desk import AT, Desk


def mentions(desk: Desk, cursor: str | None) -> tuple[list[Mention], str | None]:
    batch = desk.run(desk.session.mentions(cursor, desk.known))
    desk.seen |= {event.id for event in batch.events}
    return list(batch.events), batch.cursor


@pytest.mark.parametrize("older", [False, True])
def test_a_mention_is_read_with_everything_an_automation_asks_for(older: bool) -> None:
    desk = Desk(older=older)
    _, cursor = mentions(desk, None)
    root = desk.net.world.say(desk.fan, "root")
    uri = desk.net.world.say(desk.fan, "Hallo @brand.test", names=(desk.brand,), to=root, langs=["de"])
    [event], _ = mentions(desk, cursor)
    post = event.post
    assert event.id == uri
    assert event.occurred_at == AT
    assert (post.text, post.language, post.author.handle, post.author.name) == (
        "Hallo @brand.test",
        "de",
        "fan.test",
        "fan",
    )
    assert not post.author.is_self
    assert post.reply_to is not None
    assert (post.reply_to.id, post.ref.conversation, event.conversation) == (root, root, root)
    assert post.ref.version == desk.net.world.find(uri)[1]


def test_only_mentions_are_asked_for_and_never_only_of_people_we_follow() -> None:
    desk = Desk(older=True)
    mentions(desk, None)
    [asked] = desk.net.requests("GET", "listNotifications")
    assert asked.params("reasons") == ["mention"]
    assert asked.param("priority") == "false"
    assert asked.param("limit") == "100"


def test_a_bot_says_so_and_a_warning_is_kept() -> None:
    desk = Desk()
    desk.fan.bot = True
    _, cursor = mentions(desk, None)
    labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "!no"}, {"val": "nudity"}]}
    desk.net.world.say(desk.fan, "@brand.test", names=(desk.brand,), labels=labels)
    [event], _ = mentions(desk, cursor)
    assert event.post.author.is_bot
    assert event.post.warning == "nudity"


@pytest.mark.parametrize(
    "written", ["yesterday", "2026-11-25T12:00:00", "9999-12-31T23:59:59-14:00", "2027-01-01T00:00:00Z", 7, None]
)
def test_a_time_that_an_author_made_up_is_never_later_than_the_networks_own(written: object) -> None:
    who = {"did": "did:plc:x", "handle": "x.test"}
    said = {"uri": "at://did:plc:x/app.bsky.feed.post/y", "cid": "c", "author": who, "reason": "mention"}
    entry = Notification.model_validate({**said, "indexedAt": AT, "record": {"text": "", "createdAt": written}})
    assert post_of_notification(entry, "me").created_at == AT


def test_replies_and_followers_are_lists_of_their_own() -> None:
    desk = Desk()
    mine = desk.net.world.say(desk.brand, "mine")
    first_replies = desk.run(desk.session.replies(None, desk.known))
    first_followers = desk.run(desk.session.followers(None, desk.known))
    uri = desk.net.world.say(desk.fan, "nice", to=mine)
    followed = desk.net.world.follow(desk.fan, desk.brand)
    desk.net.world.say(desk.fan, "@brand.test", names=(desk.brand,))
    replies = desk.run(desk.session.replies(first_replies.cursor, desk.known))
    followers = desk.run(desk.session.followers(first_followers.cursor, desk.known))
    assert [(type(event), event.id) for event in replies.events] == [(ReplyReceived, uri)]
    assert [(type(event), event.id, event.author.handle) for event in followers.events] == [
        (Followed, followed, "fan.test")
    ]


def test_a_list_that_does_not_answer_is_tried_later() -> None:
    desk = Desk()
    desk.net.script(faults.broken(502, performed=False), "GET", "*listNotifications")
    with pytest.raises(NotSent):
        mentions(desk, None)


@pytest.mark.parametrize("status", [200, 404])
def test_a_page_for_people_is_no_list(status: int) -> None:
    desk = Desk()
    desk.net.script(faults.html(performed=False, status=status), "GET", "*listNotifications")
    with pytest.raises(NotSent):
        mentions(desk, None)


def test_posts_are_asked_for_in_chunks_of_25_and_those_that_are_gone_are_missing() -> None:
    desk = Desk()
    refs = [desk.ref(desk.net.world.say(desk.fan, f"post {number}")) for number in range(60)]
    desk.net.world.remove(refs[3].id)
    desk.net.world.hidden.add(refs[4].id)
    found = desk.run(desk.session.posts(refs))
    assert set(found) == {ref.id for ref in refs} - {refs[3].id, refs[4].id}
    assert [len(one.params("uris")) for one in desk.net.requests("GET", "getPosts")] == [25, 25, 10]


def test_counts_carry_the_moment_of_the_reading() -> None:
    desk = Desk()
    mine = desk.ref(desk.net.world.say(desk.brand, "mine"))
    desk.net.world.like(desk.fan, mine.id)
    desk.net.world.repost(desk.fan, mine.id)
    desk.net.world.say(desk.fan, "nice", to=mine.id)
    desk.net.clock.advance(60)
    metrics = desk.run(desk.session.metrics([mine]))[mine.id].metrics
    assert metrics is not None
    assert (metrics.likes, metrics.reposts, metrics.replies, metrics.engagement) == (1, 1, 1, 3)
    assert metrics.measured_at == AT + timedelta(seconds=60)


def test_a_gate_shows_in_the_post() -> None:
    desk = Desk()
    ref = desk.ref(desk.net.world.say(desk.fan, "no replies please"))
    assert desk.run(desk.session.posts([ref]))[ref.id].replies_allowed
    desk.net.world.gated.add(ref.id)
    assert not desk.run(desk.session.posts([ref]))[ref.id].replies_allowed


def test_a_post_of_ours_is_there_before_the_network_shows_it() -> None:
    desk = Desk()
    mine = desk.ref(desk.net.world.say(desk.brand, "mine"))
    desk.net.world.hidden.add(mine.id)
    assert desk.run(desk.session.posts([mine]))[mine.id].author.is_self
    desk.net.world.remove(mine.id)
    assert desk.run(desk.session.posts([mine])) == {}


def test_own_posts_are_newest_first_without_reposts_and_with_counts() -> None:
    desk = Desk()
    old = desk.net.world.say(desk.brand, "old", at=AT - timedelta(days=9))
    first = desk.net.world.say(desk.brand, "first", at=AT - timedelta(days=2))
    second = desk.net.world.say(desk.brand, "second", to=first, at=AT - timedelta(days=1))
    desk.net.world.repost(desk.brand, desk.net.world.say(desk.fan, "not ours"))
    desk.net.world.like(desk.fan, first)
    posts = desk.run(desk.session.own_posts(AT - timedelta(days=7)))
    assert [post.ref.id for post in posts] == [second, first]
    assert [post.metrics.likes for post in posts if post.metrics] == [0, 1]
    assert old not in {post.ref.id for post in posts}


def test_own_posts_end_after_four_pages() -> None:
    desk = Desk()
    for number in range(450):
        desk.net.world.say(desk.brand, f"{number}", at=AT - timedelta(minutes=number))
    assert len(desk.run(desk.session.own_posts(AT - timedelta(days=7)))) == 400
    assert desk.calls("getAuthorFeed") == 4


def test_pictures_and_links_of_a_post_are_counted() -> None:
    desk = Desk()
    embed = {"media": {"images": [{"alt": ""}, {"alt": ""}]}, "external": {"uri": "https://b.example"}}
    link = {"index": {}, "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example"}]}
    ref = desk.ref(desk.net.world.say(desk.fan, "look", embed=embed, facets=[link]))
    post = desk.run(desk.session.posts([ref]))[ref.id]
    assert post.media_count == 2
    assert post.links == ("https://a.example", "https://b.example")


def test_nothing_asked_is_nothing_found() -> None:
    desk = Desk()
    assert desk.run(desk.session.posts([])) == {}
    assert desk.run(desk.session.posts([PostRef(platform="bluesky", id="at://did:plc:x/app.bsky.feed.post/y")])) == {}
