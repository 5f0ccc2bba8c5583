"""Which of our names stand, or stood, for one and the same account of a network."""

from __future__ import annotations

from sqlite3 import Connection


def names(c: Connection, account: str) -> list[str]:
    """Every name that this account has had as far as the network has said who it is, the present one first."""
    rows = c.execute(
        "SELECT name FROM accounts WHERE name != ?"
        " AND (platform, identity) = (SELECT platform, identity FROM accounts WHERE name = ? AND identity != '')",
        (account, account),
    )
    return [account, *(name for (name,) in rows)]


def any_of(values: list[str]) -> str:
    """`IN (?, …)` with room for these; SQLite asks for a single one as it does for `=`."""
    return f"IN ({', '.join('?' * len(values))})"
