"""A real AT Protocol network for one test session, and the other people on it.

What stands here speaks to the network with a client of its own: it plays strangers, never the connector.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).parent / "bluesky"
INSTALL_SECONDS = 900
"""A first start compiles a database driver: 70 s on two idle cores (2026-11-25), minutes on busy ones."""
POST = "app.bsky.feed.post"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ref:
    """A record out there: its address and the hash of its content."""

    uri: str
    cid: str

    @property
    def rkey(self) -> str:
        return self.uri.rsplit("/", 1)[1]

    @property
    def strong(self) -> dict[str, str]:
        return {"uri": self.uri, "cid": self.cid}


@dataclass(frozen=True)
class Person:
    """Somebody with an account; every method is one call as that person and raises on an error answer."""

    network: Network
    handle: str
    did: str
    password: str
    token: str = field(repr=False)

    def call(self, name: str, body: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """One XRPC call: a procedure with a `body`, else a query with `params`."""
        return self.network.call(name, body, token=self.token, **params)

    def app_password(self) -> str:
        """A fresh app password, as an owner would give to a program."""
        made = self.call("com.atproto.server.createAppPassword", {"name": f"fieldfare {next(_numbers)}"})
        return str(made["password"])

    def post(
        self,
        text: str,
        *,
        mentions: Sequence[Person] = (),
        reply_to: Ref | None = None,
        root: Ref | None = None,
        created_at: datetime | None = None,
    ) -> Ref:
        """A post whose `@handle`s of `mentions` carry facets; with `reply_to` it answers that post."""
        record: dict[str, Any] = {
            "$type": POST,
            "text": text,
            "createdAt": _written(created_at),
            "langs": ["en"],
        }
        if mentions:
            record["facets"] = [_mention_facet(text, person) for person in mentions]
        if reply_to:
            record["reply"] = {"root": (root or reply_to).strong, "parent": reply_to.strong}
        return self._create(POST, record)

    def _create(self, collection: str, record: dict[str, Any]) -> Ref:
        made = self.call(
            "com.atproto.repo.createRecord", {"repo": self.did, "collection": collection, "record": record}
        )
        return Ref(made["uri"], made["cid"])

    def _about(self, collection: str, subject: Ref) -> Ref:
        return self._create(collection, {"$type": collection, "subject": subject.strong, "createdAt": _written()})

    def like(self, subject: Ref) -> Ref:
        return self._about("app.bsky.feed.like", subject)

    def repost(self, subject: Ref) -> Ref:
        return self._about("app.bsky.feed.repost", subject)

    def follow(self, whom: Person, at: datetime | None = None) -> Ref:
        kind = "app.bsky.graph.follow"
        return self._create(kind, {"$type": kind, "subject": whom.did, "createdAt": _written(at)})

    def says_it_is_a_bot(self) -> None:
        """Labels the account as an automated one, as its owner does in the app."""
        kind = "app.bsky.actor.profile"
        labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "bot"}]}
        record = {"$type": kind, "labels": labels}
        self.call(
            "com.atproto.repo.putRecord", {"repo": self.did, "collection": kind, "rkey": "self", "record": record}
        )

    def delete(self, ref: Ref) -> None:
        collection = ref.uri.split("/")[-2]
        self.call("com.atproto.repo.deleteRecord", {"repo": self.did, "collection": collection, "rkey": ref.rkey})

    def nobody_may_reply(self, to: Ref) -> None:
        """Puts a gate on a post of one's own: it takes no replies."""
        self.call(
            "com.atproto.repo.createRecord",
            {
                "repo": self.did,
                "collection": "app.bsky.feed.threadgate",
                "rkey": to.rkey,
                "record": {
                    "$type": "app.bsky.feed.threadgate",
                    "post": to.uri,
                    "allow": [],
                    "createdAt": _written(),
                },
            },
        )

    def notifications(self, *reasons: str) -> list[dict[str, Any]]:
        """Everything in the notification list, newest first, of these reasons or of all."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(50):
            page = self.call(
                "app.bsky.notification.listNotifications",
                limit=100,
                priority=False,
                reasons=list(reasons),
                cursor=cursor,
            )
            found += page["notifications"]
            cursor = page.get("cursor")
            if not cursor or not page["notifications"]:
                break
        return found

    def records(self, collection: str = POST) -> list[dict[str, Any]]:
        """Every record of one collection in this person's repository, as the PDS holds it."""
        return self.network.records(self.did, collection)

    def view(self, ref: Ref) -> dict[str, Any]:
        """A post as the AppView shows it to this person; raises LookupError when it shows none."""
        posts = self.call("app.bsky.feed.getPosts", uris=[ref.uri])["posts"]
        if not posts:
            raise LookupError(ref.uri)
        view: dict[str, Any] = posts[0]
        return view


@dataclass(frozen=True)
class Network:
    """The running network. Addresses have no slash at the end."""

    pds: str
    appview: str
    control: str
    pid: int
    jwt_secret: str = field(repr=False)
    http: httpx.Client = field(repr=False)

    def call(self, name: str, body: dict[str, Any] | None = None, *, token: str = "", **params: Any) -> dict[str, Any]:
        """One XRPC call at the PDS; raises AssertionError with the answer's text when it is an error."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        url = f"{self.pds}/xrpc/{name}"
        if body is None:
            wanted = {key: _param(value) for key, value in params.items() if value is not None}
            answer = self.http.get(url, params=wanted, headers=headers)
        else:
            answer = self.http.post(url, json=body, headers=headers)
        assert answer.is_success, f"{name}: {answer.status_code} {answer.text[:400]}"
        given: dict[str, Any] = answer.json() if answer.content else {}
        return given

    def settle(self) -> None:
        """Returns once the AppView has indexed everything that the PDS has accepted."""
        answer = self.http.post(f"{self.control}/settle")
        assert answer.is_success, answer.text

    def person(self, name: str) -> Person:
        """A new account; `name` is made unique, lower-case letters and digits only, at most ten of them."""
        handle = f"{name}{next(_numbers)}.test"
        password = f"password-of-{handle}"
        made = self.call(
            "com.atproto.server.createAccount",
            {"handle": handle, "email": f"{handle}@example.test", "password": password},
        )
        return Person(self, handle, made["did"], password, made["accessJwt"])

    def records(self, did: str, collection: str = POST) -> list[dict[str, Any]]:
        """Every record of one collection of one repository, oldest key first."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.call(
                "com.atproto.repo.listRecords",
                repo=did,
                collection=collection,
                limit=100,
                reverse=True,
                cursor=cursor,
            )
            found += page["records"]
            cursor = page.get("cursor")
            if not cursor or not page["records"]:
                return found

    def replies(self, by: Person, to: Ref) -> list[dict[str, Any]]:
        """The records with which one person answered one post directly: the truth of what was sent."""
        return [
            record
            for record in self.records(by.did)
            if record["value"].get("reply", {}).get("parent", {}).get("uri") == to.uri
        ]


def facet_texts(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Each facet of a post record as (the text it covers, what it points to), by UTF-8 byte offsets."""
    raw = record["text"].encode()
    found: list[tuple[str, str]] = []
    for facet in record.get("facets", ()):
        index, feature = facet["index"], facet["features"][0]
        points_to = feature.get("did") or feature.get("uri") or feature.get("tag")
        found.append((raw[index["byteStart"] : index["byteEnd"]].decode(), points_to))
    return found


def _mention_facet(text: str, person: Person) -> dict[str, Any]:
    match = re.search(re.escape(f"@{person.handle}"), text)
    assert match, f"{text!r} does not name @{person.handle}"
    start = len(text[: match.start()].encode())
    return {
        "index": {"byteStart": start, "byteEnd": start + len(match[0].encode())},
        "features": [{"$type": "app.bsky.richtext.facet#mention", "did": person.did}],
    }


def _written(at: datetime | None = None) -> str:
    return (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _param(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


@pytest.fixture(scope="session")
def bluesky_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """PLC, PDS and AppView on loopback, installed first if need be; where it cannot, fails with what to install."""
    path = tmp_path_factory.mktemp("bluesky-network") / "network.log"
    with path.open("w") as log:
        process = subprocess.Popen(
            [HERE / "run.sh", "--watch-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"NODE_NO_WARNINGS": "1"},
        )
        assert process.stdin
        assert process.stdout
        try:
            heard, _, _ = select.select([process.stdout], [], [], INSTALL_SECONDS)
            line = process.stdout.readline() if heard else ""
            if not line:
                how = f"ended with {process.wait(20)}" if heard else f"was not ready in {INSTALL_SECONDS} s"
                pytest.fail(f"the Bluesky test network {how}:\n{path.read_text()[-3000:]}", pytrace=False)
            said = json.loads(line)
            with httpx.Client(timeout=30, trust_env=False) as http:
                yield Network(
                    pds=said["pds"],
                    appview=said["appview"],
                    control=said["control"],
                    pid=said["pid"],
                    jwt_secret=said["jwtSecret"],
                    http=http,
                )
        finally:
            process.stdin.close()  # happens by itself if the test-runner dies
            try:
                code = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            process.stdout.close()
    assert code == 0, f"the Bluesky test network ended with {code}:\n{path.read_text()[-3000:]}"
