"""The processes of a run: the daemon with what it costs, the peer, the producers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PROJECT = Path(__file__).parent / "project"
COMMAND = Path(sys.executable).with_name("fieldfare")
PATIENCE = 120.0
"""Seconds after which anything that is waited for is given up."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A run did not do what it must; the figures of such a run are worth nothing."""


def write_project(folder: Path, **settings: Any) -> None:
    """The project of a run: the files of `bench/project`, with these settings."""
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__", "__init__.py"))
    with (folder / "settings.py").open("a", encoding="utf-8") as file:
        file.write("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    (folder / "fieldfare.toml").write_text("[listener]\nport = 0\n", encoding="utf-8")
    (folder / "secrets.toml").touch(0o600)
    (folder / "secrets.toml").write_text('other = "canary-bench-other"\n', encoding="utf-8")


class Daemon:
    """`fieldfare run` on a project, in a process of its own; `ready_s` is the time from exec until it says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Not in the project: the daemon watches that folder.
        self._log = folder.with_suffix(".log")
        started = time.monotonic()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(COMMAND), "run", str(folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.port = self._until_ready()
        except BaseException:
            self.process.kill()
            raise
        self.ready_s = time.monotonic() - started

    def _until_ready(self) -> int:
        """The port of the listener, 0 when it has none."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            lines = self._log.read_text(encoding="utf-8").splitlines()
            said = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
            if any(line["event"] == "ready" for line in said):
                return next((int(line["port"]) for line in said if "port" in line), 0)
            if self.process.poll() is not None:
                raise Failed(f"the daemon ended with {self.process.returncode} before it was ready: {self.tail()}")
            time.sleep(0.005)
        raise Failed(f"the daemon was not ready within {PATIENCE:.0f} s: {self.tail()}")

    def tail(self) -> str:
        """The end of what the daemon said."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]

    @property
    def cpu(self) -> float:
        """Seconds of user and system time so far, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def peak_mib(self) -> float:
        """The most memory it ever had resident."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise Failed("the kernel does not tell the daemon's peak memory")

    def look(self) -> dict[str, int]:
        """What the store has by now: events, those undecided, deliveries, those delivered."""
        row = self._ask(
            "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM events WHERE state = 0),"
            " (SELECT count(*) FROM deliveries), (SELECT count(*) FROM deliveries WHERE state = 'delivered')"
        )
        return dict(zip(("events", "undecided", "deliveries", "delivered"), row, strict=True))

    def _ask(self, question: str) -> tuple[int, ...]:
        uri = f"file:{self.folder / '.fieldfare' / 'fieldfare.db'}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as store:
            found: tuple[int, ...] = store.execute(question).fetchone()
        return found

    def until_pulled(self, feeds: int) -> None:
        """Wait until so many feeds have begun: what is older than a feed's first pull is not acted on."""
        until = time.monotonic() + PATIENCE
        while self._ask("SELECT count(*) FROM feeds WHERE pulled_at IS NOT NULL")[0] < feeds:
            if time.monotonic() > until:
                raise Failed(f"the feeds have not begun: {self.tail()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it as an operator would; raises Failed when it does not end within ten seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"the daemon did not stop within 10 s: {self.tail()}") from None


class Child:
    """A module of the benchmark as a process that is spoken to in lines."""

    def __init__(self, module: str, argument: str) -> None:
        command = [sys.executable, "-m", f"bench.{module}", argument]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def hear(self) -> str:
        """The next line; raises Failed when there is none."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"a process of the benchmark ended: {self.process.args!r}")
        return line.strip()

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def close(self) -> None:
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Peer(Child):
    def __init__(self, delay: float) -> None:
        super().__init__("peer", str(delay))
        self.port = int(self.hear())

    def ask(self, **command: Any) -> dict[str, Any]:
        self.say(json.dumps(command))
        answer: dict[str, Any] = json.loads(self.hear())
        return answer


@dataclass(slots=True)
class Scene:
    """A daemon and its peer on a fresh store."""

    folder: Path
    peer: Peer
    daemon: Daemon
    accounts: int
    keyword: str
    offered: int = 0
    patience: float = PATIENCE
    """Seconds until what has not come is lost."""

    @classmethod
    def open(
        cls,
        *,
        push: bool = True,
        accounts: int = 1,
        delay: float = 0.0,
        rules: int = 1,
        others: int = 0,
        files: int = 0,
    ) -> Self:
        """A fresh project. `others` automations stand on feeds that nothing comes in by, in `files` files."""
        folder = Path(tempfile.mkdtemp(prefix="fieldfare-bench-"))
        peer = Peer(delay)
        keyword = rules * 7 // 10
        try:
            project = folder / "project"
            server = f"http://127.0.0.1:{peer.port}"
            write_project(project, SERVER=server, ACCOUNTS=accounts, PUSH=push, RULES=rules)
            for number in range(files):
                share = others // files
                text = OTHERS.format(first=number * share, last=(number + 1) * share)
                (project / f"others_{number:03d}.py").write_text(text, encoding="utf-8")
            daemon = Daemon(project)
            daemon.until_pulled(accounts)
            return cls(folder, peer, daemon, accounts, f"drink{keyword:04d}")
        except BaseException:
            peer.close()
            shutil.rmtree(folder)
            raise

    def close(self) -> None:
        try:
            self.daemon.stop()
        finally:
            self.peer.close()
            shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


OTHERS = '''"""Automations on other feeds: ten to a web hook."""

from fieldfare import Automation, HookReceived, Context, Notify, on, secret


def tell(event: HookReceived, ctx: Context) -> Notify:
    return Notify(text=f"order {{event.id}}")


others = [
    Automation(name=f"other-{{n}}", trigger=on.webhook(f"/other/{{n // 10}}", secret=secret("other")), decide=tell)
    for n in range({first}, {last})
]
'''
