"""The scripted fediverse server behaves like the real ones were seen to: one test for each habit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.doubles.base import Clock
from tests.doubles.fediverse import Fediverse
from tests.doubles.fediverse_manners import MANNERS
from tests.doubles.fediverse_world import Person, Post
from tests.doubles.wire import Request, Response

AT = datetime(2026, 11, 25, 12, 0, 0, 250_000, tzinfo=UTC)
EVERY = sorted(MANNERS)
HONOURS = ["hollo", "mastodon"]
IGNORES = ["gotosocial", "snac", "takahe"]


class Instance:
    """A server with ada (ours) and bob on it, and a way to ask it things as one of them."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        self.server = Fediverse(name, clock=Clock(AT), **kwargs)
        self.ada = self.server.world.person("ada")
        self.bob = self.server.world.person("bob")

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        who: Person | None = None,
        token: str | None = None,
        form: dict[str, str] | None = None,
        key: str = "",
    ) -> Response:
        given = (who or self.ada).token if token is None else token
        sent = {"idempotency-key": key} if key else {}
        if given:
            sent["authorization"] = f"Bearer {given}"
        content = b"" if body is None else json.dumps(body).encode()
        sent["content-type"] = "application/json"
        if form is not None:
            content, sent["content-type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        parts = urlsplit(target)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return self.server.exchange(Request(method, parts.path, query, sent, content))

    def post(self, text: str = "hello", *, key: str = "", **more: Any) -> Response:
        return self.ask("POST", "/api/v1/statuses", {"status": text, **more}, key=key)

    def own(self, **params: str) -> list[Any]:
        answer = self.ask("GET", f"/api/v1/accounts/{self.ada.id}/statuses?{urlencode(params)}")
        listed: list[Any] = answer.json()
        return listed

    def notes(self, **params: str) -> Response:
        return self.ask("GET", f"/api/v1/notifications?{urlencode(params)}")

    def texts(self) -> list[str]:
        return [post.text for post in self.server.world.posts]


# Writes


@pytest.mark.parametrize("name", HONOURS)
def test_a_key_repeated_within_the_hour_gives_the_first_post(name: str) -> None:
    it = Instance(name)
    first = it.post(key="k")
    it.server.clock.advance(59 * 60)

    assert it.post(key="k").json()["id"] == first.json()["id"]
    assert it.post("another", key="k").json()["id"] == first.json()["id"]
    assert it.texts() == ["hello"]


@pytest.mark.parametrize("name", HONOURS)
def test_a_key_is_forgotten_after_the_hour(name: str) -> None:
    it = Instance(name)
    it.post(key="k")
    it.server.clock.advance(61 * 60)
    it.post(key="k")

    assert len(it.texts()) == 2


@pytest.mark.parametrize("name", HONOURS)
def test_a_key_does_not_hold_against_a_repeat_at_the_same_moment(name: str) -> None:
    it = Instance(name)
    for _ in range(6):
        it.post(key="k")

    assert len(it.texts()) == 6


@pytest.mark.parametrize("name", IGNORES)
def test_a_key_that_is_ignored_makes_as_many_posts_as_requests(name: str) -> None:
    it = Instance(name)
    for _ in range(5):
        it.post(key="k")
        it.server.clock.advance(60)

    assert len(it.texts()) == 5


@pytest.mark.parametrize(("name", "status"), [("hollo", 200), ("mastodon", 404)])
def test_the_key_of_a_deleted_post(name: str, status: int) -> None:
    it = Instance(name)
    first = it.post(key="k").json()["id"]
    it.ask("DELETE", f"/api/v1/statuses/{first}")
    it.server.clock.advance(60)

    assert it.post(key="k").status == status


def test_a_key_belongs_to_one_account() -> None:
    it = Instance("mastodon")
    it.post(key="k")
    it.server.clock.advance(60)
    it.ask("POST", "/api/v1/statuses", {"status": "mine"}, who=it.bob, key="k")

    assert it.texts() == ["hello", "mine"]


@pytest.mark.parametrize("name", EVERY)
def test_a_form_is_a_body_except_where_it_is_silently_ignored(name: str) -> None:
    it = Instance(name)
    answer = it.ask("POST", "/api/v1/statuses", form={"status": "hi"})

    assert answer.status == 200
    assert it.texts() == ["" if name == "hollo" else "hi"]


@pytest.mark.parametrize(
    ("name", "empty", "long"),
    [
        ("gotosocial", 400, 400),
        ("snac", 200, 200),
        ("takahe", 400, 400),
        ("hollo", 400, 200),
        ("mastodon", 422, 422),
    ],
)
def test_posts_that_are_empty_or_too_long(name: str, empty: int, long: int) -> None:
    it = Instance(name)

    assert (it.post("").status, it.post("x" * 60_001).status) == (empty, long)


@pytest.mark.parametrize("name", EVERY)
def test_a_planned_post_waits_except_where_planning_is_ignored(name: str) -> None:
    it = Instance(name)
    answer = it.post("later", scheduled_at="2026-11-25T13:00:00Z").json()
    waits = name in ("gotosocial", "mastodon")

    assert ("scheduled_at" in answer, "content" in answer) == (waits, not waits)
    assert it.texts() == ([] if waits else ["later"])
    it.server.clock.advance(3600)
    it.own()
    assert it.texts() == ["later"]


@pytest.mark.parametrize("name", EVERY)
def test_a_post_without_visibility_is_public_except_on_gotosocial(name: str) -> None:
    it = Instance(name)
    it.post()

    assert it.server.world.posts[0].visibility == ("unlisted" if name == "gotosocial" else "public")


@pytest.mark.parametrize("name", EVERY)
def test_a_reply_to_a_post_that_is_gone_is_refused_or_loses_its_parent(name: str) -> None:
    it = Instance(name)
    gone = it.server.world.say(it.bob, "soon gone")
    it.server.world.delete(gone)
    answer = it.post("an answer", in_reply_to_id=gone.id)

    loses = name in ("snac", "takahe")
    assert answer.status == (200 if loses else 404)
    assert it.texts() == ["soon gone", "an answer"][: 2 if loses else 1]


@pytest.mark.parametrize(
    ("name", "status", "boosts"),
    [("gotosocial", 200, 2), ("snac", 200, 1), ("takahe", 200, 1), ("hollo", 500, 1), ("mastodon", 200, 1)],
)
def test_boosting_twice(name: str, status: int, boosts: int) -> None:
    it = Instance(name, late=0)
    post = it.server.world.say(it.bob, "boost me")
    it.ask("POST", f"/api/v1/statuses/{post.id}/reblog")

    assert it.ask("POST", f"/api/v1/statuses/{post.id}/reblog").status == status
    assert (len(post.boosts), len(it.server.done("reblog"))) == (boosts, boosts)
    told = it.ask("GET", "/api/v1/notifications", who=it.bob).json()
    assert [note["type"] for note in told] == ["reblog"] * boosts


def test_the_answer_to_a_boost_on_takahe_is_the_post_itself() -> None:
    it = Instance("takahe")
    post = it.server.world.say(it.bob, "boost me")
    answer = it.ask("POST", f"/api/v1/statuses/{post.id}/reblog").json()

    assert (answer["id"], answer["reblog"], answer["reblogged"]) == (post.id, None, True)


@pytest.mark.parametrize("name", ["gotosocial", "snac", "hollo", "mastodon"])
def test_the_answer_to_a_boost_is_a_wrapper_elsewhere(name: str) -> None:
    it = Instance(name)
    post = it.server.world.say(it.bob, "boost me")
    answer = it.ask("POST", f"/api/v1/statuses/{post.id}/reblog").json()

    assert answer["id"] != post.id
    assert answer["reblog"]["id"].lower() == post.id.lower()


def test_a_boosted_post_reads_back_under_its_upper_case_id_on_snac() -> None:
    it = Instance("snac")
    post = it.server.world.say(it.bob, "boost me")
    it.ask("POST", f"/api/v1/statuses/{post.id}/reblog")
    shown = it.ask("GET", f"/api/v1/statuses/{post.id}").json()["id"]

    assert (shown, shown == post.id) == (post.id.upper(), False)
    assert it.ask("GET", f"/api/v1/statuses/{shown}").status == 200


@pytest.mark.parametrize("name", EVERY)
def test_favouriting_twice_counts_once_and_is_404_on_hollo(name: str) -> None:
    it = Instance(name)
    post = it.server.world.say(it.bob, "like me")
    it.ask("POST", f"/api/v1/statuses/{post.id}/favourite")

    assert it.ask("POST", f"/api/v1/statuses/{post.id}/favourite").status == (404 if name == "hollo" else 200)
    assert (len(post.favourited_by), len(it.server.done("favourite"))) == (1, 1)


@pytest.mark.parametrize("name", EVERY)
def test_what_was_done_can_be_undone_and_a_second_delete_is_404(name: str) -> None:
    it = Instance(name)
    post = it.server.world.say(it.bob, "like me")
    mine = it.post().json()["id"]
    for deed in ("favourite", "unfavourite", "reblog", "unreblog"):
        it.ask("POST", f"/api/v1/statuses/{post.id}/{deed}")

    assert (post.favourited_by, post.boosts) == ([], [])
    assert it.ask("DELETE", f"/api/v1/statuses/{mine}").status == 200
    assert it.ask("DELETE", f"/api/v1/statuses/{mine}").status == 404


# Identity


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("gotosocial", r"[0-9A-HJKMNP-TV-Z]{26}"),
        ("snac", r"\d{10}[0-9a-f]{32}"),
        ("takahe", r"\d+"),
        ("hollo", r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"),
        ("mastodon", r"\d+"),
    ],
)
def test_ids_look_like_those_of_the_real_server(name: str, pattern: str) -> None:
    import re

    it = Instance(name)
    ids = [it.post(str(number)).json()["id"] for number in range(300)]

    assert all(re.fullmatch(pattern, each) for each in ids)
    assert len(set(ids)) == 300


@pytest.mark.parametrize("name", ["gotosocial", "takahe", "hollo", "mastodon"])
def test_ids_that_carry_time_sort_in_the_order_they_were_given(name: str) -> None:
    it = Instance(name)
    ids = [it.post(str(number)).json()["id"] for number in range(50)]

    assert ids == sorted(ids)


@pytest.mark.parametrize(("name", "id"), [("takahe", "1"), ("hollo", "2026-11-25T12:00:00.250Z/mention/")])
def test_notifications_have_ids_of_their_own_kind(name: str, id: str) -> None:
    it = Instance(name, late=0)
    it.server.world.say(it.bob, "@ada hi")

    assert it.notes().json()[0]["id"].startswith(id)


@pytest.mark.parametrize(
    ("name", "in_post", "in_note"),
    [
        ("gotosocial", "bob", "bob"),
        ("snac", "bob@fediverse.invalid", "bob"),
        ("takahe", "bob@fediverse.invalid", "bob@fediverse.invalid"),
        ("hollo", "bob", "bob"),
        ("mastodon", "bob", "bob"),
    ],
)
def test_the_acct_of_a_local_account(name: str, in_post: str, in_note: str) -> None:
    it = Instance(name, late=0)
    it.server.world.say(it.bob, "@ada hi")
    note = it.notes().json()[0]

    assert (note["status"]["account"]["acct"], note["account"]["acct"]) == (in_post, in_note)


# Lists


def told(it: Instance, count: int) -> list[str]:
    """`count` mentions of ada; their notification ids, oldest first."""
    for number in range(count):
        it.server.world.say(it.bob, f"@ada number {number}")
        it.server.clock.advance(1)
    it.notes()
    return [note.id for note in it.server.world.notes]


@pytest.mark.parametrize("name", ["gotosocial", "snac", "takahe", "mastodon"])
def test_a_page_after_min_id_holds_the_next_ones_newest_first(name: str) -> None:
    it = Instance(name, late=0)
    ids = told(it, 9)
    page = it.notes(min_id=ids[1], limit="3").json()

    assert [note["id"] for note in page] == [ids[4], ids[3], ids[2]]


@pytest.mark.parametrize("name", ["gotosocial", "takahe", "mastodon"])
def test_a_page_since_an_id_holds_the_newest(name: str) -> None:
    it = Instance(name, late=0)
    ids = told(it, 9)

    assert [note["id"] for note in it.notes(since_id=ids[1], limit="3").json()] == [ids[8], ids[7], ids[6]]


def test_snac_ignores_since_id_and_hollo_every_turn_but_its_own() -> None:
    snac, hollo = Instance("snac", late=0), Instance("hollo", late=0)
    ids, others = told(snac, 5), told(hollo, 5)

    assert [note["id"] for note in snac.notes(since_id=ids[3]).json()] == ids[::-1]
    for turn in ("min_id", "since_id", "max_id"):
        assert [note["id"] for note in hollo.notes(**{turn: others[3]}).json()] == others[::-1]
    earlier = hollo.notes(older_than=hollo.server.world.notes[2].due.isoformat()).json()
    assert [note["id"] for note in earlier] == [others[1], others[0]]


@pytest.mark.parametrize("name", EVERY)
def test_the_link_header_of_notifications(name: str) -> None:
    it = Instance(name, late=0)
    assert "link" not in it.notes().headers
    ids = told(it, 3)
    link = it.notes(**{"types[]": "mention", "limit": "2"}).headers.get("link", "")

    if name in ("snac", "hollo"):
        assert link == ""
    else:
        following, previous = link.split(", ")
        assert following.endswith(f'types%5B%5D=mention&limit=2&max_id={ids[1]}>; rel="next"')
        assert previous.endswith(f'&min_id={ids[2]}>; rel="prev"')


@pytest.mark.parametrize("name", EVERY)
def test_own_posts_are_listed_newest_first_and_page_by_max_id_except_on_snac(name: str) -> None:
    it = Instance(name)
    ids = [it.post(str(number), visibility="public").json()["id"] for number in range(5)]

    expected = ids[::-1] if name == "snac" else [ids[1], ids[0]]
    assert [each["id"] for each in it.own(max_id=ids[2])] == expected


@pytest.mark.parametrize("name", EVERY)
def test_own_private_posts_are_listed_except_on_snac_and_takahe(name: str) -> None:
    it = Instance(name)
    for visibility in ("public", "unlisted", "private", "direct"):
        it.post(visibility, visibility=visibility)

    listed = 2 if name in ("snac", "takahe") else 4
    assert len(it.own()) == listed


def test_nobody_else_lists_private_posts() -> None:
    it = Instance("mastodon")
    it.post("hush", visibility="direct")
    answer = it.ask("GET", f"/api/v1/accounts/{it.ada.id}/statuses", who=it.bob)

    assert answer.json() == []


# Notifications


@pytest.mark.parametrize(("name", "seconds"), [("snac", 9.0), ("takahe", 1.04), ("gotosocial", 0.005)])
def test_a_mention_shows_up_late(name: str, seconds: float) -> None:
    it = Instance(name)
    it.server.world.say(it.bob, "@ada hi")
    it.server.clock.advance(seconds * 0.9)
    assert it.notes().json() == []
    it.server.clock.advance(seconds * 0.2)

    assert [note["type"] for note in it.notes().json()] == ["mention"]


@pytest.mark.parametrize("name", EVERY)
def test_a_self_mention_notifies_on_gotosocial_only(name: str) -> None:
    it = Instance(name, late=0)
    it.post("I am @ada", visibility="public")

    assert len(it.notes().json()) == (1 if name == "gotosocial" else 0)


@pytest.mark.parametrize("name", EVERY)
def test_a_notification_outlives_its_post_and_a_follow_never_had_one(name: str) -> None:
    it = Instance(name, late=0)
    it.server.world.delete(it.server.world.say(it.bob, "@ada hi"))
    it.server.world.follow(it.bob, it.ada)
    notes = {note["type"]: note.get("status", "none at all") for note in it.notes().json()}

    assert notes == {"mention": None, "follow": "none at all"}


@pytest.mark.parametrize("name", EVERY)
def test_types_choose_what_is_listed(name: str) -> None:
    it = Instance(name, late=0)
    it.server.world.say(it.bob, "@ada hi")
    it.server.world.follow(it.bob, it.ada)

    assert [note["type"] for note in it.notes(**{"types[]": "follow"}).json()] == ["follow"]


@pytest.mark.parametrize("name", EVERY)
def test_an_answer_notifies_whom_it_answers(name: str) -> None:
    it = Instance(name, late=0)
    mine = it.server.world.say(it.ada, "anybody there?")
    it.server.world.say(it.bob, "yes", to=mine)
    note = it.notes().json()[0]

    assert (note["type"], note["status"]["in_reply_to_id"]) == ("mention", mine.id)


# What is read back


@pytest.mark.parametrize("name", EVERY)
def test_text_is_stored_as_html_with_entities_links_and_mentions(name: str) -> None:
    it = Instance(name)
    content = it.post('@bob: 1 < 2 & "x"\nhttps://example.org/a/very/long/path?q=1&r=2 #Tag').json()["content"]

    assert "1 &lt; 2 &amp; " in content
    assert 'href="http://fediverse.invalid/@bob"' in content
    assert 'href="https://example.org/a/very/long/path?q=1&amp;r=2"' in content
    assert ">@<span>bob</span></a>" in content or ">@bob</a>" in content
    assert 'href="http://fediverse.invalid/tags/tag"' in content


def test_markdown_is_rendered_where_the_server_does_so() -> None:
    rendered = {name: Instance(name).post("*so* and **more**").json()["content"] for name in EVERY}

    assert rendered["hollo"] == "<p><em>so</em> and <strong>more</strong></p>\n"
    assert rendered["snac"] == "<i>so</i> and <b>more</b>"
    assert rendered["mastodon"] == "<p>*so* and **more**</p>"


@pytest.mark.parametrize("name", EVERY)
def test_times_have_milliseconds_except_on_snac_which_cuts_them_off(name: str) -> None:
    it = Instance(name)

    assert it.post().json()["created_at"] == f"2026-11-25T12:00:00.{'000' if name == 'snac' else '250'}Z"


def test_a_post_can_be_dated_back() -> None:
    it = Instance("mastodon", late=0)
    it.server.world.say(it.bob, "@ada from long ago", at=datetime(2020, 1, 1, tzinfo=UTC))

    assert it.notes().json()[0]["status"]["created_at"] == "2020-01-01T00:00:00.000Z"


@pytest.mark.parametrize("name", EVERY)
def test_a_direct_post_is_seen_by_those_it_names_only(name: str) -> None:
    it = Instance(name)
    hush = it.server.world.say(it.bob, "@ada hush", visibility="direct")
    eve = it.server.world.person("eve")

    seen = it.ask("GET", f"/api/v1/statuses/{hush.id}").json()["visibility"]
    assert seen == ("private" if name == "snac" else "direct")
    assert it.ask("GET", f"/api/v1/statuses/{hush.id}", who=eve).status == 404


def test_the_context_holds_what_is_above_and_below() -> None:
    it = Instance("mastodon")
    world = it.server.world
    top = world.say(it.bob, "top")
    middle = world.say(it.ada, "middle", to=top)
    bottom: Post = world.say(it.bob, "bottom", to=middle)
    context = it.ask("GET", f"/api/v1/statuses/{middle.id}/context").json()

    assert [each["id"] for each in context["ancestors"]] == [top.id]
    assert [each["id"] for each in context["descendants"]] == [bottom.id]


# Errors


@pytest.mark.parametrize(
    ("name", "none", "bad", "here"),
    [
        ("gotosocial", 401, 401, 401),
        ("snac", 401, 401, 422),
        ("takahe", 401, 400, 400),
        ("hollo", 401, 401, 401),
        ("mastodon", 401, 401, 401),
    ],
)
def test_a_missing_and_a_bad_token(name: str, none: int, bad: int, here: int) -> None:
    it = Instance(name)

    assert it.ask("GET", "/api/v1/notifications", token="").status == none
    assert it.ask("GET", "/api/v1/notifications", token="nonsense").status == bad
    assert it.ask("GET", "/api/v1/accounts/verify_credentials", token="nonsense").status == here


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("gotosocial", 404, "application/json"),
        ("snac", 404, "text/html"),
        ("takahe", 500, "text/html"),
        ("hollo", 404, "application/json"),
        ("mastodon", 404, "application/json"),
    ],
)
def test_an_unknown_id(name: str, status: int, kind: str) -> None:
    answer = Instance(name).ask("GET", "/api/v1/statuses/zzz")

    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (status, kind)


def test_snac_says_nothing_takahe_says_text_and_hollo_says_issues() -> None:
    said = {name: Instance(name).ask("GET", "/api/v1/notifications", token="x") for name in EVERY}

    assert said["snac"].body == b""
    assert said["takahe"].headers["content-type"] == "text/plain"
    assert Instance("hollo").post("").json()["success"] is False


@pytest.mark.parametrize(
    ("name", "status"),
    [("gotosocial", 200), ("snac", 404), ("takahe", 500), ("hollo", 200), ("mastodon", 200)],
)
def test_the_second_version_of_the_instance_is_not_everywhere(name: str, status: int) -> None:
    it = Instance(name)

    assert it.ask("GET", "/api/v2/instance", token="").status == status
    assert it.ask("GET", "/api/v1/instance", token="").json()["version"] == MANNERS[name].version


@pytest.mark.parametrize("name", EVERY)
def test_nodeinfo_is_found_by_its_index_only(name: str) -> None:
    it = Instance(name)
    where = it.ask("GET", "/.well-known/nodeinfo", token="").json()["links"][0]["href"]
    wrong = "/nodeinfo/2.0" if name in ("snac", "hollo") else "/nodeinfo/2.1"

    assert it.ask("GET", urlsplit(where).path, token="").json()["software"]["name"] == name
    assert it.ask("GET", wrong, token="").status == 404


@pytest.mark.parametrize("name", EVERY)
def test_rate_headers_where_the_server_sends_them(name: str) -> None:
    headers = Instance(name).ask("GET", "/api/v1/instance").headers

    assert headers.get("x-ratelimit-reset") == (
        "2026-11-25T12:05:00.250Z" if name in ("gotosocial", "mastodon") else None
    )


# Media

PICTURE = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    b"\x89PNG\r\n--b\r\n"
    b'Content-Disposition: form-data; name="description"\r\n\r\na dot\r\n--b--\r\n'
)


def upload(it: Instance) -> Response:
    headers = {"authorization": f"Bearer {it.ada.token}", "content-type": "multipart/form-data; boundary=b"}
    return it.server.exchange(Request("POST", "/api/v2/media", (), headers, PICTURE))


def test_a_file_that_takes_time_is_202_without_address_until_it_is_ready() -> None:
    it = Instance("mastodon", media_takes=5)
    answer = upload(it)
    id = answer.json()["id"]

    assert (answer.status, answer.json()["url"]) == (202, None)
    assert it.ask("GET", f"/api/v1/media/{id}").status == 206
    assert it.post("with picture", media_ids=[id]).status == 422
    it.server.clock.advance(6)
    assert it.ask("GET", f"/api/v1/media/{id}").json()["url"] is not None
    assert it.post("with picture", media_ids=[id]).json()["media_attachments"][0]["description"] == "a dot"


def test_an_attachment_serves_once() -> None:
    it = Instance("mastodon")
    id = upload(it).json()["id"]

    assert [it.post("x", media_ids=[id]).status for _ in range(2)] == [200, 422]


def test_snac_cannot_be_asked_for_an_upload() -> None:
    it = Instance("snac")
    id = upload(it).json()["id"]

    assert it.ask("GET", f"/api/v1/media/{id}").status == 404
    assert it.ask("PUT", f"/api/v1/media/{id}", {"description": "another"}).json()["description"] == "another"


def test_snac_closes_connections_without_saying_so() -> None:
    assert [name for name in EVERY if Fediverse(name).silent_close] == ["snac"]
