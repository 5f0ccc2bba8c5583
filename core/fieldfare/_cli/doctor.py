"""`doctor`: what is wrong around a project, each thing with its cause and its cure."""

from __future__ import annotations

from pathlib import Path

import typer

from . import out
from .exits import Exit
from .options import Json, Project

_STYLES = {"error": "red", "warning": "yellow", "note": ""}


def doctor(project: Project = Path(), json: Json = False) -> None:
    """Say what keeps a project from working. And what to do about each thing.

    \b
      fieldfare doctor             the project in this folder
      fieldfare doctor --json      for programs

    Looks at the files, plugins, secrets, permissions, store, lock, clock, disk, port, pauses, accounts and feeds. It
    sends nothing anywhere and changes nothing. The exit code is 1 when something is wrong, 0 otherwise.
    """
    from .examine import examine

    found = examine(project)
    errors = [one for one in found if one.level == "error"]
    if json:
        out.as_json(
            {
                "ok": not errors,
                "findings": [
                    {"check": one.check, "level": one.level, "what": one.what, "fix": one.fix} for one in found
                ],
            }
        )
    else:
        for one in found:
            out.say(f"{one.level}: {one.what}", style=_STYLES[one.level])
            if one.fix:
                out.say(f"  {one.fix}")
        warnings = sum(one.level == "warning" for one in found)
        out.note("nothing is wrong" if not errors else f"{len(errors)} wrong, {warnings} to look at")
    if errors:
        raise typer.Exit(Exit.FAILED)
