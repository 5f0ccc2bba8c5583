"""What can be said about a project before anything runs: without any network, every mistake in its place."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .._contract.actions import Notifies
from .._contract.conditions import Condition
from .._contract.limits import Budget
from .._contract.platform import Boosts
from .._domain.errors import ConfigError, Mistake, PluginError
from .._domain.values import Secret
from .._feeds.settled import OnDelivered
from .._host import PluginHost
from .content import Functions, acting, from_a_rule
from .found import Loaded
from .nearest import did_you_mean
from .outcomes import declared
from .placed import Placed, asked
from .secrets import SecretSource
from .sets import accounts_of

_OF_A_POST = ("contains", "matches", "author_in", "from_bot", "from_self", "language", "followers", "younger_than")
_NEEDS: Mapping[str, tuple[str, str]] = {"engagement": ("metrics", "metrics")} | dict.fromkeys(
    _OF_A_POST, ("post", "a post")
)
"""The field of the event that a built-in condition reads, and what it is called."""


def check(
    loaded: Loaded,
    host: PluginHost,
    *,
    secrets: SecretSource | None = None,
    private: Sequence[str] = (),
    now: datetime | None = None,
) -> list[Mistake]:
    """Every mistake that keeps a project from running, in the order of the files.

    Secrets are looked up when their source is given; `private` are the ranges that notices may go to. What
    `sheets.findings` says of calendars and queues is not in it: their good rows go whatever the others are.
    """
    moment = now or datetime.now(UTC)
    found: list[Mistake] = []
    trial = _with_files(loaded, host, found)
    names = {placed.automation.name for placed in loaded.automations}
    functions = Functions(loaded, private)
    for placed in loaded.automations:
        found += _of_accounts(loaded, placed)
        found += _of_actions(loaded, placed, trial)
        found += _of_conditions(loaded, placed)
        found += _of_names(loaded, placed, names)
        found += functions.mistakes(placed)
        found += from_a_rule(loaded, placed, moment)
        if secrets is not None:
            found += _of_secrets(loaded, placed, secrets)
    found += _of_feeds(loaded)
    return sorted(dict.fromkeys(found), key=lambda mistake: (str(mistake.path), mistake.line, mistake.column))


def _with_files(loaded: Loaded, host: PluginHost, mistakes: list[Mistake]) -> PluginHost:
    """A host like this one, with the hooks of the files; what it refuses of them is a mistake."""
    trial = host.without_files()
    for module, path in loaded.hooks:
        try:
            trial.register_file(module, path)
        except PluginError as exc:
            mistakes.append(Mistake(path, 1, 1, str(exc)))
    return trial


def _of_accounts(loaded: Loaded, placed: Placed) -> Iterator[Mistake]:
    trigger = placed.automation.trigger
    for account in trigger.accounts:
        for needed in trigger.needs:
            if not issubclass(account.platform.session, needed):
                what = (
                    f"{placed.automation.name!r} listens to account {account.name!r}, which is on "
                    f"{account.platform.kind}, and that has no {needed.__name__}"
                )
                yield loaded.mistake(placed, what, "take another trigger, or another account", setting="trigger")


def _of_actions(loaded: Loaded, placed: Placed, host: PluginHost) -> Iterator[Mistake]:
    automation = placed.automation
    accounts = acting(automation)
    for action in declared(automation).actions:
        name = action.__name__
        if action.kind not in host.action_kinds:
            what = f"{automation.name!r} decides {name}, which no plugin brings"
            yield loaded.mistake(placed, what, "hand it over in the hook fieldfare_actions", setting="decide")
        if issubclass(action.needs, Notifies):
            continue
        if not accounts:
            what = f"{automation.name!r} decides {name}, but no account acts"
            yield loaded.mistake(placed, what, "write account=…", setting="trigger")
        for account in accounts:
            if not issubclass(account.platform.session, action.needs):
                what = (
                    f"{automation.name!r} decides {name}, but account {account.name!r} is on "
                    f"{account.platform.kind}, which has no {action.needs.__name__}"
                )
                yield loaded.mistake(placed, what, setting="account" if automation.account else "decide")
        if issubclass(action.needs, Boosts) and not any(isinstance(limit, Budget) for limit in automation.limits):
            what = f"{automation.name!r} decides {name}, which spends money, and has no Budget"
            yield loaded.mistake(placed, what, "write limits=(Budget(total=…, per='month'),)", setting="limits")


def _of_conditions(loaded: Loaded, placed: Placed) -> Iterator[Mistake]:
    event = placed.automation.trigger.event
    data, functions = asked(placed.automation)
    for condition in (*data, *functions):
        for leaf in _leaves(condition):
            field, called = _NEEDS.get(str((leaf.data or {}).get("op")), ("", ""))
            if field and field not in event.model_fields:
                what = f"{leaf.name!r} is about {called}, and {event.__name__} has none"
                yield loaded.mistake(placed, what, "take a condition about this event", setting="when")


def _leaves(condition: Condition[Any]) -> Iterator[Condition[Any]]:
    if not condition.parts:
        yield condition
    for part in condition.parts:
        yield from _leaves(part)


def _of_names(loaded: Loaded, placed: Placed, names: Collection[str]) -> Iterator[Mistake]:
    automation = placed.automation
    if automation.renamed_from and automation.renamed_from in names:
        what = f"{automation.name!r} is renamed from {automation.renamed_from!r}, which is still there"
        yield loaded.mistake(placed, what, "remove one of the two", setting="renamed_from")
    trigger = automation.trigger
    if isinstance(trigger, OnDelivered) and trigger.automation not in names:
        others = (placed.automation for placed in loaded.automations)
        new = next((other.name for other in others if other.renamed_from == trigger.automation), None)
        remedy = f"it is called {new!r} now" if new else did_you_mean(trigger.automation, names)
        what = f"{automation.name!r} follows {trigger.automation!r}, which does not exist"
        yield loaded.mistake(placed, what, remedy, setting="trigger")


def _of_feeds(loaded: Loaded) -> Iterator[Mistake]:
    terms: dict[str, tuple[str, Placed]] = {}
    for placed in loaded.automations:
        names = {account.name: account.name for account in placed.automation.trigger.accounts}
        for feed in placed.automation.trigger.feeds():
            said, first = terms.setdefault(feed.key(names), (feed.terms, placed))
            if said != feed.terms:
                what = (
                    f"{placed.automation.name!r} and {first.automation.name!r} read the same source on different "
                    f"terms: {feed.terms!r} here, {said!r} at {first.place}"
                )
                yield loaded.mistake(placed, what, "give both the same", setting="trigger")


def _of_secrets(loaded: Loaded, placed: Placed, secrets: SecretSource) -> Iterator[Mistake]:
    automation = placed.automation
    named = [secret for account in accounts_of(placed) for secret in account.platform.secrets]
    for secret in dict.fromkeys([*named, *_named(automation.trigger), *_named(automation.decide)]):
        try:
            secrets.get(secret.name)
        except ConfigError as exc:
            yield from exc.mistakes or [_where_named(loaded, placed, secret.name, str(exc))]


def _named(thing: object) -> Iterator[Secret]:
    """The secrets that the settings of a trigger or rule name."""
    for name in getattr(type(thing), "model_fields", ()):
        value = getattr(thing, name)
        if isinstance(value, Secret):
            yield value


def _where_named(loaded: Loaded, placed: Placed, name: str, what: str) -> Mistake:
    """A mistake where a file says `secret('NAME')`; at the automation when it is written in another way."""
    for file in loaded.files:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and any(isinstance(a, ast.Constant) and a.value == name for a in node.args):
                return file.mistake_at(node, what)
    return loaded.mistake(placed, what)
