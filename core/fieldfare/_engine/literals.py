"""Letters that a regular expression cannot match without: they let the matcher pass over it unread."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

_LEAST = 3


def needed(pattern: str) -> list[str] | None:
    """Words of which `text.casefold()` contains at least one whenever `pattern` matches `text`, its case ignored.

    None when there are none of three letters or more, or the pattern has a form that is not understood.
    """
    # The parser that `re` itself uses has no public name; without it patterns are read one by one, as if by hand.
    try:
        tree = importlib.import_module("re._parser").parse(pattern, re.IGNORECASE)
    except (ImportError, AttributeError, re.error, RecursionError):
        return None
    return _best(tree)


def _best(tree: Any) -> list[str] | None:
    choices: list[list[str]] = []
    run = ""
    for piece in _flat(tree):
        if isinstance(piece, str):
            run += piece
            continue
        choices.append([run])
        run = ""
        choices.append(piece)
    choices.append([run])
    usable = [words for words in choices if words and min(map(len, words)) >= _LEAST]
    return min(usable, key=lambda words: (len(words), -min(map(len, words))), default=None)


def _flat(tree: Any) -> Iterator[str | list[str]]:
    """Letters that follow each other, and between them what is not one letter: [] or words of which one is needed."""
    for op, value in tree:
        name = str(op)
        if name == "LITERAL":
            yield _letter(value) or []
        elif name == "SUBPATTERN":
            yield from _flat(value[3])
        elif name == "AT":
            continue
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] >= 1:
            yield _best(value[2]) or []
        elif name == "BRANCH":
            yield _either(value[1])
        else:
            yield []


def _letter(code: int) -> str:
    # With its case ignored an ASCII letter stands for signs that casefold to it alone, but for `i`: İ becomes two.
    return chr(code).casefold() if code < 128 and chr(code) not in "iI" else ""


def _either(branches: Sequence[Any]) -> list[str]:
    found = [_best(branch) for branch in branches]
    return [word for words in found if words for word in words] if all(found) else []
