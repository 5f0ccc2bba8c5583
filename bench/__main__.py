"""`python -m bench`: progress on standard error, a table and the figures as one line of JSON on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from .goals import GOALS, judged
from .machine import facts
from .measures import FULL, Size, measure
from .processes import Failed
from .project import settings

CAPS = {
    "per_conversation": settings.PER_CONVERSATION,
    "per_person": settings.PER_PERSON,
    "per_account": settings.PER_ACCOUNT,
}


def main() -> int:
    """0 when every mention was answered exactly once in every run, whatever the figures are; else 1."""
    started = time.monotonic()
    size = FULL if os.environ.get("BENCH") == "full" else Size()
    machine = facts()
    print(f"{machine}\ncaps raised to {CAPS}; {settings.IN_FLIGHT} replies in flight", flush=True)

    def tell(line: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {line}", file=sys.stderr, flush=True)

    try:
        measured, clients = measure(size, tell)
    except Failed as exc:
        print(f"failed: {exc}", file=sys.stderr)
        return 1
    figures: dict[str, Any] = {**measured.medians(), "http_per_second": clients}
    goals = judged(figures)
    print(f"\nmedians of {size.rounds} runs; nothing lost, nothing doubled in any\n")
    for key, goal in GOALS.items():
        low, high = measured.ranges().get(key, ("", ""))
        runs = f"{low} to {high}" if low != "" else ""
        met = {True: "met", False: "NOT MET", None: ""}[goals.get(key, {}).get("met")]
        value = figures[key] if key != "http_per_second" else " / ".join(map(str, clients["fieldfare"].values()))
        print(f"{key:<32} {value!s:>16}  {runs:<20} {goal.said:<26} {met:<8} {goal.what}")
    figures |= {
        "goals": goals,
        "ranges": measured.ranges(),
        "rounds": size.rounds,
        "lost": 0,
        "duplicated": 0,
        "caps": CAPS,
        "in_flight": settings.IN_FLIGHT,
        "machine": machine,
        "took_s": round(time.monotonic() - started),
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
