"""`fieldfare run` as a process of its own, to be killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

POLL = 0.1


class Daemon:
    """The daemon of one project. `start` and `kill` may follow each other as often as wanted."""

    def __init__(self, project: Path, secrets: Mapping[str, str]) -> None:
        self.project = project
        file = project / "secrets.toml"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in secrets.items()))
        self.log = project / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self, *options: str) -> None:
        """Starts it; what it logs is added to `log`."""
        assert self._process is None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fieldfare", "run", str(self.project), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.project,
                env={name: value for name, value in os.environ.items() if not name.startswith("FIELDFARE_")},
            )

    def kill(self) -> None:
        """SIGKILL: nothing of it gets to do anything more."""
        assert self._process
        self._process.kill()
        self._process.wait(30)
        self._process = None

    def stop(self) -> int:
        """SIGTERM; gives the exit code. Raises TimeoutExpired when it takes more than fifteen seconds."""
        assert self._process
        process, self._process = self._process, None
        process.terminate()
        try:
            return process.wait(15)
        finally:
            process.kill()
            process.wait()

    def asked(self, *words: str) -> Any:
        """What a command of `fieldfare` says about the project, as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "fieldfare", *words, "--project", str(self.project), "--json"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def wait_for(self, condition: Callable[[], bool], timeout: float = 60.0) -> None:
        """Returns when the condition holds; fails with the end of the log when the daemon ends or time is up."""
        until = time.monotonic() + timeout
        while not condition():
            ended = self._process.poll() if self._process else None
            if ended is not None:
                raise AssertionError(f"the daemon ended with {ended}:\n{self.tail()}")
            if time.monotonic() > until:
                raise AssertionError(f"not within {timeout:g} s:\n{self.tail()}")
            time.sleep(POLL)

    def tail(self) -> str:
        """The end of the log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def close(self) -> None:
        """Ends it if it still runs."""
        if self._process is not None:
            self.kill()


@contextlib.contextmanager
def daemon(project: Path, automations: str, secrets: Mapping[str, str]) -> Iterator[Daemon]:
    """A project with one automation file and its daemon, started; it is gone afterwards."""
    project.mkdir(parents=True, exist_ok=True)
    (project / "automations.py").write_text(automations)
    made = Daemon(project, secrets)
    made.start()
    try:
        yield made
    finally:
        made.close()
