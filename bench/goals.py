"""What is measured under which key, and what it shall reach on two cores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """`said` is for people, `reached` for the machine; both speak of the value under the same key."""

    what: str
    said: str = ""
    reached: Callable[[Any], bool] | None = None


GOALS = {
    "events_per_second": Goal("push, 1 account, no delay", ">= 1000", lambda v: v >= 1000),
    "events_per_second_16": Goal("push, 16 accounts, no delay"),
    "events_per_second_20ms": Goal("push, 1 account, the peer answers after 20 ms"),
    "events_per_second_16_20ms": Goal("push, 16 accounts, 20 ms"),
    "pull_events_per_second": Goal("pull, 1 account, no delay", ">= 2000", lambda v: v >= 2000),
    "pull_events_per_second_16": Goal("pull, 16 accounts, no delay"),
    "pull_events_per_second_20ms": Goal("pull, 1 account, replies answered after 20 ms"),
    "pull_events_per_second_16_20ms": Goal("pull, 16 accounts, 20 ms"),
    "cpu_s_per_1000_events": Goal("push, user + sys of the daemon", "<= 1.0", lambda v: v <= 1.0),
    "pull_cpu_s_per_1000_events": Goal("pull, the same"),
    "ack_p99_ms": Goal("2xx with 100 producers in a closed loop", "< 25", lambda v: v < 25),
    "ack_p99_ms_at_1000": Goal("2xx with 100 producers that together offer 1,000 a second"),
    "ready_s": Goal("exec to ready with 1,000 automations in 20 files", "< 2", lambda v: v < 2),
    "cost_ratio_10000": Goal("CPU per event: 10,000 automations on other feeds / 10", "<= 1.5", lambda v: v <= 1.5),
    "rules_1000_events_per_second": Goal("push, 1,000 rules on the feed, one matches", ">= 500", lambda v: v >= 500),
    "help_s": Goal("`fieldfare --help`", "< 0.3, or help_ratio < 15"),
    "help_ratio": Goal("the same / bare Python"),
    "peak_mib": Goal("most memory resident during push", "< 150", lambda v: v < 150),
    "http_per_second": Goal(
        "requests/s of the daemon's client at 1, 10, 50 in flight",
        "no collapse at 50: at least as many as at 10, less a tenth",
        lambda v: v["fieldfare"]["50"] >= 0.9 * v["fieldfare"]["10"],
    ),
    "flushes_per_second": Goal("4 KiB and fdatasync on this disk, in the same run"),
}


def judged(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each goal with whether it was met."""
    said: dict[str, dict[str, Any]] = {}
    for key, goal in GOALS.items():
        if goal.said and key in figures:
            if key == "help_s":
                met = figures["help_s"] < 0.3 or figures["help_ratio"] < 15
            else:
                assert goal.reached is not None
                met = bool(goal.reached(figures[key]))
            said[key] = {"goal": goal.said, "met": met}
    return said
