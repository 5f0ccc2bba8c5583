"""What two runs of one command have in common: times, identifiers and widths made alike."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence

_VOLATILE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"\x1b\[[0-9;]*m", ""),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", "<moment>"),
        (r"(on \d{4}-\d\d-\d\d )?(at )?\b\d\d:\d\d:\d\d\b", "<clock>"),
        (r" \((now|in \d+ (s|min|h|days?)|\d+ (s|min|h|days?) ago)\)", ""),
        (r"\b\d+ (s|min|h|days?) ago\b", "<ago>"),
        (r"\b[0-9a-f]{9,64}(-\d+)?\b", "<id>"),
        (r"(took_ms|pid|port)=\d+", r"\1=<n>"),
        (r"\b\d+(\.\d+)? ?(s|ms)\b", "<span>"),
        (r"\b\d+(\.\d+)? ?(B|KB|kB|KiB|MB|MiB|bytes)\b", "<size>"),
        (r"events: [1-9]\d* decided, \d+ waiting, \d+ missed", "events: <some>"),
        (rf"\bby ({re.escape(getpass.getuser())}|maria)\b", "by <user>"),
        (r"(?<=\S)[ \t]{2,}(?=\S)", "  "),
    )
)


def stable(text: str) -> list[str]:
    """The lines of an output without what differs from run to run, and without blank lines at its end."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").rstrip().split("\n")]
    for pattern, put in _VOLATILE:
        lines = [pattern.sub(put, line) for line in lines]
    return lines if lines != [""] else []


def agrees(shown: str, said: str) -> bool:
    """Whether an output is what a page shows; `...` stands for any lines, or within a line for anything."""
    return _matches(stable(shown), stable(said))


def begins(shown: str, said: str) -> bool:
    """Whether an output that may go on has come to what a page shows."""
    return _matches([*stable(shown), "..."], stable(said))


def _matches(shown: Sequence[str], said: Sequence[str]) -> bool:
    if not shown:
        return not said
    if shown[0].strip() == "...":
        return any(_matches(shown[1:], said[n:]) for n in range(len(said) + 1))
    return bool(said) and _same(shown[0], said[0]) and _matches(shown[1:], said[1:])


def _same(shown: str, said: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, shown.split("..."))), said) is not None
