"""An account, people, and a server of a kind: what the tests of this connector stand on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from fieldfare.plugin import Action, Batch, Found, OutcomeUnknown, Post, Receipt
from fieldfare.testing import Lent, Trial
from fieldfare_mastodon import Mastodon
from fieldfare_mastodon._session import MastodonSession
from tests.doubles.base import Clock
from tests.doubles.fediverse import Fediverse
from tests.doubles.fediverse_manners import MANNERS, Manners
from tests.doubles.fediverse_world import Post as Stored
from tests.doubles.lent import Following, handler

EVERY = sorted(MANNERS)
AT = datetime(2026, 11, 25, 12, 0, 0, 640_000, tzinfo=UTC)
TOKEN = "canary-mastodon-51c9"


class Scene:
    """`brand` is ours, `bob` is somebody else; time moves only when a test moves it, on both sides."""

    def __init__(self, manners: Manners | str = "mastodon", *, ahead: float = 0.0, **more: Any) -> None:
        self.clock = Clock(AT)
        self.server = Fediverse(manners, clock=Following(self.clock.now, ahead), **{"late": 0, **more})
        self.server.url = "https://social.example"
        self.world = self.server.world
        self.brand = self.world.person("brand", TOKEN)
        self.bob = self.world.person("bob")
        self.platform = Mastodon(server="https://social.example")
        self.handler = handler(self.server)
        self._trials = 0

    async def open(self) -> MastodonSession:
        """A new session of `brand`."""
        lent = Lent(self.handler, now=self.clock.now, secrets={"MASTODON_TOKEN": TOKEN})
        return await self.platform.open(lent)

    def trial(
        self, session: MastodonSession, *, media: Mapping[str, bytes] | None = None, taken: Collection[str] = ()
    ) -> Trial:
        """The first attempt at a new delivery."""
        self._trials += 1
        return Trial(
            session,
            self.handler,
            delivery=f"scene/{self._trials}/0",
            now=self.clock.now,
            media=media,
            taken_ids=taken,
        )

    async def perform(self, action: Action[Any], **more: Any) -> Any:
        """What one undisturbed attempt gives."""
        session = await self.open()
        return await action.perform(session, self.trial(session, **more))

    async def settle(self, action: Action[Any], trial: Trial, *, most: int = 10) -> Any:
        """Performs as the engine does: after each doubt it waits, asks, and goes on where that ended the doubt."""
        session = trial.session
        done: Any = None
        for _ in range(most):
            try:
                done = await action.perform(session, trial)
            except OutcomeUnknown:
                self.clock.advance(31)
                done = await trial.resolve(action)
                if isinstance(done, Found) and done.receipt:
                    return done.receipt
                if trial.doubt is not None:
                    return done
            if isinstance(done, Receipt):
                return done
            trial = trial.again()
        return done

    @property
    def ours(self) -> list[Stored]:
        """Every post of ours that stands, oldest first, boosts left out."""
        return [
            post for post in self.world.posts if post.author is self.brand and not post.gone and post.boost_of is None
        ]


class Pulls:
    """A feed as the engine reads it: what came before is known."""

    def __init__(self, read: Callable[..., Awaitable[Batch[Any]]]) -> None:
        self.read = read
        self.cursor: str | None = None
        self.events: dict[str, Any] = {}
        self.notes: list[str] = []

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        return frozenset(ids) & self.events.keys()

    async def pull(self) -> list[Any]:
        """The events of as many pulls as there is more to fetch."""
        fresh: list[Any] = []
        for _ in range(60):
            batch = await self.read(self.cursor, self.known)
            self.cursor = batch.cursor
            self.notes += batch.notes
            for event in batch.events:
                if event.id not in self.events:
                    self.events[event.id] = event
                    fresh.append(event)
            if not batch.more:
                return fresh
        raise AssertionError("the feed never ends")


def texts(events: list[Any]) -> list[str]:
    """The words of posts that came in, without the name they begin with."""
    posts: list[Post] = [event.post for event in events]
    return [post.text.partition(" ")[2] for post in posts]
