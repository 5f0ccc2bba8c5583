"""A network as settings (`Platform`), as a live connection (`Session`) and as promises (`Bounds`, `Declaration`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

import regex

from .._domain.events import Followed, Mention, ReplyReceived
from .._domain.values import Author, Draft, Money, Pending, Post, PostRef, Receipt, Secret, Value
from .delivery import Attempt, Recall
from .feeds import Batch
from .http import Http, Transport

if TYPE_CHECKING:
    from .actions import Action

T = TypeVar("T")
Known: TypeAlias = Callable[[Collection[str]], Awaitable[frozenset[str]]]
"""Which of these event ids the feed already has."""

Idempotency = Literal["client_key", "native_key", "two_phase", "platform_dedupe", "none"]


class Bounds(Value):
    """What a network allows. Lengths are in the network's own measure (`Platform.measure`)."""

    text: int
    media: int = 0
    media_bytes: int = 0
    media_types: tuple[str, ...] = ()
    alt: int = 0
    """Longest alt text; 0 means no bound is known."""
    thread: int = 1
    """Most posts in one `Publish`."""
    api_version: str = ""
    api_ends: date | None = None
    source: str = ""
    """Where these numbers come from, with the date of reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a connector promises about the writes of one capability.

    `client_key`: we choose the record's own key. `native_key`: the network dedupes by a header, for `remembers`.
    `two_phase`: the first call's id can be asked for its state. `platform_dedupe`: equal content is refused.
    `idempotent`: repeating the call changes nothing (a like), so doubt is resolved by repeating.
    """

    idempotency: Idempotency = "none"
    remembers: timedelta | None = None
    """How long keys are remembered; None with a key means for ever."""
    idempotent: bool = False
    settle: timedelta = timedelta(seconds=30)
    """After this long nothing that was still on its way can appear any more."""
    scopes: tuple[str, ...] = ()
    source: str = ""


class Services(Protocol):
    """What a session is lent: HTTP client, clock, secrets by name, a place to keep its tokens. Nothing more."""

    @property
    def account(self) -> str:
        """Our name of the account."""
        ...

    @property
    def http(self) -> Http: ...

    def now(self) -> datetime: ...

    def secret(self, name: Secret) -> str:
        """The value of a secret; raises AuthFailed when its source has none."""
        ...

    def kept(self, name: str) -> str | None:
        """What `keep` stored last under this name for this account."""
        ...

    async def keep(self, name: str, value: str) -> None:
        """Store a token durably; it is on disk when this returns."""
        ...

    def share(self, key: str, make: Callable[[], T]) -> T:
        """One object per daemon and key, made by the first who asks: for sessions that share something."""
        ...


class Session(ABC):
    """The live, authenticated connection. Its base classes are its capabilities."""

    declares: Mapping[type[Session], Declaration] = MappingProxyType({})
    """One entry per writing capability; an instance may replace it once it knows its server."""
    in_flight: int = 4
    """How many deliveries of the account may leave side by side."""
    transport: Transport | None = None
    """Performs the requests of `Attempt.send` in place of the guarded HTTP client, for a network that does not speak
    HTTP."""

    @abstractmethod
    async def whoami(self) -> Author:
        """The account as the network knows it; its `id` is the account's identity for ever."""

    async def aclose(self) -> None:  # noqa: B027 -- most sessions hold nothing that the daemon does not close
        """Release what was opened; no request follows."""


class Publishes(Session):
    @abstractmethod
    async def publish(self, drafts: Sequence[Draft], attempt: Attempt) -> Receipt | Pending:
        """Publish one post, or several as a thread in this order."""


class Replies(Session):
    @abstractmethod
    async def reply(self, to: PostRef, draft: Draft, attempt: Attempt) -> Receipt | Pending:
        """Answer a post. Never more visible than it; its content warning and language are kept unless the draft has its
        own. A parent that is gone or takes no replies is `Rejected`."""


class Reposts(Session):
    @abstractmethod
    async def repost(self, post: PostRef, attempt: Attempt) -> Receipt | Pending: ...


class Likes(Session):
    @abstractmethod
    async def like(self, post: PostRef, attempt: Attempt) -> Receipt | Pending: ...


class Deletes(Session):
    @abstractmethod
    async def delete(self, post: PostRef, attempt: Attempt) -> Receipt | Pending:
        """Remove a post of ours; already gone counts as done."""


class Boosts(Session):
    @abstractmethod
    async def boost(self, post: PostRef, spend: Money, ends: datetime, attempt: Attempt) -> Receipt | Pending:
        """Advertise a post for at most `spend` until `ends`: created paused, read back, then activated."""


class ReadsMentions(Session):
    @abstractmethod
    async def mentions(self, cursor: str | None, known: Known) -> Batch[Mention]:
        """New mentions, oldest first. The first pull (cursor None) gives the newest page and a cursor to go on from."""


class ReadsReplies(Session):
    @abstractmethod
    async def replies(self, cursor: str | None, known: Known) -> Batch[ReplyReceived]: ...


class ReadsFollowers(Session):
    @abstractmethod
    async def followers(self, cursor: str | None, known: Known) -> Batch[Followed]: ...


class ReadsMetrics(Session):
    @abstractmethod
    async def metrics(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        """Posts by id, each with fresh `metrics`; those that are gone are missing. Any number of refs."""


class ReadsPosts(Session):
    @abstractmethod
    async def posts(self, refs: Sequence[PostRef]) -> Mapping[str, Post]:
        """Posts by id as they stand now; those that are gone, or that we may not see, are missing."""


class ReadsOwnPosts(Session):
    @abstractmethod
    async def own_posts(self, since: datetime) -> Sequence[Post]:
        """The account's own posts created after `since`, newest first, reposts left out, at most 400; with metrics
        where one call brings both."""


class Recalls(Session):
    @abstractmethod
    async def recall(self, action: Action[Any], attempt: Attempt) -> Recall:
        """Did the step in doubt happen? Compares parent, text in the form the network stores and number of media."""


class Platform(Value, ABC):
    """Settings of a network for one account: a value that `check` can inspect offline."""

    kind: ClassVar[str]
    session: ClassVar[type[Session]]

    private: tuple[str, ...] = ()
    """Private address ranges (CIDR) this account's server may live in, e.g. '127.0.0.0/8'; none by default."""

    @property
    @abstractmethod
    def bounds(self) -> Bounds: ...

    @property
    @abstractmethod
    def hosts(self) -> frozenset[str]:
        """Host names (with `:port` where it is not the scheme's own) that may see this account's credentials;
        `*.name` stands for every host below `name`."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret the settings name."""
        return tuple(v for v in (getattr(self, name) for name in type(self).model_fields) if isinstance(v, Secret))

    @abstractmethod
    async def open(self, services: Services) -> Session: ...

    def measure(self, text: str) -> int:
        """The length of a text as this network counts it: user-perceived characters unless overridden."""
        return len(regex.findall(r"\X", text))

    def shortened(self, text: str, room: int | None = None) -> str:
        """The text if it measures at most `room` (default: what the network allows), else its beginning and '…'.

        Cut between words where that costs less than half of it, else between user-perceived characters; never inside
        a web address. Empty when nothing fits.
        """
        room = self.bounds.text if room is None else room
        if self.measure(text) <= room:
            return text
        ends = [found.end() for found in regex.finditer(r"\X", text)]
        fits = bisect_right(ends, room, key=lambda end: self.measure(_cut(text, end)))
        while fits and self.measure(_cut(text, ends[fits - 1])) > room:
            fits -= 1
        return _cut(text, ends[fits - 1]) if fits else ""

    def objections(self, draft: Draft) -> list[str]:
        """What this network would refuse about a draft, in words; empty when nothing."""
        said: list[str] = []
        bounds = self.bounds
        length = self.measure(draft.text)
        if length > bounds.text:
            said.append(f"the text is {length} long as {self.kind} counts, {bounds.text} is allowed")
        if len(draft.media) > bounds.media:
            said.append(f"{len(draft.media)} media files, {bounds.media} are allowed on {self.kind}")
        for media in draft.media:
            if bounds.media_bytes and media.size > bounds.media_bytes:
                said.append(f"{media.source!r} has {media.size} bytes, {self.kind} takes {bounds.media_bytes}")
            if bounds.media_types and media.mime and media.mime not in bounds.media_types:
                said.append(f"{media.source!r} is {media.mime}, {self.kind} takes {', '.join(bounds.media_types)}")
            if bounds.alt and self.measure(media.alt) > bounds.alt:
                said.append(f"the alt text of {media.source!r} is longer than {bounds.alt}")
        if not draft.text and not draft.media:
            said.append("the post is empty")
        return said


def _cut(text: str, end: int) -> str:
    """What is kept of a text that is cut at `end`, with the sign of the cut."""
    start, stop = next((w.span() for w in regex.finditer(r"\S+", text) if w.start() < end < w.end()), (end, end))
    if start < end and (start >= end // 2 or "://" in text[start:stop]):
        end = start
    kept = text[:end].rstrip()
    # Written next to an address, '…' would become part of it.
    gap = " " if regex.search(r"://\S*\Z", kept) else ""
    return kept and f"{kept}{gap}…"


@dataclass(frozen=True, slots=True)
class Account:
    """A name of ours and a platform: who acts."""

    name: str
    platform: Platform = field(hash=False)

    def __post_init__(self) -> None:
        if not regex.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name):
            raise ValueError(f"{self.name!r} cannot name an account; use lower-case letters, digits, '-' and '_'")


WRITES: tuple[type[Session], ...] = (Publishes, Replies, Reposts, Likes, Deletes, Boosts)
"""The capabilities that change something out there; each wants a `Declaration`."""
