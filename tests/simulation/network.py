"""A scripted network: what it really did is its own record, whatever it told the daemon."""

from __future__ import annotations

import asyncio
import contextvars
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from .loop import START, SimLoop

MANNERS = ("client_key", "native_key", "two_phase", "platform_dedupe", "none", "mute")
"""The kinds of idempotency; `mute` is none without any way to ask afterwards."""
FATES = ("refused", "lost", "dropped", "late", "broken", "failed", "hang", "cut", "html", "wait", "login")
"""What may become of a write."""
NEVER = 1e9


@dataclass(frozen=True, slots=True)
class Fact:
    """One public effect, as the network recorded it."""

    at: float
    intent: str
    step: str
    what: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A write that left us; `at` is when it was handed to the wire."""

    at: float
    intent: str
    step: str
    text: str


@dataclass(slots=True)
class Posted:
    id: str
    created: datetime
    shown_at: float
    text: str
    parent: str
    author: str


@dataclass(slots=True)
class Container:
    text: str
    parent: str
    ready_at: float
    post: str = ""


@dataclass(slots=True)
class Campaign:
    id: str
    name: str
    spend: str
    active: bool = False


def stored_form(text: str) -> str:
    """The text as this network keeps it: white space folded, addresses shortened."""
    return " ".join("⇒link" if word.startswith("http://") else word for word in text.split())


@dataclass(kw_only=True)
class Network:
    """One account's server. `settle` is what its connector declares; nothing is later than `latest`."""

    name: str
    manner: str
    loop: SimLoop
    rnd: random.Random
    settle: float
    latest: float
    remembers: float
    trouble: float
    fates: tuple[str, ...]
    skew: float
    lag: float
    reach: int
    """Most posts that its listing goes back over."""
    say: Callable[[str], None]
    begins: Callable[[Begun], None]
    calm: bool = False
    logins_refused: int = 0
    facts: list[Fact] = field(default_factory=list[Fact])
    posts: dict[str, Posted] = field(default_factory=dict[str, Posted])
    mentions: list[tuple[float, dict[str, Any]]] = field(default_factory=list[tuple[float, dict[str, Any]]])
    """(visible from, mention), by id."""
    keys: dict[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    containers: dict[str, Container] = field(default_factory=dict[str, Container])
    campaigns: dict[str, Campaign] = field(default_factory=dict[str, Campaign])
    liked: set[str] = field(default_factory=set[str])
    _count: int = 0
    _world: contextvars.Context = field(default_factory=contextvars.Context)

    @property
    def now(self) -> datetime:
        """The server's own clock."""
        return START + timedelta(seconds=self.loop.virtual + self.skew)

    def fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{self.name}-{prefix}{self._count}"

    def later(self, seconds: float, what: Callable[..., Any], *args: Any) -> None:
        """Something happens here whatever becomes of the daemon."""
        self.loop.call_later(seconds, what, *args, context=self._world)

    def mentioned(self, text: str, visible_in: float) -> str:
        """Somebody mentions the account; listings show it a little later."""
        id_ = self.fresh("m")
        mention = {"id": id_, "created": self.now.isoformat(), "text": text}
        self.mentions.append((self.loop.virtual + visible_in, mention))
        return id_

    def by_hand(self, text: str) -> None:
        """The brand's people post something themselves."""
        self._post(text, "", "", "by hand")

    # -- the wire

    async def exchange(self, message: httpx.Request, wire: Any) -> httpx.Response:
        """What httpx would see."""
        wire.left = False
        read = message.method == "GET"
        handed = self.loop.virtual
        fate = self._fate(read)
        if fate == "refused":
            await asyncio.sleep(self.rnd.random() * 0.01)
            raise httpx.ConnectError("refused")
        await asyncio.sleep(self.rnd.random() * 0.01)
        wire.left = True
        if not read:
            words = json.loads(message.content or b"{}")
            intent, step = message.headers.get("x-intent", ""), message.headers.get("x-step", "")
            self.say(f"{self.name} {step} of {intent} leaves: {fate or 'well'}")
            self.begins(Begun(handed, intent, step, str(words.get("text", ""))))
        answer: asyncio.Future[httpx.Response] = self.loop.create_future()
        self.later(self.rnd.random() * 0.2, self._arrives, message, fate, answer)
        return await answer

    def _fate(self, read: bool) -> str:
        if self.calm or self.rnd.random() >= self.trouble:
            return ""
        if read:
            return self.rnd.choice(("refused", "lost", "broken", "hang", "html", "wait"))
        return self.rnd.choice(self.fates)

    def _arrives(self, message: httpx.Request, fate: str, answer: asyncio.Future[httpx.Response]) -> None:
        def perform() -> httpx.Response:
            return self._perform(message)

        match fate:
            case "lost":
                self._ends(answer, httpx.ReadError("reset"))
            case "dropped":
                perform()
                self._ends(answer, httpx.ReadError("reset"))
            case "late":
                self.later(self.rnd.random() * self.latest, perform)
                self._ends(answer, httpx.ReadError("reset"))
            case "broken":
                self._ends(answer, self._answer(500, {"error": "try again"}))
            case "failed":
                perform()
                self._ends(answer, self._answer(502, {"error": "try again"}))
            case "hang":
                if self.rnd.random() < 0.6:
                    self.later(self.rnd.random() * self.latest, perform)
            case "cut":
                perform()
                self._ends(answer, self._text(200, '{"id": "', "application/json"))
            case "html":
                if self.rnd.random() < 0.5:
                    perform()
                self._ends(answer, self._text(200, "<html>please hold the line</html>", "text/html"))
            case "wait":
                wait = str(self.rnd.choice((1, 3, 10, 40)))
                self._ends(answer, self._answer(429, {"error": "slow down"}, {"retry-after": wait}))
            case "login":
                self._ends(answer, self._answer(401, {"error": "who are you"}))
            case _:
                self._ends(answer, perform())

    def _ends(self, answer: asyncio.Future[httpx.Response], what: httpx.Response | Exception) -> None:
        def now() -> None:
            if not answer.done():
                if isinstance(what, Exception):
                    answer.set_exception(what)
                else:
                    answer.set_result(what)

        self.later(self.rnd.random() * 0.1, now)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        return self._text(status, json.dumps(body), "application/json", headers)

    def _text(self, status: int, text: str, mime: str, headers: dict[str, str] | None = None) -> httpx.Response:
        date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return httpx.Response(
            status,
            headers={"date": date, "content-type": mime, **(headers or {})},
            stream=httpx.ByteStream(text.encode()),
        )

    # -- what it does

    def _perform(self, message: httpx.Request) -> httpx.Response:
        url = urlsplit(str(message.url))
        parts = url.path.strip("/").split("/")
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        body: Any = json.loads(message.content) if message.content else {}
        intent, step = message.headers.get("x-intent", ""), message.headers.get("x-step", "")
        match message.method, *parts:
            case "GET", "me":
                return self._answer(200, {"id": f"id-of-{self.name}"})
            case "GET", "mentions":
                seen = [one for one in self.mentions if one[0] <= self.loop.virtual]
                if "after" in query:  # in the order in which they became visible
                    order = sorted(seen, key=lambda one: one[0])[int(query["after"]) :]
                    return self._answer(200, {"mentions": [m for _, m in order]})
                return self._answer(200, {"mentions": [m for _, m in seen[-40:]]})
            case "GET", "posts":
                return self._listing(int(query.get("skip", "0")))
            case "GET", "containers", id_:
                return self._answer(200, self._state(self.containers[id_]))
            case "GET", "campaigns":
                found = [c for c in self.campaigns.values() if c.name == query["name"]]
                return self._answer(200, {"found": [{"id": c.id, "active": c.active} for c in found]})
            case "POST", "posts":
                return self._publish(body, intent, step, message.headers.get("idempotency-key", ""))
            case "PUT", "records", key:
                return self._publish(body, intent, step, key)
            case "POST", "containers":
                id_ = self.fresh("c")
                ready = self.loop.virtual + self.rnd.choice((0.0, 0.0, 2.0, 15.0))
                self.containers[id_] = Container(body["text"], body["parent"], ready)
                return self._answer(200, {"id": id_} | self._state(self.containers[id_]))
            case "POST", "containers", id_, "publish":
                return self._released(self.containers[id_], intent, step)
            case "PUT", "likes", id_:
                if id_ not in self.liked:
                    self.liked.add(id_)
                    self._did(intent, step, f"like {id_}")
                return self._answer(200, {"id": id_})
            case "POST", "campaigns":
                id_ = self.fresh("a")
                self.campaigns[id_] = Campaign(id_, body["name"], body["spend"])
                return self._answer(200, {"id": id_})
            case "PUT", "campaigns", id_, "active":
                campaign = self.campaigns[id_]
                if not campaign.active:
                    campaign.active = True
                    self._did(intent, step, f"spend {campaign.spend}")
                return self._answer(200, {"id": id_})
            case _:
                return self._answer(404, {"error": "no such thing"})

    def _did(self, intent: str, step: str, what: str) -> None:
        self.say(f"{self.name} performs {step} of {intent}: {what}")
        self.facts.append(Fact(self.loop.virtual, intent, step, what))

    def _post(self, text: str, parent: str, intent: str, step: str) -> str:
        id_ = self.fresh("p")
        shown = self.loop.virtual + self.rnd.random() * self.lag
        self.posts[id_] = Posted(id_, self.now, shown, stored_form(text), parent, "us")
        if intent:
            self._did(intent, step, f"post {id_}")
        return id_

    def _publish(self, body: Any, intent: str, step: str, key: str) -> httpx.Response:
        remembers = {"client_key": NEVER, "native_key": self.remembers}.get(self.manner, 0.0)
        if key and remembers:
            at, id_ = self.keys.get(key, (-NEVER, ""))
            if id_ and self.loop.virtual - at < remembers:
                return self._answer(200, {"id": id_})
        if self.manner == "platform_dedupe":
            text = stored_form(body["text"])
            if any(p.text == text and self.now - p.created < timedelta(hours=1) for p in self.posts.values()):
                return self._answer(403, {"error": "duplicate"})
        id_ = self._post(body["text"], body["parent"], intent, step)
        self.keys[key] = (self.loop.virtual, id_)
        return self._answer(200, {"id": id_})

    def _released(self, container: Container, intent: str, step: str) -> httpx.Response:
        if container.ready_at > self.loop.virtual:
            return self._answer(409, {"error": "not ready"})
        if not container.post:
            container.post = self._post(container.text, container.parent, intent, step)
            return self._answer(200, {"id": container.post})
        # A second release makes a second post: its state must be asked first.
        return self._answer(200, {"id": self._post(container.text, container.parent, intent, step)})

    def _state(self, container: Container) -> dict[str, str]:
        if container.post:
            return {"state": "PUBLISHED", "post": container.post}
        return {"state": "FINISHED" if container.ready_at <= self.loop.virtual else "IN_PROGRESS", "post": ""}

    def _listing(self, skip: int) -> httpx.Response:
        shown = [p for p in self.posts.values() if p.shown_at <= self.loop.virtual]
        newest = sorted(shown, key=lambda p: p.created, reverse=True)
        page = newest[skip : min(skip + 3, self.reach)]
        listed = [{"id": p.id, "created": p.created.isoformat(), "text": p.text, "parent": p.parent} for p in page]
        return self._answer(200, {"posts": listed, "end": skip + 3 >= len(newest), "limit": skip + 3 >= self.reach})


class SimTransport(httpx.AsyncBaseTransport):
    """Under the product's own client: the scripted network in place of sockets."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._network.exchange(request, request.extensions["fieldfare.wire"])
