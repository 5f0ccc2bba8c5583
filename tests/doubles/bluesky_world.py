"""Repositories, blobs and notification lists of a scripted AT Protocol network."""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import regex

from fieldfare_bluesky._cbor import record_cid

from .base import Clock

POST = "app.bsky.feed.post"
LIKE = "app.bsky.feed.like"
REPOST = "app.bsky.feed.repost"
FOLLOW = "app.bsky.graph.follow"
IMAGE_BYTES = 1_000_000
_TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


class Invalid(Exception):
    """A record that the lexicon does not allow: the error's name and its message."""

    def __init__(self, message: str, error: str = "InvalidRequest") -> None:
        super().__init__(message)
        self.error = error


@dataclass
class Person:
    """An account: `closed` is the error that every write of it meets."""

    handle: str
    did: str
    password: str
    repo: dict[tuple[str, str], tuple[dict[str, Any], str]] = field(default_factory=dict)
    blobs: dict[str, int] = field(default_factory=dict)
    closed: str = ""
    bot: bool = False

    def posts(self) -> list[dict[str, Any]]:
        """Post records, in the order of their keys."""
        return [record for (kind, _), (record, _) in sorted(self.repo.items()) if kind == POST]


@dataclass(frozen=True)
class Entry:
    """One line of a notification list; `at` is where it sorts."""

    to: str
    by: str
    reason: str
    uri: str
    at: str


class World:
    """Everybody and what they wrote. Nothing in it fails by itself."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.gated: set[str] = set()
        """Posts that take no replies."""
        self.hidden: set[str] = set()
        """Posts that the AppView does not show, for whatever reason."""
        self._serial = itertools.count(1)

    # What tests say

    def person(self, handle: str) -> Person:
        """Somebody new."""
        did = "did:plc:" + hashlib.sha256(handle.encode()).hexdigest()[:24].translate(str.maketrans("0189", "wxyz"))
        self.people[did] = Person(handle, did, f"canary-password-of-{handle}")
        return self.people[did]

    def say(
        self,
        by: Person,
        text: str,
        *,
        names: tuple[Person, ...] = (),
        to: str = "",
        at: datetime | None = None,
        **more: Any,
    ) -> str:
        """A post with a mention facet for each of `names`; gives its address."""
        record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": self._stamp(at), **more}
        if names:
            feature = "app.bsky.richtext.facet#mention"
            record["facets"] = [
                {"index": {"byteStart": 0, "byteEnd": 1}, "features": [{"$type": feature, "did": one.did}]}
                for one in names
            ]
        if to:
            parent = {"uri": to, "cid": self.find(to)[1]}
            record["reply"] = {"root": self.find(to)[0].get("reply", {}).get("root", parent), "parent": parent}
        return self._create(by, POST, record)

    def like(self, by: Person, uri: str) -> str:
        return self._about(by, LIKE, uri)

    def repost(self, by: Person, uri: str) -> str:
        return self._about(by, REPOST, uri)

    def follow(self, by: Person, whom: Person) -> str:
        return self._create(by, FOLLOW, {"$type": FOLLOW, "subject": whom.did, "createdAt": self._stamp(None)})

    def remove(self, uri: str) -> None:
        did, kind, rkey = uri.removeprefix("at://").split("/")
        self.people[did].repo.pop((kind, rkey), None)

    def find(self, uri: str) -> tuple[dict[str, Any], str]:
        """A record and its cid; raises KeyError when it is not there."""
        did, kind, rkey = uri.removeprefix("at://").split("/")
        return self.people[did].repo[kind, rkey]

    def replies(self, to: str) -> list[str]:
        """The addresses of all direct answers to a post."""
        return [
            f"at://{one.did}/{kind}/{rkey}"
            for one in self.people.values()
            for (kind, rkey), (record, _) in one.repo.items()
            if kind == POST and record.get("reply", {}).get("parent", {}).get("uri") == to
        ]

    # What the server asks

    def entries(self, to: Person) -> list[Entry]:
        """The notification list, newest first; an entry's time is what its author wrote, cut at now."""
        now = self._stamp(None)
        found: list[Entry] = []
        for one in self.people.values():
            for (kind, rkey), (record, _) in one.repo.items():
                uri = f"at://{one.did}/{kind}/{rkey}"
                reason = self._reason(to, kind, record) if one is not to else ""
                if reason:
                    found.append(Entry(to.did, one.did, reason, uri, min(record["createdAt"], now)))
        return sorted(found, key=lambda entry: (entry.at, entry.uri), reverse=True)

    def count(self, uri: str, kind: str) -> int:
        return sum(
            record["subject"].get("uri") == uri
            for one in self.people.values()
            for (found, _), (record, _) in one.repo.items()
            if found == kind
        )

    def mark_of(self, who: Person, kind: str, uri: str) -> str | None:
        return next(
            (
                f"at://{who.did}/{kind}/{rkey}"
                for (found, rkey), (record, _) in who.repo.items()
                if found == kind and record["subject"].get("uri") == uri
            ),
            None,
        )

    def check(self, by: Person, kind: str, rkey: str, record: dict[str, Any]) -> None:
        """Raises Invalid for what the servers refuse; what they let pass, it lets pass."""
        if kind in (POST, LIKE, REPOST) and not _TID.fullmatch(rkey):
            raise Invalid(f'Invalid record key for {kind}: Invalid TID string (got "{rkey}")')
        if record.get("$type") != kind:
            raise Invalid(f"Invalid $type: expected {kind}, got {record.get('$type')}")
        if not re.search(r"(Z|[+-]\d\d:\d\d)$", record.get("createdAt", "")):
            raise Invalid(f"Invalid {kind} record: createdAt must be an RFC3339 datetime")
        if kind == POST:
            self._check_post(by, record)

    def _check_post(self, by: Person, record: dict[str, Any]) -> None:
        count = len(regex.findall(r"\X", record["text"]))
        if count > 300 or len(record["text"].encode()) > 3000:
            raise Invalid(f"Invalid post record: grapheme too big (maximum 300, got {count}) at $.record.text")
        if "reply" in record and set(record["reply"]) != {"root", "parent"}:
            raise Invalid("Invalid post record: Missing required key at $.record.reply")
        images = record.get("embed", {}).get("images", [])
        if len(images) > 4:
            raise Invalid("Invalid post record: array too big (maximum 4)")
        for image in images:
            if not isinstance(image.get("alt"), str):
                raise Invalid("Invalid post record: Missing required key at $.record.embed.images.alt")
            if (size := by.blobs.get(image["image"]["ref"]["$link"])) is None:
                raise Invalid("Could not find blob", "BlobNotFound")
            if size > IMAGE_BYTES:
                raise Invalid(f"This file is too large. It is {size} bytes but the maximum size is {IMAGE_BYTES}")

    def _reason(self, to: Person, kind: str, record: dict[str, Any]) -> str:
        mine = f"at://{to.did}/"
        if kind == FOLLOW:
            return "follow" if record["subject"] == to.did else ""
        if kind in (LIKE, REPOST):
            return kind.rsplit(".", 1)[1] if record["subject"]["uri"].startswith(mine) else ""
        if kind != POST:
            return ""
        features = [f for facet in record.get("facets", ()) for f in facet["features"]]
        if any(feature.get("did") == to.did for feature in features):
            return "mention"
        return "reply" if record.get("reply", {}).get("parent", {}).get("uri", "").startswith(mine) else ""

    def _about(self, by: Person, kind: str, uri: str) -> str:
        subject = {"uri": uri, "cid": self.find(uri)[1]}
        return self._create(by, kind, {"$type": kind, "subject": subject, "createdAt": self._stamp(None)})

    def _create(self, by: Person, kind: str, record: dict[str, Any]) -> str:
        number = next(self._serial)
        alphabet = "234567abcdefghijklmnopqrstuvwxyz"
        rkey = "3k" + "".join(alphabet[number >> shift & 31] for shift in range(50, -1, -5))
        by.repo[kind, rkey] = (record, record_cid(record))
        return f"at://{by.did}/{kind}/{rkey}"

    def _stamp(self, at: datetime | None) -> str:
        return (at or self.clock.now()).isoformat(timespec="milliseconds").replace("+00:00", "Z")
