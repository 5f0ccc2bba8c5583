"""All data conditions of one feed as one matcher: a thousand rules cost about what one costs.

Three things make it cheap. Words of every `contains` are searched once per event, through an index of their letters.
Conditions that are equal are answered once per event. And an automation is looked at only when the event has something
that its condition cannot be true without: one of its words, its authors, its languages, its numbers.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, TypeAlias

from .._contract.conditions import Condition
from .._domain.events import Event
from .literals import needed
from .placed import Placed, asked

Atom: TypeAlias = tuple[str, Any]
"""Something an event has or has not: `("contains", "coffee")`, `("author_in", "ada")`, `("followers", 100)`."""

Test: TypeAlias = "Callable[[_Look], bool]"

_RANKS = {"author_in": 0, "contains": 1, "engagement": 2, "followers": 2, "language": 3, "from_bot": 3, "from_self": 3}
_NUMBERS: Mapping[str, Callable[[Any], int]] = {
    "engagement": lambda event: event.metrics.engagement,
    "followers": lambda event: event.post.author.followers or 0,
}
_LETTERS = 3
"""Length of the pieces that words are indexed by; with two, the pieces of 600 bytes of prose hit most words."""
_FEW = 100
"""Up to so many words, looking for each is cheaper than taking the text apart (40 µs for 600 letters)."""


@dataclass(frozen=True, slots=True)
class Match:
    """An automation that everything stored as data admits; `rest` holds the functions that are still to be asked."""

    placed: Placed
    rest: Condition[Any] | None


class Matcher:
    """Answers for every automation of one feed, in their order, what trigger and data conditions say to an event."""

    def __init__(self, automations: Sequence[Placed]) -> None:
        self._nodes: list[Test] = []
        self._known: dict[str, int] = {}
        self._words: set[str] = set()
        self._admitted: list[Match] = []
        self._doubtful: list[Match] = []
        self._asked: list[tuple[int, ...]] = []
        self._always: list[int] = []
        self._guarded: dict[Atom, list[int]] = defaultdict(list)
        for number, placed in enumerate(automations):
            self._add(number, placed)
        self._search = _searcher(self._words)
        self._ops = frozenset(op for op, _ in self._guarded)
        self._ladders = {op: _ladder(op, self._guarded) for op in _NUMBERS if op in self._ops}

    def _add(self, number: int, placed: Placed) -> None:
        data, functions = asked(placed.automation)
        self._admitted.append(Match(placed, _together(functions)))
        self._doubtful.append(Match(placed, _together([*data, *functions])))
        self._asked.append(tuple(self._node(condition) for condition in data))
        guards = [guard for condition in data if (guard := _guard(condition)) is not None]
        if not guards:
            self._always.append(number)
            return
        best: list[Atom] = min(guards, key=_selectivity)
        for atom in dict.fromkeys(best):
            self._guarded[atom].append(number)
            if atom[0] == "contains":
                self._words.add(atom[1])

    def _node(self, condition: Condition[Any]) -> int:
        """The number under which this condition, or one equal to it, is answered."""
        key = json.dumps(condition.data, sort_keys=True, default=repr)
        if key not in self._known:
            self._known[key] = -1
            test = self._test(condition)
            self._known[key] = len(self._nodes)
            self._nodes.append(test)
        return self._known[key]

    def _test(self, condition: Condition[Any]) -> Test:
        if condition.op == "and":
            a, b = map(self._node, condition.parts)
            return lambda look: look.true(a) and look.true(b)
        if condition.op == "or":
            a, b = map(self._node, condition.parts)
            return lambda look: look.true(a) or look.true(b)
        if condition.op == "not":
            (a,) = map(self._node, condition.parts)
            return lambda look: not look.true(a)
        if _op(condition) == "contains":
            words = frozenset(_values(condition))
            self._words |= words
            return lambda look: not words.isdisjoint(look.words)
        return lambda look: condition(look.event, look.now)

    def match(self, event: Event, now: datetime) -> list[Match]:
        """The automations that have not been ruled out, in their order.

        A data condition that raises (it was written for another kind of event) rules nothing out: the whole condition
        is then left to be asked, so that the decision shows the error.
        """
        look = _Look(self._nodes, event, now)
        try:
            if self._words:
                look.words = self._search(getattr(event, "post").text.casefold())  # noqa: B009 -- not every event has one
            numbers: Iterable[int] = self._candidates(look)
        except AttributeError:
            return list(self._doubtful)
        found: list[Match] = []
        for number in numbers:
            try:
                if all(map(look.true, self._asked[number])):
                    found.append(self._admitted[number])
            except Exception:
                found.append(self._doubtful[number])
        return found

    def _candidates(self, look: _Look) -> Iterable[int]:
        if not self._ops:
            return self._always
        hit: set[int] = set()
        for atom in _atoms(self._ops, look):
            hit.update(self._guarded.get(atom, ()))
        for op, (steps, numbers) in self._ladders.items():
            for some in numbers[: bisect_right(steps, _NUMBERS[op](look.event))]:
                hit.update(some)
        return sorted(hit.union(self._always)) if hit else self._always


class _Look:
    """One event as the matcher sees it: every question about it is answered once."""

    __slots__ = ("_answers", "_nodes", "event", "now", "words")

    def __init__(self, nodes: list[Test], event: Event, now: datetime) -> None:
        self.event: Any = event
        self.now = now
        self.words: frozenset[str] | set[str] = frozenset()
        self._nodes = nodes
        self._answers: dict[int, bool] = {}

    def true(self, node: int) -> bool:
        answer = self._answers.get(node)
        if answer is None:
            answer = self._answers[node] = self._nodes[node](self)
        return answer


def _atoms(ops: frozenset[str], look: _Look) -> Iterable[Atom]:
    """What this event has, of the kinds that any guard asks for."""
    if "contains" in ops:
        for word in look.words:
            yield "contains", word
    if ops.isdisjoint(("author_in", "language", "from_bot", "from_self")):
        return
    post = look.event.post
    author = post.author
    yield "author_in", author.handle.lstrip("@").casefold()
    if author.is_bot:
        yield "from_bot", True
    if author.is_self:
        yield "from_self", True
    spoken = (post.language or "").lower()
    yield "language", spoken
    for at, letter in enumerate(spoken):
        if letter == "-":
            yield "language", spoken[:at]


def _guard(condition: Condition[Any]) -> list[Atom] | None:
    """Atoms of which the event must have one for the condition to be true; None when nothing of the kind is known."""
    if condition.op in ("and", "or"):
        guards = [guard for part in condition.parts if (guard := _guard(part)) is not None]
        if condition.op == "and":
            return min(guards, key=_selectivity) if guards else None
        return [atom for guard in guards for atom in guard] if len(guards) == len(condition.parts) else None
    op = _op(condition)
    if op == "matches":
        words = needed(_values(condition)[0])
        return None if words is None else [("contains", word) for word in words]
    return [(op, value) for value in _values(condition)] if op in _RANKS else None


def _selectivity(guard: list[Atom]) -> tuple[int, int]:
    return max((_RANKS[op] for op, _ in guard), default=0), len(guard)


def _op(condition: Condition[Any]) -> str:
    return "" if condition.op or condition.data is None else str(condition.data.get("op", ""))


def _values(condition: Condition[Any]) -> list[Any]:
    data = condition.data or {}
    for name in ("any", "handles", "codes"):
        if name in data:
            return list(data[name])
    return [data.get("pattern", data.get("least", True))]


def _together(conditions: list[Condition[Any]]) -> Condition[Any] | None:
    return reduce(lambda a, b: a & b, conditions) if conditions else None


def _ladder(op: str, guarded: Mapping[Atom, list[int]]) -> tuple[list[int], list[list[int]]]:
    """Thresholds in rising order, and beside each who waits for it."""
    steps = sorted((value, numbers) for (name, value), numbers in guarded.items() if name == op)
    return [value for value, _ in steps], [numbers for _, numbers in steps]


def _searcher(words: set[str]) -> Callable[[str], set[str]]:
    """A function that gives those of `words` that a text contains."""
    if len(words) <= _FEW:
        few = tuple(words)
        return lambda text: {word for word in few if word in text}
    short = tuple(word for word in words if len(word) < _LETTERS)
    common = Counter(piece for word in words for piece in _pieces(word))
    index: dict[str, list[str]] = defaultdict(list)
    for word in sorted(words):
        if len(word) >= _LETTERS:
            index[min(_pieces(word), key=lambda piece: (common[piece], piece))].append(word)
    rare = frozenset(index)

    def search(text: str) -> set[str]:
        found = {word for piece in rare & _pieces(text) for word in index[piece] if word in text}
        found.update(word for word in short if word in text)
        return found

    return search


def _pieces(text: str) -> set[str]:
    return set(map("".join, zip(*(text[start:] for start in range(_LETTERS)), strict=False)))
