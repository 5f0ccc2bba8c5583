"""`backup` and `restore`: the store as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import out
from .options import Json, Project


def backup(
    file: Annotated[Path, typer.Argument(help="The new file; an existing one is never overwritten.")],
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Copy the store to a file. It is consistent, also while the daemon runs.

    \b
      fieldfare backup shop-monday.db

    The file holds what was seen, decided and sent, and the tokens that networks gave us: keep it as you keep secrets.
    Media that open deliveries name is in .fieldfare/media and not in it.
    """
    from .._domain.errors import StoreError
    from .copying import Silent, copy, watched
    from .project import home_of

    home = home_of(project)
    if not home.database.exists():
        raise StoreError(f"{out.shown(home.database)} does not exist: nothing has run here yet")
    size = copy(home.database, file, progress=Silent() if json else watched(home.database))
    if json:
        out.as_json({"file": str(file), "bytes": size})
    else:
        out.say(f"{file}: {size} bytes; to put it back: fieldfare restore {out.typed(file)}")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Put a backup back. No daemon may run; the old store is kept beside it.

    \b
      fieldfare restore shop-monday.db

    What was sent after the backup was made is not known to it. So everything is paused afterwards: look at the
    accounts first, then `fieldfare resume --all`.
    """
    from .._engine.lock import StoreLock
    from .._engine.settings import state_folder
    from .._engine.stop import raise_flag
    from .._store.sqlite import restore as put_back
    from .project import home_of

    home = home_of(project)
    state_folder(home.root)
    lock = StoreLock(home.state / "lock")
    lock.take_or_refuse()
    try:
        old = put_back(file, home.database)
        raise_flag(home.state / "pause", "all")
    finally:
        lock.release()
    if json:
        out.as_json({"file": str(file), "store": str(home.database), "old": str(old), "paused": "all"})
        return
    out.say(f"{out.shown(home.database)} is what {file} was; the old one is {out.shown(old)}")
    out.say("everything is paused: what was sent since the backup is not known to it, and would be sent again")
    out.note("look at the accounts, then: fieldfare resume --all")
