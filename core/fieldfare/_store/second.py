"""Second keys: account, kind and target of what is done once, whichever automation asks."""

from __future__ import annotations

from sqlite3 import Connection


def by_identity(c: Connection, account: str, second: str | None) -> str | None:
    """A key that was made before the network had said who the account is, as it would be made now."""
    row = c.execute("SELECT platform, identity FROM accounts WHERE name = ?", (account,)).fetchone()
    if second is None or row is None or not row[1]:
        return second
    ours = f"{row[0]}:{account}|"
    return f"{row[0]}:{row[1]}|{second.removeprefix(ours)}" if second.startswith(ours) else second


def identified(c: Connection, *, platform: str, account: str, identity: str) -> list[tuple[int, str]]:
    """The network has said who the account is: keys that stood under our own name for it stand under that.

    Gives (delivery, the other's key) of what the same account does or did under another name.
    """
    if account == identity:
        return []
    ours = f"{platform}:{account}|"
    c.execute(
        "UPDATE OR IGNORE deliveries SET second = ? || substr(second, ?) WHERE second >= ? AND second < ?",
        (f"{platform}:{identity}|", len(ours) + 1, ours, ours[:-1] + "}"),
    )
    return c.execute(
        "SELECT d.id, o.key FROM deliveries d JOIN deliveries o ON o.second = ? || substr(d.second, ?)"
        " WHERE d.second >= ? AND d.second < ?",
        (f"{platform}:{identity}|", len(ours) + 1, ours, ours[:-1] + "}"),
    ).fetchall()


def free(c: Connection, delivery: int) -> None:
    """Others may do it now; the delivery remembers its key for a retry."""
    c.execute(
        "UPDATE deliveries SET second = 'free ' || id || ' ' || second"
        " WHERE id = ? AND second IS NOT NULL AND second NOT LIKE 'free %'",
        (delivery,),
    )


def freed(second: str | None, delivery: int) -> str | None:
    """The key that `free` had set aside."""
    return second.removeprefix(f"free {delivery} ") if second is not None else None
