"""The mentions of the benchmark: 600 bytes of JSON each, one of ten with the keyword of a rule."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

SIZE = 600
ONE_OF = 10
"""One of so many mentions matches."""
AUTHORS = 997
_WORDS = "the barista at the corner said that we should ask you about opening hours and the new beans from last week "


def mention(number: int, keyword: str, now: datetime, *, every: int = ONE_OF) -> bytes:
    """The JSON of a mention; every tenth (or `every`th) contains the keyword."""
    person = number % AUTHORS
    wanted = keyword if number % every == 0 else "tea"
    made = {
        "id": f"m{number:08d}",
        "url": f"http://127.0.0.1/@person{person}/m{number:08d}",
        "conversation": f"m{number:08d}",
        "author": {
            "id": f"u{person}",
            "handle": f"person{person}@bench.example",
            "name": f"Person {person}",
            "followers": person,
        },
        "text": f"@brand do you have {wanted}? ",
        "created_at": (now + timedelta(milliseconds=number % 1000)).astimezone(UTC).isoformat(),
        "language": "en",
    }
    missing = SIZE - len(json.dumps(made))
    made["text"] = str(made["text"]) + (_WORDS * 6)[:missing]
    return json.dumps(made).encode()


def matching(first: int, count: int, *, every: int = ONE_OF) -> int:
    """How many of these numbers contain the keyword."""
    return sum(1 for number in range(first, first + count) if number % every == 0)
