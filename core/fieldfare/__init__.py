"""Automations for social accounts, as typed Python files. For people who write them; triggers are in `fieldfare.on`."""

# What is public is imported when it is first asked for: commands such as `fieldfare --help` ask for nothing.
import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import on
    from ._contract.actions import Action, Boost, Delete, Like, Notify, Publish, Reply, Repost
    from ._contract.automation import Automation, Context, Outcome, Rule, Skip, automation, skip
    from ._contract.conditions import (
        Condition,
        author_in,
        condition,
        contains,
        engagement,
        followers,
        from_bot,
        from_self,
        language,
        lineage,
        matches,
        younger_than,
    )
    from ._contract.delivery import Delivery, Verdict
    from ._contract.limits import Approval, Budget, Caps, Limit, QuietHours, Rate
    from ._contract.platform import Account
    from ._domain.events import (
        ContentDue,
        DeliverySettled,
        EntryPublished,
        Event,
        Followed,
        HookReceived,
        Mention,
        MetricsObserved,
        PostEvent,
        PostPublished,
        ReplyReceived,
        SlotReached,
        TroubleSeen,
    )
    from ._domain.values import Author, Card, Draft, Media, Metrics, Money, Post, PostRef, Visibility, secret
    from .hookspecs import hookimpl

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Action",
    "Approval",
    "Author",
    "Automation",
    "Boost",
    "Budget",
    "Caps",
    "Card",
    "Condition",
    "ContentDue",
    "Context",
    "Delete",
    "Delivery",
    "DeliverySettled",
    "Draft",
    "EntryPublished",
    "Event",
    "Followed",
    "HookReceived",
    "Like",
    "Limit",
    "Media",
    "Mention",
    "Metrics",
    "MetricsObserved",
    "Money",
    "Notify",
    "Outcome",
    "Post",
    "PostEvent",
    "PostPublished",
    "PostRef",
    "Publish",
    "QuietHours",
    "Rate",
    "Reply",
    "ReplyReceived",
    "Repost",
    "Rule",
    "Skip",
    "SlotReached",
    "TroubleSeen",
    "Verdict",
    "Visibility",
    "author_in",
    "automation",
    "condition",
    "contains",
    "engagement",
    "followers",
    "from_bot",
    "from_self",
    "hookimpl",
    "language",
    "lineage",
    "matches",
    "on",
    "secret",
    "skip",
    "younger_than",
]

_ROOMS = (
    "_contract.actions",
    "_contract.automation",
    "_contract.conditions",
    "_contract.delivery",
    "_contract.limits",
    "_contract.platform",
    "_domain.events",
    "_domain.values",
    "hookspecs",
)
"""Where the words above are defined."""

if not TYPE_CHECKING:  # or type checkers would take every name for a public one

    def __getattr__(name: str) -> object:
        if name == "on":
            return importlib.import_module(".on", __name__)
        if name in __all__:
            for room in _ROOMS:
                found = vars(importlib.import_module(f".{room}", __name__)).get(name)
                if found is not None:
                    globals()[name] = found
                    return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
