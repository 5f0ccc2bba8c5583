"""Content identifiers are those that the network computes."""

from __future__ import annotations

from typing import Any

import pytest

from fieldfare_bluesky._cbor import encode, record_cid

ROOT = {
    "uri": "at://did:plc:em6uze4jsjwkyixu3el5u2so/app.bsky.feed.post/3n34xkaefuk2c",
    "cid": "bafyreibcpzhouwqg2gtfcbpcbimznj5gtsltygmezncm7kjfwvenr6yrmm",
}
MENTION = {
    "$type": "app.bsky.feed.post",
    "text": "Grüße 🐦 @brand1.test",
    "langs": ["en"],
    "facets": [
        {
            "index": {"byteStart": 13, "byteEnd": 25},
            "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:w6orgutflcgfo62izi3dc424"}],
        }
    ],
    "createdAt": "2026-11-25T10:17:43.700000Z",
}
REPLY = {
    "$type": "app.bsky.feed.post",
    "text": "Danke!",
    "langs": ["en"],
    "reply": {"root": ROOT, "parent": ROOT},
    "createdAt": "2026-11-25T10:17:43.700000Z",
}
PICTURE = {
    "$type": "app.bsky.feed.post",
    "text": "",
    "langs": ["en", "de"],
    "embed": {
        "$type": "app.bsky.embed.images",
        "images": [
            {
                "alt": "x" * 300,
                "aspectRatio": {"width": 70000, "height": 1},
                "image": {
                    "$type": "blob",
                    "ref": {"$link": "bafkreidim6qt3gkxxrbk4dmbcoxcp6c7ruicpqkse4dfkyikzbgvprqof4"},
                    "mimeType": "image/png",
                    "size": 14,
                },
            }
        ],
    },
    "createdAt": "2026-11-25T10:17:43.700Z",
}


@pytest.mark.parametrize(
    ("record", "cid"),
    [
        (MENTION, ROOT["cid"]),
        (REPLY, "bafyreiamnlliakeh5m5phv4cdwmnwohglft5b34gv3ls7tjlcoxfmit5am"),
        (PICTURE, "bafyreihkjkxn6cu4ch6hyrvzfnmgukvamnzk26atofvd6cm2uozj2axusa"),
    ],
)
def test_a_record_has_the_identifier_that_a_server_gave_it(record: dict[str, Any], cid: str) -> None:
    """The identifiers are those of PDS 0.5.35, 2026-11-25."""
    assert record_cid(record) == cid


def test_the_order_of_keys_does_not_matter() -> None:
    assert record_cid(dict(reversed(MENTION.items()))) == ROOT["cid"]


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (65_536, "1a00010000"),
        (2**32, "1b0000000100000000"),
        (-1, "20"),
        (-500, "3901f3"),
        (True, "f5"),
        (False, "f4"),
        (None, "f6"),
        ("ü", "62c3bc"),
        ([], "80"),
        ({"bb": 1, "a": 2, "ü": 3}, "a361610262626201" + "62c3bc03"),
    ],
)
def test_values_are_written_as_the_specification_says(value: Any, encoded: str) -> None:
    """Mostly examples of RFC 8949, appendix A; keys are sorted by length, then by bytes."""
    assert encode(value).hex() == encoded


@pytest.mark.parametrize("value", [1.5, b"bytes", object(), 2**64])
def test_what_a_record_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        encode({"value": value})
