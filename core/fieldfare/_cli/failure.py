"""What a person reads when a command did not do what it should: one sentence, or every mistake; never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import out
from .exits import Exit, code_for


def failed(exc: Exception, args: Sequence[str]) -> int:
    """Tell the error, and give the exit code. One that nobody foresaw is kept in a file and named."""
    if isinstance(exc, BrokenPipeError):
        # Whoever read us has gone; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    if isinstance(exc, OSError) and exc.errno == errno.ENOSPC and exc.filename is None:
        _last_word(f"error: nothing more can be written: {exc.strerror}")
        return Exit.FAILED
    as_json = "--json" in args
    code = code_for(exc)
    if code is None:
        code, said = Exit.FAILED, _kept(exc, args)
    else:
        said = str(exc)
    found = list(getattr(exc, "mistakes", ()))
    if found:
        out.mistakes(found)
        out.note(f"{len(found)} mistake{'s' if len(found) > 1 else ''}")
    else:
        out.fault(said)
    if as_json:
        out.as_json({"error": said, "mistakes": [out.mistake_as_json(one) for one in found], "exit": int(code)})
    return code


def _last_word(text: str) -> None:
    """Say it on stderr if that still can be written; stdout is given up, or Python would complain when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        out.note(text)


def _kept(exc: Exception, args: Sequence[str]) -> str:
    """The sentence about an unforeseen error; its traceback is written to a file, without secrets."""
    import tempfile
    import traceback
    from datetime import UTC, datetime

    import structlog

    from .._net.redact import Redactor

    known = [one for one in structlog.get_config()["processors"] if isinstance(one, Redactor)]
    redactor = known[0] if known else Redactor()
    text = redactor.redact("".join(traceback.format_exception(exc)))
    said = redactor.redact(f"{type(exc).__name__}: {exc}".splitlines()[0])
    now = datetime.now(UTC)
    name = f"error-{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in (_state(args), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        path = folder / name
        try:
            with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return f"this should not have happened: {said}; please report it with {path}"
    return f"this should not have happened: {said}; please report it"


def _state(args: Sequence[str]) -> Path | None:
    """The state folder of the project that the command was about, if there is one."""
    for folder in (*map(Path, args), Path()):
        state = (folder if folder.is_dir() else folder.parent) / ".fieldfare"
        if state.is_dir():
            return state
    return None
