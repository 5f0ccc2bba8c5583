"""What a person types for a delivery, as SQL asks for it without reading the whole table."""

from __future__ import annotations


def numbered(key: str) -> int | None:
    """The row that this is the number of; None (equal to nothing) for anything else."""
    return int(key) if key.isascii() and key.isdigit() and len(key) < 19 and str(int(key)) == key else None


def span(key: str) -> tuple[str, str]:
    """The first key that begins like this, and what lies behind the last."""
    return key, f"{key}\U0010ffff"
