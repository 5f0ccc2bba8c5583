"""The hooks. All are plain functions: hooks hand over classes, the classes have async methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from ._contract.actions import Action
    from ._contract.automation import Automation, Rule
    from ._contract.delivery import Delivery, Verdict
    from ._contract.platform import Account, Platform
    from ._contract.triggers import Trigger
    from ._domain.events import Event

hookspec = pluggy.HookspecMarker("fieldfare")
hookimpl = pluggy.HookimplMarker("fieldfare")


@hookspec
def fieldfare_platforms() -> Iterable[type[Platform]]:
    """The networks this plugin connects to.

    @hookimpl
    def fieldfare_platforms() -> Iterable[type[Platform]]:
        return (Pigeon,)
    """
    return ()


@hookspec
def fieldfare_triggers() -> Iterable[type[Trigger[Any]]]:
    """The triggers this plugin brings, and with them their event types.

    @hookimpl
    def fieldfare_triggers() -> Iterable[type[Trigger[Any]]]:
        return (TideTurned,)
    """
    return ()


@hookspec
def fieldfare_actions() -> Iterable[type[Action[Any]]]:
    """The actions that may be stored in the outbox and performed.

    @hookimpl
    def fieldfare_actions() -> Iterable[type[Action[Any]]]:
        return (Pin,)
    """
    return ()


@hookspec
def fieldfare_rules() -> Iterable[type[Rule[Any]]]:
    """The rules that automations may use.

    @hookimpl
    def fieldfare_rules() -> Iterable[type[Rule[Any]]]:
        return (AutoReply,)
    """
    return ()


@hookspec(firstresult=True)
def fieldfare_review(action: Action[Any], automation: Automation[Any], account: Account | None) -> Verdict | None:
    """Object to an action before it enters the outbox; None means no objection. If it raises, the action is refused.

    @hookimpl
    def fieldfare_review(action: Action[Any]) -> Verdict | None:
        links = any("http" in draft.text for draft in action.drafts)
        return Verdict(reason="no links in replies") if action.kind == "reply" and links else None
    """


@hookspec
def fieldfare_event_ingested(event: Event) -> None:
    """An event was recorded for the first time; called after the transaction, and must not block.

    @hookimpl
    def fieldfare_event_ingested(event: Event) -> None:
        counter[event.kind] += 1
    """


@hookspec
def fieldfare_delivery_changed(delivery: Delivery) -> None:
    """A delivery moved to another state; called after the transaction, and must not block.

    @hookimpl
    def fieldfare_delivery_changed(delivery: Delivery) -> None:
        changed.put_nowait((delivery.key, delivery.state))
    """
