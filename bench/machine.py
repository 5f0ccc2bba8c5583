"""What the figures depend on: the disk's flushes, and the machine."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time


def flushes_per_second(seconds: float = 0.5) -> float:
    """4 KiB overwritten and flushed (fdatasync), as often as it goes: the floor under everything durable."""
    block = os.urandom(4096)
    with tempfile.TemporaryFile() as file:
        number = file.fileno()
        os.pwrite(number, block, 0)
        os.fsync(number)
        count, until = 0, time.monotonic() + seconds
        started = time.monotonic()
        while time.monotonic() < until:
            os.pwrite(number, block, 0)
            os.fdatasync(number)
            count += 1
        return count / (time.monotonic() - started)


def facts() -> dict[str, object]:
    """The machine and the versions that matter."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
