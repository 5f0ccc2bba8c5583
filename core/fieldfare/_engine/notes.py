"""What a person should know about a project although nothing is wrong, and what it consists of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from .._domain.values import isoformat
from .._feeds.walltime import moment
from .found import Loaded
from .outcomes import declared
from .placed import Placed, asked
from .sets import accounts_of

AHEAD = timedelta(days=400)
"""How far slots are looked at: every change of the clocks within a year is in it."""
MOST = 1_000
SOON = timedelta(days=60)


def notes(loaded: Loaded, *, now: datetime | None = None) -> list[str]:
    """Sentences for `check`: slots that the clocks skip, versions that end, decisions that do not say what they do."""
    at = now or datetime.now(UTC)
    said = [one for placed in loaded.automations for one in (*_skipped(placed, at), *_silent(placed))]
    for name, account in loaded.accounts.items():
        ends = account.platform.bounds.api_ends
        if ends is not None and ends <= (at + SOON).date():
            verb = "ended" if ends < at.date() else "ends"
            said.append(f"the version of {account.platform.kind} that account {name!r} speaks {verb} on {ends}")
    return said


def _skipped(placed: Placed, now: datetime) -> Iterator[str]:
    cron, zone = (getattr(placed.automation.trigger, name, None) for name in ("cron", "zone"))
    if not isinstance(cron, str) or not isinstance(zone, str):
        return
    here = ZoneInfo(zone)
    start = now.astimezone(here).replace(tzinfo=None)
    for wall in islice(takewhile(lambda slot: slot < start + AHEAD, CronSim(cron, start)), MOST):
        local = wall.replace(tzinfo=here)
        if local.astimezone(UTC).astimezone(here).replace(tzinfo=None) != wall:
            real = moment(wall, zone).astimezone(here)
            yield (
                f"{placed.automation.name!r}: clocks in {zone} skip {wall:%H:%M} on {wall:%Y-%m-%d}; "
                f"it goes at {real:%H:%M}, {isoformat(real)}"
            )
            return


def _silent(placed: Placed) -> Iterator[str]:
    if not declared(placed.automation).complete:
        yield (
            f"{placed.automation.name!r} does not say everything that it decides (as in -> Reply | Skip), "
            "so that is compared with its account only when it decides"
        )


def report(loaded: Loaded) -> list[dict[str, str | list[str]]]:
    """One row for each automation, in words: what it is called, waits for, asks, does, and where it is written."""
    return [
        {
            "name": placed.automation.name,
            "trigger": placed.automation.trigger.kind,
            "accounts": sorted({account.name for account in accounts_of(placed)}),
            "when": [condition.name for half in asked(placed.automation) for condition in half],
            "does": [action.kind for action in declared(placed.automation).actions],
            "limits": [limit.kind for limit in placed.automation.limits],
            "approval": placed.automation.approval.by if placed.automation.approval else "",
            "place": placed.place,
        }
        for placed in loaded.automations
    ]
