"""A delivery as a decision asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from .._contract.limits import Approval, Limit
from .._domain.values import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A delivery that a decision asks for, complete: the store adds nothing but its fate."""

    key: str
    old_key: str = ""
    """The same under the automation's former name."""
    second: str | None = None
    automation: str
    account: str
    kind: str
    action: str
    digest: str
    line: str
    fingerprint: str
    target: str = ""
    conversation: str = ""
    person: str = ""
    lineage: int = 0
    late: str = "run"
    late_ms: int
    expires_at: int
    cost: Money | None = None
    limits: tuple[Limit, ...] = ()
    approval: Approval | None = None
