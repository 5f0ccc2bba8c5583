"""The Bluesky connector on the real servers, without an engine: the kit's questions, and what only they can answer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest

from fieldfare import Draft, Like, Publish, Reply, Repost
from fieldfare.plugin import (
    Absent,
    Answer,
    Author,
    Found,
    Media,
    OutcomeUnknown,
    Post,
    PostRef,
    Receipt,
    Rejected,
    Request,
    Visibility,
)
from fieldfare.testing import Lent, Trial
from fieldfare.testing.contract import Handler, PlatformContract
from fieldfare_bluesky import Bluesky
from fieldfare_bluesky._session import BlueskySession
from tests.networks.bluesky_network import POST, Network, Person, Ref, facet_texts

T = TypeVar("T")
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
DOT = Media(source="dot.png", alt="a dot", sha256=hashlib.sha256(PNG).hexdigest(), mime="image/png", size=len(PNG))
PASSWORD = "BLUESKY_APP_PASSWORD"


def wire(network: Network) -> Callable[[Request], Answer]:
    """Requests as they are, to the real servers; before a read the AppView has caught up."""

    def handle(request: Request) -> Answer:
        if request.method == "GET" and "/app.bsky." in request.url:
            network.settle()
        try:
            heard = network.http.request(
                request.method,
                request.url,
                params=dict(request.params) if request.params else None,
                headers=dict(request.headers),
                json=request.json,
                content=request.content,
            )
        except httpx.TransportError as error:
            raise OutcomeUnknown(str(error)) from error
        headers = {name.lower(): value for name, value in heard.headers.items()}
        return Answer(status=heard.status_code, headers=headers, body=heard.content, url=str(heard.url))

    return handle


class Desk:
    """A session of an account of ours, and somebody else."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.brand, self.fan = network.person("brand"), network.person("fan")
        self.password = self.brand.app_password()
        self.settings = Bluesky(handle=self.brand.handle, server=network.pds)
        self.tokens: dict[str, str] = {}
        self.lose: Callable[[Request], bool] = lambda _: False
        self.errors: list[tuple[str, str]] = []
        self.seen: set[str] = set()
        self._wire = wire(network)
        self.session = self.open()

    def handle(self, request: Request) -> Answer:
        answer = self._wire(request)
        if answer.status >= 400:
            self.errors.append((request.url, answer.json()["error"]))
        if self.lose(request):
            raise OutcomeUnknown("the answer was lost on purpose")
        return answer

    def now(self) -> datetime:
        return datetime.now(UTC)

    def open(self) -> BlueskySession:
        lent = Lent(self.handle, now=self.now, secrets={PASSWORD: self.password}, tokens=self.tokens)
        return self.run(self.settings.open(lent))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(coroutine)

    def trial(self, delivery: str = "one") -> Trial:
        return Trial(self.session, self.handle, delivery=delivery, now=self.now, media={DOT.sha256: PNG})

    def perform(self, action: Any, trial: Trial | None = None) -> Receipt:
        done = self.run(action.perform(self.session, trial or self.trial()))
        assert isinstance(done, Receipt)
        return done

    def mentions(self, cursor: str | None) -> tuple[list[str], str | None]:
        async def known(ids: Any) -> frozenset[str]:
            return frozenset(ids) & self.seen

        batch = self.run(self.session.mentions(cursor, known))
        self.seen |= {event.id for event in batch.events}
        return [event.id for event in batch.events], batch.cursor


def ref(made: Ref) -> PostRef:
    return PostRef(platform="bluesky", id=made.uri, version=made.cid)


@pytest.fixture
def desk(bluesky_network: Network) -> Desk:
    return Desk(bluesky_network)


def test_a_reply_hangs_under_its_mention_and_its_facets_work(desk: Desk) -> None:
    asked = desk.fan.post(f"Grüße 🐦 @{desk.brand.handle}", mentions=[desk.brand])
    text = f"🎉 Danke @{desk.fan.handle}! Alles auf https://brand.example/ü #geöffnet @nobody.test"
    desk.perform(Reply(to=ref(asked), text=text, language="de"))
    [reply] = desk.network.replies(desk.brand, asked)
    assert facet_texts(reply["value"]) == [
        (f"@{desk.fan.handle}", desk.fan.did),
        ("https://brand.example/ü", "https://brand.example/ü"),
        ("#geöffnet", "geöffnet"),
    ]
    desk.network.settle()
    assert desk.fan.view(asked)["replyCount"] == 1
    assert [note["reason"] for note in desk.fan.notifications()] == ["mention"]


def test_a_thread_of_three_with_a_picture_has_the_identifiers_that_were_computed(desk: Desk) -> None:
    thread = Publish(draft=Draft(text="eins", media=(DOT,)), thread=(Draft(text="zwei"), Draft(text="drei")))
    done = desk.perform(thread)
    records = {record["uri"]: record for record in desk.brand.records()}
    assert [(one.id, one.version) for one in done.refs] == [(uri, records[uri]["cid"]) for uri in records]
    desk.network.settle()
    top = desk.fan.call("app.bsky.feed.getPostThread", uri=done.refs[0].id)["thread"]
    assert [top["post"]["record"]["text"], top["replies"][0]["post"]["record"]["text"]] == ["eins", "zwei"]
    assert top["replies"][0]["replies"][0]["post"]["record"]["text"] == "drei"
    [image] = top["post"]["embed"]["images"]
    assert image["alt"] == "a dot"
    assert desk.network.http.get(image["thumb"]).status_code == 200


@pytest.mark.parametrize("parts", [1, 3])
def test_an_answer_that_was_lost_is_found_under_our_keys(desk: Desk, parts: int) -> None:
    action = Publish(draft=Draft(text="1"), thread=tuple(Draft(text=str(n)) for n in range(2, parts + 1)))
    desk.lose = lambda request: request.url.endswith(("putRecord", "applyWrites"))
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        desk.perform(action, trial)
    said = desk.run(trial.resolve(action))
    assert isinstance(said, Found)
    assert said.receipt is not None
    assert [one.id for one in said.receipt.refs] == [record["uri"] for record in desk.brand.records()]


def test_a_write_that_never_arrived_is_absent_and_sent_again(desk: Desk) -> None:
    trial = desk.trial().swallow()
    action = Publish(draft=Draft(text="hello"))
    with pytest.raises(OutcomeUnknown):
        desk.perform(action, trial)
    assert isinstance(desk.run(trial.resolve(action)), Absent)
    desk.perform(action, trial.again())
    assert len(desk.brand.records()) == 1


def test_a_thread_that_is_repeated_all_the_same_stands_once(desk: Desk) -> None:
    thread = Publish(draft=Draft(text="eins"), thread=(Draft(text="zwei"),))
    desk.lose = lambda request: request.url.endswith("applyWrites")
    trial = desk.trial()
    with pytest.raises(OutcomeUnknown):
        desk.perform(thread, trial)
    desk.lose = lambda _: False
    trial.repeat()
    with pytest.raises(OutcomeUnknown):
        desk.perform(thread, trial.again())
    assert isinstance(desk.run(trial.resolve(thread)), Found)
    assert len(desk.brand.records()) == 2


def test_a_reply_that_is_made_again_by_a_restored_store_meets_itself(desk: Desk) -> None:
    asked = desk.fan.post(f"@{desk.brand.handle}", mentions=[desk.brand])
    first = desk.perform(Reply(to=ref(asked), text="Hi"))
    second = desk.perform(Reply(to=ref(asked), text="Hi, once more"), desk.trial())
    assert first.ref is not None
    assert first.ref.same(second.ref)
    assert [record["value"]["text"] for record in desk.network.replies(desk.brand, asked)] == ["Hi"]


@pytest.mark.parametrize(("action", "collection"), [(Like, "like"), (Repost, "repost")])
def test_a_mark_is_there_once_however_often_it_is_asked_for(desk: Desk, action: Any, collection: str) -> None:
    liked = desk.fan.post("hello")
    first = desk.perform(action(post=ref(liked)))
    second = desk.perform(action(post=ref(liked)), desk.trial("two"))
    assert first.ref is not None
    assert first.ref.same(second.ref)
    assert len(desk.brand.records(f"app.bsky.feed.{collection}")) == 1
    desk.network.settle()
    assert desk.fan.view(liked)[f"{collection}Count"] == 1


def test_a_gate_is_seen_before_a_reply_that_nobody_would_see(desk: Desk) -> None:
    asked = desk.fan.post(f"@{desk.brand.handle}", mentions=[desk.brand])
    desk.fan.nobody_may_reply(asked)
    with pytest.raises(Rejected, match="takes no reply"):
        desk.perform(Reply(to=ref(asked), text="Hi"))
    assert desk.brand.records() == []


def test_mentions_of_one_millisecond_over_a_page_border_all_come(desk: Desk) -> None:
    _, cursor = desk.mentions(None)
    begun = datetime.now(UTC).replace(microsecond=123_000)
    sent = [
        desk.fan.post(f"{number} @{desk.brand.handle}", mentions=[desk.brand], created_at=begun - timedelta(seconds=n))
        for n in (1, 2)
        for number in range(60)
    ]
    found, cursor = desk.mentions(cursor)
    assert sorted(found) == sorted(one.uri for one in sent)
    assert desk.mentions(cursor)[0] == []


def test_a_mention_that_was_dated_back_comes(desk: Desk) -> None:
    desk.fan.post(f"@{desk.brand.handle}", mentions=[desk.brand])
    _, cursor = desk.mentions(None)
    old = datetime(2025, 1, 2, tzinfo=UTC)
    late = desk.fan.post(f"late @{desk.brand.handle}", mentions=[desk.brand], created_at=old)
    assert desk.mentions(cursor)[0] == [late.uri]


def test_an_expired_token_is_renewed_within_the_call(desk: Desk) -> None:
    desk.run(desk.session.whoami())
    kept = json.loads(desk.tokens["session"])
    desk.tokens["session"] = json.dumps({**kept, "access": _expired(desk, kept["access"]), "ends": None})
    desk.session = desk.open()
    desk.perform(Publish(draft=Draft(text="hello")))
    assert len(desk.brand.records()) == 1
    assert [error for url, error in desk.errors if url.endswith("putRecord")] == ["ExpiredToken"]


def _expired(desk: Desk, token: str) -> str:
    """The token as it will be when it has ended."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head, body = token.split(".")[:2]
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said |= {"iat": int(time.time()) - 7300, "exp": int(time.time()) - 100}
    signed = f"{head}.{part(json.dumps(said).encode())}"
    key = desk.network.jwt_secret.encode()
    return f"{signed}.{part(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


class People:
    """The real network as the people in it see it."""

    def __init__(self, network: Network, brand: Person) -> None:
        self.network = network
        self.brand = brand
        self.known: dict[str, Person] = {}

    def somebody(self, name: str) -> Person:
        if name not in self.known:
            self.known[name] = self.network.person(name)
        return self.known[name]

    def mention(
        self,
        text: str,
        *,
        by: str,
        at: datetime,
        bot: bool = False,
        us: bool = False,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> PostRef:
        who = self.brand if us else self.somebody(by)
        if bot:
            who.says_it_is_a_bot()
        made = who.post(f"@{self.brand.handle} {text}", mentions=[self.brand], created_at=at)
        return ref(made)

    def reply(self, text: str, *, to: PostRef, by: str, at: datetime) -> PostRef:
        return ref(self.somebody(by).post(text, reply_to=Ref(to.id, to.version), created_at=at))

    def follow(self, *, by: str, at: datetime) -> None:
        self.somebody(by).follow(self.brand, at)

    def post(self, text: str, *, by: str, at: datetime) -> PostRef:
        return ref(self.somebody(by).post(text, created_at=at))

    def vanish(self, ref: PostRef) -> None:
        owner = next(one for one in self.known.values() if ref.id.startswith(f"at://{one.did}/"))
        owner.delete(Ref(ref.id, ref.version))

    def published(self) -> Sequence[Post]:
        found: list[Post] = []
        for record in self.brand.records(POST):
            value = record["value"]
            parent = value.get("reply", {}).get("parent", {}).get("uri")
            found.append(
                Post(
                    ref=PostRef(platform="bluesky", id=record["uri"], version=record["cid"]),
                    author=Author(id=self.brand.did, handle=self.brand.handle, is_self=True),
                    text=value["text"],
                    created_at=datetime.fromisoformat(value["createdAt"]),
                    reply_to=PostRef(platform="bluesky", id=parent) if parent else None,
                    media_count=len(value.get("embed", {}).get("images", ())),
                )
            )
        return sorted(found, key=lambda post: post.created_at)


class TestTheKit(PlatformContract):
    @pytest.fixture
    def brand(self, bluesky_network: Network) -> Person:
        return bluesky_network.person("brand")

    @pytest.fixture
    def platform(self, bluesky_network: Network, brand: Person) -> Bluesky:
        return Bluesky(handle=brand.handle, server=bluesky_network.pds)

    @pytest.fixture
    def secrets(self, brand: Person) -> dict[str, str]:
        return {PASSWORD: brand.password}

    @pytest.fixture
    def handler(self, bluesky_network: Network) -> Handler:
        return wire(bluesky_network)

    @pytest.fixture
    def world(self, bluesky_network: Network, brand: Person) -> People:
        return People(bluesky_network, brand)
