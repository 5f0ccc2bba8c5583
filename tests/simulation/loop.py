"""An event loop whose time is virtual and whose order comes from a seed; processes in it can be frozen and killed."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
from asyncio import base_events
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

A = TypeVarTuple("A")
T = TypeVar("T")
SPINS = 20_000
"""Turns of the loop at one moment that nothing honest takes."""
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass(eq=False)
class Process:
    """What a kill, a SIGSTOP and a SIGCONT would hit: everything that was started in its context."""

    name: str
    alive: bool = True
    frozen: bool = False
    left: int | None = None
    """Steps until it is killed between two awaits; None: not."""
    killed: Callable[[], None] = lambda: None
    waiting: list[asyncio.Handle] = field(default_factory=list[asyncio.Handle])


process: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class SimTask(asyncio.Task[Any]):
    """A task whose hash is its number: sets of tasks have the same order in every run."""

    def __init__(self, coro: Any, *, number: int, **more: Any) -> None:
        self.number = number
        super().__init__(coro, **more)

    def __hash__(self) -> int:
        return self.number


class SimLoop(base_events.BaseEventLoop):
    """Runs what is ready in an order drawn from the seed; time passes only when nothing is ready.

    No thread, no socket, no file descriptor: `run_in_executor` runs inline.
    """

    # The base class keeps these for itself; a loop of one's own can be had in no other way.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, rnd: random.Random) -> None:
        super().__init__()
        self.rnd = rnd
        self.virtual = 0.0
        self.steps = 0
        self._turns = 0
        self.tasks: list[SimTask] = []
        """All that ever were: a task of a dead process must not be collected, or its `finally` would still run."""
        self._selector: Any = None
        self.set_task_factory(self._task)
        self.set_exception_handler(lambda loop, context: None)

    def _task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **more: Any
    ) -> SimTask:
        task = SimTask(coro, number=len(self.tasks), loop=loop, **more)
        self.tasks.append(task)
        return task

    def time(self) -> float:
        return self.virtual

    def run_in_executor(self, executor: Any, func: Callable[[Unpack[A]], T], *args: *A) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as exc:
            future.set_exception(exc)
        return future

    def kill(self, victim: Process) -> None:
        """Nothing of the process runs any more: no handler, no `finally`. What was ready stays in `waiting`."""
        if victim.alive:
            victim.alive = False
            victim.killed()

    def thaw(self, sleeper: Process) -> None:
        sleeper.frozen = False
        if sleeper.alive:
            self._ready.extend(sleeper.waiting)
            sleeper.waiting.clear()

    def _process_events(self, event_list: Any) -> None: ...

    def _write_to_self(self) -> None: ...

    def _run_once(self) -> None:
        scheduled, ready = self._scheduled, self._ready
        while scheduled and scheduled[0].cancelled():
            _taken(scheduled)
        self._turns += 1
        if self._turns > SPINS:
            raise RuntimeError(f"something spins: {SPINS} turns of the loop without time passing, at {list(ready)[:3]}")
        if not ready:
            self._turns = 0
            if not scheduled:
                raise RuntimeError("nothing will ever happen again")
            self.virtual = max(self.virtual, scheduled[0].when())
        while scheduled and scheduled[0].when() <= self.virtual:
            ready.append(_taken(scheduled))
        batch = list(ready)
        ready.clear()
        if len(batch) > 1:
            self.rnd.shuffle(batch)
        for handle in batch:
            if not handle.cancelled():
                self._step(handle)

    def _step(self, handle: Any) -> None:
        owner: Process | None = handle._context.get(process)
        if owner is not None:
            if not owner.alive or owner.frozen:
                owner.waiting.append(handle)
                return
            if owner.left is not None:
                owner.left -= 1
                if owner.left < 0:
                    owner.waiting.append(handle)
                    self.kill(owner)
                    return
        self.steps += 1
        handle._run()


def _taken(scheduled: list[Any]) -> Any:
    handle = heapq.heappop(scheduled)
    handle._scheduled = False
    return handle


class SimClock:
    """Monotonic time is the loop's; the wall clock is ahead of it by what somebody has set."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return START + self.ahead + timedelta(seconds=self._loop.virtual)

    def monotonic(self) -> float:
        return 1000.0 + self._loop.virtual

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True
