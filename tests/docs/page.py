"""One page, tried from top to bottom in a folder of its own, as a reader would."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from pathlib import Path

from fieldfare._cli.app import run
from tests.cli.typed import Terminal

from .blocks import Block
from .commands import Wrong, held, known, lines_of
from .files import Files
from .running import Running
from .stable import agrees

PLAIN = ("cat", "chmod", "cp", "echo", "ls", "mkdir", "mv", "rm", "sed")
"""What may be typed beside `fieldfare`, `python` and `cd`: on every machine, and harmless in a scratch folder."""
NOTHING = "no automation is defined here"
"""What `check` says about a file of accounts or hooks that is right otherwise."""


PORT = "8799"
"""The port of what pages start; another one is put in its place, since two may be tried at once."""
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)


class Page:
    """The folder of a page and what has been done in it so far. A picture, `picture.png`, is there from the start."""

    def __init__(self, folder: Path) -> None:
        (folder / "picture.png").write_bytes(PICTURE)
        self.folder = folder
        self.files = Files(folder)
        self.where = folder
        self.code = 0
        self.running: list[Running] = []
        self.waits: list[Block] = []
        """Code that only a command of the page can run, and none has run yet."""

    def close(self) -> None:
        for one in self.running:
            one.end()

    def whole(self, blocks: Iterable[Block]) -> None:
        """Try all blocks of the page; raises Wrong."""
        port = str(free_port())
        for block in blocks:
            self.try_(replace(block, text=block.text.replace(PORT, port)))
        for block in self.waits:
            raise Wrong(f"{block.place}: no command of the page runs {block.name}")

    def try_(self, block: Block) -> None:
        """Try one block; raises Wrong."""
        if block.why:
            self._checked(block)
            return
        ways = self if block.language in ("console", "python", "sh") else self.files
        way: Callable[[Block], None] = getattr(ways, block.language)
        way(block)

    def python(self, block: Block) -> None:
        if self.files.shown(block):
            return
        compile(block.text, block.place, "exec")
        path = self.files.written(block, block.name or "example.py")
        if path.name.startswith("test_") or "src" in path.parts or _serves(block):
            self.waits.append(block)
            return
        said = self._typed(["check", "--without-secrets", str(path.relative_to(self.folder))], self.folder)
        passes = not self.code or said.startswith(f"{path.relative_to(self.folder)}: {NOTHING}")
        if passes == (block.how == "refused"):
            raise Wrong(f"{block.place}: `fieldfare check` says\n{said}")

    # -- commands

    def sh(self, block: Block) -> None:
        for line in lines_of(block.text):
            said = self._command(block, line)
            held(block, self.code == 0, f"`{line}` ends with {self.code}\n{said}")

    def console(self, block: Block) -> None:
        before, *commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        if before.startswith("^C\n"):
            self._stopped(block, before.removeprefix("^C\n"))
        elif before.strip():
            held(block, bool(self.running), "it begins with neither `$ ` nor ^C, and nothing runs that could print it")
            said = self.running[-1].shows(before)
            held(block, said is None, f"what runs goes on with\n{said}\ninstead of\n{before}")
        for number, one in enumerate(commands):
            line, _, shown = one.partition("\n")
            while line.endswith("\\"):
                more, _, shown = shown.partition("\n")
                line = f"{line[:-1].rstrip()} {more.strip()}"
            said = self._command(block, line, shown)
            if said is not None and not agrees(shown, said):
                raise Wrong(f"{block.place}: `{line}` prints (exit code {self.code})\n{said}\ninstead of\n{shown}")
            asked = number + 1 < len(commands) and commands[number + 1].startswith("echo $?")
            held(block, self.code == 0 or asked, f"`{line}` ends with {self.code}, and the page does not say so")

    def _stopped(self, block: Block, shown: str) -> None:
        held(block, bool(self.running), "nothing runs that ^C could stop")
        said = self.running.pop().stop()
        if not agrees(shown, said):
            raise Wrong(f"{block.place}: after ^C comes\n{said}\ninstead of\n{shown}")

    def _command(self, block: Block, line: str, shown: str = "") -> str | None:
        """Run one command, and give what it printed; None when it goes on and has shown what it should."""
        words = shlex.split(line, comments=True)
        match words:
            case ["cd", place]:
                self.where = (self.where / place).resolve()
                held(block, self.where.is_dir() and self.where.is_relative_to(self.folder), f"{place!r} is no folder")
                return ""
            case ["echo", "$?"]:
                code, self.code = self.code, 0
                return f"{code}\n"
            case ["fieldfare", "run", *more] if not {"--once", "--help"} & set(more):
                self._begun(block, [sys.executable, "-P", "-m", "fieldfare", *words[1:]], shown)
                return None
            case ["fieldfare", "run", *_]:
                once = Running([sys.executable, "-P", "-m", "fieldfare", *words[1:]], self.where, self.environment)
                self.code, said = once.whole()
                return said
            case ["fieldfare", *args]:
                args, given = self._given(args)
                return self._typed(args, self.where, given)
            case ["python", "-m", "pytest", *more]:
                self.waits = [one for one in self.waits if _serves(one)]
                return self._process([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *more])
            case ["python", script]:
                self.waits = [one for one in self.waits if one.name != script]
                self._begun(block, [sys.executable, script], shown)
                return None
            case ["python", *more]:
                return self._process([sys.executable, *more])
            case [name, *_] if name in PLAIN:
                return self._process(["sh", "-c", line])
            case _:
                raise Wrong(f"{block.place}: {line!r} cannot be run here; mark the block with `not run: why`")

    def _given(self, args: list[str]) -> tuple[list[str], str]:
        if "<" not in args:
            return args, ""
        at = args.index("<")
        return args[:at] + args[at + 2 :], (self.where / args[at + 1]).read_text(encoding="utf-8")

    def _typed(self, args: list[str], where: Path, given: str = "") -> str:
        """Run a command of ours in this process, as if somebody watched a terminal."""
        terminal, before = Terminal(), sys.stdin
        if given:
            sys.stdin = io.StringIO(given)
        try:
            with (
                contextlib.chdir(where),
                contextlib.redirect_stdout(terminal),
                contextlib.redirect_stderr(terminal),
                _sources(self.folder / "src"),
            ):
                self.code = run(args)
        finally:
            sys.stdin = before
        return terminal.getvalue()

    def _process(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.where,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
        self.code = done.returncode
        return done.stdout

    def _begun(self, block: Block, command: list[str], shown: str) -> None:
        """Start what goes on until ^C or the end of the page, and wait for what it shows."""
        self.code = 0
        one = Running(command, self.where, self.environment)
        self.running.append(one)
        said = one.shows(shown)
        if said is not None:
            raise Wrong(f"{block.place}: it prints\n{said}\ninstead of\n{shown}")

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.folder / "src"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"}

    # -- what is not run

    def _checked(self, block: Block) -> None:
        """Hold commands that are not run against what there is."""
        if block.language == "python":
            compile(block.text, block.place, "exec")
        if block.language not in ("console", "sh"):
            return
        for line in lines_of(re.sub(r"\\\n", " ", block.text)):
            if block.language == "console" and not line.startswith("$ "):
                continue
            known(block, shlex.split(line.removeprefix("$ "), comments=True))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _serves(block: Block) -> bool:
    """Whether it is a program for `python NAME`, not an automation file."""
    return '__name__ == "__main__"' in block.text


@contextlib.contextmanager
def _sources(folder: Path) -> Generator[None]:
    """A package of the page can be imported meanwhile, and is forgotten afterwards."""
    if not folder.is_dir():
        yield
        return
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]
