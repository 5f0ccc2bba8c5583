"""No automatic answer contains a link, whichever automation wrote it.

fieldfare check examples

A hook that stands in an automation file counts for the whole project. It is asked after each decision and before
anything is on its way; what it says is the reason that `fieldfare explain` shows.
"""

from typing import Any

from fieldfare import Action, Verdict, hookimpl


@hookimpl
def fieldfare_review(action: Action[Any]) -> Verdict | None:
    linked = any("://" in draft.text for draft in action.drafts)
    return Verdict(reason="no links in automatic answers") if action.kind == "reply" and linked else None
