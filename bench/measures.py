"""All measurements, interleaved round by round, so that what disturbs the machine disturbs each of them alike."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from . import http, job
from .job import Done
from .machine import flushes_per_second
from .processes import COMMAND, Scene

Tell: TypeAlias = Callable[[str], None]
Job: TypeAlias = Callable[[Scene, int], Done]

WARM_UP = 300


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: rounds, and events for each run of the job."""

    rounds: int = 5
    push: int = 4000
    pull: int = 8000
    rules: int = 2000


FULL = Size(rounds=9, push=20_000, pull=40_000, rules=10_000)


@dataclass(slots=True)
class Figures:
    """Every run's figure under its key; `medians` is what is reported."""

    runs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, **values: float) -> None:
        for key, value in values.items():
            self.runs[key].append(value)

    def medians(self) -> dict[str, float]:
        return {key: _rounded(statistics.median(values)) for key, values in self.runs.items()}

    def ranges(self) -> dict[str, list[float]]:
        return {key: [_rounded(min(values)), _rounded(max(values))] for key, values in self.runs.items()}


def measure(size: Size, tell: Tell) -> tuple[Figures, dict[str, Any]]:
    """Every figure by its key, and the requests per second of the clients. Raises Failed as the job does."""
    figures = Figures()
    with ExitStack() as stack:
        tell("starting daemons with 10 and with 10,000 automations on other feeds")
        few = stack.enter_context(Scene.open(others=10, files=1))
        many = stack.enter_context(Scene.open(others=10_000, files=100))
        for scene in (few, many):
            job.push(scene, WARM_UP)
        for number in range(1, size.rounds + 1):
            figures.add(flushes_per_second=flushes_per_second())
            _job(figures, size, partial(_told, tell, number, size.rounds))
            _others(figures, few, many, size.push // 2, partial(_told, tell, number, size.rounds))
            _start(figures, partial(_told, tell, number, size.rounds))
    tell("requests per second")
    return figures, http.measure(rounds=size.rounds, seconds=0.6)


def _told(tell: Tell, number: int, rounds: int, what: str) -> None:
    tell(f"round {number}/{rounds}  {what}")


def _job(figures: Figures, size: Size, tell: Tell) -> None:
    for suffix, settings in (
        ("", {}),
        ("_16", {"accounts": 16}),
        ("_20ms", {"delay": 0.02}),
        ("_16_20ms", {"accounts": 16, "delay": 0.02}),
    ):
        done, peak = _run(job.push, size.push, tell, f"push{suffix}", **settings)
        figures.add(**{f"events_per_second{suffix}": done.events_per_second})
        if not suffix:
            figures.add(cpu_s_per_1000_events=done.cpu_s_per_1000, peak_mib=peak, other_cores=done.other_cores)
        done, _ = _run(job.pull, size.pull, tell, f"pull{suffix}", push=False, **settings)
        figures.add(**{f"pull_events_per_second{suffix}": done.events_per_second})
        if not suffix:
            figures.add(pull_cpu_s_per_1000_events=done.cpu_s_per_1000)
    done, _ = _run(partial(job.push, connections=100), size.push, tell, "push, 100 producers")
    figures.add(ack_p99_ms=done.p99_ms)
    done, _ = _run(partial(job.push, connections=100, per_second=1000), size.push, tell, "push, 100 producers, paced")
    figures.add(ack_p99_ms_at_1000=done.p99_ms)
    done, _ = _run(job.push, size.rules, tell, "push, 1,000 rules", rules=1000)
    figures.add(rules_1000_events_per_second=done.events_per_second)


def _run(work: Job, count: int, tell: Tell, name: str, **settings: Any) -> tuple[Done, float]:
    """The job once on a fresh daemon, and its peak memory in MiB."""
    with Scene.open(**settings) as scene:
        work(scene, WARM_UP)
        done = work(scene, count)
        tell(
            f"{name}: {done.events_per_second:,.0f} events/s, {done.cpu_s_per_1000:.2f} CPU s per 1,000,"
            f" 2xx p50 {done.p50_ms:.1f} p99 {done.p99_ms:.1f} ms; others use {done.other_cores:.1f} cores"
        )
        return done, scene.daemon.peak_mib


def _others(figures: Figures, few: Scene, many: Scene, count: int, tell: Tell) -> None:
    with_few, with_many = (job.push(scene, count).cpu_s_per_1000 for scene in (few, many))
    figures.add(cost_ratio_10000=with_many / with_few)
    tell(f"CPU s per 1,000 with 10 and 10,000 automations elsewhere: {with_few:.2f}, {with_many:.2f}")


def _start(figures: Figures, tell: Tell) -> None:
    with Scene.open(others=1000, files=20) as scene:
        figures.add(ready_s=scene.daemon.ready_s)
    bare, said = (_took([sys.executable, "-c", "pass"]), _took([str(COMMAND), "--help"]))
    figures.add(help_s=said, help_ratio=said / bare)
    tell(f"ready after {figures.runs['ready_s'][-1]:.2f} s, --help after {said:.2f} s, bare Python {bare:.3f} s")


def _took(command: list[str]) -> float:
    """Seconds, the better of two: the first may have to read files."""
    best = 60.0
    for _ in range(2):
        started = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.monotonic() - started)
    return best


def _rounded(value: float) -> float:
    return round(value) if value >= 1000 else float(f"{value:.3g}")
