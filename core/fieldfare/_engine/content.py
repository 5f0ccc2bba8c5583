"""What would be published, as far as it is written down, held against what the networks allow; nothing is sent."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from .._contract.actions import Action, Notify
from .._contract.automation import Automation, Context, Rule
from .._contract.platform import Account
from .._domain.errors import Mistake
from .._domain.events import Event
from .._domain.values import Draft, Media
from .._net import refused
from .found import Loaded
from .media import MediaError, measured
from .nearest import did_you_mean
from .outcomes import function_of
from .placed import Placed
from .sample import sample
from .source import SourceFile, argument_of
from .watch import watched


def acting(automation: Automation[Any]) -> tuple[Account, ...]:
    """The accounts that could act: the automation's own, else those whose feeds it reads."""
    return (automation.account,) if automation.account else automation.trigger.accounts


def objections(draft: Draft, accounts: Iterable[Account], project: Path) -> list[str]:
    """What the networks of these accounts would refuse about a draft, its files measured."""
    try:
        media = tuple(measured(one, project)[1] for one in draft.media)
    except MediaError as exc:
        return [str(exc)]
    known = draft.model_copy(update={"media": media})
    return list(dict.fromkeys(said for account in accounts for said in account.platform.objections(known)))


def would_decide(placed: Placed, event: Event, account: Account | None, now: datetime) -> Sequence[Action[Any]]:
    """The actions that the decision makes of an event; none from one that is async. Raises what the decision raises."""
    function = function_of(placed.automation)
    if inspect.iscoroutinefunction(function):
        return ()
    with watched(()):
        outcome = function(event, Context(now=now, account=account, automation=placed.automation.name))
    return [action for action in _several(outcome) if _is_action(action)]


def _several(outcome: Any) -> Iterable[Any]:
    several = outcome
    return several if isinstance(outcome, list | tuple) else (outcome,)


def _is_action(value: object) -> bool:
    return isinstance(value, Action)


def from_a_rule(loaded: Loaded, placed: Placed, now: datetime) -> Iterator[Mistake]:
    """What a rule would write on an event of the shortest kind, and which network would not take it."""
    if not isinstance(placed.automation.decide, Rule):
        return
    for account in acting(placed.automation):
        event = sample(placed.automation.trigger.event, account, now)
        if event is None:
            return
        try:
            actions = would_decide(placed, event, account, now)
        except Exception:
            # What a rule cannot make of a made-up event says nothing about real ones.
            return
        for said in _said(actions, [account], loaded.project):
            yield loaded.mistake(placed, f"{placed.automation.name!r}: {said}", setting="decide")


def _said(actions: Iterable[Action[Any]], accounts: Sequence[Account], project: Path) -> list[str]:
    found = [said for action in actions for draft in action.drafts for said in objections(draft, accounts, project)]
    return list(dict.fromkeys(found))


class Functions:
    """The functions of a project as they are written; each is read once for the accounts it acts as."""

    def __init__(self, loaded: Loaded, private: Sequence[str] = ()) -> None:
        self._project = loaded.project
        self._private = private
        self._files = {str(file.real): file for file in loaded.files}
        self._bodies: dict[str, dict[tuple[str, int], ast.AST]] = {}
        self._seen: set[tuple[object, tuple[Account, ...]]] = set()

    def mistakes(self, placed: Placed) -> Iterator[Mistake]:
        """What is wrong in what a decision says literally: unknown settings, texts too long, files that are gone."""
        function = inspect.unwrap(function_of(placed.automation))
        code = getattr(function, "__code__", None)
        accounts = acting(placed.automation)
        file = self._files.get(getattr(code, "co_filename", ""))
        if file is None or code is None or (code, accounts) in self._seen:
            return
        self._seen.add((code, accounts))
        body = self._of(file).get((code.co_name, code.co_firstlineno))
        if body is not None:
            known = dict(inspect.getclosurevars(function).nonlocals) | function.__globals__
            yield from _Body(file, known, accounts, self._project, self._private).mistakes(body)

    def _of(self, file: SourceFile) -> dict[tuple[str, int], ast.AST]:
        """The functions of a file by their name and first line, which is that of the first decorator."""
        key = str(file.real)
        if key not in self._bodies:
            found = [n for n in ast.walk(file.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            self._bodies[key] = {
                (node.name, min([node.lineno, *(d.lineno for d in node.decorator_list)])): node for node in found
            }
        return self._bodies[key]


@dataclass(frozen=True, slots=True)
class _Body:
    """One function as written, with the names that it can see."""

    file: SourceFile
    known: dict[str, Any]
    accounts: Sequence[Account]
    project: Path
    private: Sequence[str]

    def mistakes(self, body: ast.AST) -> Iterator[Mistake]:
        for node in ast.walk(body):
            if isinstance(node, ast.Call):
                made = self.value(node.func)
                if isinstance(made, type) and issubclass(made, BaseModel):
                    yield from self._settings(node, made)
                    yield from self._content(node, made)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield from self._constant(node)

    def value(self, node: ast.expr | None) -> Any:
        """What an expression stands for as far as it is written: a constant, a name of the file, text without its
        fields; None for the rest."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.known.get(name)
            case ast.Attribute(value=inner, attr=attr):
                return getattr(self.value(inner), attr, None)
            case ast.JoinedStr(values=parts):
                return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
            case _:
                return None

    def _settings(self, call: ast.Call, made: type[BaseModel]) -> Iterator[Mistake]:
        fields = made.model_fields
        given = {keyword.arg for keyword in call.keywords}
        for keyword in call.keywords:
            if keyword.arg and keyword.arg not in fields:
                what = f"{ast.unparse(call.func)} has no setting {keyword.arg!r}"
                yield self.file.mistake_at(keyword, what, did_you_mean(keyword.arg, fields))
        missing = [name for name, one in fields.items() if one.is_required() and name not in given]
        if missing and None not in given and given <= fields.keys():
            yield self.file.mistake_at(call, f"{ast.unparse(call.func)} needs {', '.join(map(repr, missing))}")

    def _content(self, call: ast.Call, made: type[BaseModel]) -> Iterator[Mistake]:
        if issubclass(made, Notify):
            webhook = argument_of(call, "webhook")
            # Of an address that is put together only parts are written down.
            if not isinstance(webhook, ast.JoinedStr):
                yield from self._unreachable(webhook, self.value(webhook))
        if issubclass(made, Media):
            source, alt = (argument_of(call, name) for name in ("source", "alt"))
            if self.value(alt) == "":
                yield self.file.mistake_at(alt, "'alt' of Media: it may not be empty", "say what the picture shows")
            elif isinstance(path := self.value(source), str):
                yield from self._refused(source, Draft(text="x", media=(Media(source=path, alt="x"),)))
        elif "text" in made.model_fields and issubclass(made, Draft | Action):
            text = argument_of(call, "text")
            if isinstance(written := self.value(text), str) and written:
                yield from self._refused(text, Draft(text=written))

    def _constant(self, node: ast.Name) -> Iterator[Mistake]:
        value = self.known.get(node.id)
        drafts: Sequence[Draft] = ()
        if isinstance(value, Notify):
            yield from self._unreachable(node, value.webhook)
        if isinstance(value, Media):
            drafts = (Draft(text="x", media=(value,)),)
        elif isinstance(value, Draft):
            drafts = (value,)
        elif isinstance(value, Action):
            drafts = value.drafts
        for draft in drafts:
            yield from self._refused(node, draft)

    def _unreachable(self, node: ast.AST | None, webhook: Any) -> Iterator[Mistake]:
        said = refused(webhook, self.private) if isinstance(webhook, str) else ""
        if said:
            yield self.file.mistake_at(node, f"no notice would reach this address: {said}")

    def _refused(self, node: ast.AST | None, draft: Draft) -> Iterator[Mistake]:
        for said in objections(draft, self.accounts, self.project):
            yield self.file.mistake_at(node, said)
