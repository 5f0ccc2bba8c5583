"""Stage two: event in, decision out. Touches no network; may run a thousand times without consequence."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, cast

from .._contract.actions import Action, Notifies
from .._contract.automation import Automation, Context, Outcome, Rule, Skip
from .._contract.conditions import Condition
from .._contract.delivery import Delivery, Verdict
from .._contract.platform import Account
from .._contract.triggers import Crossing
from .._domain.errors import FieldfareError
from .._domain.events import Event, MetricsObserved, TroubleSeen
from .._store.admission import Judged
from .._store.sqlite import ms
from .media import MediaKeeper
from .placed import Placed
from .plan import planned

Review: TypeAlias = Callable[[Action[Any], Automation[Any], Account | None], Verdict | None]
Past: TypeAlias = Callable[[str], Sequence[Delivery]]
Memory: TypeAlias = Callable[[str, str], tuple[bool | None, int]]
"""(automation, post) → (armed or None when never read, when the automation was first seen in ms)."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """A decision that awaits something: run beside the lane, with a deadline."""

    answer: Awaitable[Outcome]


@dataclass(frozen=True, slots=True)
class Keeping:
    """A decision whose files are still to be kept, for as long as that takes: `kept` by a thread, then `concluded`."""

    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Makes one automation's judgement of one event, from arguments alone."""

    accounts: Mapping[str, Account]
    review: Review
    media: MediaKeeper
    identity: Callable[[str], str] = lambda name: name
    echo: Callable[[str], bool] = field(default=lambda delivery: False)
    """Whether a delivery, by its key, tells of a notice's trouble: two that fail would tell each other for ever."""
    past: Past = field(default=lambda automation: ())
    memory: Memory = field(default=lambda automation, post: (None, 0))

    def judge(
        self, placed: Placed, rest: Condition[Any] | None, event: Event, feed: str, now: datetime
    ) -> Judged | Thinking | Keeping:
        """The judgement; or, for a decision that awaits or brings files, what has to be done first. Raises nothing."""
        automation = placed.automation
        if isinstance(event, TroubleSeen) and event.automation == automation.name:
            return self._no(placed, "it is about this automation's own notice", None)
        if isinstance(event, TroubleSeen) and self.echo(event.subject):
            return self._no(placed, "it is about a notice that could not tell of a notice", None)
        crossing: tuple[str, bool] | None = None
        if automation.trigger.crossing is not None and isinstance(event, MetricsObserved):
            crossing = self.crossed(automation.name, automation.trigger.crossing, event)
            if crossing is None or crossing[1]:
                return self._no(placed, f"below {_level(automation.trigger.crossing)}", crossing)
            armed, began = self.memory(automation.name, event.post.ref.id)
            if armed is False:
                return self._no(placed, f"passed {_level(automation.trigger.crossing)} before", None)
            if armed is None and not automation.trigger.crossing.existing and ms(event.post.created_at) < began:
                why = f"already above {_level(automation.trigger.crossing)} when this automation first looked"
                return Judged(
                    automation=automation.name, verdict="missed", reason=why, source=placed.source, crossing=crossing
                )
        try:
            said = rest.why_not(event, now) if rest is not None else None
        except Exception as exc:
            return self._error(placed, f"a condition raised {_named(exc)}")
        if said is not None:
            return self._no(placed, said, None)
        context = Context(
            now=now, account=self.account_of(automation, event), automation=automation.name, past=self._past(automation)
        )
        decide: Any = automation.decide
        if isinstance(automation.decide, Rule):
            decide = automation.decide.decide  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        try:
            outcome = decide(event, context)
            files = brings_files(outcome)
        except Exception as exc:
            return self._error(placed, f"decide raised {_named(exc)}")
        if inspect.isawaitable(outcome):
            return Thinking(outcome)
        if files:
            return Keeping(outcome)
        return self.concluded(placed, outcome, event, feed, now)

    def concluded(self, placed: Placed, outcome: Outcome, event: Event, feed: str, now: datetime) -> Judged:
        """From an outcome to the judgement: review, completion, media, plan. Raises nothing."""
        automation = placed.automation
        match outcome:
            case None:
                return self._no(placed, "decided to do nothing", None)
            case Skip(reason):
                return self._no(placed, reason, None)
            case Action():
                actions: list[Action[Any]] = [outcome]
            case list() | tuple() if all(isinstance(a, Action) for a in cast(Sequence[object], outcome)):
                actions = list(outcome)
            case _:
                return self._error(
                    placed, f"decide gave {type(outcome).__name__}; give an action, several, skip('reason') or None"
                )
        if not actions:
            return self._no(placed, "decided to do nothing", None)
        account = self.account_of(automation, event)
        ready: list[Action[Any]] = []
        for action in actions:
            try:
                action = self._prepared(action, event)
                objection = self._objection(action, automation, account)
            except FieldfareError as exc:
                return self._error(placed, str(exc))
            except Exception as exc:
                return self._error(placed, f"{action.kind} raised {_named(exc)}")
            if objection is not None:
                return self._no(placed, objection, None)
            ready.append(action)
        identity = self.identity(account.name) if account is not None else ""
        try:
            plan = planned(automation, ready, event=event, feed=feed, account=account, identity=identity, now=now)
        except Exception as exc:
            return self._error(placed, f"once_per raised {_named(exc)}")
        crossing = (
            (event.post.ref.id, False) if automation.trigger.crossing and isinstance(event, MetricsObserved) else None
        )
        reason = ", ".join(dict.fromkeys(action.kind for action in ready))
        return Judged(
            automation=automation.name,
            verdict="yes",
            reason=reason,
            source=placed.source,
            planned=plan,
            crossing=crossing,
        )

    def kept(self, outcome: Outcome) -> Outcome:
        """The outcome with its files kept; takes as long as they are large, and may be called from any thread.

        Raises MediaError.
        """
        match outcome:
            case Action():
                return self._with_files_kept(outcome)
            case list() | tuple() if all(isinstance(a, Action) for a in cast(Sequence[object], outcome)):
                actions: list[Action[Any]] = list(outcome)
                return [self._with_files_kept(action) for action in actions]
            case _:
                return outcome

    def unkept(self, placed: Placed, exc: Exception) -> Judged:
        """The judgement when a file could not be kept."""
        return self._error(placed, str(exc) if isinstance(exc, FieldfareError) else f"its media raised {_named(exc)}")

    def account_of(self, automation: Automation[Any], event: Event) -> Account | None:
        """Who acts: the automation's own account, else the one that observed the event."""
        return automation.account or self.accounts.get(event.account)

    def failed(self, placed: Placed, exc: BaseException) -> Judged:
        """The judgement when an awaited decision raised or took too long."""
        return self._error(placed, f"decide raised {_named(exc)}")

    @staticmethod
    def crossed(automation: str, crossing: Crossing, event: MetricsObserved) -> tuple[str, bool] | None:
        """(post, armed) that this reading leaves behind: armed while below; None when the count is not known."""
        value = getattr(event.metrics, crossing.of)
        return None if value is None else (event.post.ref.id, value < crossing.level)

    def _past(self, automation: Automation[Any]) -> Callable[[], Sequence[Delivery]]:
        return lambda: self.past(automation.name)

    def _prepared(self, action: Action[Any], event: Event) -> Action[Any]:
        return self._with_files_kept(action.completed(event))

    def _with_files_kept(self, action: Action[Any]) -> Action[Any]:
        media = tuple(self.media.keep(media) for draft in action.drafts for media in draft.media)
        return action.with_media(media) if media else action

    def _objection(self, action: Action[Any], automation: Automation[Any], account: Account | None) -> str | None:
        if not issubclass(action.needs, Notifies):
            if account is None:
                return f"no account acts: give the automation account=…, {action.kind} needs one"
            platform = account.platform
            if not issubclass(platform.session, action.needs):
                return f"account {account.name!r} is on {platform.kind}, which has no {action.needs.__name__}"
            said = [words for draft in action.drafts for words in platform.objections(draft)]
            if len(action.drafts) > platform.bounds.thread:
                said.append(f"a thread of {len(action.drafts)} posts, {platform.bounds.thread} are allowed")
            if said:
                return "; ".join(said)
        verdict = self.review(action, automation, account)
        return f"review: {verdict.reason}" if verdict is not None else None

    @staticmethod
    def _no(placed: Placed, reason: str, crossing: tuple[str, bool] | None) -> Judged:
        return Judged(
            automation=placed.automation.name, verdict="no", reason=reason, source=placed.source, crossing=crossing
        )

    @staticmethod
    def _error(placed: Placed, reason: str) -> Judged:
        return Judged(automation=placed.automation.name, verdict="error", reason=reason, source=placed.source)


def brings_files(outcome: object) -> bool:
    """Whether something is to be published that stands in a file."""
    match outcome:
        case list() | tuple():
            return any(map(brings_files, cast(Sequence[object], outcome)))
        case Action():
            action: Action[Any] = outcome
            return any(draft.media for draft in action.drafts)
        case _:
            return False


def _named(exc: BaseException) -> str:
    said = str(exc)
    return f"{type(exc).__name__}: {said}" if said else type(exc).__name__


def _level(crossing: Crossing) -> str:
    return f"{crossing.of} {crossing.level}"
