"""Everything that can go wrong, sorted by consequence.

FieldfareError
├── ConfigError        the automation file is wrong      exit 3, every mistake as path:line:column
├── PluginError        a plugin is wrong                 exit 3, named with its distribution
├── StoreError         newer, corrupt or in use          exit 3, in use: exit 5
│   └── StoreInUse     another daemon holds it           exit 5
├── Refused            pause, dry run, lease or token stopped a write before it left
└── PlatformError      raised around connectors; the class is the next state
    ├── NotSent        nothing happened, or a read failed; later (retry_after)   due
    ├── AuthFailed     credentials refused                                       due, account paused, operator told
    ├── Rejected       the network said no to this                               failed
    └── OutcomeUnknown the request left, no clear answer came                    uncertain
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class FieldfareError(Exception):
    """The root: its text is one plain sentence for the person who made the mistake."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file: where, what, and what to do.

    `line` and `column` count from 1; 0 means that the place within the file is not known.
    `source` is the line of text itself, for the caret; empty when unknown.
    """

    path: Path
    line: int
    column: int
    what: str
    remedy: str = ""
    source: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)
        tail = f"; {self.remedy}" if self.remedy else ""
        return f"{place}: {self.what}{tail}"


class ConfigError(FieldfareError):
    """What a person wrote cannot run; carries every mistake found, not only the first."""

    def __init__(self, message: str, mistakes: Sequence[Mistake] = ()) -> None:
        super().__init__(message if message else "; ".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class PluginError(FieldfareError):
    """A plugin cannot be used; `plugin` is its entry point's name, `distribution` where it came from."""

    def __init__(self, message: str, *, plugin: str = "", distribution: str = "") -> None:
        super().__init__(message)
        self.plugin = plugin
        self.distribution = distribution


class StoreError(FieldfareError):
    """The store cannot be used: newer than this version, corrupt, read-only or gone."""


class StoreInUse(StoreError):
    """Another daemon holds the store's lock."""


class Refused(FieldfareError):
    """The gate stopped a write before a byte left: pause, dry run, a stale token or a lost lease."""


class PlatformError(FieldfareError):
    """Something around a network; the subclass says what the delivery becomes next."""


class NotSent(PlatformError):
    """Proven: nothing happened out there. Try again after `retry_after` seconds (None: the engine's back-off)."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AuthFailed(PlatformError):
    """The network refused our credentials and did nothing; the account is paused and a person told."""


class Rejected(PlatformError):
    """The network understood and said no to this content; sending the same again would be refused again."""


class OutcomeUnknown(PlatformError):
    """The request left and no clear answer came: it may have been performed. Never send again on a guess."""
