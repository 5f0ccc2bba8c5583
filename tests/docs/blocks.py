"""The code blocks of a page, as their fences introduce them.

A fence says what its block is: a language, then at most one name of a file, and at most one of these:

    ```python                       an automation file: it passes `fieldfare check` by itself
    ```python shop/answers.py       a file of the page's project, written where the page comes to it
    ```python shop/answers.py shown a piece of a file that the page's project, or this repository, has by then
    ```python refused               an automation file that `fieldfare check` must not let pass; of events, wrong ones
    ```console                      commands after `$ `, each with what it prints; a line `...` stands for any lines;
                                    `^C` stops what runs, and lines before any `$ ` are what it prints next
    ```sh                           commands alone
    ```toml fieldfare.toml          settings
    ```text                         no code; with a name it is a file of the page's project
    ```sh not run: why              checked as far as it can be without being run, and counted
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("plugins/*/*/README.md"),
        *ROOT.glob("examples/*.md"),
    ]
)
LANGUAGES = ("console", "csv", "ini", "json", "jsonl", "python", "sh", "text", "toml")
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_INFO = re.compile(
    r"(?P<language>[a-z]*)(?: (?P<name>[\w./-]*[./][\w./-]*))?(?: (?:(?P<how>shown|refused)|not run: (?P<why>.+)))?"
)


@dataclass(frozen=True, slots=True)
class Block:
    """One code block: `line` is the first line of its code, counted from 1 in the page."""

    page: Path
    line: int
    info: str
    language: str
    name: str
    how: str
    """`shown`, `refused`, or nothing."""
    why: str
    """The reason for which it is not run; empty when it is."""
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def kind(self) -> str:
        """How it is tried, for the count."""
        if self.why:
            return f"{self.language}, not run"
        if self.language == "python":
            return f"python, {self.how or ('file' if self.name else 'checked alone')}"
        return self.language


def blocks(page: Path, *, shown_as: Path | None = None) -> list[Block]:
    """Every fenced block of a page, in its order; messages call it by the other path when that is given.

    Raises ValueError for a fence that says nothing it may say.
    """
    named = shown_as or page
    found: list[Block] = []
    fence, begun, info, lines = "", 0, "", list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        met = _FENCE.match(line)
        if not fence and met:
            fence, begun, info, lines = met["indent"] + met["fence"], number, met["info"].strip(), []
        elif fence and line.rstrip() == fence:
            found.append(_block(named, begun + 1, info, lines, len(fence) - len(fence.lstrip())))
            fence = ""
        elif fence:
            lines.append(line)
    if fence:
        raise ValueError(f"{named}:{begun}: the block never ends")
    return found


def _block(page: Path, line: int, info: str, lines: list[str], indent: int) -> Block:
    said = _INFO.fullmatch(info)
    if said is None or said["language"] not in LANGUAGES:
        raise ValueError(
            f"{page.relative_to(ROOT)}:{line - 1}: {info!r} does not say how the block is tried; there are"
            f" {', '.join(LANGUAGES)}, a file's name, `shown`, `refused`, and `not run: why`"
        )
    text = "".join(f"{one[indent:]}\n" for one in lines)
    return Block(page, line, info, said["language"], said["name"] or "", said["how"] or "", said["why"] or "", text)
