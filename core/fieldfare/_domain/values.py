"""What exists out there and what we have not said yet: frozen values, no I/O."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field


class Value(BaseModel):
    """A frozen record at the border: unknown fields are refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _no_trailing_slash(url: str) -> str:
    if not re.match(r"https?://[^/\s]", url):
        raise ValueError(f"{url!r} is not an http(s) address; write it as https://server.example")
    return url.rstrip("/")


ServerUrl = Annotated[str, AfterValidator(_no_trailing_slash)]
"""An http(s) address without a trailing slash: a plain string to the author, checked at the door."""


def _not_a_float(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError(f"money is never a float; write Decimal('{value}')")
    return value


class Money(Value):
    """An exact amount in one currency (ISO 4217 code)."""

    amount: Annotated[Decimal, BeforeValidator(_not_a_float), Field(ge=0, allow_inf_nan=False)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Secret(Value):
    """The *name* of a secret; no value is ever in it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]


def secret(name: str) -> Secret:
    """Name a secret; the daemon resolves it from the project's secrets source when an account is opened."""
    return Secret(name=name)


class Visibility(StrEnum):
    """Who may see a post, widest first."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    DIRECT = "direct"

    @property
    def width(self) -> int:
        """3 for public down to 0 for direct."""
        return 3 - list(Visibility).index(self)


class PostRef(Value):
    """How to find a post again. Two references are the same post when platform and id are equal (`same`)."""

    platform: str
    id: str
    url: str = ""
    version: str = ""
    """The network's own hash of the content, where it has one."""
    conversation: str = ""
    """The id of the first post of the conversation; empty when unknown or when it is this post."""

    def same(self, other: PostRef | None) -> bool:
        return other is not None and (self.platform, self.id) == (other.platform, other.id)

    @property
    def thread(self) -> str:
        """The conversation this post belongs to; its own id when it begins one."""
        return self.conversation or self.id


class Author(Value):
    """Who wrote something. `is_self`: it is the very account that observed it."""

    id: str
    handle: str
    name: str = ""
    url: str = ""
    is_bot: bool = False
    is_self: bool = False
    followers: int | None = None


class Metrics(Value):
    """Counts of one post as the network gave them at `measured_at`."""

    measured_at: AwareDatetime
    likes: int = 0
    reposts: int = 0
    replies: int = 0
    quotes: int = 0
    views: int | None = None

    @property
    def engagement(self) -> int:
        """Likes, reposts, replies and quotes together; views do not count."""
        return self.likes + self.reposts + self.replies + self.quotes


class Post(Value):
    """A post that exists, reduced to plain text."""

    ref: PostRef
    author: Author
    text: str
    created_at: AwareDatetime
    language: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    warning: str | None = None
    """The content warning it carries."""
    reply_to: PostRef | None = None
    repost_of: PostRef | None = None
    media_count: int = 0
    links: tuple[str, ...] = ()
    metrics: Metrics | None = None
    replies_allowed: bool = True


class Media(Value):
    """A file to be published. `source` is a path (relative ones start at the project folder).

    The engine copies the file when a decision commits and fills in `sha256`, `mime` and `size` (bytes); from then on
    the content is known by its SHA-256 and the path no longer matters.
    """

    source: str
    alt: Annotated[str, Field(min_length=1)]
    sha256: str = ""
    mime: str = ""
    size: int = 0


class Card(Value):
    """A preview of a link below a post, on networks that want it spelt out."""

    url: str
    title: str = ""
    description: str = ""


class Draft(Value):
    """A post not yet published. None means: the account's own default."""

    text: str = ""
    media: tuple[Media, ...] = ()
    card: Card | None = None
    language: str | None = None
    visibility: Visibility | None = None
    warning: str | None = None


class Receipt(Value):
    """It is done: where the result can be found. `refs` holds every post of a thread, `ref` the first."""

    ref: PostRef | None = None
    refs: tuple[PostRef, ...] = ()
    note: str = ""


class Pending(Value):
    """Begun and not finished: perform again at `until`; steps that were answered are not sent again."""

    until: AwareDatetime
    why: str


def isoformat(moment: datetime) -> str:
    """UTC, milliseconds, `Z`: the one form in which the store and the logs write time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_words(span: timedelta) -> str:
    """A span for people: '90 s', '5 min', '3 h', '2 days'."""
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            count = seconds // size
            return f"{count} {'day' if unit == 'days' and count == 1 else unit}"
    return f"{seconds} s"
