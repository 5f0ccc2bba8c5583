"""What `run` does once it is clear that it shall: logs, loop, daemon, and how it ended."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._engine.daemon import Daemon, Options
from .._engine.home import Home
from .._engine.log import set_up
from .._engine.settings import state_folder
from .._store import query, why
from .exits import Exit
from .project import Opened, looking
from .rehearsal import Rehearsal

_STOPPED = {"SIGINT": Exit.INTERRUPTED, "SIGTERM": Exit.TERMINATED}


def serve(path: Path, *, dry_run: bool, once: bool, standby: bool) -> int:
    """Run the daemon on a project, and give the exit code."""
    opened = Opened.at(path)
    home = opened.home
    set_up(opened.redactor, home.settings.log.format, home.settings.log.level, sys.stderr)
    for failure in opened.host.failures:
        _log().warning("a plugin was left out", why=str(failure))
    if dry_run:
        opened.host.register(Rehearsal(), name="dry-run")
    else:
        state_folder(home.root)
    daemon = Daemon(
        home=home,
        redactor=opened.redactor,
        load=opened.load,
        options=Options(dry_run=dry_run, once=once, standby=standby),
        ready=lambda engine: keep_for_good(),
    )
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(daemon.run())
    if once and not dry_run:
        return _after_once(home)
    return _STOPPED.get(daemon.stopped_by, Exit.DONE)


def keep_for_good() -> None:
    """Let the garbage collector leave alone what start-up has made: looking through all of it again and again would
    hold every answer up for 40 ms at a time (200 ms with 10,000 automations)."""
    gc.collect()
    gc.freeze()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _log() -> Any:
    import structlog

    return structlog.get_logger("fieldfare.run")


def _after_once(home: Home) -> Exit:
    """What a single round left behind, as an exit code: doubt first, then what keeps it from being done."""
    with looking(home) as store:
        counts = query.counts(store)
        present = why.present_accounts(store)
        errors = [error for name, _, _, _, _, error, _ in query.accounts(store) if error and name in present]
        feeds = query.feeds(store)
        paused = bool(query.pauses(store))
    failing = [key for key, _, failed_at, _ in feeds if failed_at is not None]
    if counts.get("uncertain"):
        return Exit.UNKNOWN
    if errors:
        return Exit.LOGIN
    if failing:
        return Exit.LATER if len(failing) == len(feeds) else Exit.PARTLY
    if paused and counts.get("due"):
        return Exit.STOPPED
    return Exit.DONE
