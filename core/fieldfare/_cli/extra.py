"""Commands that plugins bring: named from metadata, imported when one is called."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

GROUP = "fieldfare.commands"
"""The entry-point group; each entry stands for one command: a Typer app, a command, or a plain function."""


def extra_names(known: Container[str]) -> dict[str, str]:
    """Names of commands with the distribution that brings each; nothing is imported."""
    from importlib import metadata

    found = sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name)
    return {entry.name: entry.dist.name if entry.dist else "" for entry in found if entry.name not in known}


def extra_command(name: str) -> Any:
    """The command of this name; None when no plugin brings it. Raises PluginError when it cannot be imported."""
    from importlib import metadata

    found = next(iter(metadata.entry_points(group=GROUP, name=name)), None)
    if found is None:
        return None
    import typer

    from .._domain.errors import PluginError

    distribution = found.dist.name if found.dist else ""
    try:
        made: Any = found.load()
    except (Exception, SystemExit) as exc:
        said = f"the command {name!r} of {distribution or 'a plugin'} cannot be imported: {type(exc).__name__}: {exc}"
        raise PluginError(said, plugin=name, distribution=distribution) from exc
    if callable(getattr(made, "main", None)):
        return made
    if not isinstance(made, typer.Typer):
        app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
        app.command(name)(made)
        made = app
    command = typer.main.get_command(made)
    command.name = name
    return command
