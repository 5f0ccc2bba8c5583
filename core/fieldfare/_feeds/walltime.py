"""Wall time in a zone: which moments a written time and a cron line mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator

LONGEST_GAP = timedelta(days=1)
"""The most that clocks ever skipped at once: Samoa left out 30 December 2011 (IANA tz database, file australasia)."""
ANY_YEAR = datetime(2000, 1, 1, tzinfo=UTC)
"""Where the search for a first slot begins; 50 years hold every kind of year there is until 2100."""


def moment(wall: datetime, zone: str) -> datetime:
    """When clocks in the zone first show this wall time, in UTC.

    A time that a clock change skips means the first minute after the change. Raises ValueError where UTC has no such
    date (year 1 or 9999).
    """
    local = wall.replace(tzinfo=ZoneInfo(zone), fold=0)
    try:
        for _ in range(LONGEST_GAP // timedelta(minutes=1)):
            found = local.astimezone(UTC)
            if found.astimezone(local.tzinfo) == local:
                return found
            local = local.replace(second=0, microsecond=0) + timedelta(minutes=1)
    except OverflowError:
        pass
    raise ValueError(f"{wall} in {zone} is outside the calendar")


def cron_line(text: str) -> str:
    """The line in its one normal form; ValueError when it is none, or when it never fires."""
    fields = text.upper().split()
    if len(fields) != 5:
        raise ValueError(
            f"{text!r} has {len(fields)} fields; a cron line has five: minute hour day month weekday, "
            "for example '30 9 * * MON-FRI'"
        )
    line = " ".join(fields)
    try:
        fires = next(CronSim(line, ANY_YEAR), None) is not None
    except CronSimError as exc:
        # The same complaint comes for a day that does not exist and for one that its months do not have.
        if not _parses(" ".join((*fields[:3], "*", fields[4]))):
            raise ValueError(
                f"{text!r} is not a cron line: {str(exc).lower()}; the fields are minute hour day month weekday"
            ) from exc
        fires = False
    if not fires:
        raise ValueError(f"{text!r} never fires: no month has such a day")
    return line


def _parses(line: str) -> bool:
    try:
        CronSim(line, ANY_YEAR)
    except CronSimError:
        return False
    return True


def slots_after(cron: str, zone: str, start: datetime) -> Iterator[datetime]:
    """The slots of a cron line after a moment, in UTC, each later than the one before.

    A time that clocks show twice is one slot, the first; one that they skip is the first minute after the change.
    Lines with `*` as minute or hour (`*/30 * * * *`) follow elapsed time instead, and so fire in both of the hours that
    clocks show twice.
    """
    last = start
    for local in CronSim(cron, start.astimezone(ZoneInfo(zone))):
        slot = local.astimezone(UTC)
        # From a start within an hour that comes twice, the search begins at the first of the two.
        if slot > last:
            yield slot
            last = slot


CronLine: TypeAlias = Annotated[str, AfterValidator(cron_line)]
