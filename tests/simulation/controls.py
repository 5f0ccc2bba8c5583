"""Negative controls: break one guard at a time in a copy of the tree, and see the simulation notice.

`python -m tests.simulation.controls [name …]`; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE, STORE = "core/fieldfare/_engine", "core/fieldfare/_store"


@dataclass(frozen=True, slots=True)
class Change:
    """One place: `old` must stand there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Control:
    """A guard that is taken away, and what the simulation must then say."""

    name: str
    says: tuple[str, ...]
    changes: tuple[Change, ...]


_SENDING = """        await wiring.store.do(
            steps.sending, delivery=mine.id, token=mine.token, name=step, now=ms(now), server_now=server_now
        )
"""

CONTROLS = (
    Control(
        "settle time 0",
        ("doubled",),
        (
            Change(
                f"{ENGINE}/recall.py",
                "left = seen.since + declaration.settle.total_seconds() - now",
                "left = 0.0",
            ),
        ),
    ),
    Control(
        "token check removed",
        ("doubled", "broken", "lost", "stuck"),
        (
            Change(f"{STORE}/writer.py", "    if token is not None:\n", "    if False:\n"),
            Change(
                f"{STORE}/steps.py",
                "WHERE id = ? AND token = ? AND state = 'sending'\", (delivery, token)",
                'WHERE id = ? AND (token = ? OR 1)", (delivery, token)',
            ),
            Change(
                f"{STORE}/settle.py",
                "WHERE id = ? AND token = ? AND state IN ('sending', 'uncertain')\", (delivery, token)",
                'WHERE id = ? AND (token = ? OR 1)", (delivery, token)',
            ),
        ),
    ),
    Control(
        "send before commit",
        ("doubled", "broken"),
        (
            Change(f"{ENGINE}/attempt.py", _SENDING, ""),
            Change(
                f"{ENGINE}/attempt.py",
                "        answer = await self._perform(step, request)\n",
                "        answer = await self._perform(step, request)\n" + _SENDING,
            ),
        ),
    ),
    Control(
        "wall-clock leases",
        ("doubled", "stuck"),
        (
            Change(
                f"{ENGINE}/recall.py",
                "now = self.clock.monotonic()",
                "now = self.clock.now().timestamp()",
            ),
            Change(
                f"{ENGINE}/stop.py",
                "self.clock.monotonic() - self.beat_at",
                "self.clock.now().timestamp() - self.beat_at",
            ),
            Change(
                f"{ENGINE}/daemon.py",
                "        began = self.clock.monotonic()\n        await store.do(accounts.beat",
                "        began = self.clock.now().timestamp()\n        await store.do(accounts.beat",
            ),
        ),
    ),
    Control(
        "cursor moved before events",
        ("lost",),
        (
            Change(
                f"{ENGINE}/ingest.py",
                "        fresh = await self.store.do(\n",
                "        await self._touch(key, batch.cursor, start)\n        fresh = await self.store.do(\n",
            ),
        ),
    ),
    Control(
        "retry on a lost answer",
        ("doubled",),
        (
            Change(
                f"{ENGINE}/attempt.py",
                "        except (NotSent, _Stopped):\n",
                "        except (NotSent, OutcomeUnknown, _Stopped):\n",
            ),
        ),
    ),
    Control(
        "approval not bound to the digest",
        ("broken",),
        (
            Change(
                f"{STORE}/control.py",
                "    if digest is not None and not have.startswith(digest):\n",
                "    if digest is not None and not have:\n",
            ),
        ),
    ),
    Control(
        "limit checked outside the transaction",
        ("broken",),
        (
            Change(
                f"{STORE}/admission.py",
                "    admitted: list[Admitted] = []\n",
                "    admitted: list[Admitted] = []\n"
                "    BEFORE.clear()\n"
                "    BEFORE.update({(p.key, i): fences.at_admission(c, limit, p, now) for one in conclusions"
                " for j in one.judged for p in j.planned for i, limit in enumerate(p.limits)})\n",
            ),
            Change(
                f"{STORE}/admission.py",
                "    for limit in planned.limits:\n        no = fences.at_admission(c, limit, planned, now)\n",
                "    for i, _ in enumerate(planned.limits):\n        no = BEFORE[planned.key, i]\n",
            ),
            Change(f"{STORE}/admission.py", "\n\ndef conclude(", "\nBEFORE = {}\n\n\ndef conclude("),
        ),
    ),
    Control(
        "found for a post that another delivery holds",
        ("lost",),
        (
            Change(f"{STORE}/settle.py", "        if other is not None and kind is not None", "        if 0 and kind"),
            Change(
                f"{ENGINE}/attempt.py",
                "        return frozenset(ref.removeprefix(prefix) for ref in held)\n",
                "        return frozenset(ref.removeprefix(prefix) for ref in held if 0)\n",
            ),
        ),
    ),
    Control(
        "absent said after a short listing",
        ("doubled",),
        (
            Change(
                "tests/simulation/connector.py",
                '            if page["end"]:\n                break\n',
                '            if page["end"] or page["limit"]:\n                break\n',
            ),
        ),
    ),
    Control(
        "steps without keys of their own",
        ("lost", "doubled"),
        (Change(f"{ENGINE}/attempt.py", "{self._claimed.revision}\\n{step}", "{self._claimed.revision}"),),
    ),
)


def broken_copy(control: Control, place: Path) -> None:
    """The tree with the guard taken away. Raises LookupError when a change no longer applies."""
    shutil.copytree(ROOT / "core", place / "core", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests/simulation", place / "tests/simulation", ignore=shutil.ignore_patterns("__pycache__"))
    for change in control.changes:
        path = place / change.file
        text = path.read_text(encoding="utf-8")
        if text.count(change.old) != 1:
            raise LookupError(f"{control.name}: {change.file} has {text.count(change.old)} places like {change.old!r}")
        path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def tried(control: Control, seeds: int) -> tuple[Control, bool, str]:
    """Whether the simulation fails as it must without this guard, and what it said."""
    with tempfile.TemporaryDirectory(prefix="fieldfare-control-") as folder:
        place = Path(folder)
        broken_copy(control, place)
        run = subprocess.run(
            [
                sys.executable,
                "-P",
                "-m",
                "tests.simulation",
                "--seeds",
                str(seeds),
                "--beyond",
                "0",
                "--until",
                ",".join(control.says),
            ],
            cwd=place,
            env=os.environ | {"PYTHONPATH": f"{place}:{place / 'core'}", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    last = run.stdout.strip().rpartition("\n")[2]
    try:
        said = json.loads(last)
    except ValueError:
        return control, False, run.stderr.strip()[-400:]
    found = [what for what in control.says if said[what]]
    return control, bool(found), f"seed {said['first_bad']}: {', '.join(f'{said[what]} {what}' for what in found)}"


def try_all(controls: Sequence[Control], seeds: int, jobs: int) -> Iterator[tuple[Control, bool, str]]:
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda control: tried(control, seeds), controls)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.controls", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these (all)")
    parser.add_argument("--seeds", type=int, default=1500, help="how many universes a fault may hide in (1500)")
    parser.add_argument("--jobs", type=int, default=2, help="side by side (2)")
    given = parser.parse_args()
    chosen = [control for control in CONTROLS if not given.names or control.name in given.names]
    failed = 0
    for control, noticed, said in try_all(chosen, given.seeds, given.jobs):
        failed += noticed
        print(f"{control.name}: {'noticed' if noticed else 'NOT NOTICED'}, {said or 'nothing was bad'}", flush=True)
    print(json.dumps({"controls": len(chosen), "failed_as_they_must": failed}))
    return int(failed != len(chosen))


if __name__ == "__main__":
    sys.exit(main())
