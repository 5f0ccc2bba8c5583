"""Universes by the hundred: nothing lost, nothing doubled, nothing stuck; and the same seed is the same universe."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from .controls import CONTROLS, ROOT, Control, broken_copy
from .story import simulate

# A decision that a dead process was about to await is awaited by nobody.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

FIXED = range(1, 41)
PATIENCE = 14.0
"""Seconds that the random seeds may take."""
RUN = "from tests.simulation.story import simulate; print(simulate({seed}).digest)"


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """A universe is one large cycle: collected here, where its warnings are expected, and not in the middle of it."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def test_nothing_is_lost_doubled_or_stuck_in_the_fixed_universes() -> None:
    bad = [(run.seed, run.lost, run.doubled, run.stuck, run.broken) for run in map(simulate, FIXED) if run.bad]
    assert not bad


def test_nothing_is_lost_doubled_or_stuck_in_universes_that_nobody_has_seen(capsys: pytest.CaptureFixture[str]) -> None:
    rnd = random.Random()
    seeds: list[int] = []
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        seeds.append(rnd.randrange(1_000_000, 1_000_000_000))
        run = simulate(seeds[-1])
        again = f"python -m tests.simulation --trace --first {run.seed}"
        assert not run.bad, (again, run.lost, run.doubled, run.stuck, run.broken)
    with capsys.disabled():
        print(f"\n{len(seeds)} random universes: {' '.join(map(str, seeds))}")


@pytest.mark.parametrize("seed", [4, 21])
def test_a_seed_is_the_same_universe_to_the_byte_in_every_process(seed: int) -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-P", "-c", RUN.format(seed=seed)],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_each_control_still_finds_the_place_that_it_breaks(
    control: Control, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken_copy(control, tmp_path_factory.mktemp("control"))
