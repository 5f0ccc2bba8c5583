"""`check` and `simulate`: what can be known without sending anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import out
from .exits import Exit
from .options import Json, Target


def check(
    path: Target = Path(),
    without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Do not ask whether the secrets are there; for build servers.")
    ] = False,
    json: Json = False,
) -> None:
    """Find every mistake of a project, offline.

    \b
      fieldfare check                    the project in this folder
      fieldfare check shop               another one
      fieldfare check shop/press.py      one file of it
      fieldfare check --without-secrets  on a build server

    Each mistake is shown as path:line:column with its line, what is wrong and what to do; the exit code is then 3.
    Rows of calendars and queues that cannot go are shown alike, with exit code 1: the others go, and `run` starts.
    """
    from .._engine.notes import notes, report
    from .._engine.sheets import findings
    from .project import Opened

    opened = Opened.at(path)
    loaded = opened.read(secrets=not without_secrets)
    rows, found = report(loaded), findings(loaded)
    warnings = [*map(str, opened.host.failures), *notes(loaded)]
    for warning in warnings:
        out.note(f"warning: {warning}", style="yellow")
    out.mistakes(found)
    if json:
        told = [out.mistake_as_json(one) for one in found]
        out.as_json({"automations": rows, "mistakes": [], "rows": told, "warnings": warnings})
    else:
        columns = ("name", "trigger", "accounts", "when", "does", "approval", "place")
        table = [[_cell(row[column]) for column in columns] for row in rows]
        out.table(("automation", "when", "accounts", "if", "does", "approval", "written in"), table)
        count = f"{len(rows)} automation{'' if len(rows) == 1 else 's'}"
        out.note(f"{count}, {_of_rows(len(found))}" if found else f"{count}, no mistake")
    if found:
        raise typer.Exit(Exit.FAILED)


def _cell(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _of_rows(count: int) -> str:
    return "1 row cannot go; the others do" if count == 1 else f"{count} rows cannot go; the others do"


def simulate(
    path: Target = Path(),
    events: Annotated[
        Path | None, typer.Option("--events", help="A file of events, one JSON object per line; '-' is stdin.")
    ] = None,
    from_store: Annotated[bool, typer.Option("--from-store", help="The events that the daemon has recorded.")] = False,
    begin: Annotated[str, typer.Option("--from", metavar="DATE", help="Only what happened from then on (UTC).")] = "",
    end: Annotated[
        str, typer.Option("--to", metavar="DATE", help="Only what happened until then; a day is whole.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", help="What randomness in your decisions starts from.")] = 0,
    json: Json = False,
) -> None:
    """Say what would be done about events. Nothing is sent, no connection is opened; the same seed, the same bytes.

    \b
      fieldfare simulate shop --events sample.jsonl
      fieldfare simulate --from-store                        everything that was recorded
      fieldfare simulate --from 2026-11-01 --to 2026-11-07   a week of it

    An event is written as {"kind": "mention", "id": "1", "occurred_at": "2026-11-01T09:00:00Z", "post": {…}}; the
    fields of each kind are in docs/automations.md. Limits and approvals are not asked: they depend on what else was
    sent.
    """
    if (events is None) == (not from_store and not begin and not end):
        raise typer.BadParameter("say which events: --events FILE, --from-store, or --from and --to")
    from .playback import period, played, recorded, told, written
    from .project import Opened

    try:
        since, until = period(begin, end)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    opened = Opened.at(path)
    loaded = opened.read(secrets=False)
    found = written(opened, events) if events is not None else recorded(opened, since, until)
    rows = played(opened, loaded, found, seed)
    if json:
        out.as_json(rows)
        return
    for line in told(rows):
        out.say(line)
