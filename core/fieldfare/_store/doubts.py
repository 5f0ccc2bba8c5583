"""Questions about doubt: what is uncertain, and which posts others already hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from .claim import CLAIMED, Claimed


@dataclass(frozen=True, slots=True)
class Doubt:
    """An uncertain delivery that nobody waits for a person about."""

    claimed: Claimed
    absents: int
    cost: bool


def doubts(c: Connection) -> list[Doubt]:
    """Uncertain deliveries that may still be resolved without a person, oldest first."""
    rows = c.execute(
        f"SELECT {CLAIMED}, absents, cost IS NOT NULL FROM deliveries INDEXED BY deliveries_doubt"
        " WHERE state = 'uncertain' AND hold = '' ORDER BY id LIMIT 500"
    )
    return [Doubt(Claimed(*row[:-2]), row[-2], bool(row[-1])) for row in rows]


def taken(c: Connection, refs: Sequence[str], but: int) -> frozenset[str]:
    """Those of these `platform:id` names that another delivery holds as its receipt."""
    rows = c.execute(
        "SELECT r.ref FROM json_each(?) j JOIN receipts r ON r.ref = j.value WHERE r.delivery != ?",
        (json.dumps(list(refs)), but),
    )
    return frozenset(r[0] for r in rows)
