"""Sources of events: a cursor in, new events and a new cursor out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from .._domain.events import DeliverySettled, Event, TroubleSeen
from .._domain.values import Secret

if TYPE_CHECKING:
    from .http import Http
    from .platform import Session

E = TypeVar("E", bound=Event)


# Without slots: a frozen dataclass with both cannot be made as `Batch[Mention](…)` (seen with Python 3.11).
@dataclass(frozen=True)
class Batch(Generic[E]):
    """What one pull brought: events oldest first and the cursor that covers them.

    `more`: there is more to fetch at once. `next_at`: nothing can come before this moment (None: ask again after
    the feed's `every`). `committed` is called after events and cursor are durable. `notes` are sentences about facts
    that could not be read (a bad row, named by its line); they are shown and logged, and the good ones still go.
    Events that occurred before `missed_before` are recorded as missed, even where there was no gap: for sources whose
    facts have a moment of their own, and which may take several pulls to catch up.
    """

    events: Sequence[E]
    cursor: str | None
    more: bool = False
    next_at: datetime | None = None
    committed: Callable[[], None] | None = None
    notes: Sequence[str] = ()
    missed_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One web hook as it came: raw bytes, nothing verified. `answer(status)` is called exactly once; a 2xx only after
    the events made of it are committed."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    at: datetime
    answer: Callable[[int], None]


class FeedServices(Protocol):
    """What a pull is lent."""

    @property
    def now(self) -> datetime: ...

    @property
    def http(self) -> Http:
        """A guarded client without any account's credentials."""
        ...

    @property
    def project(self) -> Path:
        """The project's folder: where relative paths begin."""
        ...

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The live sessions of the accounts the feed named."""
        ...

    def secret(self, name: Secret) -> str: ...

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        """Which of these event ids the feed already has."""
        ...

    async def settled(self, after: int, automation: str) -> Sequence[tuple[int, DeliverySettled]]:
        """Deliveries of an automation delivered after this position, oldest first, with their positions (≤ 200)."""
        ...

    async def troubles(self, after: int) -> Sequence[tuple[int, TroubleSeen]]:
        """Troubles recorded after this position, oldest first, with their positions (≤ 200)."""
        ...

    async def arrivals(self, path: str) -> Sequence[Arrival]:
        """Web hooks that came in below this path since the last call, at most 500; waits until there is one."""
        ...

    async def wait(self, seconds: float) -> None:
        """Sleep on the engine's clock, or until the daemon stops."""
        ...


class Feed(ABC, Generic[E]):
    """A source of events. Two feeds with one key are one feed, fetched once; the smallest `every` wins."""

    event: ClassVar[type[Event]]
    accounts: tuple[str, ...] = ()
    """Our names of the accounts whose sessions a pull needs."""
    every: timedelta = timedelta(seconds=60)
    grace: timedelta = timedelta(hours=24)
    """After a gap longer than this, facts older than it are recorded as missed."""
    private: tuple[str, ...] = ()
    """Private address ranges (CIDR) that a pull may reach through `services.http`; none by default."""
    arrives_at: str = ""
    """The path of the daemon's listener that it takes web hooks from; such a feed is pulled without pause, and waits in
    `services.arrivals`."""
    terms: str = ""
    """Settings that are not part of the key and yet cannot differ: `check` refuses two feeds of one key that do."""

    @abstractmethod
    def key(self, identities: Mapping[str, str]) -> str:
        """*What is read*: kind and the network's own account id, path or zone; never our name for it.

        `identities` gives the network's id for each of `accounts`.
        """

    def objections(self, project: Path) -> list[str]:
        """What is wrong with the source as far as it shows without a network, in words; for `check`."""
        return []

    @abstractmethod
    async def pull(self, cursor: str | None, services: FeedServices) -> Batch[E]:
        """New events since the cursor. Raises PlatformError when the source did not answer; then nothing moves."""
