"""What somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The one of `known` that looks most like `name`; None when none does. `cutoff` is 1 for equal, 0 for any."""
    # Case is ignored: `reply` for `Reply` is nearer than any other word.
    folded = {other.casefold(): other for other in sorted(known, reverse=True)}
    found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question for the end of a message, or nothing."""
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else ""
