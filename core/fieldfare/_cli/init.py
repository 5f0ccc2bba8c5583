"""`init`: a first project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import out


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where; made if it is not there.", show_default="this folder")
    ] = Path(),
) -> None:
    """Write a first project. It passes `check`, and runs on the Playground, where nothing leaves this machine.

    \b
      fieldfare init shop
      fieldfare check shop
      fieldfare run shop

    Nothing that exists is overwritten.
    """
    from .first import write

    written, kept = write(folder)
    for path in kept:
        out.note(f"{path} exists and stays as it is")
    for path in written:
        out.say(str(path))
    where = "" if folder == Path() else f" {out.typed(folder)}"
    out.note(f"next: fieldfare check{where}, then: fieldfare run{where}")
