"""Run many universes and add up: `python -m tests.simulation --seeds 1000`. The last line is JSON."""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from functools import partial

from .story import Run, simulate


def _one(seed: int, *, beyond: bool) -> Run:
    gc.disable()
    # A decision that a dead process was about to await is awaited by nobody.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    run = simulate(seed, beyond=beyond)
    gc.collect()
    return run


def runs(seeds: Iterable[int], *, beyond: bool = False, jobs: int = 1) -> Iterator[Run]:
    """One run per seed, in their order."""
    if jobs == 1:
        yield from map(partial(_one, beyond=beyond), seeds)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(partial(_one, beyond=beyond), seeds, chunksize=8)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many universes (300)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument(
        "--beyond", type=int, default=-1, help="universes with answers later than the settle time (a tenth)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (1)")
    parser.add_argument("--trace", action="store_true", help="print the whole trace of the first seed")
    parser.add_argument("--until", default="", help="stop at the first that is bad in one of these ways: lost,stuck")
    given = parser.parse_args()
    if given.trace:
        run = simulate(given.first)
        print("\n".join(run.trace))
        return int(run.bad)
    began = time.perf_counter()
    said = {"seeds": given.seeds, "seeds_per_second": 0.0, "lost": 0, "doubled": 0, "stuck": 0, "broken": 0}
    first_bad: Run | None = None
    virtual = 0.0
    for run in runs(range(given.first, given.first + given.seeds), jobs=given.jobs):
        virtual += run.virtual
        said["lost"] += len(run.lost)
        said["doubled"] += len(run.doubled)
        said["stuck"] += len(run.stuck)
        said["broken"] += len(run.broken)
        if run.bad:
            print(f"seed {run.seed}:", *run.lost, *run.doubled, *run.stuck, *run.broken, sep="\n    ", flush=True)
            first_bad = first_bad or run
            if any(getattr(run, what) for what in filter(None, given.until.split(","))):
                break
    took = time.perf_counter() - began
    said["seeds_per_second"] = round(given.seeds / took, 1)
    beyond = given.beyond if given.beyond >= 0 else given.seeds // 10
    over = sum(len(run.doubled) for run in runs(range(given.first, given.first + beyond), beyond=True, jobs=given.jobs))
    if first_bad is not None:
        print(f"the trace of seed {first_bad.seed}:", *first_bad.trace, sep="\n")
    last = said | {
        "beyond_limit": over,
        "beyond_seeds": beyond,
        "virtual_hours": round(virtual / 3600, 1),
        "first_bad": first_bad.seed if first_bad else None,
    }
    print(json.dumps(last))
    return int(first_bad is not None)


if __name__ == "__main__":
    sys.exit(main())
