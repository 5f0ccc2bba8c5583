"""A program that goes on while the page is read, in a terminal of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

from .stable import begins

PATIENCE = 25.0
"""Seconds that it may take to show what a page shows."""


class Running:
    """A process on a pseudo-terminal; what it prints is kept."""

    def __init__(self, command: list[str], where: Path, environment: dict[str, str]) -> None:
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._terminal = ours
        self._said = ""
        self._asked = 0
        self._process = subprocess.Popen(
            command,
            cwd=where,
            env=environment | {"NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def shows(self, shown: str) -> str | None:
        """Wait until it has printed this since it was last asked; otherwise, what it printed instead."""
        before = self._asked
        self._until(lambda: begins(shown, self._said[before:]))
        self._asked = len(self._said)
        return None if begins(shown, self._said[before:]) else self._said[before:]

    def whole(self) -> tuple[int, str]:
        """Wait for its end; its exit code and everything it printed."""
        self._until(lambda: False)
        code = self._process.poll()
        self.end()
        return -1 if code is None else code, self._said

    def stop(self) -> str:
        """Interrupt it as Ctrl-C would, wait for its end, and give what it printed from then on."""
        self._read(0)
        before = len(self._said)
        self._process.send_signal(signal.SIGINT)
        self._until(lambda: False)
        self.end()
        return self._said[before:]

    def end(self) -> None:
        """Make sure that it is gone."""
        if self._terminal < 0:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(12)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        os.close(self._terminal)
        self._terminal = -1

    def _until(self, met: object) -> None:
        deadline = time.monotonic() + PATIENCE
        assert callable(met)
        while time.monotonic() < deadline and not met():
            if not self._read(0.1):
                return

    def _read(self, seconds: float) -> bool:
        """Take what has been printed; False when nothing more will come."""
        while select.select([self._terminal], [], [], seconds)[0]:
            piece = b""
            with contextlib.suppress(OSError):
                piece = os.read(self._terminal, 65536)
            if not piece:
                self._process.wait()
                return False
            self._said += piece.decode("utf-8", "replace").replace("\r\n", "\n")
            seconds = 0
        return True
