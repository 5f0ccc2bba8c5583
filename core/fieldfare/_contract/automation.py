"""An automation: trigger + when + decide + limits + approval, with a name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

from .._domain.events import Event
from .._domain.values import Value
from .actions import Action
from .conditions import Condition
from .delivery import Delivery
from .limits import Approval, Limit
from .platform import Account
from .triggers import Trigger

E = TypeVar("E", bound=Event)
E_contra = TypeVar("E_contra", bound=Event, contravariant=True)


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is done, for this reason."""

    reason: str


def skip(reason: str) -> Skip:
    """Decide to do nothing; the reason is kept and `fieldfare explain` shows it."""
    return Skip(reason)


Outcome: TypeAlias = Action[Any] | Sequence[Action[Any]] | Skip | None


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision may read: the time, the account that would act, and what this automation did before."""

    now: datetime
    account: Account | None
    automation: str
    past: Callable[[], Sequence[Delivery]] = field(default=lambda: (), repr=False)

    @property
    def history(self) -> Sequence[Delivery]:
        """This automation's deliveries, newest first, at most 100; read when asked for."""
        return self.past()


class Rule(Value, ABC, Generic[E_contra]):
    """A decision with settings: made once, used by many. The return annotation of `decide` declares its actions."""

    kind: ClassVar[str]

    @abstractmethod
    def decide(self, event: E_contra, ctx: Context) -> Outcome | Awaitable[Outcome]: ...


Decide: TypeAlias = Callable[[E, Context], Outcome | Awaitable[Outcome]]
Late = Literal["run", "skip", "ask"]


# Without slots: a frozen dataclass with both cannot be made as `Automation[Mention](…)` (seen with Python 3.11).
@dataclass(frozen=True, kw_only=True)
class Automation(Generic[E]):
    """What runs: defined at the top level of a file, under a name that is unique in the project.

    `account` acts; without it, the account that observed the event does. `once_per(event)` names what may be acted on
    once (default: the event itself). `late` says what becomes of a delivery that could not leave within `late_after`
    (default: the action kind's): `run` sends it until then and expires it after, `skip` expires it as soon as it had to
    wait for the daemon to come back, `ask` holds it for a person. `renamed_from` keeps the once-keys of an old name.
    """

    name: str
    trigger: Trigger[E]
    decide: Decide[E] | Rule[E]
    when: Condition[E] | None = None
    account: Account | None = None
    limits: Sequence[Limit] = ()
    approval: Approval | None = None
    once_per: Callable[[E], str] | None = None
    late: Late = "run"
    late_after: timedelta | None = None
    renamed_from: str = ""

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or "/" in self.name or len(self.name) > 120:
            raise ValueError(f"{self.name!r} cannot name an automation; use up to 120 characters without '/'")


def automation(
    trigger: Trigger[E],
    *,
    name: str | None = None,
    when: Condition[E] | None = None,
    account: Account | None = None,
    limits: Sequence[Limit] = (),
    approval: Approval | None = None,
    once_per: Callable[[E], str] | None = None,
    late: Late = "run",
    late_after: timedelta | None = None,
    renamed_from: str = "",
) -> Callable[[Decide[E]], Automation[E]]:
    """Make the decorated function an automation, named like it with '-' for '_' unless `name` is given."""

    def made(decide: Decide[E]) -> Automation[E]:
        return Automation(
            name=name or getattr(decide, "__name__", "automation").replace("_", "-"),
            trigger=trigger,
            decide=decide,
            when=when,
            account=account,
            limits=limits,
            approval=approval,
            once_per=once_per,
            late=late,
            late_after=late_after,
            renamed_from=renamed_from,
        )

    return made
