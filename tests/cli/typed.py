"""A command as somebody types it, in this process, and what comes of it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldfare._cli.app import run


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stands on stdout; fails when that is anything but one JSON value."""
        return json.loads(self.out)


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def typed(*words: str, where: Path, stdin: str = "", terminal: bool = False) -> Said:
    """Run `fieldfare WORDS` in a folder, with this on stdin; `terminal`: as if somebody watched."""
    out, err = (Terminal(), Terminal()) if terminal else (io.StringIO(), io.StringIO())
    before, sys.stdin = sys.stdin, io.StringIO(stdin)
    try:
        with contextlib.chdir(where), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(words)
    finally:
        sys.stdin = before
    return Said(code, out.getvalue(), err.getvalue())
