"""An automation under a new name: what it left under the old one, and what it has done there."""

from __future__ import annotations

from sqlite3 import Connection


def rename(c: Connection, *, old: str, new: str) -> None:
    """Hand what an automation left under its old name to the new one: deliveries, money spent, rates, pauses, memory.

    Once-keys keep their old names and still count, under every name that it ever had.
    """
    c.execute("UPDATE deliveries SET automation = ? WHERE automation = ?", (new, old))
    c.execute("UPDATE settlements SET automation = ? WHERE automation = ?", (new, old))
    c.execute(
        "UPDATE OR REPLACE rates SET fence = 'automation:' || ? WHERE fence = 'automation:' || ?",
        (new, old),
    )
    c.execute("UPDATE OR REPLACE pauses SET scope = 'automation:' || ? WHERE scope = 'automation:' || ?", (new, old))
    c.execute(
        "INSERT INTO crossings SELECT ?, post, armed FROM crossings WHERE automation = ? ON CONFLICT DO NOTHING",
        (new, old),
    )
    c.execute(
        "INSERT INTO automations SELECT ?, first_seen_at FROM automations WHERE name = ? ON CONFLICT DO NOTHING",
        (new, old),
    )
    c.execute("INSERT INTO meta VALUES (?, '') ON CONFLICT DO NOTHING", (_was(new) + old,))


def keys(c: Connection, automation: str, key: str) -> list[str]:
    """A once-key under each name that the automation has had, the present one first."""
    once = key.removeprefix(f"{automation}/")
    names = [automation]
    for name in names:
        was = _was(name)
        for (row,) in c.execute("SELECT key FROM meta WHERE key >= ? AND key < ?", (was, f"{was[:-1]}0")).fetchall():
            if row.removeprefix(was) not in names:
                names.append(row.removeprefix(was))
    return [key, *(f"{name}/{once}" for name in names[1:])]


def present(c: Connection, name: str) -> str:
    """What an automation of this name is called now; the name itself when it was never renamed."""
    rows = c.execute("SELECT key FROM meta WHERE key >= 'was:' AND key < 'was;'").fetchall()
    later = {old: new for new, _, old in (key.removeprefix("was:").rpartition("/") for (key,) in rows)}
    seen: set[str] = set()
    while name in later and name not in seen:
        seen.add(name)
        name = later[name]
    return name


def _was(name: str) -> str:
    """How the rows begin that tell an automation's former names; no name has a '/', and '0' follows it."""
    return f"was:{name}/"
