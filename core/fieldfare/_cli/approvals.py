"""`approvals`: what waits for a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from . import out
from .complete import complete_keys
from .options import Json, Project

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
Key = Annotated[
    str,
    typer.Argument(
        help="Its key or number; KEY@DIGEST approves only that very content.",
        metavar="KEY[@DIGEST]",
        autocompletion=complete_keys,
    ),
]


@app.callback(invoke_without_command=True)
def _without_command(context: typer.Context, project: Project = Path(), json: Json = False) -> None:
    """Show what waits for a person; approve it, refuse it.

    \b
      fieldfare approvals                          what waits
      fieldfare approvals approve 12@3f9a61c2d0b4  let exactly this go
      fieldfare approvals refuse 12 --why 'rude'   and this not
    """
    if context.invoked_subcommand is None:
        _list(project, json)


@app.command("list")
def list_(project: Project = Path(), json: Json = False) -> None:
    """List what waits, with its exact text and the command that lets it go.

    \b
      fieldfare approvals list
    """
    _list(project, json)


def _list(project: Path, json: bool) -> None:
    from .._engine.clock import RealClock
    from .._store import query
    from . import story
    from .project import home_of, looking
    from .see import explainer_of

    home = home_of(project)
    with looking(home) as store:
        rows = [row for row in query.deliveries(store, states=("held",), limit=1000) if row.hold != "missing"]
        explainer = explainer_of(home, store)
        told = [explainer.delivery(row) | {"about": explainer.fact_of(row)} for row in reversed(rows)]
    if json:
        out.as_json(told)
        return
    if not told:
        out.note("nothing waits for approval")
        return
    now = RealClock().now()
    for number, delivery in enumerate(told):
        if number:
            out.say()
        for line in (*(story.fact(delivery["about"], now) if delivery["about"] else ()), *_waiting(delivery, now)):
            out.say(line)


def _waiting(told: dict[str, Any], now: Any) -> list[str]:
    from . import story

    said = [f"  ↳ {told['kind']} by {told['account']}, from {told['automation']}:"]
    said += [f"    “{text}”" for text in told["texts"]]
    until = f", until {story.clock(told['until'], now)}" if told["until"] else ""
    said.append(f"    waits for {told['waits_for']}{until}")
    said.append(f"    {told['to_do']}")
    return said


@app.command()
def approve(key: Key, project: Project = Path(), json: Json = False) -> None:
    """Let it go, exactly as it stands: if it changes afterwards, the approval is void.

    \b
      fieldfare approvals approve 12                 as it stands now
      fieldfare approvals approve 12@3f9a61c2d0b4    only if it is still this
    """
    from .act import act
    from .outbox import one
    from .project import home_of, looking

    home = home_of(project)
    name, digest = _split(key)
    with looking(home) as store:
        row = one(store, name)
    answer = act(home, "approve", {"key": row.key, "digest": digest or row.digest})
    if json:
        out.as_json(answer)
        return
    from .._engine.explain import texts_of

    out.say(f"approved: {answer['key']}")
    for text in texts_of(row.public.action):
        out.say(f"  “{text}”")


@app.command()
def refuse(
    key: Key,
    why: Annotated[str, typer.Option("--why", help="The reason; `explain` shows it.")] = "",
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Say no: it never leaves, and the reason is kept.

    \b
      fieldfare approvals refuse 12 --why 'we said this yesterday'
    """
    from .act import act
    from .project import home_of

    answer = act(home_of(project), "refuse", {"key": _split(key)[0], "why": why})
    if json:
        out.as_json(answer)
    else:
        out.say(f"refused: {answer['key']}")


def _split(key: str) -> tuple[str, str]:
    """KEY@DIGEST apart; a key may itself have an '@' in it."""
    found = re.fullmatch(r"(.+)@([0-9a-f]{8,64})", key)
    return (found[1], found[2]) if found else (key, "")
