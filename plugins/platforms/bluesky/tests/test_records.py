"""Records are complete before anything is sent: content, key, and the identifier the network will give them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fieldfare.plugin import Card, Draft, Rejected, Visibility
from fieldfare_bluesky._records import Hangs, about, chain, moments, post, written
from fieldfare_bluesky._tid import at

NOW = datetime(2026, 11, 25, 12, 0, 0, 250_400, tzinfo=UTC)
DID = "did:plc:em6uze4jsjwkyixu3el5u2so"
KEY = at(NOW, "00" * 16)


def made(draft: Draft) -> dict[str, Any]:
    return post(draft, facets=[], blobs=[], created_at=NOW)


def card(draft: Draft) -> dict[str, Any]:
    external: dict[str, Any] = made(draft)["embed"]["external"]
    return external


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert written(NOW) == "2026-11-25T12:00:00.250Z"


def test_the_language_of_the_draft_is_the_records() -> None:
    assert made(Draft(text="Moin", language="de"))["langs"] == ["de"]
    assert "langs" not in made(Draft(text="Moin"))


def test_the_first_link_of_a_text_becomes_a_card_titled_from_the_draft() -> None:
    draft = Draft(text="We are open again: https://brand.example/a\nand https://brand.example/b")
    assert card(draft) == {"uri": "https://brand.example/a", "title": "We are open again", "description": ""}


def test_a_link_alone_is_titled_by_its_host() -> None:
    assert card(Draft(text="https://brand.example/a"))["title"] == "brand.example"


def test_a_long_title_is_cut_between_characters() -> None:
    title = card(Draft(text="é" * 150 + " https://brand.example"))["title"]
    assert title == "é" * 99 + "…"


def test_the_drafts_own_card_goes_before_what_the_text_would_give() -> None:
    wanted = Card(url="https://brand.example/b", title="B", description="The second")
    draft = Draft(text="first https://brand.example/a", card=wanted)
    assert card(draft) == {"uri": "https://brand.example/b", "title": "B", "description": "The second"}


def test_a_text_without_links_has_no_card() -> None:
    assert "embed" not in made(Draft(text="Moin"))


@pytest.mark.parametrize("visibility", [Visibility.UNLISTED, Visibility.FOLLOWERS, Visibility.DIRECT])
def test_what_is_not_for_everybody_is_refused_on_a_network_where_everything_is(visibility: Visibility) -> None:
    with pytest.raises(Rejected, match="everything on bluesky is public"):
        made(Draft(text="psst", visibility=visibility))


def test_a_warning_of_the_network_becomes_a_label_and_another_is_refused() -> None:
    assert made(Draft(text="x", warning="nudity"))["labels"]["values"] == [{"val": "nudity"}]
    with pytest.raises(Rejected, match="has no warning 'spoilers'; it knows graphic-media"):
        made(Draft(text="x", warning="spoilers"))


def test_each_post_of_a_thread_names_the_one_before_and_the_first() -> None:
    posts = [
        made(Draft(text=text)) | {"createdAt": written(moment)}
        for text, moment in zip("abc", moments(NOW, 3), strict=True)
    ]
    first, second, third = chain(DID, KEY, posts, None)
    assert "reply" not in first["record"]
    root = {"uri": first["uri"], "cid": first["cid"]}
    assert second["record"]["reply"] == {"root": root, "parent": root}
    assert third["record"]["reply"] == {"root": root, "parent": {"uri": second["uri"], "cid": second["cid"]}}
    assert first["rkey"] < second["rkey"] < third["rkey"]
    assert first["record"]["createdAt"] < second["record"]["createdAt"] < third["record"]["createdAt"]


def test_a_reply_keeps_the_root_of_the_conversation() -> None:
    hangs = Hangs(root={"uri": "at://r", "cid": "c1"}, parent={"uri": "at://p", "cid": "c2"})
    [reply] = chain(DID, KEY, [made(Draft(text="a"))], hangs)
    assert reply["record"]["reply"] == hangs


def test_a_mark_names_one_version_of_its_subject() -> None:
    assert about("app.bsky.feed.like", {"uri": "at://x", "cid": "c"}, NOW) == {
        "$type": "app.bsky.feed.like",
        "subject": {"uri": "at://x", "cid": "c"},
        "createdAt": "2026-11-25T12:00:00.250Z",
    }
