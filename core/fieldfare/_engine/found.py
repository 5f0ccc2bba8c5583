"""What the modules of a project define: automations, accounts and hooks, each with its place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from .._contract.automation import Automation
from .._contract.platform import Account, Platform
from .._domain.errors import Mistake
from .._host import mistaken_hooks
from .placed import Placed
from .project import Project
from .sets import accounts_of
from .shape import misshapen
from .source import SourceFile, bindings


@dataclass(frozen=True)
class Loaded:
    """What the files of a project define. Every automation is well-formed; whether it can work, `check` says."""

    automations: tuple[Placed, ...]
    accounts: Mapping[str, Account]
    files: tuple[SourceFile, ...]
    project: Path
    """The folder where relative paths begin."""
    shown: Path
    """The same folder as it was given, for messages."""
    hooks: tuple[tuple[ModuleType, Path], ...] = field(default=(), repr=False)
    """Modules with hook implementations of their own, for `PluginHost.register_file`."""

    def mistake(
        self, placed: Placed, what: str, remedy: str = "", *, setting: str = "", position: int | None = None
    ) -> Mistake:
        """A mistake of an automation: where the setting is given, or where the automation begins."""
        if setting == "trigger":
            position = 0
        file = next((file for file in self.files if file.path == placed.path), None)
        if file is None:
            return Mistake(placed.path, placed.line, placed.column, what, remedy)
        return file.mistake_in(placed.line, placed.column, setting, what, remedy, position=position)


class Found:
    """Automations, accounts and hooks, as modules are looked through. The same object met twice counts once."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self._mistakes = mistakes
        self._automations: dict[int, Placed] = {}
        self._names: dict[str, Placed] = {}
        self._accounts: dict[str, tuple[Account, Mistake]] = {}
        self._hooks: list[tuple[ModuleType, Path]] = []

    def take(self, project: Project, module: ModuleType, file: SourceFile) -> None:
        """Look through what a module binds at its top level, imported things included."""
        bound = bindings(file.tree.body)
        values = {name: value for name, value in vars(module).items() if not name.startswith("__")}
        variables = {value.name: name for name, value in values.items() if isinstance(value, Account)}
        for name, value in values.items():
            node = bound.get(name)
            for automation, where in _automations(value, node):
                self._automation(automation, variables, *_origin(project, automation, file, where))
            if isinstance(value, Account):
                home, where = _origin(project, value, file, node)
                self._account(value, home.mistake_at(where, ""))
            elif _is_bare(value):
                what = f"{name!r} is decorated with @automation, which got no trigger"
                self._mistakes.append(file.mistake_at(node, what, "write @automation(on.…)"))
        wrong = mistaken_hooks(module)
        if wrong is not None:
            self._hooks.append((module, file.path))
            self._mistakes += [file.mistake_at(bound.get(name), what) for name, what in wrong]

    def _automation(
        self, automation: Automation[Any], variables: Mapping[str, str], file: SourceFile, node: ast.AST | None
    ) -> None:
        if id(automation) in self._automations:
            return
        at = file.mistake_at(node, "")
        placed = Placed(automation, file.path, at.line or 1, at.column or 1, file.digest, file.inside)
        self._automations[id(automation)] = placed
        wrong = misshapen(placed, file, variables)
        if wrong:
            self._mistakes += wrong
            return
        other = self._names.setdefault(automation.name, placed)
        if other is not placed:
            what = f"two automations are named {automation.name!r}: the other one is at {other.place}"
            self._mistakes.append(file.mistake_at(node, what, "give one of them another name"))
        for account in accounts_of(placed):
            self._account(account, at)

    def _account(self, account: Account, at: Mistake) -> None:
        platform: Any = account.platform
        if not isinstance(platform, Platform):
            what = f"the platform of account {account.name!r} is {platform!r}"
            self._mistakes.append(replace(at, what=what, remedy="write the network's settings, such as Playground()"))
        other, first = self._accounts.setdefault(account.name, (account, at))
        if other != account:
            what = f"two different accounts are named {account.name!r}: the other one is at "
            place = f"{first.path}:{first.line}:{first.column}"
            self._mistakes.append(replace(at, what=what + place, remedy="give one of them another name"))

    def loaded(self, project: Project, files: Iterable[SourceFile]) -> Loaded:
        order = sorted(self._automations.values(), key=lambda placed: (str(placed.path), placed.line, placed.column))
        accounts = {name: account for name, (account, _) in sorted(self._accounts.items())}
        return Loaded(tuple(order), accounts, tuple(files), project.root, project.shown, tuple(self._hooks))

    def __bool__(self) -> bool:
        return bool(self._automations)


def _automations(value: object, node: ast.AST | None) -> Iterator[tuple[Automation[Any], ast.AST | None]]:
    """The automations in a value at the top level, each with the piece of syntax that stands for it."""
    if isinstance(value, Automation):
        yield value, node
        return
    items = _items(value)
    if items:
        written: Any = getattr(node, "value", None)
        parts: list[ast.expr] = list(getattr(written, "values", getattr(written, "elts", ())))
        for number, item in enumerate(items):
            if isinstance(item, Automation):
                yield item, parts[number] if len(parts) == len(items) else node


def _items(value: Any) -> list[Any]:
    """What a list, tuple or dict holds; nothing for anything else."""
    held = value  # narrowing would make its items unknown to type checkers
    if isinstance(value, dict):
        return list(held.values())
    return list(held) if isinstance(value, list | tuple) else []


def _origin(
    project: Project, thing: object, file: SourceFile, node: ast.AST | None
) -> tuple[SourceFile, ast.AST | None]:
    """Where something is written: here, or in the file of the project that it was imported from."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return file, node
    for module in project.modules.values():
        other = project.files.get(getattr(module, "__file__", None) or "")
        bound = bindings(other.tree.body) if other else {}
        for name, value in vars(module).items():
            found = bound.get(name)
            if other and value is thing and found and not isinstance(found, ast.Import | ast.ImportFrom):
                return other, found
    return file, node


def _is_bare(value: object) -> bool:
    """`@automation` without brackets: what came of it still waits for a function."""
    return isinstance(value, FunctionType) and value.__qualname__ == "automation.<locals>.made"
