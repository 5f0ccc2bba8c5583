"""A delivery for programs, in short."""

from __future__ import annotations

from typing import Any

from .._domain.values import isoformat
from .._store.query import Full
from .._store.sqlite import moment


def brief(row: Full) -> dict[str, Any]:
    """What every command tells of a delivery, as JSON; moments in ISO 8601."""
    return {
        "key": row.key,
        "number": row.id,
        "automation": row.automation,
        "account": row.account,
        "kind": row.kind,
        "state": row.state,
        "reason": row.reason,
        "digest": row.digest,
        "created_at": isoformat(moment(row.created_at)),
        "updated_at": isoformat(moment(row.updated_at)),
    }


def receipt(row: Full) -> dict[str, Any] | None:
    """Its receipt likewise; None without one."""
    found = row.public.receipt
    return found.model_dump(mode="json") if found is not None else None
