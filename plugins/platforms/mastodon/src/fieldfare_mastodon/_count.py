"""The length of a text as Mastodon counts it.

An address counts 23 whatever its length, of a mention only the name before the second '@', everything else by
user-perceived characters; a content warning counts as well (source: docs.joinmastodon.org/user/posting and Mastodon's
`StatusLengthValidator`, read 2026-11-25).
"""

from __future__ import annotations

import re

ADDRESS_COUNTS = 23
_ADDRESS = re.compile(r"https?://(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d+)?(?:[/?#][^\s<>\"]*)?", re.IGNORECASE)
_TRAILING = ".,:;!?'\")]}…"
_MENTION = re.compile(r"(?<![=/\w])(@[a-z0-9_]+(?:[a-z0-9_.-]+[a-z0-9_]+)?)@\w+(?:[.-]+\w+)*", re.IGNORECASE)


def countable(text: str) -> str:
    """The text with every address and mention replaced by as many characters as it counts."""
    return _MENTION.sub(r"\1", _ADDRESS.sub(_address, text))


def _address(found: re.Match[str]) -> str:
    whole = found[0]
    kept = whole.rstrip(_TRAILING)
    if whole.endswith(")") and kept.count("(") > kept.count(")"):
        kept += ")"
    return "x" * ADDRESS_COUNTS + whole[len(kept) :]
