"""Commands that a page shows and nobody runs here, held against what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from fieldfare._cli.app import build

from .blocks import ROOT, Block


class Wrong(AssertionError):
    """A block is not what it says."""


def held(block: Block, true: bool, otherwise: str) -> None:
    if not true:
        raise Wrong(f"{block.place}: {otherwise}")


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def known(block: Block, words: list[str]) -> None:
    """That a command exists with these options: one of ours, or a target of the Makefile. Raises Wrong."""
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    match [Path(words[0]).name, *words[1:]] if words else []:
        case ["make", *targets]:
            made = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            for target in targets:
                held(block, target in made or "=" in target, f"the Makefile has no {target!r}")
        case ["fieldfare", *args]:
            stops = [at for at, word in enumerate(args) if word in ("<", ">", "|", "&", "&&", ";", ">>")]
            _parsed(block, args[: stops[0]] if stops else args)
        case _:
            pass


def _parsed(block: Block, args: list[str]) -> None:
    """That the command line is one that would be understood."""
    command: Any = typer.main.get_command(build())
    path = ["fieldfare"]
    while hasattr(command, "commands") and args and not args[0].startswith("-"):
        found = command.commands.get(args[0])
        held(block, found is not None, f"`{' '.join(path)}` has no command {args[0]!r}")
        command, args, path = found, args[1:], [*path, args[0]]
    options = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
    options["--help"] = next((option for option in command.params if getattr(option, "is_flag", False)), None)
    words = iter(args)
    for word in words:
        name, equals, _ = word.partition("=")
        if not name.startswith("-") or name == "-":
            continue
        held(block, name in options, f"`{' '.join(path)}` has no option {name!r}")
        if not equals and not getattr(options[name], "is_flag", True):
            held(block, next(words, None) is not None, f"{name!r} wants a value")
