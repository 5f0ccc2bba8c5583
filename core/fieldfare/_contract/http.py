"""What connectors say to a network and hear from it: plain values, no client."""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias, cast

from .._domain.errors import AuthFailed, NotSent, OutcomeUnknown, Rejected

Params: TypeAlias = Mapping[str, str | int | bool | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart form."""

    name: str
    filename: str
    content: bytes
    mime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as data; `repr` shows nothing that may be secret.

    At most one of `json`, `form` (with `files`) and `content` is given.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    params: Params | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    files: Sequence[Upload] = field(default=(), repr=False)
    content: bytes | None = field(default=None, repr=False)
    timeout: float = 30.0
    """Seconds for the whole exchange, connection included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One well-formed HTTP answer of any status; `body` is decoded and at most the client's cap long."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; a header sent twice is joined with ', '."""
    body: bytes = field(default=b"", repr=False)
    url: str = field(default="", repr=False)

    def json(self) -> Any:
        """The body as JSON; raises `ValueError` when it is not, or when it is nested beyond all measure.

        Half of a surrogate pair, which JSON can write and no text can hold, is read as U+FFFD.
        """
        try:
            read = json.loads(self.body)
            return _whole(read) if _SURROGATE.search(self.body) else read
        except RecursionError as exc:
            raise ValueError("the JSON is nested too deeply") from exc

    @property
    def text(self) -> str:
        """The body as text for people, undecodable bytes replaced, at most 300 characters."""
        return self.body[:1200].decode("utf-8", "replace")[:300]

    @property
    def date(self) -> datetime | None:
        """The server's own clock (`Date` header), or None."""
        try:
            return email.utils.parsedate_to_datetime(self.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError, TypeError):
            return None


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _whole(value: Any) -> Any:
    """The same with every text such that it can be encoded."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole(item) for item in cast(Sequence[Any], value)]
        case dict():
            return {_whole(key): _whole(item) for key, item in cast("dict[str, Any]", value).items()}
        case _:
            return value


Sort: TypeAlias = Callable[[Answer], None]
"""Raises the PlatformError that an answer means; returns when the answer means *done*."""


def retry_after(answer: Answer, now: datetime | None = None) -> float | None:
    """Seconds until the network wants to hear from us again, from any header in use; None when it does not say.

    Understood: `Retry-After` as seconds or HTTP date, `ratelimit-reset` and `x-ratelimit-reset` as epoch seconds,
    as small relative seconds or as ISO 8601. Moments are measured against the server's own `Date` where there
    is one, else against `now`. Never negative, never above 86,400 s (a day), whatever the header says.
    """
    base = answer.date or now or datetime.now(UTC)
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset"):
        value = answer.headers.get(name, "").strip()
        if not value:
            continue
        seconds = _seconds(value, base)
        if seconds is not None:
            return min(max(seconds, 0.0), 86_400.0)
    return None


def _seconds(value: str, base: datetime) -> float | None:
    try:
        number = float(value)
    except ValueError:
        pass
    else:
        if number != number:  # NaN
            return None
        # An epoch in seconds is a large number; a wait of 3 years is not a wait.
        return number - base.timestamp() if number > 100_000_000 else number
    for parse in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            moment = parse(value)
        except (ValueError, TypeError):
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - base.timestamp()
    return None


def sort_write(answer: Answer) -> None:
    """What an answer to a *write* means, where a network has no habits of its own.

    2xx is done. 401 is `AuthFailed`; 429 is `NotSent` with the network's own wait; 408, everything from 500 on and a
    redirect are `OutcomeUnknown`, since a server may perform a POST and then send the client to its result; every other
    4xx is `Rejected`.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    said = f"{status} from {answer.url or 'the network'}: {answer.text!r}"
    if status == 401:
        raise AuthFailed(said)
    if status == 429:
        raise NotSent(said, retry_after=retry_after(answer))
    if status == 408 or status >= 500 or 300 <= status < 400:
        raise OutcomeUnknown(said)
    raise Rejected(said)


def sort_read(answer: Answer) -> None:
    """What an answer to a *read* means: as `sort_write`, but 5xx and 408 are `NotSent`, since a read changes nothing,
    and a redirect is `Rejected`: what was asked for is not there."""
    said = f"{answer.status} from {answer.url or 'the network'}: {answer.text!r}"
    if answer.status == 408 or answer.status >= 500:
        raise NotSent(said, retry_after=retry_after(answer))
    if 300 <= answer.status < 400:
        raise Rejected(said)
    sort_write(answer)


class Http(Protocol):
    """The guarded client of one account: reads and logins. Writes go through `Attempt.send`.

    It refuses private addresses that the platform did not name, follows no redirects, sends the account's
    credentials to no host but the declared ones, caps decoded bytes, and takes its time-outs from the request.
    """

    async def read(self, request: Request, *, sort: Sort = sort_read) -> Answer:
        """One exchange that changes nothing: raises NotSent when it did not work, else what `sort` raises."""
        ...


class Transport(Protocol):
    """How the requests of a network that does not speak HTTP are performed: the guard has nothing to guard there.

    A session that brings one has its attempts' requests performed with it, at the same place and under the same
    checks; their URLs mean whatever the session means by them.
    """

    async def __call__(self, request: Request) -> Answer:
        """One exchange. Raises NotSent when it is proven that nothing happened, OutcomeUnknown when no clear answer
        came; any other exception counts as OutcomeUnknown."""
        ...
