"""The stage of `demo`: a scratch project, the real daemon, and somebody who approves."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .._domain.errors import ConfigError
from .._engine.control import call
from .._engine.daemon import Daemon, Options
from .._engine.log import set_up
from .exits import Exit
from .project import Opened
from .tale import Tale

POSTS_AT = (9, 13)
"""Seconds after the beginning at which the two rows of the calendar are due."""
THINKING = 4.0
"""Seconds that whoever approves takes to read."""
LONGEST = 60.0
"""Seconds after which the demo ends, whatever has happened."""


def play() -> int:
    """Tell the story, and give the exit code: 0 when everything was seen that is to be seen."""
    with tempfile.TemporaryDirectory(prefix="fieldfare-demo-") as folder:
        project = Path(folder) / "shop"
        shutil.copytree(examples(), project, ignore=shutil.ignore_patterns("__pycache__", ".fieldfare"))
        return asyncio.run(_play(project))


def examples() -> Path:
    """The examples: beside this file in an installed copy, else the folder of the repository."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "examples", here.parents[3] / "examples"):
        if (folder / "accounts.py").is_file():
            return folder
    raise ConfigError("the examples are not installed; reinstall fieldfare, or run the demo in its repository")


async def _play(project: Path) -> int:
    _postdate(project / "calendar.csv", datetime.now(UTC))
    opened = Opened.at(project)
    with _log(project, opened):
        tale = Tale(opened.home)
        opened.host.register(tale, name="demo")
        daemon = Daemon(
            home=opened.home,
            redactor=opened.redactor,
            load=opened.load,
            options=Options(watch=False),
            ready=tale.begin,
        )
        chores = [asyncio.create_task(_approve(project, tale)), asyncio.create_task(_watch(daemon, tale))]
        try:
            await daemon.run()
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
    if daemon.stopped_by in ("SIGINT", "SIGTERM"):
        return Exit.INTERRUPTED if daemon.stopped_by == "SIGINT" else Exit.TERMINATED
    return Exit.DONE if tale.end() else Exit.FAILED


@contextmanager
def _log(project: Path, opened: Opened) -> Generator[None]:
    """The daemon's log goes to a file: the story is told by us."""
    with (project / "log.jsonl").open("w", encoding="utf-8") as stream:
        set_up(opened.redactor, "json", "info", stream)
        yield


def _postdate(calendar: Path, now: datetime) -> None:
    """Move the rows of the calendar to the next seconds, so that nobody has to wait for them."""
    moments = (f"{now + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}" for at in POSTS_AT)
    text = calendar.read_text(encoding="utf-8")
    calendar.write_text(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", lambda _: next(moments), text), encoding="utf-8")


async def _approve(project: Path, tale: Tale) -> None:
    """Play the person who approves: over the control socket, as `fieldfare approvals approve` does."""
    held = await tale.held.get()
    await asyncio.sleep(THINKING)
    await call(project / ".fieldfare" / "control", "approve", {"key": held.key, "digest": held.digest})
    tale.approved(held)


async def _watch(daemon: Daemon, tale: Tale) -> None:
    """Look after the decisions that lead to nothing, and end the story when all of it was told."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST
    while loop.time() < until and not tale.complete:
        await asyncio.sleep(0.2)
        tale.look()
    await tale.count()
    daemon.request_stop("the story is told")
