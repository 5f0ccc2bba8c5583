"""Records as they are frozen before anything is sent: key, content and content identifier of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import regex

from fieldfare.plugin import Draft, Media, Rejected, Visibility

from ._cbor import record_cid
from ._image import TYPES, Image, recognise
from ._text import graphemes, spans
from ._tid import following
from ._wire import POST, WARNINGS

IMAGES = 4
IMAGE_BYTES = 1_000_000
"""The older server's limit (PDS 0.4.217); the newer one, 0.5.35, takes twice that. Seen 2026-11-22."""
THREAD = 25
"""Posts in one write: 25 of 3000 bytes stay under the 150 kB of JSON that every server takes."""
_TITLE = 100


class Frozen(TypedDict):
    """One record as `Attempt.once` keeps it."""

    rkey: str
    uri: str
    cid: str
    record: dict[str, Any]


class Hangs(TypedDict):
    """What a reply hangs on: address and content identifier of the first post of the conversation and of its parent."""

    root: dict[str, str]
    parent: dict[str, str]


def frozen(did: str, collection: str, rkey: str, record: dict[str, Any]) -> Frozen:
    """A record under its key, with the identifier that the network will give it."""
    return Frozen(rkey=rkey, uri=f"at://{did}/{collection}/{rkey}", cid=record_cid(record), record=record)


def chain(did: str, rkey: str, posts: Sequence[dict[str, Any]], reply: Hangs | None) -> list[Frozen]:
    """Post records as a thread: each names its parent's uri and cid, which nobody but us knows yet.

    `reply` is what the first one hangs on, if anything.
    """
    done: list[Frozen] = []
    for step, post in enumerate(posts):
        if done:
            first, last = done[0], done[-1]
            root = reply["root"] if reply else {"uri": first["uri"], "cid": first["cid"]}
            hangs: Hangs | None = Hangs(root=root, parent={"uri": last["uri"], "cid": last["cid"]})
        else:
            hangs = reply
        record = {**post, "reply": hangs} if hangs else post
        done.append(frozen(did, POST, following(rkey, step), record))
    return done


def post(
    draft: Draft,
    *,
    facets: Sequence[dict[str, Any]],
    blobs: Sequence[tuple[Media, dict[str, Any], Image]],
    created_at: datetime,
) -> dict[str, Any]:
    """A post record; raises Rejected for a draft that the network would show to more people than it may be shown to."""
    if draft.visibility not in (None, Visibility.PUBLIC):
        raise Rejected(f"everything on bluesky is public, and the post is to be {draft.visibility.value!r}")
    record: dict[str, Any] = {"$type": POST, "text": draft.text, "createdAt": written(created_at)}
    if facets:
        record["facets"] = list(facets)
    if draft.language:
        record["langs"] = [draft.language]
    if draft.warning:
        if draft.warning not in WARNINGS:
            raise Rejected(f"bluesky has no warning {draft.warning!r}; it knows {', '.join(WARNINGS)}")
        label = {"val": draft.warning}
        record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": [label]}
    embed = _images(blobs) or _card(draft)
    if embed:
        record["embed"] = embed
    return record


def about(collection: str, subject: Mapping[str, str], created_at: datetime) -> dict[str, Any]:
    """A like or a repost of one version of a post."""
    return {"$type": collection, "subject": dict(subject), "createdAt": written(created_at)}


def picture(media: Media, content: bytes) -> Image:
    """What the bytes of a media file are; raises Rejected for what a post on this network cannot carry."""
    image = recognise(content)
    if image is None:
        raise Rejected(f"{media.source!r} is no picture that bluesky shows; it takes {', '.join(TYPES)}")
    if len(content) > IMAGE_BYTES:
        raise Rejected(f"{media.source!r} has {len(content)} bytes, bluesky takes {IMAGE_BYTES}")
    return image


def written(moment: datetime) -> str:
    """A time as records hold it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moments(start: datetime, count: int) -> list[datetime]:
    """One millisecond after another, so that a thread sorts in its own order wherever times are compared."""
    return [start + timedelta(milliseconds=step) for step in range(count)]


def _images(blobs: Sequence[tuple[Media, dict[str, Any], Image]]) -> dict[str, Any] | None:
    if not blobs:
        return None
    images: list[dict[str, Any]] = []
    for media, blob, image in blobs:
        entry: dict[str, Any] = {"alt": media.alt, "image": blob}
        if image.width and image.height:
            entry["aspectRatio"] = {"width": image.width, "height": image.height}
        images.append(entry)
    return {"$type": "app.bsky.embed.images", "images": images}


def _card(draft: Draft) -> dict[str, Any] | None:
    """A preview of the card's link, else of the first link in the text; pages are never fetched for it."""
    if draft.card is not None:
        url, title, description = draft.card.url, draft.card.title, draft.card.description
    else:
        url = next((span.value for span in spans(draft.text) if span.kind == "link"), "")
        title = description = ""
    if not url:
        return None
    external = {"uri": url, "title": title or _title(draft.text, url), "description": description}
    return {"$type": "app.bsky.embed.external", "external": external}


def _title(text: str, url: str) -> str:
    """The first line of the text that says something besides links, else the link's host."""
    for line in text.splitlines():
        kept = line
        for span in reversed(spans(line)):
            if span.kind == "link":
                kept = kept[: span.start] + kept[span.end :]
        kept = " ".join(kept.split()).strip(" :–—-")
        if kept:
            shown = regex.findall(r"\X", kept)
            return kept if graphemes(kept) <= _TITLE else "".join(shown[: _TITLE - 1]) + "…"
    return url.split("/")[2]
