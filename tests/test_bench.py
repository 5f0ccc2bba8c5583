"""The benchmark's job on a small scale: what it counts, and what it does not let pass."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import job
from bench.goals import GOALS, judged
from bench.mention import SIZE, matching, mention
from bench.processes import Failed, Scene

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the benchmark reads /proc")


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene.open() as scene:
        yield scene


def test_mentions_that_are_pushed_are_answered_once_each(scene: Scene) -> None:
    done = job.push(scene, 100, connections=4)
    assert done.events_per_second > 0
    assert done.p99_ms >= done.p50_ms > 0
    report = scene.peer.ask()
    assert (report["replies"], report["duplicates"]) == (10, 0)


def test_mentions_that_are_pulled_are_answered_once_each() -> None:
    with Scene.open(push=False, accounts=2, delay=0.01) as scene:
        assert job.pull(scene, 100).events_per_second > 0
        assert scene.daemon.look() == {"events": 100, "undecided": 0, "deliveries": 10, "delivered": 10}


def test_a_reply_that_comes_twice_is_a_failure(scene: Scene) -> None:
    body = json.dumps({"to": "m00000000"}).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{scene.peer.port}/replies", body).close()
    with pytest.raises(Failed, match="1 of them twice"):
        job.push(scene, 100, connections=4)


def test_a_reply_that_does_not_come_is_a_failure(scene: Scene) -> None:
    scene.patience = 1
    scene.keyword = "coffee"
    with pytest.raises(Failed, match="lost: 10 replies were due, 0 came"):
        job.push(scene, 100, connections=4)


def test_every_mention_has_its_size_and_one_of_ten_the_keyword() -> None:
    made = [mention(number, "drink0000", datetime(2026, 11, 2, tzinfo=UTC)) for number in range(200)]
    assert {len(one) for one in made} == {SIZE}
    assert sum(b"drink0000" in one for one in made) == matching(0, 200) == 20


def test_every_goal_is_judged() -> None:
    good = {"cost_ratio_10000": 1, "ack_p99_ms": 1, "ready_s": 1, "help_s": 0.1, "help_ratio": 2, "peak_mib": 1}
    good |= {"cpu_s_per_1000_events": 0.1, "rules_1000_events_per_second": 9999}
    good |= {"events_per_second": 9999, "pull_events_per_second": 9999}
    clients = {"fieldfare": {"10": 100, "50": 100}}
    said = judged({**good, "http_per_second": clients})
    assert set(said) == {key for key, goal in GOALS.items() if goal.said}
    assert all(one["met"] for one in said.values())
