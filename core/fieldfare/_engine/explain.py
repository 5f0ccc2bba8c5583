"""Why, or why not? One event or delivery from the fact to the receipt, as data and in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from .._domain.events import Event, Followed, PostEvent
from .._domain.values import isoformat
from .._store import query, why
from .._store.query import EventRow, Full
from .._store.sqlite import moment, ms
from .._store.steps import steps
from .brief import brief, receipt
from .sets import reason_from

Decode = Callable[[str, str], Event]
Told = dict[str, Any]

EVENT_STATES = {0: "seen", 1: "decided", 2: "missed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Tells what the store knows. Reads only; everything it gives is plain JSON with moments in ISO 8601."""

    store: Connection
    decode: Decode
    """(kind, JSON) → event; raises LookupError or FieldfareError for a kind that is gone."""
    now: datetime
    flags: Collection[str] = ()
    """Scopes that are paused by a flag file."""
    running: bool = True
    """Whether a daemon works on this store now."""

    def find(self, name: str) -> tuple[list[EventRow], list[Full]]:
        """What is called so: deliveries by key, number, beginning of a key, or the post they made; else events by
        their own id, or by the id or address of the post they are about."""
        deliveries = query.named(self.store, name) or why.made(self.store, name)
        if deliveries:
            return [], deliveries
        found = query.events(self.store, like=name)
        return [row for row in found if row.event == name] or found, []

    def event(self, row: EventRow) -> Told:
        """An event, what each automation made of it, and what came of that."""
        decided = query.decisions(self.store, row.id)
        told = self.fact(row)
        rows = [
            {
                "automation": automation,
                "verdict": verdict,
                "reason": reason,
                "at": isoformat(moment(at)),
                "source": source,
                "recomputed": False,
            }
            for automation, verdict, reason, source, at in decided
        ]
        silent, others = self._silent(row, {automation for automation, *_ in decided})
        told["decisions"] = [*rows, *silent]
        told["elsewhere"] = others
        told["deliveries"] = [self.delivery(found) for found in why.of_event(self.store, row.id)]
        return told

    def fact_of(self, delivery: Full) -> Told | None:
        """The event that a delivery answers; None when it is gone."""
        row = query.event(self.store, delivery.event)
        return self.fact(row) if row is not None else None

    def fact(self, row: EventRow) -> Told:
        """An event by itself."""
        told: Told = {
            "event": row.event,
            "kind": row.kind,
            "feed": row.feed,
            "occurred_at": isoformat(moment(row.occurred_at)),
            "recorded_at": isoformat(moment(row.recorded_at)),
            "lineage": row.lineage,
            "state": EVENT_STATES.get(row.state, str(row.state)),
            "account": "",
            "who": "",
            "text": "",
            "url": "",
        }
        event = self._event(row)
        if event is not None:
            told["account"] = event.account
        if isinstance(event, PostEvent):
            told |= {"who": event.post.author.handle, "text": event.post.text, "url": event.post.ref.url}
        elif isinstance(event, Followed):
            told |= {"who": event.author.handle, "url": event.author.url}
        return told

    def delivery(self, row: Full) -> Told:
        """A delivery: what it says, each step and attempt, where it ended or what it waits for."""
        action = dict(row.public.action)
        waits_for, until, todo = self._waits(row)
        return brief(row) | {
            "action": action,
            "texts": list(texts_of(action)),
            "approved_by": row.approver if row.approved_digest else "",
            "event": query.event_id(self.store, row.event),
            "attempts": [
                {
                    "started_at": isoformat(moment(started)),
                    "ended_at": isoformat(moment(ended)) if ended else None,
                    "outcome": outcome,
                    "detail": detail,
                }
                for _, started, ended, outcome, detail in query.attempts(self.store, row.id)
            ],
            "steps": [
                {
                    "name": step.name,
                    "chosen": step.frozen,
                    "sent_at": isoformat(moment(step.sent_at)) if step.sent_at else None,
                    "answered": step.answered,
                    "status": step.status,
                }
                for step in steps(self.store, row.id)
            ],
            "receipt": receipt(row),
            "waits_for": waits_for,
            "until": isoformat(moment(until)) if until else None,
            "to_do": todo,
        }

    # -- what nobody wrote down

    def _silent(self, row: EventRow, decided: set[str]) -> tuple[list[Told], int]:
        """Pairs without a row of their own, their reasons recomputed from the stored set; and how many automations
        wait for something else altogether."""
        description = query.set_description(self.store, row.judged_by)
        event = self._event(row)
        if event is None or row.state == 2:
            return [], 0
        told: list[Told] = []
        others = 0
        for automation in description.get("automations", ()):
            name = automation["name"]
            if name in decided:
                continue
            if not _concerns(automation["trigger"], event):
                others += 1
                continue
            reason = reason_from(description, name, event, moment(row.recorded_at))
            told.append(
                {
                    "automation": name,
                    "verdict": "no",
                    "reason": reason or "it reads another feed than the one that brought this",
                    "at": None,
                    "source": automation["source"],
                    "recomputed": True,
                }
            )
        return told, others

    def _event(self, row: EventRow) -> Event | None:
        if row.body is None:
            return None
        try:
            return self.decode(row.kind, row.body).model_copy(update={"lineage": row.lineage})
        except Exception:  # a plugin that is gone, or one that knows an older form
            return None

    def _waits(self, row: Full) -> tuple[str, int | None, str]:
        """What a delivery waits for, until when (ms), and what a person can do."""
        match row.state, row.hold:
            case "held", "approval":
                todo = f"fieldfare approvals approve {row.id}@{row.digest[:12]}"
                return f"approval by {row.approver or 'a person'}", row.expires_at, todo
            case "held", "late":
                todo = f"fieldfare approvals approve {row.id}@{row.digest[:12]}"
                return "a person: it is late, and shall only go when somebody says so", None, todo
            case "held", "account":
                todo = f"fieldfare approvals approve {row.id}@{row.digest[:12]}"
                return f"a person: {row.reason}", row.expires_at, todo
            case "held", "missing":
                return row.reason, None, "fieldfare check"
            case "held", _:
                return row.reason or "a person", row.expires_at, ""
            case "uncertain", "person":
                todo = f"fieldfare settle {row.id} --delivered, or --not"
                return f"a person who looks whether it is out: {row.reason}", None, todo
            case "uncertain", _:
                return "the moment at which the network can be asked whether it is out", None, ""
            case "sending", _:
                return "an answer of the network", None, ""
            case "due", _:
                return self._due(row)
            case _:
                return "", None, ""

    def _due(self, row: Full) -> tuple[str, int | None, str]:
        platform, error, frozen_until = why.account_of(self.store, row.account)
        now = ms(self.now)
        for scope, reason, by, _ in why.pauses_over(self.store, row):
            said = f"the end of a pause of {scope} by {by}" + (f": {reason}" if reason else "")
            return said, row.expires_at, f"fieldfare resume {_option(scope)}"
        covers = ("all", f"account:{row.account}", f"platform:{platform}", f"automation:{row.automation}")
        for scope in covers:
            if scope in self.flags:
                return f"the end of a pause of {scope}", row.expires_at, f"fieldfare resume {_option(scope)}"
        for holder in why.holders(self.store, row):
            return f"{holder.key}: {holder.why}", row.expires_at, f"fieldfare explain {holder.key!r}"
        if frozen_until > now:
            return "the network, which asked this account to wait", frozen_until, ""
        if row.not_before > now:
            return f"its time ({row.reason})" if row.reason else "its time", row.not_before, ""
        if error:
            return f"the account {row.account}: {error}", row.expires_at, f"fieldfare accounts test {row.account}"
        if not self.running:
            return "a daemon: none runs", row.expires_at, "fieldfare run"
        return "its turn", row.expires_at, ""


def texts_of(action: Mapping[str, Any]) -> Iterator[str]:
    """The texts that an action would publish, in order."""
    drafts: list[Mapping[str, Any]] = [action["draft"], *action.get("thread", ())] if "draft" in action else [action]
    for draft in drafts:
        if draft.get("text"):
            yield str(draft["text"])


def _concerns(trigger: Mapping[str, Any], event: Event) -> bool:
    if trigger["event"] != event.kind:
        return False
    return not trigger["accounts"] or event.account in trigger["accounts"]


def _option(scope: str) -> str:
    """A pause's scope as it is typed: `--account brand`, `--all`."""
    kind, _, name = scope.partition(":")
    return f"--{kind} {name}".strip()
