"""Whether an automation has the parts it needs, of the right kind; types say it first, to those who use them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args

from .._contract.automation import Automation, Late, Rule
from .._contract.conditions import Condition
from .._contract.limits import Approval, Limit
from .._contract.platform import Account
from .._contract.triggers import Trigger
from .._domain.errors import Mistake
from .nearest import did_you_mean, nearest
from .placed import Placed
from .source import SourceFile


def misshapen(placed: Placed, file: SourceFile, accounts: Mapping[str, str]) -> list[Mistake]:
    """Settings of the wrong kind. `accounts` gives the variable of each account of the file by the account's name."""
    return [
        file.mistake_in(placed.line, placed.column, setting, what, remedy, position=0 if setting == "trigger" else None)
        for setting, what, remedy in _wrong(placed.automation, accounts)
    ]


def _wrong(automation: Automation[Any], accounts: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    # What a person wrote may be anything, whatever the annotations say.
    a: Any = automation
    if not isinstance(a.trigger, Trigger):
        what = "an account" if isinstance(a.trigger, Account) else _called(a.trigger)
        yield "trigger", f"the trigger of {a.name!r} is {what}", "write a trigger, such as on.mention(brand)"
    yield from _decision(a.name, a.decide)
    if a.when is not None and not isinstance(a.when, Condition):
        made = "decorate it with @condition" if callable(a.when) else "write a condition, such as contains('hello')"
        yield "when", f"'when' of {a.name!r} is {_called(a.when)}, not a condition", made
    if a.account is not None and not isinstance(a.account, Account):
        near = nearest(a.account, accounts) if isinstance(a.account, str) else None
        remedy = f"write {accounts[near]}, the account itself" if near else "write the account itself, not its name"
        yield "account", f"unknown account {a.account!r}", remedy
    if isinstance(a.limits, Limit):
        yield "limits", f"'limits' of {a.name!r} is one limit, not several", "write limits=(…,), with the comma"
    elif not isinstance(a.limits, list | tuple) or not all(map(_is_limit, automation.limits)):
        yield "limits", f"'limits' of {a.name!r} wants limits", "write limits=(Rate(count=…, per=…),)"
    if a.approval is not None and not isinstance(a.approval, Approval):
        yield "approval", f"'approval' of {a.name!r} is {_called(a.approval)}", "write approval=Approval(by='…')"
    if a.once_per is not None and (not callable(a.once_per) or inspect.iscoroutinefunction(a.once_per)):
        yield "once_per", f"'once_per' of {a.name!r} wants a plain function of the event", "write lambda event: …"
    if a.late not in get_args(Late):
        remedy = did_you_mean(str(a.late), get_args(Late)) or "write 'run', 'skip' or 'ask'"
        yield "late", f"'late' of {a.name!r} is {a.late!r}", remedy
    if a.late_after is not None and not (isinstance(a.late_after, timedelta) and a.late_after > timedelta(0)):
        yield "late_after", f"'late_after' of {a.name!r} is {a.late_after!r}", "write timedelta(hours=1)"
    if not isinstance(a.renamed_from, str):
        yield "renamed_from", f"'renamed_from' of {a.name!r} is {_called(a.renamed_from)}", "write the old name"


def _decision(name: str, decide: object) -> Iterator[tuple[str, str, str]]:
    if isinstance(decide, Rule):
        return
    if _is_rule_class(decide):
        kind = getattr(decide, "__name__", "")
        yield "decide", f"'decide' of {name!r} is the class {kind}", f"give it its settings: {kind}(…)"
    elif not callable(decide):
        yield "decide", f"'decide' of {name!r} is {_called(decide)}", "write a function (event, ctx), or a rule"
    elif not _takes_two(decide):
        yield "decide", f"'decide' of {name!r} does not take (event, ctx)", "give it both arguments"


def _is_rule_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Rule)


def _is_limit(value: object) -> bool:
    return isinstance(value, Limit)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _called(value: object) -> str:
    if isinstance(value, str):
        return f"the text {value!r}"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"
