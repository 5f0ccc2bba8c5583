"""What `demo` tells: each thing as it happens, in plain words."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from .._contract.delivery import Delivery
from .._contract.platform import ReadsOwnPosts
from .._domain.events import Event, Mention, MetricsObserved, ReplyReceived
from .._engine.embedded import Engine
from .._engine.explain import texts_of
from .._engine.home import Home
from .._store import query
from ..hookspecs import hookimpl
from . import out
from .project import looking
from .see import explainer_of
from .story import verdict

BEATS = {
    "answered": "a mention was answered",
    "approved": "a reply waited for a person, and was sent when it was approved",
    "reposted": "a popular post was shown again",
    "published": "a post from the calendar was published at its time",
    "left alone": "a mention was left alone, and there is a reason",
    "found": "an answer got lost; the post was looked for, found, and not sent twice",
}


class Tale:
    """An observer of the daemon like any plugin: hears of events and deliveries, and says what they mean."""

    def __init__(self, home: Home) -> None:
        self.held: asyncio.Queue[Delivery] = asyncio.Queue()
        self._home = home
        self._engine: Engine | None = None
        self._began = time.monotonic()
        self._told: set[str] = set()
        self._asked: dict[str, Mention] = {}
        self._doubtful: set[str] = set()
        self._states: dict[str, str] = {}
        self._alike = 0

    @property
    def complete(self) -> bool:
        """Whether everything was seen that is to be seen."""
        return self._told >= BEATS.keys()

    def begin(self, engine: Engine) -> None:
        """The daemon runs."""
        self._engine = engine
        self._began = time.monotonic()
        count = len(engine.automations)
        out.say(f"The daemon runs {count} automations on the Playground. Nothing leaves this machine.", style="bold")
        out.say()

    # -- what the daemon tells every plugin

    @hookimpl
    def fieldfare_event_ingested(self, event: Event) -> None:
        if isinstance(event, Mention) and not event.post.author.is_self:
            self._asked[event.id] = event
            self._line(f"@{event.post.author.handle} writes: “{event.post.text}”")
        elif isinstance(event, ReplyReceived) and not event.post.author.is_self:
            self._line(f"@{event.post.author.handle} replies to a post of ours: “{event.post.text}”")

    @hookimpl
    def fieldfare_delivery_changed(self, delivery: Delivery) -> None:
        if self._states.get(delivery.key) == delivery.state:
            return
        self._states[delivery.key] = delivery.state
        text = " / ".join(texts_of(delivery.action))
        match delivery.kind, delivery.state:
            case "notify", "delivered":
                self._line(f"a person is told: {text}", style="dim")
            case _, "held":
                self._line(f"an answer waits for approval: “{text}”", style="yellow")
                self.held.put_nowait(delivery)
            case _, "uncertain":
                self._doubtful.add(delivery.key)
                self._line(f"sent: “{text}”, and the connection broke before the answer came", style="yellow")
                self._more("Is it out? Nobody can know yet. It is not sent again; Fieldfare goes and looks.")
            case "reply", "delivered":
                self._line(f"answered: “{text}”", style="green")
                self._told.add("answered" if delivery.automation == "answer-mentions" else "approved")
            case "repost", "delivered":
                self._line(f"shown again, because it has become popular: “{self._about(delivery)}”", style="green")
                self._told.add("reposted")
            case "publish", "delivered" if delivery.key in self._doubtful:
                where = delivery.receipt.ref.url if delivery.receipt and delivery.receipt.ref else ""
                self._line(f"found: it is out since then, at {where}", style="green")
                self._told.add("found")
            case "publish", "delivered":
                self._line(f"published from the calendar, at its time: “{text}”", style="green")
                self._told.add("published")
            case _:
                pass

    def approved(self, delivery: Delivery) -> None:
        """Somebody has read it and said yes."""
        self._line(f"support reads it and says yes: fieldfare approvals approve {delivery.id}@{delivery.digest[:12]}")

    # -- what nobody tells, because nothing came of it

    def look(self) -> None:
        """Say why a mention was left alone, once that is decided."""
        if not self._asked:
            return
        with looking(self._home) as store:
            explainer = explainer_of(self._home, store, running=True)
            for id, mention in list(self._asked.items()):
                for row in explainer.find(id)[0]:
                    told = explainer.event(row)
                    if told["state"] == "decided":
                        del self._asked[id]
                        self._left_alone(mention, told)

    def _left_alone(self, mention: Mention, told: dict[str, Any]) -> None:
        if told["deliveries"]:
            return
        said = next((d for d in told["decisions"] if d["automation"] == "answer-mentions"), None)
        reason = verdict(said) if said else "no automation waits for it"
        self._line(f"@{mention.post.author.handle} gets no answer. Why? {reason}", style="cyan")
        self._told.add("left alone")

    def _about(self, delivery: Delivery) -> str:
        with looking(self._home) as store:
            row = query.event(store, delivery.event)
            if row is None or row.body is None:
                return "a post"
            return MetricsObserved.model_validate_json(row.body).post.text

    # -- the end

    async def count(self) -> None:
        """Look on the network how often the doubtful post is there."""
        live = self._engine.sessions.live("brand") if self._engine else None
        if live is None or not isinstance(live.session, ReadsOwnPosts):
            return
        posts = await live.session.own_posts(datetime.now(UTC) - timedelta(minutes=10))
        self._alike = sum(post.text.startswith("Willow baskets") for post in posts)

    def end(self) -> bool:
        """Sum up; False when something did not happen that should have."""
        out.say()
        out.say("What you saw:", style="bold")
        for beat, words in BEATS.items():
            done = beat in self._told
            out.say(f"  {'✓' if done else '✗'} {words}", style="green" if done else "red")
        if self._alike:
            out.say(f"    (on the network it stands {self._alike} time{'s' if self._alike > 1 else ''})")
        out.say()
        out.say("Try next:", style="bold")
        out.say("  fieldfare init shop       write a project of your own")
        out.say("  fieldfare check shop      find every mistake, offline")
        out.say("  fieldfare run shop        let it work; then: fieldfare status --project shop")
        return self.complete and self._alike == 1

    def _line(self, text: str, style: str = "") -> None:
        out.say(f"{time.monotonic() - self._began:5.1f} s  {text}", style=style)

    def _more(self, text: str) -> None:
        out.say(f"         {text}", style="dim")
