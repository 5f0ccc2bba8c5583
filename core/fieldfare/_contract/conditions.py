"""Named yes-or-no questions about an event; names survive into reasons.

Built-in conditions are data (`data` is JSON): the engine compiles all of one feed into one matcher, and stores them
with the automation set, so that a reason can be recomputed later. Functions are scanned.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from .._domain.events import Event, MetricsObserved, PostEvent
from .._domain.values import in_words

E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Event, contravariant=True)
Test = Callable[[Any, datetime], bool]


class Condition(Generic[C]):
    """A state an event is in or not: `condition(event, now)`. Compose with `&`, `|`, `~`.

    `data` describes it as JSON; None when a function of the author's is anywhere inside.
    """

    __slots__ = ("_test", "data", "name", "op", "parts")

    def __init__(
        self,
        name: str,
        test: Callable[[C], bool] | Callable[[C, datetime], bool],
        *,
        data: Mapping[str, Any] | None = None,
        op: str = "",
        parts: tuple[Condition[Any], ...] = (),
    ) -> None:
        self.name = name
        self.data = data
        self.op = op
        self.parts = parts
        self._test: Test = _two(name, test) if data is None and not op else cast(Test, test)

    def __call__(self, event: C, now: datetime) -> bool:
        return self._test(event, now)

    def __and__(self: Condition[E], other: Condition[E]) -> Condition[E]:
        return _both("and", " and ", self, other, lambda e, n: self._test(e, n) and other._test(e, n))

    def __or__(self: Condition[E], other: Condition[E]) -> Condition[E]:
        return _both("or", " or ", self, other, lambda e, n: self._test(e, n) or other._test(e, n))

    # Only for type checkers: they bind E to the left operand first, and so refuse a wider condition on the left of a
    # narrower one; the reflected forms let the right operand bind it. Python itself never gets here.
    def __rand__(self: Condition[E], other: Condition[E]) -> Condition[E]:
        return other & self

    def __ror__(self: Condition[E], other: Condition[E]) -> Condition[E]:
        return other | self

    def __invert__(self) -> Condition[C]:
        test = self._test
        data = {"op": "not", "of": [self.data]} if self.data is not None else None
        return Condition(f"not {_wrap(self)}", lambda e, n: not test(e, n), data=data, op="not", parts=(self,))

    def __bool__(self) -> bool:
        raise TypeError("combine conditions with &, | and ~, not with and, or, not")

    def __repr__(self) -> str:
        return f"<condition {self.name}>"

    def why_not(self, event: C, now: datetime) -> str | None:
        """The part that said no, in words; None when the answer is yes."""
        if self._test(event, now):
            return None
        if self.op == "and":
            for part in self.parts:
                said = part.why_not(event, now)
                if said is not None:
                    return said
        return f"no: {self.name}"


def _two(name: str, test: Callable[..., bool]) -> Test:
    if inspect.iscoroutinefunction(test):
        raise TypeError(f"condition {name!r} is async; a condition is a plain function of the event")
    try:
        count = len(inspect.signature(test).parameters)
    except (TypeError, ValueError):
        count = 1
    if count >= 2:
        return test
    return lambda event, now: test(event)


def _wrap(condition: Condition[Any]) -> str:
    return f"({condition.name})" if condition.op in ("and", "or") else condition.name


def _both(op: str, word: str, a: Condition[E], b: Condition[E], test: Test) -> Condition[E]:
    data = {"op": op, "of": [a.data, b.data]} if a.data is not None and b.data is not None else None
    names = [c.name if c.op == op else _wrap(c) for c in (a, b)]
    return Condition(word.join(names), test, data=data, op=op, parts=(a, b))


def condition(test: Callable[[E], bool] | Callable[[E, datetime], bool]) -> Condition[E]:
    """Make a condition of a function `(event)` or `(event, now)`; its name is the function's, with spaces."""
    return Condition(getattr(test, "__name__", "condition").replace("_", " "), test)


# The built-in ones: each is its JSON, a name made from it, and a test made from it.


def contains(*words: str) -> Condition[PostEvent]:
    """The text contains any of these, whatever their case."""
    if not words or not all(words):
        raise ValueError("contains() wants at least one word, and none may be empty")
    return from_data({"op": "contains", "any": [w.casefold() for w in words]})


def matches(pattern: str) -> Condition[PostEvent]:
    """The text matches this regular expression somewhere (case ignored)."""
    return from_data({"op": "matches", "pattern": pattern})


def author_in(*handles: str) -> Condition[PostEvent]:
    """The author's handle is one of these ('@' and case do not matter)."""
    return from_data({"op": "author_in", "handles": sorted(h.lstrip("@").casefold() for h in handles)})


def from_bot() -> Condition[PostEvent]:
    """The author says it is a bot."""
    return from_data({"op": "from_bot"})


def from_self() -> Condition[PostEvent]:
    """The author is the account that observed it."""
    return from_data({"op": "from_self"})


def language(*codes: str) -> Condition[PostEvent]:
    """The post says it is in one of these languages ('en' also means 'en-GB')."""
    return from_data({"op": "language", "codes": sorted(c.lower() for c in codes)})


def followers(at_least: int) -> Condition[PostEvent]:
    """The author has at least this many followers; unknown counts as fewer."""
    return from_data({"op": "followers", "least": at_least})


def engagement(at_least: int) -> Condition[MetricsObserved]:
    """Likes, reposts, replies and quotes together are at least this."""
    return cast("Condition[MetricsObserved]", from_data({"op": "engagement", "least": at_least}))


def younger_than(age: timedelta) -> Condition[PostEvent]:
    """The post was created less than this ago."""
    return from_data({"op": "younger_than", "seconds": int(age.total_seconds())})


def lineage(at_most: int) -> Condition[Event]:
    """At most this many of our own deliveries lie between the event and the outside world (0: it came from others)."""
    return cast("Condition[Event]", from_data({"op": "lineage", "most": at_most}))


def from_data(data: Mapping[str, Any]) -> Condition[Any]:
    """The condition that this JSON describes; raises ValueError for an operation that is not known."""
    op = data["op"]
    if op in ("and", "or"):
        a, b = (from_data(part) for part in data["of"])
        return a & b if op == "and" else a | b
    if op == "not":
        return ~from_data(data["of"][0])
    if op not in _BUILT_IN:
        raise ValueError(f"condition {op!r} is not known to this version")
    name, test = _BUILT_IN[op](data)
    return Condition(name, test, data=data)


def _listed(words: list[str]) -> str:
    return " or ".join(map(repr, words))


def _contains(data: Mapping[str, Any]) -> tuple[str, Test]:
    words: list[str] = data["any"]

    def test(event: PostEvent, now: datetime) -> bool:
        text = event.post.text.casefold()
        return any(word in text for word in words)

    return f"text contains {_listed(words)}", test


def _matches(data: Mapping[str, Any]) -> tuple[str, Test]:
    try:
        found = re.compile(data["pattern"], re.IGNORECASE).search
    except re.error as exc:
        raise ValueError(f"{data['pattern']!r} is not a regular expression: {exc}") from exc
    return f"text matches {data['pattern']!r}", lambda event, now: found(event.post.text) is not None


def _author_in(data: Mapping[str, Any]) -> tuple[str, Test]:
    handles = frozenset(data["handles"])
    name = f"author is {_listed(data['handles'])}"
    return name, lambda event, now: event.post.author.handle.lstrip("@").casefold() in handles


def _language(data: Mapping[str, Any]) -> tuple[str, Test]:
    codes: list[str] = data["codes"]

    def test(event: PostEvent, now: datetime) -> bool:
        spoken = (event.post.language or "").lower()
        return any(spoken == code or spoken.startswith(code + "-") for code in codes)

    return f"language is {_listed(codes)}", test


def _followers(data: Mapping[str, Any]) -> tuple[str, Test]:
    least: int = data["least"]
    return (
        f"author has {least} followers or more",
        lambda event, now: (event.post.author.followers or 0) >= least,
    )


def _engagement(data: Mapping[str, Any]) -> tuple[str, Test]:
    least: int = data["least"]
    return f"engagement is {least} or more", lambda event, now: event.metrics.engagement >= least


def _younger(data: Mapping[str, Any]) -> tuple[str, Test]:
    age = timedelta(seconds=data["seconds"])
    return f"post is younger than {in_words(age)}", lambda event, now: now - event.post.created_at < age


def _lineage(data: Mapping[str, Any]) -> tuple[str, Test]:
    most: int = data["most"]
    name = "it did not come from us" if most == 0 else f"it passed at most {most} of our deliveries"
    return name, lambda event, now: event.lineage <= most


_BUILT_IN: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, Test]]] = {
    "contains": _contains,
    "matches": _matches,
    "author_in": _author_in,
    "from_bot": lambda data: ("author is a bot", lambda event, now: event.post.author.is_bot),
    "from_self": lambda data: ("author is the account itself", lambda event, now: event.post.author.is_self),
    "language": _language,
    "followers": _followers,
    "engagement": _engagement,
    "younger_than": _younger,
    "lineage": _lineage,
}
