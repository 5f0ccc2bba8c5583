"""`plugins`: what is installed, what it brings, and who is at fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from . import out
from .exits import Exit
from .options import Json, Project

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def _without_command(context: typer.Context, project: Project = Path(), json: Json = False) -> None:
    """Show what is installed. Each plugin with its distribution, version and what it brings.

    \b
      fieldfare plugins
      fieldfare plugins --json

    A plugin that cannot be imported is named and left out; one that is wrong keeps the daemon from starting. Plugins
    are trusted code: refuse one under [plugins] in fieldfare.toml.
    """
    if context.invoked_subcommand is None:
        _list(project, json)


@app.command("list")
def list_(project: Project = Path(), json: Json = False) -> None:
    """List what is installed.

    \b
      fieldfare plugins list
    """
    _list(project, json)


def _list(project: Path, json: bool) -> None:
    from .._host import PluginHost
    from .extra import extra_names
    from .project import home_of

    refused = home_of(project).settings.plugins.refuse
    host = PluginHost()
    host.discover(refused=refused)
    rows: list[dict[str, Any]] = [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "brings": {
                hook.removeprefix("fieldfare_"): [one.kind for one in made]
                for hook, made in plugin.brings.items()
                if made
            },
        }
        for plugin in host.plugins
    ]
    faults = [*host.failures, *host.refusals]
    commands = extra_names(())
    if json:
        out.as_json(
            {
                "plugins": rows,
                "commands": commands,
                "failures": [
                    {"name": one.plugin, "distribution": one.distribution, "what": str(one)} for one in faults
                ],
                "refused": list(refused),
            }
        )
    else:
        out.table(
            ("plugin", "distribution", "version", "brings"),
            [
                (str(row["name"]), str(row["distribution"]), str(row["version"]), _brought(row["brings"]))
                for row in rows
            ],
        )
        for name, distribution in commands.items():
            out.note(f"the command {name!r} comes from {distribution}")
        for name in refused:
            out.note(f"{name} is refused in fieldfare.toml")
        for fault in faults:
            out.fault(str(fault))
    if faults:
        raise typer.Exit(Exit.CONFIG if host.refusals else Exit.FAILED)


def _brought(brings: dict[str, list[str]]) -> str:
    return "; ".join(f"{what}: {', '.join(kinds)}" for what, kinds in brings.items()) or "hooks"
