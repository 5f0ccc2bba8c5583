"""The process: lock, store, engine, listener, control socket, signals; opened in order and closed in the other."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import ssl
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import structlog

from .._contract.feeds import Arrival
from .._contract.limits import Rate
from .._contract.platform import Account
from .._domain.errors import ConfigError, FieldfareError
from .._domain.values import isoformat
from .._host import PluginHost
from .._net import Client, Redactor, trusted
from .._store import accounts, query
from .._store.sqlite import Store, backup, ms
from .._store.writer import Fenced
from .alarm import Alarm
from .clock import Clock, RealClock
from .control import ControlServer
from .embedded import Engine
from .home import Home
from .interrupt import TooSlow, interruptible
from .introduce import introduced
from .listener import Arrivals, Endpoint, Listener
from .lock import StoreLock, wait_for_turn
from .media import MediaFolder
from .objections import objections
from .operations import Operations
from .retention import Retention
from .secrets import Confided
from .sets import AutomationSet
from .stop import LEASE, Stop
from .surroundings import Surroundings
from .tokens import BesideScratch

log = structlog.get_logger("fieldfare.daemon")

ENDING = timedelta(days=30)
"""How long before a network ends a version a person is told."""
DRAIN = 8.0
"""Seconds that a stop waits for answers; what has none by then is recorded as uncertain."""
LOADING = LEASE / 3
"""Seconds that changed files may take to load. Nothing else moves meanwhile, the heartbeat included: past half the
lease nothing would be sent, and past all of it another would take over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How `run` was called."""

    dry_run: bool = False
    once: bool = False
    standby: bool = False
    watch: bool = True


@dataclass(kw_only=True)
class Daemon:
    """One run of a project. `load` reads the files anew; it raises ConfigError with every mistake."""

    home: Home
    redactor: Redactor
    load: Callable[[], tuple[AutomationSet, PluginHost]]
    """The automations as the files have them now, and the plugins with the hooks that stand in those files."""
    options: Options = field(default_factory=Options)
    clock: Clock = field(default_factory=RealClock)
    rnd: random.Random = field(default_factory=random.Random)
    ready: Callable[[Engine], None] = field(default=lambda engine: None)
    """Told when everything runs."""
    _missing_lock: StoreLock | None = field(default=None, init=False)
    """The lock while a holder that hangs, and is fenced, still has it."""

    def __post_init__(self) -> None:
        self._stop = asyncio.Event()
        self.stopped_by = ""
        self._reloading = asyncio.Lock()
        self._arrivals = Arrivals()
        self._refused: dict[str, Any] | None = None
        """What `ping` tells of files that were not taken."""
        self._listener: Listener | None = None
        self._media = MediaFolder(self.home.state / "media", self.home.root)
        self._trust: ssl.SSLContext | None = None
        """Made once: it costs some 30 ms."""
        self.listening_on: tuple[str, int] | None = None

    async def run(self) -> None:
        """Run until a signal, or once. Raises StoreInUse, StoreError, ConfigError; Fenced when it was taken over."""
        automations, host = self.load()
        async with contextlib.AsyncExitStack() as stack:
            store, gate = await self._hold(stack)
            engine = Engine(self._around(store, gate))
            stack.push_async_callback(engine.aclose)
            await engine.start(automations, host)
            if self.options.once:
                await engine.round()
                return
            operations = self._operations(store, engine, gate)
            control = ControlServer(self.home.state / "control", operations.run)
            if not self.options.dry_run:
                await control.start()
                stack.push_async_callback(control.stop)
            await self._open_listener(automations)
            self._serve_hooks(automations)
            stack.push_async_callback(self._stop_listening)
            self._signals(operations)
            await self._serve(engine, store, gate)

    def request_stop(self, why: str) -> None:
        """Stop cleanly; a second request stops waiting for answers."""
        if self._stop.is_set():
            log.warning("stopping at once", why=why)
            signal.raise_signal(signal.SIGKILL)
        self.stopped_by = why
        self._stop.set()

    # -- parts

    async def _hold(self, stack: contextlib.AsyncExitStack) -> tuple[Store, Stop]:
        state = self.home.state
        database = self.home.database
        gate = Stop(state / "pause", self.clock, dry_run=self.options.dry_run)
        if self.options.dry_run:
            scratch = Path(tempfile.mkdtemp(prefix="fieldfare-dry-"))
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
            if database.exists():
                backup(database, scratch / database.name)
            database = scratch / database.name
            self._media = MediaFolder(scratch / "media", self.home.root)
        else:
            lock = StoreLock(state / "lock")
            if self.options.standby:
                log.info("standing by")
                if not await wait_for_turn(lock, database, self.clock):
                    self._missing_lock = lock
            else:
                lock.take_or_refuse()
            stack.callback(lock.release)
        store = Store.threaded(database)
        stack.push_async_callback(store.close)
        boot = uuid.UUID(int=self.rnd.getrandbits(128)).hex
        began = self.clock.monotonic()
        store.fence(await store.do(accounts.take_over, boot=boot, now=ms(self.clock.now())))
        gate.beat_at = began
        return store, gate

    def _around(self, store: Store, gate: Stop) -> Surroundings:
        return Surroundings(
            store=store,
            clock=self.clock,
            rnd=self.rnd,
            project=self.home.root,
            media=self._media,
            secrets=Confided(self.home.secrets, self.redactor),
            client=self._client,
            stopped=gate.why,
            arrivals=self._take,
            redact=self.redactor.redact,
            private=self.home.settings.private,
            tokens=BesideScratch(self.home.database) if self.options.dry_run else None,
        )

    async def _take(self, path: str) -> Sequence[Arrival]:
        """What came in for a feed. In a single round nobody listens, and nobody waits; a dry run acknowledges nothing,
        since its store goes with it: whoever sent it sends it again."""
        if self.options.once:
            return ()
        taken = await self._arrivals.take(path)
        return [replace(one, answer=_unacknowledged(one.answer)) for one in taken] if self.options.dry_run else taken

    def _client(self, account: Account | None, private: tuple[str, ...], hosts: tuple[str, ...]) -> Client:
        if account is None:
            return Client(hosts=hosts, private=private, clock=self.clock, redactor=self.redactor)
        platform = account.platform
        if platform.hosts and self._trust is None:
            self._trust = trusted()
        connections = max(4, min(64, platform.session.in_flight * 2))
        return Client(
            hosts=platform.hosts,
            private=platform.private,
            clock=self.clock,
            redactor=self.redactor,
            connections=connections,
            trust=self._trust,
        )

    def _operations(self, store: Store, engine: Engine, gate: Stop) -> Operations:
        async def reload() -> dict[str, Any]:
            return await self.reload(engine)

        def asks(name: str) -> bool:
            placed = engine.automations.get(name)
            return placed is not None and placed.automation.approval is not None

        def gone(found: query.Full) -> str:
            if engine.automations.get(found.automation) is None:
                return f"there is no automation {found.automation!r} any more"
            account = found.account
            if account and account not in engine.automations.accounts:
                return f"there is no account {account!r} any more"
            return ""

        return Operations(
            store=store,
            clock=self.clock,
            flags=gate.folder,
            decode=engine.action,
            asks=asks,
            limits_of=engine.limits_of,
            objections=lambda found, action: objections(engine.automations, engine.review, found, action),
            gone=gone,
            wake=engine.wake,
            adopt=engine.adopt,
            refused=lambda: self._refused,
            reload=reload,
            introduce=lambda name: introduced(engine.sessions, name),
        )

    async def reload(self, engine: Engine) -> dict[str, Any]:
        """Validate the files beside the running set and swap; on a mistake the old set goes on. Raises ConfigError."""
        async with self._reloading:
            try:
                automations, host = self._load_anew()
                await self._open_listener(automations)
            except ConfigError as exc:
                said = [str(mistake) for mistake in exc.mistakes] or [str(exc)]
                log.error("the files were not taken; the old ones run on", mistakes=said)
                since = self._refused["since"] if self._refused else isoformat(self.clock.now())
                self._refused = {"since": since, "mistakes": said}
                raise
            self._refused = None
            if automations.digest == engine.automations.digest:
                return {"automations": len(automations), "changed": False}
            await engine.replace(automations, host)
            self._serve_hooks(automations)
            log.info("reloaded", automations=len(automations))
            return {"automations": len(automations), "changed": True}

    def _load_anew(self) -> tuple[AutomationSet, PluginHost]:
        """As `load`. Raises ConfigError also when it takes too long, or the daemon is told to stop meanwhile."""
        try:
            with interruptible(LOADING):
                return self.load()
        except (KeyboardInterrupt, TooSlow) as exc:
            raise ConfigError(
                f"the files were not loaded to their end: {exc or 'the daemon was told to stop'}"
            ) from exc

    async def _serve(self, engine: Engine, store: Store, gate: Stop) -> None:
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        alarm = Alarm(lambda exc: None if broken.done() else broken.set_exception(exc))
        alarm.every(1, lambda: self._chores(engine, store, gate), "chores")
        retention = Retention(store=store, clock=self.clock, keep=self.home.settings.retention.bodies)
        alarm.every(3600, lambda: self._sweep(engine, store, retention), "sweep")
        alarm.every(86_400, lambda: self._look_at_versions(engine, store), "versions")
        await self._look_at_versions(engine, store)
        alarm.start()
        serving = asyncio.create_task(engine.serve(), name="engine")
        watching = asyncio.create_task(self._watch(engine), name="watch")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        # So that what is changed from the moment of "ready" on is seen.
        await asyncio.sleep(0)
        log.info("ready", automations=len(engine.automations), accounts=len(engine.sessions.accounts))
        self.ready(engine)
        try:
            ends: list[asyncio.Future[Any]] = [serving, broken, stopping]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            gate.stopping = True
            if self._stop.is_set():
                log.info("stopping", why=self.stopped_by)
                await engine.stop(DRAIN)
        finally:
            alarm.stop()
            for task in (serving, watching, stopping, broken):
                task.cancel()
            done = await asyncio.gather(broken, serving, watching, stopping, return_exceptions=True)
        for result in done:
            for exc in _errors(result):
                raise exc

    async def _chores(self, engine: Engine, store: Store, gate: Stop) -> None:
        """Renew the lease, and do what passes by time alone."""
        # The moment before it is committed: this process may be stopped between the commit and here.
        began = self.clock.monotonic()
        await store.do(accounts.beat, now=ms(self.clock.now()))
        gate.beat_at = began
        if self._missing_lock is not None and self._missing_lock.take():
            self._missing_lock = None
        await engine.housekeep()

    async def _sweep(self, engine: Engine, store: Store, retention: Retention) -> None:
        """Remove bodies whose time is over, and kept media that no delivery needs any more."""
        limits = (limit for placed in engine.automations for limit in placed.automation.limits)
        await retention.sweep(max((limit.per for limit in limits if isinstance(limit, Rate)), default=timedelta(0)))
        self._media.sweep(store.read(query.wanted_media))

    async def _look_at_versions(self, engine: Engine, store: Store) -> None:
        """Tell of each account whose network ends the version that it speaks."""
        now = self.clock.now()
        for name, account in engine.automations.accounts.items():
            ends = account.platform.bounds.api_ends
            if ends is not None and ends <= (now + ENDING).date():
                await store.do(accounts.version_ends, name=name, on=ends.isoformat(), now=ms(now))

    async def _watch(self, engine: Engine) -> None:
        if not self.options.watch:
            return
        from .changes import changes

        try:
            async for _ in changes(self.home.root):
                with contextlib.suppress(FieldfareError):
                    await self.reload(engine)
        except OSError as exc:
            log.warning("files cannot be watched; send SIGHUP after a change", why=str(exc))

    async def _open_listener(self, automations: AutomationSet) -> None:
        """Listen as soon as there is a web hook feed. Raises ConfigError when the port is taken."""
        if not _hook_paths(automations) or self._listener is not None:
            return
        settings = self.home.settings
        listener = Listener(Endpoint(self._arrivals, self.clock), settings.listen_host, settings.listen_port)
        try:
            await listener.start()
        except OSError as exc:
            said = f"cannot listen on {settings.listen_host}:{settings.listen_port}: {exc.strerror or exc}"
            raise ConfigError(f"{said}; choose another port in fieldfare.toml") from exc
        self._listener = listener
        self.listening_on = (listener.host, listener.port)

    def _serve_hooks(self, automations: AutomationSet) -> None:
        self._arrivals.serve(_hook_paths(automations))

    async def _stop_listening(self) -> None:
        if self._listener is not None:
            await self._listener.stop()

    def _signals(self, operations: Operations) -> None:
        loop = asyncio.get_running_loop()

        def reload() -> None:
            task = asyncio.ensure_future(operations.run("reload", {}, "SIGHUP"))
            task.add_done_callback(lambda t: t.cancelled() or t.exception())

        for name in ("SIGTERM", "SIGINT"):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(getattr(signal, name), self.request_stop, name)
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(signal.SIGHUP, reload)


def _unacknowledged(answer: Callable[[int], None]) -> Callable[[int], None]:
    return lambda status: answer(503 if 200 <= status < 300 else status)


def _hook_paths(automations: AutomationSet) -> set[str]:
    """The paths of the listener that these automations read."""
    feeds = (feed for placed in automations for feed in placed.automation.trigger.feeds())
    return {feed.arrives_at for feed in feeds if feed.arrives_at}


def _errors(result: object) -> Sequence[BaseException]:
    """What is worth raising out of a finished task: the deepest real error, a Fenced first."""
    if isinstance(result, asyncio.CancelledError) or not isinstance(result, BaseException):
        return ()
    if isinstance(result, BaseExceptionGroup):
        parts = cast("BaseExceptionGroup[BaseException]", result).exceptions
        inner = [exc for part in parts for exc in _errors(part)]
        return sorted(inner, key=lambda exc: not isinstance(exc, Fenced))[:1]
    return (result,)
