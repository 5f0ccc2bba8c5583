"""The job, once: offer mentions, wait until the last answer is out and recorded, and see that nothing is missing."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from .mention import matching
from .processes import Child, Failed, Scene

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one run of the job took."""

    events_per_second: float
    """From the first offer until the peer had seen every reply and the store had recorded them all."""
    accepted_per_second: float
    cpu_s_per_1000: float
    p50_ms: float
    p99_ms: float
    """Of a producer's wait for its 2xx; 0 for pull."""
    other_cores: float
    """What everything else on the machine used meanwhile, besides daemon, peer and producers."""


def push(scene: Scene, count: int, *, connections: int = 32, per_second: float = 0.0) -> Done:
    """`count` mentions by POST from `connections` producers. Raises Failed when one is lost, refused or doubled."""
    settings = {
        "port": scene.daemon.port,
        "connections": connections,
        "accounts": scene.accounts,
        "first": scene.offered,
        "count": count,
        "keyword": scene.keyword,
        "per_second": per_second,
    }
    with Child("producers", json.dumps(settings)) as producers:
        producers.hear()
        busy, cpu, peer_cpu = _busy(), scene.daemon.cpu, scene.peer.ask()["cpu"]
        producers.say("go")
        said = json.loads(producers.hear())
    if said["statuses"] != {"202": count}:
        raise Failed(f"{count} mentions were offered, the answers were {said['statuses']}: {scene.daemon.tail()}")
    ended = _settled(scene, count)
    took = ended - said["began"]
    cpu = scene.daemon.cpu - cpu
    ours = cpu + said["cpu"] + scene.peer.ask()["cpu"] - peer_cpu
    return Done(
        events_per_second=count / took,
        accepted_per_second=count / (said["ended"] - said["began"]),
        cpu_s_per_1000=cpu / count * 1000,
        p50_ms=said["p50_ms"],
        p99_ms=said["p99_ms"],
        other_cores=max(0.0, _busy() - busy - ours) / took,
    )


def pull(scene: Scene, count: int) -> Done:
    """`count` mentions to be pulled; the clock starts when the first page leaves. Raises Failed as `push`."""
    busy, cpu, peer_cpu = _busy(), scene.daemon.cpu, scene.peer.ask()["cpu"]
    offer = {"accounts": scene.accounts, "first": scene.offered, "count": count, "keyword": scene.keyword}
    began = time.monotonic()
    scene.peer.ask(offer=offer)
    ended = _settled(scene, count)
    cpu = scene.daemon.cpu - cpu
    report = scene.peer.ask()
    took = ended - report["offered_at"]
    ours = cpu + report["cpu"] - peer_cpu
    return Done(
        events_per_second=count / took,
        accepted_per_second=count / took,
        cpu_s_per_1000=cpu / count * 1000,
        p50_ms=0.0,
        p99_ms=0.0,
        other_cores=max(0.0, _busy() - busy - ours) / (ended - began),
    )


def _settled(scene: Scene, count: int) -> float:
    """The moment from which everything was out and recorded."""
    scene.offered += count
    replies = matching(0, scene.offered)
    wanted = {"events": scene.offered, "undecided": 0, "deliveries": replies, "delivered": replies}
    until = time.monotonic() + scene.patience
    while (seen := scene.peer.ask()["replies"]) < replies:
        if time.monotonic() > until or scene.daemon.process.poll() is not None:
            raise Failed(f"lost: {replies} replies were due, {seen} came; {scene.daemon.look()}: {scene.daemon.tail()}")
        time.sleep(0.02)
    while (found := scene.daemon.look()) != wanted:
        if time.monotonic() > until:
            raise Failed(f"the store has {found}, and should have {wanted}: {scene.daemon.tail()}")
        time.sleep(0.002)
    ended = time.monotonic()
    report = scene.peer.ask()
    if report["duplicates"] or report["replies"] != replies:
        raise Failed(f"{replies} replies were due, {report['replies']} came, {report['duplicates']} of them twice")
    return ended


def _busy() -> float:
    """Seconds of all cores spent on anything at all since the machine started."""
    user, nice, system, _, _, irq, soft, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + soft) / _TICKS
