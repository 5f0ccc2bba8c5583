"""An attempt without an engine: the gate's rules on dictionaries, so that a session can be tested alone."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self, TypeAlias, TypeVar, cast

from ..plugin import (
    Absent,
    Action,
    Answer,
    Attempt,
    AuthFailed,
    Found,
    Media,
    NotSent,
    OutcomeUnknown,
    Pending,
    Recall,
    Recalls,
    Receipt,
    Refused,
    Rejected,
    Request,
    Session,
    Step,
    sort_write,
)
from ._lent import Handler, Hands, Sort, answered, nobody

T = TypeVar("T")
_Outcome: TypeAlias = Answer | Literal["lost", "swallowed", "refused"]


@dataclass(slots=True)
class _Ledger:
    """What outlives an attempt."""

    steps: dict[str, Step] = field(default_factory=dict[str, Step])
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    repeat: set[str] = field(default_factory=set[str])
    first_byte_at: datetime | None = None


class Trial(Attempt):
    """An attempt at one delivery of `session`, as the engine would make it, but kept in memory.

    Requests go to the session's own transport or to `handler`; each is in `sent`. `taken_ids` are the posts
    that other deliveries hold as their receipts. `again()` is the next attempt at the same delivery. Whatever is raised
    after a request left and proves nothing is raised as OutcomeUnknown, which is what the engine takes it for.
    """

    def __init__(
        self,
        session: Session,
        handler: Handler = nobody,
        *,
        delivery: str = "an-automation/an-event/0",
        now: Callable[[], datetime] | None = None,
        media: Mapping[str, bytes] | None = None,
        taken_ids: Collection[str] = (),
        server_ahead: timedelta = timedelta(0),
    ) -> None:
        self.delivery = delivery
        self.session = session
        self.handler = handler
        self.sent: list[Request] = []
        self.files = dict(media or {})
        """Contents by SHA-256."""
        self.taken_ids = frozenset(taken_ids)
        self._now = now or Hands().now
        self._ahead = server_ahead
        self._ledger = _Ledger()
        self._scripted: dict[int, _Outcome] = {}

    # What goes wrong with the requests of this attempt, counted from 1

    def lose(self, write: int = 1) -> Self:
        """This request is performed, and its answer lost."""
        return self._script(write, "lost")

    def swallow(self, write: int = 1) -> Self:
        """This request is not performed, and nobody can tell."""
        return self._script(write, "swallowed")

    def refuse(self, write: int = 1) -> Self:
        """The connection for this request is refused: it is proven not sent."""
        return self._script(write, "refused")

    def answer(self, answer: Answer, write: int = 1) -> Self:
        """This request is answered with that, and not performed."""
        return self._script(write, answer)

    def _script(self, write: int, outcome: _Outcome) -> Self:
        self._scripted[write] = outcome
        return self

    # The next attempt

    def again(self) -> Trial:
        """The next attempt: the same delivery and ledger; nothing of it has been sent yet."""
        after = Trial(
            self.session,
            self.handler,
            delivery=self.delivery,
            now=self._now,
            media=self.files,
            taken_ids=self.taken_ids,
            server_ahead=self._ahead,
        )
        after._ledger = self._ledger
        return after

    @property
    def now(self) -> datetime:
        return self._now()

    @property
    def steps(self) -> Mapping[str, Step]:
        return dict(self._ledger.steps)

    @property
    def first_byte_at(self) -> datetime | None:
        return self._ledger.first_byte_at

    @property
    def doubt(self) -> Step | None:
        """The step of which nobody knows whether it happened, if there is one."""
        return next((s for s in self._ledger.steps.values() if s.sent_at is not None and not s.answered), None)

    def key(self, step: str) -> str:
        return hashlib.sha256(f"{self.delivery}\0{step}".encode()).hexdigest()[:32]

    async def once(self, step: str, compute: Callable[[], T | Awaitable[T]]) -> T:
        known = self._ledger.steps.get(step)
        if known is None or known.value is None:
            computed = compute()
            value: Any = await cast(Awaitable[T], computed) if inspect.isawaitable(computed) else computed
            self._ledger.steps[step] = replace(known or Step(name=step), value=json.loads(json.dumps(value)))
        return cast(T, self._ledger.steps[step].value)

    async def send(self, step: str, request: Request, *, sort: Sort = sort_write) -> Answer:
        known = self._ledger.steps.get(step, Step(name=step))
        if known.answered:
            return self._ledger.answers[step]
        if known.sent_at is not None and step not in self._ledger.repeat:
            raise Refused(f"step {step!r} was sent before and is not known to have failed")
        self._ledger.repeat.discard(step)
        self._ledger.steps[step] = replace(known, sent_at=self.now)
        self._ledger.first_byte_at = self._ledger.first_byte_at or self.now + self._ahead
        try:
            answer = await self._perform(request)
            sort(answer)
        except (NotSent, AuthFailed, Rejected):
            self._unsend(step)
            raise
        except OutcomeUnknown:
            raise
        except Exception as exc:
            raise OutcomeUnknown(f"step {step!r} was sent, and then came {type(exc).__name__}: {exc}") from exc
        self._answered(step, answer)
        return answer

    async def _perform(self, request: Request) -> Answer:
        self.sent.append(request)
        match self._scripted.get(len(self.sent)):
            case Answer() as answer:
                return answer
            case "refused":
                raise NotSent("the connection was refused")
            case "swallowed":
                raise OutcomeUnknown("the connection broke before an answer came")
            case "lost":
                await self._carry(request)
                raise OutcomeUnknown("the connection broke before an answer came")
            case _:
                return await self._carry(request)

    async def _carry(self, request: Request) -> Answer:
        transport = self.session.transport
        return await (transport(request) if transport is not None else answered(self.handler, request))

    def _answered(self, step: str, answer: Answer) -> None:
        known = self._ledger.steps.get(step, Step(name=step))
        try:
            body = answer.json() if answer.body else None
        except ValueError:
            body = answer.text
        self._ledger.steps[step] = replace(known, sent_at=known.sent_at or self.now, answer=body, answered=True)
        self._ledger.answers[step] = answer

    def _unsend(self, step: str) -> None:
        self._ledger.steps[step] = replace(self._ledger.steps[step], sent_at=None)
        if all(one.sent_at is None for one in self._ledger.steps.values()):
            self._ledger.first_byte_at = None

    async def media(self, media: Media) -> bytes:
        return self.files[media.sha256]

    async def taken(self, ids: Collection[str]) -> frozenset[str]:
        return self.taken_ids & frozenset(ids)

    # What the engine does with a delivery in doubt

    def repeat(self) -> None:
        """Allow the step in doubt to be sent once more with its key: what the engine does where the network remembers
        keys, or where repeating changes nothing."""
        if self.doubt is not None:
            self._ledger.repeat.add(self.doubt.name)

    async def resolve(self, action: Action[Any]) -> Recall:
        """Ask the session whether the step in doubt happened, and write the answer into the ledger: the steps that were
        found are answered, a step that is absent may be sent again."""
        if not isinstance(self.session, Recalls):
            raise TypeError(f"{type(self.session).__name__} has no Recalls; nothing can be asked")
        said = await self.session.recall(action, self)
        match said:
            case Found(answers=answers):
                for step, body in answers.items():
                    self._answered(step, Answer(status=200, headers={}, body=json.dumps(body).encode()))
            case Absent():
                if self.doubt is not None:
                    self._unsend(self.doubt.name)
            case _:
                pass
        return said

    async def settled(self, action: Action[Any]) -> Receipt | Pending | Recall:
        """Resolve the doubt, and perform again where that has not ended it: the receipt, or why there is none."""
        said = await self.resolve(action)
        if isinstance(said, Found) and said.receipt is not None:
            return said.receipt
        if isinstance(said, Found | Absent):
            return await action.perform(cast(Any, self.session), self.again())
        return said
