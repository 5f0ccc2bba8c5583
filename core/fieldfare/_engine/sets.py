"""The automations that run together: which feeds they read, and what is kept of them so that reasons can be given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from .._contract.automation import Rule
from .._contract.conditions import from_data
from .._contract.feeds import Feed
from .._contract.platform import Account
from .._domain.events import Event
from .._domain.values import Secret
from .match import Matcher
from .placed import Placed, asked


@dataclass(frozen=True, slots=True)
class FeedUse:
    """One feed and the automations that read it, in their order. `feed` is the one that asks most often."""

    key: str
    feed: Feed[Any]
    automations: tuple[Placed, ...]

    def matcher(self) -> Matcher:
        """All data conditions on this feed, compiled together; make it once per feed and set."""
        return Matcher(self.automations)


class AutomationSet:
    """Automations that were valid together; nothing in it changes. `digest` names it for ever."""

    def __init__(
        self, automations: Iterable[Placed], *, project: Path | None = None, files: Mapping[str, str] | None = None
    ) -> None:
        self.automations = tuple(automations)
        self.project = project
        self._files = dict(files or {})
        """The digest of every file that was read, those without automations included."""
        self._by_name = {placed.automation.name: placed for placed in self.automations}
        if len(self._by_name) != len(self.automations):
            raise ValueError("two automations have one name; load() says where")

    def __len__(self) -> int:
        return len(self.automations)

    def __iter__(self) -> Iterator[Placed]:
        return iter(self.automations)

    def get(self, name: str) -> Placed | None:
        """The automation of this name, or None when the set has none."""
        return self._by_name.get(name)

    @cached_property
    def accounts(self) -> Mapping[str, Account]:
        """Every account that an automation acts as or listens to, by name."""
        return {account.name: account for placed in self.automations for account in accounts_of(placed)}

    def feeds(self, identities: Mapping[str, str]) -> dict[str, FeedUse]:
        """Feeds by key, in the order in which automations name them; of equal ones the smallest `every` wins.

        `identities` gives the network's own id of an account by its name. A feed with an account that has none yet
        (its network has not answered) is left out; ask again when it has.
        """
        found: dict[str, tuple[Feed[Any], dict[str, Placed]]] = {}
        for placed in self.automations:
            for feed in placed.automation.trigger.feeds():
                if not identities.keys() >= set(feed.accounts):
                    continue
                key = feed.key(identities)
                best, users = found.setdefault(key, (feed, {}))
                users[placed.automation.name] = placed
                if feed.every < best.every:
                    found[key] = (feed, users)
        return {key: FeedUse(key, feed, tuple(users.values())) for key, (feed, users) in found.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over what `describe` says, files' digests included."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """This set as JSON: enough to say later why an automation did not act on an event."""
        automations = [_described(placed) for placed in self.automations]
        return {"version": 1, "automations": automations} | ({"files": self._files} if self._files else {})


def accounts_of(placed: Placed) -> list[Account]:
    """To whom an automation listens, and as whom it acts."""
    automation = placed.automation
    return [*automation.trigger.accounts, *([automation.account] if automation.account else [])]


def reason_from(description: Mapping[str, Any], automation: str, event: Event, now: datetime) -> str:
    """Why this automation of a stored set did not act on the event at `now`, from data alone.

    Empty when nothing that is stored speaks against it: then a function was asked, and the decision has its own row.
    Raises KeyError when the set has no such automation.
    """
    found = next((one for one in description["automations"] if one["name"] == automation), None)
    if found is None:
        raise KeyError(automation)
    trigger = found["trigger"]
    if trigger["event"] != event.kind:
        return f"no: it waits for {trigger['event']!r}, this is {event.kind!r}"
    if trigger["accounts"] and event.account not in trigger["accounts"]:
        return f"no: it listens to {', '.join(trigger['accounts'])}, this came to {event.account or 'no account'}"
    for data in found["when"]:
        reason = from_data(data).why_not(event, now)
        if reason is not None:
            return reason
    return ""


def _described(placed: Placed) -> dict[str, Any]:
    automation = placed.automation
    trigger = automation.trigger
    data, functions = asked(automation)
    decide = automation.decide
    return {
        "name": automation.name,
        "source": placed.source,
        "trigger": {
            "kind": trigger.kind,
            "event": trigger.event.kind,
            "accounts": [account.name for account in trigger.accounts],
            "settings": plain(trigger),
        },
        "when": [dict(condition.data or {}) for condition in data],
        "functions": [condition.name for condition in functions],
        "decide": {"rule": decide.kind, "settings": plain(decide)}
        if isinstance(decide, Rule)
        else {"function": getattr(decide, "__qualname__", type(decide).__name__)},
        "account": automation.account.name if automation.account else None,
        "limits": [{"kind": limit.kind} | plain(limit) for limit in automation.limits],
        "approval": plain(automation.approval),
        "late": automation.late,
        "late_after": plain(automation.late_after),
        "renamed_from": automation.renamed_from,
    }


def plain(value: Any) -> Any:
    """A value of the contract as JSON for people: an account is its name, a secret its name, a span its seconds."""
    whole = value  # narrowing would make its items unknown to type checkers
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return value
        case Account():
            return value.name
        case Secret():
            return {"secret": value.name}
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case timedelta():
            return value.total_seconds()
        case datetime() | date() | time():
            return value.isoformat()
        case Path() | Decimal():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in whole.items()}
        case set() | frozenset():
            return sorted((plain(item) for item in whole), key=repr)
        case Sequence():
            return [plain(item) for item in whole]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return getattr(value, "__qualname__", type(value).__name__)
