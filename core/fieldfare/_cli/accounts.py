"""`accounts`: who acts, and the secrets that let them in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import out
from .complete import complete_accounts
from .exits import Exit
from .options import Json, Project

if TYPE_CHECKING:
    from .project import Opened

_HELP = """Show who acts; give accounts their secrets, try them.

\b
  fieldfare accounts list           who they are, and whether they are let in
  fieldfare accounts login brand    give one its secrets
  fieldfare accounts test brand     log in, and say who the network takes us for
"""
app = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
Name = Annotated[str, typer.Argument(help="An account, by our name for it.", autocompletion=complete_accounts)]

_FLAGS = ("--token", "--secret", "--password", "--value", "--api-key")


@app.command("list")
def list_(project: Project = Path(), json: Json = False) -> None:
    """List the accounts of the files: network, who the network says it is, secrets, and whether it is let in.

    \b
      fieldfare accounts list
    """
    from .._store import query
    from .project import Opened, looking

    opened = Opened.at(project)
    accounts = opened.read(secrets=False).accounts
    with looking(opened.home) as store:
        seen = {row[0]: row for row in query.accounts(store)}
    rows: list[dict[str, Any]] = []
    for name, account in sorted(accounts.items()):
        _, _, identity, handle, _, error, _ = seen.get(name, ("", "", "", "", None, "", 0))
        rows.append(
            {
                "name": name,
                "platform": account.platform.kind,
                "handle": handle,
                "identity": identity,
                "secrets": {one.name: _has(opened, one.name) for one in account.platform.secrets},
                "error": error,
            }
        )
    if json:
        out.as_json(rows)
        return
    out.table(
        ("account", "network", "handle", "secrets", "state"),
        [
            (
                row["name"],
                row["platform"],
                row["handle"] or "not seen yet",
                ", ".join(f"{one}{'' if there else ' (missing)'}" for one, there in row["secrets"].items()) or "none",
                row["error"] or ("ok" if row["identity"] else "never opened"),
            )
            for row in rows
        ],
    )


def _has(opened: Opened, name: str) -> bool:
    from .._domain.errors import ConfigError

    try:
        opened.home.secrets.get(name)
    except ConfigError:
        return False
    return True


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def login(
    context: typer.Context,
    name: Name,
    only: Annotated[str, typer.Option("--only", help="Only this one of its secrets.")] = "",
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Never ask; read one line per secret from stdin.")
    ] = False,
    project: Project = Path(),
) -> None:
    """Give an account its secrets: typed without an echo, or read from stdin, one line for each.

    \b
      fieldfare accounts login brand                  asks for each secret
      fieldfare accounts login brand < token.txt      from a file, or another program

    They are written into the project's file of secrets, which only you can read. A secret is never taken from an
    argument: other users of this machine could read it there, and the shell's history would keep it.
    """
    _refuse_flags(context.args)
    from .._domain.errors import ConfigError
    from .._engine.nearest import did_you_mean
    from .project import Opened
    from .vault import put

    opened = Opened.at(project)
    accounts = opened.read(secrets=False).accounts
    if name not in accounts:
        remedy = did_you_mean(name, accounts) or f"there are {', '.join(sorted(accounts))}"
        raise ConfigError(f"no account is called {name!r}; {remedy}")
    wanted = [secret.name for secret in accounts[name].platform.secrets if only in ("", secret.name)]
    if not wanted:
        said = f"it has no secret {only!r}" if only else "it needs no secret"
        out.say(f"{name}: {said}; try it with `fieldfare accounts test {name}`")
        return
    for one in wanted:
        put(opened.secrets_file, one, _typed(one, no_input))
        out.note(f"{one} is kept in {opened.secrets_file}")
    out.say(f"{name}: {len(wanted)} secret{'s' if len(wanted) > 1 else ''} kept; next: fieldfare accounts test {name}")


def _refuse_flags(extra: list[str]) -> None:
    """A secret in the arguments is refused, and never repeated."""
    if not extra:
        return
    flag = next((f for f in _FLAGS if any(arg == f or arg.startswith(f"{f}=") for arg in extra)), "")
    if flag or not extra[0].startswith("-"):
        out.fault(f"a secret is not taken from an argument{f' ({flag})' if flag else ''}")
        out.note("other users of this machine can read it there, and the shell's history keeps it; make a new one, and")
        out.note("  fieldfare accounts login NAME              typed without an echo")
        out.note("  fieldfare accounts login NAME < token.txt  or from stdin")
    else:
        out.fault(f"no option {extra[0].partition('=')[0]!r}; see `fieldfare accounts login --help`")
    raise typer.Exit(Exit.USAGE)


def _typed(name: str, no_input: bool) -> str:
    if sys.stdin.isatty() and not no_input:
        import getpass

        value = getpass.getpass(f"{name}: ")
    else:
        value = sys.stdin.readline().rstrip("\r\n")
    if not value.strip():
        raise typer.BadParameter(f"nothing was given for {name}; type it, or hand it over on stdin")
    return value


@app.command("test")
def try_(name: Name, project: Project = Path(), json: Json = False) -> None:
    """Log in, and say who the network takes us for and what its connection can do. Nothing is written there.

    \b
      fieldfare accounts test brand
    """
    from .._domain.errors import ConfigError
    from .._engine.nearest import did_you_mean
    from .project import Opened
    from .trial import tried

    opened = Opened.at(project)
    accounts = opened.read(secrets=False).accounts
    if name not in accounts:
        remedy = did_you_mean(name, accounts) or f"there are {', '.join(sorted(accounts))}"
        raise ConfigError(f"no account is called {name!r}; {remedy}")
    found = tried(opened, accounts[name])
    if json:
        out.as_json(found)
        return
    out.say(f"{name} is @{found['handle']} on {found['platform']} (id {found['identity']})")
    out.say(f"it can: {', '.join(found['capabilities']) or 'nothing'}")
    if _is_paused(opened, name):
        out.note(f"it is paused; to go on: fieldfare resume --account {name}")


def _is_paused(opened: Opened, name: str) -> bool:
    from .._engine.stop import flags
    from .._store import query
    from .project import looking

    with looking(opened.home) as store:
        scopes = {scope for scope, *_ in query.pauses(store)}
    return f"account:{name}" in scopes | flags(opened.home.state / "pause")
