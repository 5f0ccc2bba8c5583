"""Files that a page writes down: settings, tables, events, and what a page only shows of them."""

from __future__ import annotations

import configparser
import csv
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fieldfare._domain.errors import ConfigError
from fieldfare._domain.events import BUILT_IN
from fieldfare._engine.settings import read_settings

from .blocks import ROOT, Block
from .commands import Wrong, held, known

QUALITY = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)
EVENTS = {event.kind: event for event in BUILT_IN}


class Files:
    """The folder of a page. One method for each language of a block; each raises Wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def toml(self, block: Block) -> None:
        if self.shown(block):
            return
        found = tomllib.loads(block.text)
        match Path(block.name).name:
            case "fieldfare.toml":
                self._settings(block)
            case "quality.toml":
                known = QUALITY.findall((ROOT / "docs" / "quality.md").read_text(encoding="utf-8"))
                held(block, set(found) <= set(known), f"docs/quality.md has no {sorted(set(found) - set(known))}")
            case "pyproject.toml":
                self.written(block, block.name)
                self._installed(found)
            case "" if "project" in found:
                groups = set(found["project"].get("entry-points", {}))
                held(block, groups <= {"fieldfare", "fieldfare.commands"}, f"nobody looks into {sorted(groups)}")
            case "":
                self._settings(block)
            case _:
                self.written(block, block.name)

    def _settings(self, block: Block) -> None:
        try:
            read_settings(self.written(block, block.name or "fieldfare.toml").parent)
        except ConfigError as exc:
            raise Wrong(f"{block.place}: {exc}") from exc

    def json(self, block: Block) -> None:
        _event(block, json.loads(block.text))
        if block.name and not self.shown(block):
            self.written(block, block.name)

    def jsonl(self, block: Block) -> None:
        for line in block.text.splitlines():
            _event(block, json.loads(line))
        if not self.shown(block):
            self.written(block, block.name or "events.jsonl")

    def csv(self, block: Block) -> None:
        rows = list(csv.reader(block.text.splitlines()))
        held(block, len({len(row) for row in rows}) == 1, "its rows differ in length")
        if not self.shown(block):
            self.written(block, block.name or "calendar.csv")

    def ini(self, block: Block) -> None:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.read_string(block.text)
        for section in parser.sections():
            for key, value in parser[section].items():
                if key.startswith("exec") and "fieldfare" in value:
                    known(block, shlex.split(value.replace("$MAINPID", "1")))

    def text(self, block: Block) -> None:
        for line in block.text.splitlines():
            code = re.match(r"(\$ |fieldfare |from fieldfare|import fieldfare|pip )", line)
            held(block, code is None, f"this looks like code: {line!r}")
        if block.name:
            self.written(block, block.name)

    def shown(self, block: Block) -> bool:
        """Whether it only shows what a file has; raises Wrong when the file has it not."""
        if block.how != "shown":
            return False
        path = self.folder / block.name
        if not path.is_file():
            path = ROOT / block.name
        held(block, path.is_file() and block.text in path.read_text(encoding="utf-8"), f"{block.name} is otherwise")
        return True

    def written(self, block: Block, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return path

    def _installed(self, pyproject: dict[str, object]) -> None:
        """Make the page's package known to the interpreters that run its commands, as an editable install would."""
        project = pyproject.get("project")
        assert isinstance(project, dict)
        info = self.folder / "src" / f"{str(project['name']).replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        lines: list[str] = []
        for group, entries in project["entry-points"].items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def _event(block: Block, found: Any) -> None:
    """That what looks like an event is one."""
    if block.how == "refused" or not isinstance(found, dict) or found.get("kind") not in EVENTS:
        return
    try:
        EVENTS[found["kind"]].model_validate({name: value for name, value in found.items() if name != "kind"})
    except ValidationError as exc:
        raise Wrong(f"{block.place}: {exc}") from exc
