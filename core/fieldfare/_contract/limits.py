"""Fences around an automation, judged inside the transaction that would add or claim the delivery."""

from __future__ import annotations

from abc import ABC
from datetime import time, timedelta
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from .._domain.values import Money, Value


def zone_named(name: str) -> str:
    """The name itself when the time zone exists; ValueError with a near name otherwise."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        import difflib
        import zoneinfo

        near = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name!r} is not a time zone{hint}") from exc
    return name


Zone = Annotated[str, AfterValidator(zone_named)]
Span = Annotated[timedelta, Field(gt=timedelta(0))]


class Limit(Value, ABC):
    """A fence of an automation. At admission it may say no or wait, at claim only wait."""

    kind: ClassVar[str]


class Rate(Limit):
    """At most `count` deliveries leave in any span of `per`; more wait, or with `full="skip"` are not admitted.

    `over="account"` counts every automation's deliveries of the account together.
    """

    kind: ClassVar[str] = "rate"
    count: Annotated[int, Field(ge=1)]
    per: Span
    over: Literal["automation", "account"] = "automation"
    full: Literal["wait", "skip"] = "wait"


class Budget(Limit):
    """At most `total` is reserved and spent `per` calendar period (in `zone`) or in all (`per=None`).

    Counted at its worst case: held, due, sending, uncertain and delivered all count.
    """

    kind: ClassVar[str] = "budget"
    total: Money
    per: Literal["day", "week", "month"] | None = None
    zone: Zone = "UTC"


class QuietHours(Limit):
    """Nothing leaves between `start` and `end` (local wall time in `zone`; the span may pass midnight)."""

    kind: ClassVar[str] = "quiet-hours"
    start: time
    end: time
    zone: Zone

    @model_validator(mode="after")
    def _is_a_span(self) -> QuietHours:
        if self.start == self.end:
            raise ValueError("quiet hours that start and end at the same time would last all day; use pause instead")
        return self


class Caps(Limit):
    """How often an automation may answer people; every automation that replies has these unless it brings its own.

    `per_conversation` automatic replies in a conversation, however long ago; `per_person` to one person and
    `per_account` from one account, each within `within`. A reply over a cap is not admitted, and the reason says which.
    """

    kind: ClassVar[str] = "caps"
    per_conversation: Annotated[int, Field(ge=1)] = 1
    per_person: Annotated[int, Field(ge=1)] = 5
    per_account: Annotated[int, Field(ge=1)] = 300
    within: Span = timedelta(days=1)


class Approval(Value):
    """A person stands in the way; what was approved is bound to its content by the digest.

    `first=n` asks only for the automation's first n deliveries. Unanswered after `expires`, a delivery expires.
    """

    by: str
    expires: Span = timedelta(hours=24)
    first: Annotated[int, Field(ge=1)] | None = None
