"""What an automation did last, and what a feed brought last: for whoever asks by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from .._domain.values import isoformat
from .._feeds.schedule import Slots
from .._feeds.walltime import slots_after
from .._store import query, why
from .._store.sqlite import moment
from .brief import brief
from .explain import EVENT_STATES
from .sets import FeedUse

Told = dict[str, Any]
LAST = 5
"""Decisions, deliveries and events that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Reads only; everything it gives is plain JSON with moments in ISO 8601."""

    store: Connection
    now: datetime
    uses: Mapping[str, FeedUse] = field(default_factory=dict[str, FeedUse])
    """The feeds of the files as they are now, by key; none when the files cannot be read."""

    def automation(self, name: str) -> Told | None:
        """An automation of this name: its last decisions and deliveries, and the feeds that it reads; None: no such."""
        if name not in why.automations(self.store):
            return None
        present = {one["name"] for one in why.latest_set(self.store).get("automations", ())}
        return {
            "automation": name,
            "present": name in present,
            "decisions": [
                {"event": event, "kind": kind, "verdict": verdict, "reason": reason, "at": isoformat(moment(at))}
                for event, kind, verdict, reason, at in why.last_decisions(self.store, name, LAST)
            ],
            "deliveries": [brief(row) for row in query.deliveries(self.store, automation=name, limit=LAST)],
            "feeds": [
                self._pulls(key)
                for key, use in self.uses.items()
                if any(placed.automation.name == name for placed in use.automations)
            ],
        }

    def feed(self, key: str) -> Told | None:
        """A feed of this key: its last pull, what it brought last, and who reads it; None when there is none."""
        if key not in self.uses and all(key != known for known, *_ in query.feeds(self.store)):
            return None
        use = self.uses.get(key)
        return self._pulls(key) | {
            "automations": [placed.automation.name for placed in use.automations] if use else [],
            "events": [
                {"event": event, "kind": kind, "occurred_at": isoformat(moment(at)), "state": EVENT_STATES[state]}
                for event, kind, at, state in why.last_events(self.store, key, LAST)
            ],
        }

    def _pulls(self, key: str) -> Told:
        found = next((row for row in query.feeds(self.store) if row[0] == key), (key, None, None, ""))
        _, pulled, failed, error = found
        feed = self.uses[key].feed if key in self.uses else None
        upcoming = next(slots_after(feed.cron, feed.zone, self.now), None) if isinstance(feed, Slots) else None
        return {
            "feed": key,
            "pulled_at": isoformat(moment(pulled)) if pulled else None,
            "failed_at": isoformat(moment(failed)) if failed else None,
            "error": error,
            "next_slot": isoformat(upcoming) if upcoming else None,
        }
