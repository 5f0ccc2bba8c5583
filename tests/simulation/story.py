"""One universe from beginning to end: the supervisor, the people outside, the faults, and the peace at the end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from fieldfare import Automation
from fieldfare._domain.errors import FieldfareError
from fieldfare._engine.home import Home
from fieldfare._engine.sets import AutomationSet
from fieldfare._engine.settings import Settings
from fieldfare._engine.stop import LEASE
from fieldfare._host import PluginHost
from fieldfare._net import Redactor

from .holder import Holder
from .loop import Process, SimClock, SimLoop, process
from .network import Begun, Network
from .store import disk
from .universe import PASSWORD, Universe, automation_set, drawn, plugins, renamed

LONGEST_PEACE = 9000.0
"""Seconds of virtual time after the last fault in which everything must come to rest."""


class _Secrets:
    def get(self, name: str) -> str:
        return PASSWORD


@dataclass
class Trace:
    """What happened, line by line; its digest is the run's."""

    loop: SimLoop
    lines: list[str] = field(default_factory=list[str])

    def say(self, what: str) -> None:
        self.lines.append(f"{self.loop.virtual:10.3f} {what}")

    def logged(self, logger: Any, method: str, event: Any) -> Any:
        said = " ".join(f"{name}={event[name]}" for name in event if name not in ("event", "exc_info", "took_ms"))
        raised = event.get("exc_info")
        self.say(f"  log {event['event']}: {said}{f' {raised!r}' if raised is not None else ''}")
        raise structlog.DropEvent

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


class Story:
    """The state of one universe while it unfolds."""

    def __init__(self, universe: Universe, folder: Path) -> None:
        self.universe = universe
        self.rnd = random.Random(universe.rnd.getrandbits(64))
        self.loop = SimLoop(random.Random(universe.rnd.getrandbits(64)))
        self.clock = SimClock(self.loop)
        self.trace = Trace(self.loop)
        self.disk = disk()
        self.home = Home(folder, Settings(), _Secrets())  # type: ignore[arg-type]
        self.automations: list[Automation[Any]] = list(universe.automations)
        self.gone: list[Automation[Any]] = []
        self.networks = {one.account.platform.server: self._network(one) for one in universe.accounts}  # type: ignore[attr-defined]
        self.holders: list[Holder] = []
        self.begun: list[Begun] = []
        self.hooks: dict[str, tuple[str, float]] = {}
        """Acknowledged web hooks: id → (path, when)."""
        self.leapt = False
        """The clock was set ahead by a day: to a process that begins, nobody looked for so long."""
        self.over = False
        self.broken: list[str] = []
        """Rules that were seen broken, in the order in which they were."""
        self.settled_by_hand: set[str] = set()
        self.on_begun: list[Any] = []
        self.after_commit: Callable[[], None] | None = None
        self.first_seen: dict[str, float] = {}
        """When a feed was first pulled well."""
        self.ever_absent: set[str] = set()
        """Automations that were taken out or renamed at some time."""

    def _network(self, one: Any) -> Network:
        return Network(
            name=one.account.name,
            manner=one.manner,
            loop=self.loop,
            rnd=random.Random(self.rnd.getrandbits(64)),
            settle=one.settle,
            latest=one.latest,
            remembers=one.remembers,
            trouble=one.trouble,
            fates=one.fates,
            skew=one.skew,
            lag=one.lag,
            reach=one.reach,
            say=self.trace.say,
            begins=self._begins,
        )

    def _begins(self, begun: Begun) -> None:
        self.begun.append(begun)
        for watch in self.on_begun:
            watch(begun)

    # -- processes

    @property
    def holder(self) -> Holder | None:
        """Who would answer a person now: the newest process that serves."""
        for holder in reversed(self.holders):
            if holder.owner.alive and not holder.owner.frozen and holder.operations is not None:
                return holder
        return None

    def start(self) -> Holder:
        """A process begins on the store as it is."""
        owner = Process(f"holder {len(self.holders) + 1}")
        holder = Holder(
            home=self.home,
            redactor=Redactor(),
            load=self.load,
            clock=self.clock,
            rnd=random.Random(self.rnd.getrandbits(64)),
            loop=self.loop,
            owner=owner,
            connection=self.disk,
            networks=self.networks,
            committed=self._committed,
        )
        self.holders.append(holder)
        self.trace.say(f"{owner.name} starts")
        owner.killed = lambda: self._died(holder)
        holder.ended = lambda exc: self._ended(holder, exc)
        self.within(owner, holder.run())
        return holder

    def _committed(self) -> None:
        if self.after_commit is not None:
            self.after_commit()

    def look(self) -> None:
        """Note which feeds have been pulled by now."""
        for (key,) in self.disk.execute("SELECT key FROM feeds WHERE pulled_at IS NOT NULL"):
            self.first_seen.setdefault(key, self.loop.virtual)

    def load(self) -> tuple[AutomationSet, PluginHost]:
        return automation_set(self.automations), plugins()

    def within(self, owner: Process, doing: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that belongs to a process, and dies with it."""
        token = process.set(owner)
        try:
            return self.loop.create_task(doing)
        finally:
            process.reset(token)

    def _ended(self, holder: Holder, exc: BaseException | None) -> None:
        if self.over:
            return
        deepest = exc
        while isinstance(deepest, BaseExceptionGroup):
            deepest = deepest.exceptions[0]
        self.trace.say(f"{holder.owner.name} ends: {type(deepest).__name__}: {deepest}")
        if type(deepest).__name__ != "Fenced":
            self.broken.append(f"{holder.owner.name} ended with {type(deepest).__name__}: {deepest}")
        self.loop.kill(holder.owner)

    def _died(self, holder: Holder) -> None:
        self.trace.say(f"{holder.owner.name} is dead")
        others = [one for one in self.holders if one.owner.alive and not one.owner.frozen]
        if not others and not self.over:
            down = self.rnd.choice((0.1, 1.0, 5.0, 70.0, 200.0))
            self.networks[next(iter(self.networks))].later(down, self._again)

    def _again(self) -> None:
        if not self.over and not any(one.owner.alive and not one.owner.frozen for one in self.holders):
            self.start()

    # -- faults

    async def looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(1)

    async def faults(self) -> None:
        """Kills, stops and clocks that are set, as often as the universe says."""
        rnd, universe = self.rnd, self.universe
        while True:
            await asyncio.sleep(rnd.uniform(5, 25))
            alive = [one for one in self.holders if one.owner.alive and not one.owner.frozen]
            if alive and rnd.random() < universe.crashes:
                alive[-1].owner.left = int(2 ** rnd.uniform(0, 10))
            if alive and rnd.random() < universe.freezes:
                self._freeze(alive[-1])
            if rnd.random() < universe.jumps:
                seconds = rnd.choice((-86400, -3600, -1, 1, 3600, 86400))
                self.leapt = self.leapt or seconds > 3600
                self.clock.ahead += timedelta(seconds=seconds)
                self.trace.say(f"the clock is set by {seconds} s")

    def _freeze(self, holder: Holder) -> None:
        """SIGSTOP, with or without another that takes over after the lease, and SIGCONT."""
        world = next(iter(self.networks.values()))
        holder.owner.frozen = True
        asleep = self.rnd.choice((0.5, 6.0, 25.0, 90.0))
        self.trace.say(f"{holder.owner.name} is stopped for {asleep} s")
        world.later(asleep, self._thaw, holder)
        if asleep > LEASE + 1:
            world.later(LEASE + 1, self._take_over, holder)

    def _thaw(self, holder: Holder) -> None:
        self.trace.say(f"{holder.owner.name} goes on")
        self.loop.thaw(holder.owner)

    def _take_over(self, holder: Holder) -> None:
        if holder.owner.alive and not self.over:
            self.start()

    # -- the world outside

    async def people(self) -> None:
        """Mentions, web hooks and posts by hand, some of them the same twice."""
        rnd = self.rnd
        count = 0
        while True:
            await asyncio.sleep(rnd.expovariate(1 / 6))
            count += 1
            network = rnd.choice(list(self.networks.values()))
            number = network.name[-1]
            chance = rnd.random()
            if rnd.random() < self.universe.by_hand:
                network.by_hand(f"by hand {count}")
            if chance < 0.4:
                who = f"person{rnd.randrange(12)}"
                network.mentioned(who, rnd.choice((0.0, 0.0, 0.0, 25.0)))
            elif chance < 0.85:
                length = rnd.choice((1, 1, 2, 4))
                texts = [f"news  {count} part {part} http://x.example" for part in range(length)]
                if rnd.random() < 0.3:
                    texts = ["good morning"]
                self._push(f"/hooks/{number}", {"id": f"h{count}", "texts": texts})
                if rnd.random() < 0.3:
                    await asyncio.sleep(1)
                    self._push(f"/hooks/{number}", {"id": f"h{count}-again", "texts": texts})
            else:
                posts = [f"own{rnd.randrange(30)}" for _ in range(rnd.choice((1, 3)))]
                self._push(f"/ads/{number}", {"id": f"a{count}", "posts": posts, "spend": rnd.choice(("20", "45"))})

    def _push(self, path: str, body: dict[str, Any]) -> None:
        self.loop.create_task(self._pushing(path, body))

    async def _pushing(self, path: str, body: dict[str, Any]) -> None:
        """Sent until it is acknowledged, and sometimes once more."""
        extra = int(self.rnd.random() < 0.2)
        for _ in range(60):
            holder = self.holder
            status = 0
            if holder is not None:
                status = await self._asked(holder, path, body)
            if status == 404:
                return
            if status == 202:
                self.hooks[body["id"]] = (path, self.loop.virtual)
                if not extra:
                    return
                extra -= 1
            await asyncio.sleep(self.rnd.choice((0.5, 3.0, 10.0)))

    async def _asked(self, holder: Holder, path: str, body: dict[str, Any]) -> int:
        """The status that came back; 0 when nothing did."""
        answer: asyncio.Future[int] = self.loop.create_future()
        raw = json.dumps(body).encode()

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start" and not answer.done():
                answer.set_result(int(str(message["status"])))

        headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {PASSWORD}".encode())]
        scope: dict[str, object] = {"type": "http", "path": path, "method": "POST", "headers": headers}
        endpoint = holder.endpoint
        if endpoint is None:
            return 0
        self.within(holder.owner, endpoint(scope, receive, send))
        done, _ = await asyncio.wait([answer], timeout=30)
        return answer.result() if done else 0

    async def reloads(self) -> None:
        """Files are edited: an automation is renamed, taken out, put back."""
        rnd = self.rnd
        while True:
            await asyncio.sleep(rnd.uniform(10, 40))
            holder = self.holder
            if holder is None or rnd.random() >= self.universe.reloads:
                continue
            one = rnd.choice(self.automations)
            if self.gone and rnd.random() < 0.5:
                self.automations.append(self.gone.pop())
                self.trace.say(f"{self.automations[-1].name} is back")
            elif one.name.startswith("slots") and "-new" not in one.name:
                self.ever_absent.add(one.name)
                self.automations[self.automations.index(one)] = renamed(one, f"{one.name}-new")
                self.trace.say(f"{one.name} is renamed")
            elif one.name != "watch" and not one.name.startswith("sequel"):
                self.automations.remove(one)
                self.ever_absent.add(one.name)
                self.gone.append(one)
                self.trace.say(f"{one.name} is taken out")
            await self.operate("reload", {}, holder)

    async def operate(
        self, name: str, args: dict[str, Any], holder: Holder | None = None
    ) -> dict[str, Any] | str | None:
        """What a command of a person gets: an answer, the words of a refusal, or None when nobody answered."""
        holder = holder or self.holder
        if holder is None or holder.operations is None:
            return None
        task = self.within(holder.owner, self._operated(holder, name, args))
        done, _ = await asyncio.wait([task], timeout=20)
        return task.result() if done else None

    async def _operated(self, holder: Holder, name: str, args: dict[str, Any]) -> dict[str, Any] | str:
        assert holder.operations is not None
        try:
            return await holder.operations.run(name, args, "editor")
        except FieldfareError as exc:
            return f"{type(exc).__name__}: {exc}"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of a seed."""

    seed: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    stuck: tuple[str, ...]
    broken: tuple[str, ...]
    digest: str
    virtual: float
    trace: tuple[str, ...]

    @property
    def bad(self) -> bool:
        return bool(self.lost or self.doubled or self.stuck or self.broken)


@contextmanager
def _logging(trace: Trace) -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(processors=[trace.logged], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def simulate(seed: int, *, beyond: bool = False) -> Run:
    """Run one universe to its end and look at what it left behind."""
    from .checks import Checks
    from .person import Person

    root = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="fieldfare-sim-", dir=root) as folder:
        story = Story(drawn(seed, beyond=beyond), Path(folder))
        person = Person(story)
        checks = Checks(story, person)
        with _logging(story.trace):
            asyncio.set_event_loop(story.loop)
            try:
                story.loop.run_until_complete(_unfold(story, person, checks))
                checks.at_the_end()
                for row in story.disk.execute("SELECT key, state, reason, token, attempts, receipt FROM deliveries"):
                    story.trace.say(f"{row}")
            finally:
                _tear_down(story)
                asyncio.set_event_loop(None)
        return Run(
            seed=seed,
            lost=tuple(checks.lost),
            doubled=tuple(checks.doubled),
            stuck=tuple(checks.stuck),
            broken=tuple(story.broken),
            digest=story.trace.digest,
            virtual=story.loop.virtual,
            trace=tuple(story.trace.lines),
        )


async def _unfold(story: Story, person: Any, checks: Any) -> None:
    universe = story.universe
    story.start()
    doing = [story.loop.create_task(one) for one in (story.people(), story.faults(), story.reloads())]
    judging = [story.loop.create_task(one) for one in (person.live(), story.looking())]
    await asyncio.sleep(universe.length)
    for task in doing:
        task.cancel()
    story.trace.say("peace")
    for network in story.networks.values():
        network.calm = True
    for holder in story.holders:
        holder.owner.left = None
    story.automations += story.gone
    story.gone.clear()
    person.patient = True
    story._again()
    began = story.loop.virtual
    await asyncio.sleep(45)
    for _ in range(60):
        said = await story.operate("reload", {})
        if isinstance(said, dict):
            break
        story.trace.say(f"reload: {said}")
        await asyncio.sleep(5)
    await person.everything_goes_on()
    while story.loop.virtual - began < LONGEST_PEACE:
        await asyncio.sleep(5)
        if checks.at_rest():
            break
    for task in judging:
        task.cancel()


def _tear_down(story: Story) -> None:
    """Let every task end in a world where nothing can be written any more."""
    story.over = True
    loop = story.loop
    for holder in story.holders:
        holder.owner.alive = True
        holder.owner.left = None
        loop.thaw(holder.owner)
    story.disk.close()
    loop.run_until_complete(asyncio.sleep(0.01))  # what was made and not begun begins
    for _ in range(20):
        open_tasks = [task for task in loop.tasks if not task.done()]
        if not open_tasks:
            break
        for task in open_tasks:
            task.cancel()
        loop.run_until_complete(asyncio.sleep(1))
    for task in loop.tasks:
        if task.done() and not task.cancelled():
            task.exception()
    loop.close()
