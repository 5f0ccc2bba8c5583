"""`run`: the daemon in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .exits import Exit
from .options import Target


def run(
    path: Target = Path(),
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read from the networks, decide, and send nothing; on a copy of the store."),
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Look once at everything, do what follows, and stop; for cron.")
    ] = False,
    standby: Annotated[
        bool, typer.Option("--standby", help="Wait behind a daemon that runs, and take over when it is gone.")
    ] = False,
) -> None:
    """Run a project until it is told to stop.

    \b
      fieldfare run                  the project in this folder
      fieldfare run shop --dry-run   see what would be sent
      fieldfare run shop --once      for cron

    Changed files are taken over while it runs, all or none; SIGHUP does the same at once. SIGTERM and Ctrl-C stop it
    within ten seconds, and the next run goes on where it stopped; a second one stops it at once.
    """
    from .serve import serve

    code = serve(path, dry_run=dry_run, once=once, standby=standby)
    if code != Exit.DONE:
        raise typer.Exit(code)
