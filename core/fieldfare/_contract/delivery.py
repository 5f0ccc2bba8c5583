"""A delivery's life: states, the gate for its writes, and what a connector can say when asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from .._domain.values import Media, Receipt, Value
from .http import Answer, Request, Sort, sort_write

T = TypeVar("T")


class State(StrEnum):
    """Where a delivery stands.

    held → due → sending → delivered; sending → due | failed | uncertain; uncertain → delivered | due;
    held, due → refused | cancelled | expired.
    """

    HELD = "held"
    DUE = "due"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        return self in _FINAL


_FINAL = {State.DELIVERED, State.FAILED, State.REFUSED, State.CANCELLED, State.EXPIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One action on its way out, as a person or a plugin may see it."""

    id: int
    key: str
    """`automation/once_per/index`: the same key is never admitted twice."""
    automation: str
    account: str
    kind: str
    action: Mapping[str, Any]
    """The action as stored (JSON)."""
    digest: str
    """SHA-256 over account, action and media: what an approval is bound to."""
    state: State
    reason: str
    attempts: int
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime | None
    receipt: Receipt | None
    lineage: int
    event: int
    """Row id of the event it answers."""
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one automation made of one event, and why. `verdict` is yes, no, error or missed."""

    event: int
    automation: str
    verdict: str
    reason: str
    at: datetime
    source: str
    """`path:line@hash` of the automation that decided."""


class Verdict(Value):
    """A reviewer's objection, in words."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One write of a delivery, as the ledger has it."""

    name: str
    value: Any = None
    """What `once` froze (JSON), if anything."""
    sent_at: datetime | None = None
    answer: Any = None
    """The JSON body of the answer; None until it came."""
    answered: bool = False


class Attempt(ABC):
    """One try at a delivery, and the only way for its writes to leave.

    Step names are chosen by the connector, are stable over its versions, and are unique within a delivery.
    """

    delivery: str
    """The delivery's key."""

    @property
    @abstractmethod
    def now(self) -> datetime: ...

    @property
    @abstractmethod
    def steps(self) -> Mapping[str, Step]:
        """The ledger of this delivery so far, oldest first; a step that was sent and not answered is in doubt."""

    @property
    @abstractmethod
    def first_byte_at(self) -> datetime | None:
        """When the first byte of this delivery may have left, in the *server's* time; None before any send."""

    @abstractmethod
    def key(self, step: str) -> str:
        """32 hexadecimal digits: the same for this delivery and step for ever, different from every other."""

    @abstractmethod
    async def once(self, step: str, compute: Callable[[], T | Awaitable[T]]) -> T:
        """Freeze a JSON value: computed and committed the first time, returned as it was stored ever after."""

    @abstractmethod
    async def send(self, step: str, request: Request, *, sort: Sort = sort_write) -> Answer:
        """Perform one write at most once, and give its answer.

        A step that has an answer sends nothing and returns it. Else: pause, dry run, token and lease are checked
        (`Refused`), 'sent' is committed, the request leaves, `sort` judges the answer. When `sort` raises `NotSent`,
        `AuthFailed` or `Rejected` the step counts as not performed and may be sent again by the same or a later
        attempt; when it raises `OutcomeUnknown`, or no answer comes, the step is in doubt.
        """

    @abstractmethod
    async def media(self, media: Media) -> bytes:
        """The content of a media file as it was when the decision was made."""

    @abstractmethod
    async def taken(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the network's post ids that another delivery of this account holds as its receipt."""


@dataclass(frozen=True, slots=True)
class Found:
    """It happened. With a `receipt` the delivery is done; with `answers` (step name → JSON body) only those steps
    are, and the delivery goes on with the next."""

    receipt: Receipt | None = None
    answers: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Absent:
    """It did not happen: said only after a complete look back to before `attempt.first_byte_at`."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Unknowable:
    """The network cannot tell us (now or ever); a person decides."""

    why: str


Recall: TypeAlias = Found | Absent | Unknowable
