"""What would be said against another content of a delivery, by its network and by reviewers."""

from __future__ import annotations

from typing import Any

from .._contract.actions import Action
from .._store import query
from .decide import Review
from .sets import AutomationSet


def objections(automations: AutomationSet, review: Review, found: query.Full, action: Action[Any]) -> list[str]:
    """In words, empty when nothing is said. An account or automation that is gone says nothing."""
    account = automations.accounts.get(found.account)
    said = [words for draft in action.drafts for words in account.platform.objections(draft)] if account else []
    placed = automations.get(found.automation)
    verdict = review(action, placed.automation, account) if placed is not None and not said else None
    return said if verdict is None else [f"review: {verdict.reason}"]
