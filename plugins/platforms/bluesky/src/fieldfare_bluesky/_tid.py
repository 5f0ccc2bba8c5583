"""Record keys: 13 characters that begin with a time, chosen by us before anything is sent.

The form is enforced by the servers (AT Protocol specification "Record Key Types", read 2026-11-22; tried on PDS
0.4.217 and 0.5.35): base32 with the alphabet below, 53 bits of microseconds since 1970 and 10 bits that tell writers
apart, the first bit zero.
"""

from __future__ import annotations

from datetime import datetime

ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
LENGTH = 13
SECOND = 1_000_000
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def tid(micros: int, writer: int) -> str:
    """The key of a moment (microseconds since 1970, below 2**53) and a writer (below 2**10)."""
    number = (micros & (1 << 53) - 1) << 10 | writer & (1 << 10) - 1
    return "".join(ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def micros(key: str) -> int | None:
    """The moment within a key; None when it is no such key."""
    if len(key) != LENGTH or any(letter not in _VALUES for letter in key) or _VALUES[key[0]] >= 16:
        return None
    number = 0
    for letter in key:
        number = number << 5 | _VALUES[letter]
    return number >> 10


def at(moment: datetime, seed: str) -> str:
    """A key in the second before `moment`; 30 bits of `seed` (hexadecimal digits) keep writers of one second apart."""
    return _spread(round(moment.timestamp() * SECOND) - SECOND, seed)


def beside(other: str, seed: str) -> str:
    """A key that follows from `other` and `seed` alone, however often and wherever it is asked for.

    It lies in the second after `other`, or in the first second of 1970 when `other` holds no time.
    """
    return _spread(micros(other) or 0, seed)


def following(key: str, steps: int) -> str:
    """The key `steps` microseconds later, of the same writer."""
    moment = micros(key)
    if moment is None:
        raise ValueError(f"{key!r} is no record key with a time")
    return tid(moment + steps, _VALUES[key[-1]] | _VALUES[key[-2]] << 5)


def _spread(start: int, seed: str) -> str:
    bits = int(seed[:12], 16)
    return tid(start + bits % SECOND, bits // SECOND)
