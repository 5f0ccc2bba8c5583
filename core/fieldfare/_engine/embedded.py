"""The embedded engine: every lane as a task of one process. The daemon sees start, replace, wake, serve and stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from .._contract.actions import Action
from .._contract.automation import Automation
from .._contract.delivery import Verdict
from .._contract.limits import Limit
from .._contract.platform import Account, Session
from .._domain.events import DeliverySettled, Event, TroubleSeen
from .._host import PluginHost
from .._store import accounts, claim, control, events, former, query
from .._store.admission import Admitted
from .._store.claim import Claimed
from .._store.sqlite import ms
from .deliver import Deliverer
from .ingest import Ingestor
from .judge import judge_of
from .lanes import AccountLane, Current, DecideLane, FeedLanes
from .plan import limits_of
from .recall import Resolver
from .second_look import second_look
from .sessions import Sessions
from .sets import AutomationSet
from .surroundings import Surroundings
from .wall import Wall
from .ways import NOBODY, OPEN_AGAIN, Ways

log = structlog.get_logger("fieldfare.engine")


class Engine:
    """Runs the line over one automation set after another."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._set = AutomationSet(())
        self._host = PluginHost()
        self._booted = ms(around.clock.now())
        self._wall = Wall(around.clock)
        self.sessions = Sessions(
            around.store, around.clock, around.secrets, around.client, {}, around.redact, around.tokens
        )
        self.ways = Ways(around, self.sessions, lambda: self._follow(self._current.row))
        self._limits: dict[str, tuple[Limit, ...]] = {}
        self._current = Current(0, {}, judge_of(around, self._set, self._host, self.sessions))
        self._lanes: dict[str, AccountLane] = {}
        self._lane_tasks: dict[str, asyncio.Task[None]] = {}
        self._openers: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        """Where lanes live while the engine serves."""
        self._own_feeds: list[str] = []
        """Feeds that read what we ourselves write."""
        self._doubt = asyncio.Event()
        ingestor = Ingestor(
            store=around.store,
            clock=around.clock,
            services=self.ways.services,
            ingested=self._ingested,
            redact=around.redact,
        )
        self._deliverer = Deliverer(
            store=around.store,
            clock=around.clock,
            media=around.media,
            rnd=around.rnd,
            decode=self.action,
            second_look=self._second_look,
            stopped=around.stopped,
            limits_of=self.limits_of,
            changed=self._changed,
            told=self._tell,
            redact=around.redact,
            booted=lambda: self._booted,
            uncertain_soon=self._doubt.set,
        )
        self.decide = DecideLane(around.store, around.clock, self.event, lambda: self._current, self._admitted)
        self.feeds = FeedLanes(ingestor, around.clock, around.rnd, self.decide.wake.set)
        self.resolver = Resolver(store=around.store, clock=around.clock, deliverer=self._deliverer, way=self.ways.to)

    # -- what runs

    async def start(self, automations: AutomationSet, host: PluginHost) -> None:
        """Take up where the last holder stopped, with this set."""
        due, doubtful = await self._around.store.do(claim.recover, now=ms(self._around.clock.now()))
        if due or doubtful:
            log.info("recovered", due=due, uncertain=doubtful)
        await self.replace(automations, host)

    async def replace(self, automations: AutomationSet, host: PluginHost) -> None:
        """Judge and deliver by this set from now on; what is on its way is not touched."""
        store, now = self._around.store, ms(self._around.clock.now())
        for account in automations.accounts.values():
            await store.do(accounts.enrol, name=account.name, platform=account.platform.kind)
        row = await store.do(
            events.remember_set,
            digest=automations.digest,
            description=json.dumps(automations.describe(), sort_keys=True),
            names=[placed.automation.name for placed in automations],
            now=now,
        )
        await self.sessions.replace(automations.accounts)
        for placed in automations:
            if placed.automation.renamed_from:
                await store.do(former.rename, old=placed.automation.renamed_from, new=placed.automation.name)
        self._set, self._host = automations, host
        self._limits = {placed.automation.name: limits_of(placed.automation) for placed in automations}
        self._follow(row)
        await self.adopt()
        self._keep_lanes()
        self.wake()

    async def adopt(self) -> None:
        """Hold what names something that the set does not have, and free what waited for a name that it has."""
        held, freed = await self._around.store.do(
            control.adopt,
            automations={placed.automation.name for placed in self._set},
            accounts=set(self._set.accounts),
            kinds=set(self._host.action_kinds),
            now=ms(self._around.clock.now()),
        )
        if held or freed:
            log.info("adopted", held=held, freed=freed)

    async def serve(self) -> None:
        """Run every lane until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._keep_lanes()
                group.create_task(self.feeds.run(), name="feeds")
                group.create_task(self.decide.run(), name="decide")
                group.create_task(self._resolve(), name="resolve")
        finally:
            self._group = None
            self._lane_tasks.clear()
            self._openers.clear()

    async def stop(self, patience: float) -> None:
        """Wait up to this many seconds for what is on its way; nothing new is begun meanwhile."""
        await asyncio.gather(*(lane.drain(cancel=True, patience=patience) for lane in self._lanes.values()))

    async def aclose(self) -> None:
        await self.sessions.aclose()
        await self.ways.aclose()

    def wake(self, key: str = "") -> None:
        """Something changed from outside, a delivery of this key perhaps: look again at everything."""
        if key and self._host.observes_deliveries:
            for delivery in self._around.store.read(query.named, key):
                self._tell(delivery.id)
        self.sessions.try_again()
        self.decide.wake.set()
        self._doubt.set()
        for lane in self._lanes.values():
            lane.wake.set()

    async def housekeep(self) -> None:
        """What passes by time alone: called about once a second."""
        await self._follow_clock()
        gone = await self._around.store.do(claim.expire, now=ms(self._around.clock.now()))
        for row, account in gone:
            self._changed(row, account)

    async def _follow_clock(self) -> None:
        """Waits are kept as moments of the wall clock; when that is set back, so are they.

        Set forward, they end early, and whoever had asked for the wait asks again.
        """
        by = self._wall.set_back()
        if by:
            log.warning("the clock was set back", seconds=by / 1000)
            now = ms(self._around.clock.now())
            self._booted = min(self._booted, now)
            await self._around.store.do(claim.set_back, by=by, now=now)
            self.wake()

    async def round(self) -> None:
        """Each feed once, then decide and deliver what follows; for `run --once` and tests."""
        for name in self.sessions.accounts:
            await self.ways.opened(name)
        self._follow(self._current.row)
        await self.feeds.pull_all()
        while True:
            while await self.decide.round():
                pass
            await self.decide.thought()
            begun = [await lane.round() for lane in self._lanes.values()]
            for lane in self._lanes.values():
                await lane.drain(cancel=False)
            if not any(begun):
                return

    # -- what it is made of

    def action(self, kind: str, body: str) -> Action[Any]:
        """A stored action; raises LookupError for a kind that is gone."""
        return self._host.action(kind).model_validate_json(body)

    def event(self, kind: str, body: str) -> Event:
        """A stored event; raises LookupError for a kind that is gone."""
        return self._host.event(kind).model_validate_json(body)

    def limits_of(self, automation: str) -> tuple[Limit, ...] | None:
        """The limits of an automation as the set has them now; None for one that is gone."""
        return self._limits.get(automation)

    def review(self, action: Action[Any], automation: Automation[Any], account: Account | None) -> Verdict | None:
        """What reviewers say against an action; None when nothing."""
        return self._host.review(action, automation, account)

    @property
    def automations(self) -> AutomationSet:
        return self._set

    def _follow(self, row: int) -> None:
        """Read the feeds whose accounts are known by now."""
        identities = {name: who for name in self.sessions.accounts if (who := self.sessions.identity(name))}
        uses = self._set.feeds(identities)
        judge = judge_of(self._around, self._set, self._host, self.sessions)
        self._current = Current(row, uses, judge, whole=identities.keys() == self.sessions.accounts.keys())
        self._own_feeds = [key for key, use in uses.items() if use.feed.event in (DeliverySettled, TroubleSeen)]
        self.feeds.replace(uses)
        for name in self.sessions.accounts:
            if name not in identities and self._group is not None and name not in self._openers:
                task = self._group.create_task(self._identify(name), name=f"open {name}")
                self._openers[name] = task

    async def _identify(self, name: str) -> None:
        try:
            while name in self.sessions.accounts and await self.ways.opened(name) is None:
                await self._around.clock.sleep(OPEN_AGAIN)
        finally:
            self._openers.pop(name, None)
        self._follow(self._current.row)

    def _keep_lanes(self) -> None:
        for name in (NOBODY, *self.sessions.accounts):
            if name not in self._lanes:
                self._lanes[name] = AccountLane(
                    name, self._deliverer, self._around.store, self._around.clock, self.ways.to
                )
            if self._group is not None and name not in self._lane_tasks:
                self._lane_tasks[name] = self._group.create_task(
                    self._lanes[name].run(), name=f"account {name or 'notices'}"
                )
        if self._group is not None:
            self._follow(self._current.row)

    async def _second_look(self, claimed: Claimed, action: Action[Any], session: Session) -> str | None:
        placed = self._set.get(claimed.automation)
        row = self._around.store.read(events.recorded, claimed.event)
        event = None
        if row is not None:
            event = self.event(row.kind, row.body).model_copy(update={"lineage": row.lineage})
        return await second_look(session, action, placed, event, self._around.clock.now())

    async def _resolve(self) -> None:
        while True:
            self._doubt.clear()
            wait = await self.resolver.look()
            await self._around.clock.wait(self._doubt, wait)

    # -- what tells whom

    def _ingested(self) -> Callable[[Event], None] | None:
        return self._host.event_ingested if self._host.observes_events else None

    def _admitted(self, done: Sequence[Admitted]) -> None:
        touched: set[str] = set()
        for admitted in done:
            touched |= admitted.accounts
            for row in admitted.deliveries:
                self._tell(row)
        if touched:
            self.feeds.hurry(self._own_feeds)
        for name in touched:
            lane = self._lanes.get(name)
            if lane is not None:
                lane.wake.set()

    def _changed(self, row: int, account: str) -> None:
        self._tell(row)
        self.feeds.hurry(self._own_feeds)
        lane = self._lanes.get(account)
        if lane is not None:
            lane.wake.set()

    def _tell(self, row: int) -> None:
        if not self._host.observes_deliveries:
            return
        delivery = self._around.store.read(query.delivery, row)
        if delivery is not None:
            self._host.delivery_changed(delivery.public)
