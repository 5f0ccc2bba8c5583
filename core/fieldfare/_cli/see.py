"""`status` and `explain`: what is going on, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import out
from .complete import complete_keys
from .exits import Exit
from .options import Json, Project

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from .._domain.events import Event
    from .._engine.explain import Explainer
    from .._engine.history import History
    from .._engine.home import Home


def status(project: Project = Path(), json: Json = False) -> None:
    """Say how a project is doing. Can it act now, what waits, and what needs a person?

    \b
      fieldfare status               the project in this folder
      fieldfare status --json        for programs
    """
    from .health import health, told
    from .project import home_of, looking

    home = home_of(project)
    with looking(home) as store:
        found = health(home, store)
    if json:
        out.as_json(found)
        return
    for line in told(found):
        out.say(line)


def explain(
    name: Annotated[
        str,
        typer.Argument(
            help="A delivery's key or number, an event's id, the address of a post, an automation, or a feed.",
            metavar="NAME",
            autocompletion=complete_keys,
        ),
    ],
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Say why something was sent, or why not. From the fact over each decision to the receipt.

    \b
      fieldfare explain 12                              a delivery by its number in `outbox list`
      fieldfare explain 'answer-mentions/…'             or by its key, or the beginning of it
      fieldfare explain https://social.example/@ada/1   a post of ours or of others
      fieldfare explain answer-mentions                 what an automation did last
    """
    from . import story
    from .project import home_of, looking

    if not name:
        raise typer.BadParameter("say what: a number of `fieldfare outbox list`, or the address of a post")
    home = home_of(project)
    with looking(home) as store:
        explainer = explainer_of(home, store)
        past = history_of(home, store, name, explainer.now)
        automation, feed = past.automation(name), past.feed(name)
        events, deliveries = ([], []) if automation or feed else explainer.find(name)
        told = {
            "automations": [automation] if automation else [],
            "feeds": [feed] if feed else [],
            "events": [explainer.event(row) for row in events],
            "deliveries": [explainer.delivery(row) for row in deliveries],
        }
        facts = [explainer.fact_of(row) for row in deliveries]
    if json:
        out.as_json(told)
    if not any(told.values()):
        names = "a number of `fieldfare outbox list`, the address of a post, or an automation"
        out.fault(f"nothing is called {name!r}; give {names}")
        raise typer.Exit(Exit.FAILED)
    if json:
        return
    now = explainer.now
    if automation:
        _paragraph(0, story.of_automation(automation, now))
    if feed:
        _paragraph(0, story.of_feed(feed, now))
    for number, event in enumerate(told["events"]):
        _paragraph(number, story.of_event(event, now))
    for number, (delivery, fact) in enumerate(zip(told["deliveries"], facts, strict=True)):
        before = [*story.fact(fact, now), ""] if fact else []
        _paragraph(number, [*before, *story.of_delivery(delivery, now)])


def _paragraph(number: int, lines: Any) -> None:
    if number:
        out.say()
    for line in lines:
        out.say(line)


def explainer_of(home: Home, store: sqlite3.Connection, *, running: bool | None = None) -> Explainer:
    """An explainer over this store that knows every event kind that is installed; `running`: whether a daemon works on
    it, looked up when not given."""
    from .._engine.clock import RealClock
    from .._engine.explain import Explainer
    from .._engine.stop import flags
    from .act import runs

    return Explainer(
        store=store,
        decode=decoder(home),
        now=RealClock().now(),
        flags=flags(home.state / "pause"),
        running=runs(home) if running is None else running,
    )


def history_of(home: Home, store: sqlite3.Connection, name: str, now: datetime) -> History:
    """What automations and feeds did last. The files are read for what has a name of theirs; broken ones tell less."""
    from .._domain.errors import FieldfareError
    from .._engine.history import History
    from .._engine.sets import AutomationSet
    from .._store import query, why
    from .project import Opened

    history = History(store=store, now=now)
    if name not in why.automations(store) and history.feed(name) is None:
        return history
    try:
        loaded = Opened.at(home.root).read(secrets=False)
    except FieldfareError:
        return history
    identities = {row[0]: row[2] for row in query.accounts(store) if row[2]}
    uses = AutomationSet(loaded.automations, project=loaded.project).feeds(identities)
    return History(store=store, now=now, uses=uses)


def decoder(home: Home) -> Any:
    """(kind, JSON) → event. Plugins are looked at only for a kind that the core does not have."""
    from .._domain.events import BUILT_IN
    from .._host import PluginHost

    known = {one.kind: one for one in BUILT_IN}
    hosts: list[PluginHost] = []

    def decode(kind: str, body: str) -> Event:
        if kind in known:
            return known[kind].model_validate_json(body)
        if not hosts:
            hosts.append(PluginHost())
            hosts[0].discover(refused=home.settings.plugins.refuse)
        return hosts[0].event(kind).model_validate_json(body)

    return decode
