"""The commands put together, and what becomes of an error."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import accounts, approvals, backup, check, demo, doctor, init, out, outbox, pause, plugins, see
from . import run as running
from .exits import Exit
from .extra import extra_command, extra_names
from .failure import failed

SECTIONS = (
    ("To begin", ("init", "check", "simulate", "run", "demo")),
    ("To see", ("status", "explain", "doctor", "plugins")),
    ("To decide", ("outbox", "approvals", "settle", "pause", "resume")),
    ("To keep", ("accounts", "backup", "restore")),
)


class Commands(TyperGroup):
    """Our commands by what they are for, then those of plugins, which are imported only when one is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*self.commands, *extra_names(self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self.commands.get(cmd_name) or extra_command(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        room = formatter.width - 16
        for title, names in SECTIONS:
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(room)) for name in names])
        more = extra_names(self.commands)
        if more:
            with formatter.section("From plugins"):
                formatter.write_dl([(name, f"from {distribution}") for name, distribution in more.items()])


def _version(asked: bool) -> None:
    if asked:
        from .. import __version__

        typer.echo(f"fieldfare {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Run a brand's social accounts from Python files: answer, publish, repost and report.

    \b
      fieldfare demo                 see it work, without any account
      fieldfare init shop            write a first project
      fieldfare check shop           find every mistake, offline
      fieldfare run shop             let it work
      fieldfare explain KEY          why was this sent, or why not?

    `fieldfare COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 usage, 3 a file or the store is wrong,
    4 login needed, 5 stopped or in use, 6 partly done, 7 outcome unknown, 8 try later.
    """


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        cls=Commands, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, callback=_root
    )
    app.command("init")(init.init)
    app.command("check")(check.check)
    app.command("simulate")(check.simulate)
    app.command("run")(running.run)
    app.command("demo")(demo.demo)
    app.command("status")(see.status)
    app.command("explain")(see.explain)
    app.command("doctor")(doctor.doctor)
    app.command("settle")(outbox.settle)
    app.command("pause")(pause.pause)
    app.command("resume")(pause.resume)
    app.command("backup")(backup.backup)
    app.command("restore")(backup.restore)
    app.add_typer(outbox.app, name="outbox")
    app.add_typer(approvals.app, name="approvals")
    app.add_typer(accounts.app, name="accounts")
    app.add_typer(plugins.app, name="plugins")
    return app


def _is_text(word: str) -> bool:
    """Whether this can be stored and sent: bytes of an argument that are no UTF-8 cannot."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def run(args: Sequence[str]) -> int:
    """Run what was typed, and give its exit code; raises nothing."""
    for number, word in enumerate(args, 1):
        # A pause counts whatever its reason is written in. The word itself may be a secret and is not repeated.
        if not _is_text(word) and not os.path.exists(word) and args[0] != "pause":
            out.fault(f"argument {number} is not UTF-8; set your terminal to it")
            return Exit.USAGE
    command = typer.main.get_command(build())
    try:
        command.main(args=list(args), prog_name="fieldfare")
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(bool(exc.code))
        if code == Exit.USAGE and "--json" in args:
            out.refused("the command was used wrongly; stderr says how", code)
        return code
    except Exception as exc:
        return failed(exc, args)
    return 0
