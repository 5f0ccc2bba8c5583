"""A project's files as modules of their own: nothing of them stays in `sys.path` or `sys.modules`.

Each file gets an `import` that looks for siblings first: beside the file, then in the project's folder. So
`from accounts import brand` works, every file that says it gets the same object, a sibling called `calendar.py` hides
the standard library's from nobody but the project, and the next load sees new code.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from .interrupt import TooSlow
from .source import SourceFile


class Broken(ImportError):
    """A sibling could not be loaded; what is wrong with it has been noted already."""


class Project:
    """The modules of one folder, for one load. `failed` is told of each file that could not be run, and why."""

    def __init__(self, root: Path, shown: Path, failed: Callable[[Project, SourceFile, BaseException], None]) -> None:
        self.root = root
        self.shown = shown
        self.files: dict[str, SourceFile] = {}
        """Every file that was read, by its absolute path."""
        self.loading: set[str] = set()
        """Full names of the modules that are being run: who imports one of them now imports in a circle."""
        self._failed = failed
        self._prefix = f"fieldfare_project_{id(self):x}"
        self._modules: dict[str, ModuleType] = {"": ModuleType(self._prefix)}
        self._broken: set[str] = set()
        self._over = False
        """Time is over: no file is run any more."""
        self._modules[""].__package__ = self._prefix
        self._builtins = vars(builtins) | {"__import__": self._import}

    def file(self, path: Path) -> SourceFile:
        """The file as it was when first asked for; raises OSError when it cannot be read."""
        key = str(path)
        if key not in self.files:
            inside = path.relative_to(self.root)
            self.files[key] = SourceFile(self.shown / inside, path, inside.as_posix(), path.read_bytes())
        return self.files[key]

    def _unread(self, path: Path) -> SourceFile:
        inside = path.relative_to(self.root)
        return SourceFile(self.shown / inside, path, inside.as_posix(), b"")

    def module(self, path: Path) -> ModuleType:
        """The module of a file; raises Broken when it has mistakes."""
        parts = list(path.relative_to(self.root).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        dotted = ".".join(parts) or "__init__"
        with self._present():
            return self._walk(dotted) if self._find(dotted) == path else self._load(dotted, path)

    @property
    def modules(self) -> Mapping[str, ModuleType]:
        """Every module that was loaded, by its dotted path in the project."""
        return self._modules

    def name_of(self, module_name: str) -> str:
        """A module's name as its author knows it; empty for the project's folder."""
        return module_name.removeprefix(self._prefix).removeprefix(".")

    def _full(self, dotted: str) -> str:
        return f"{self._prefix}.{dotted}" if dotted else self._prefix

    @contextmanager
    def _present(self) -> Generator[None]:
        """While code of the project runs, its modules are known to Python, as some libraries expect."""
        before = self._prefix in sys.modules
        if not before:
            sys.modules.update({self._full(dotted): module for dotted, module in self._modules.items()})
        try:
            yield
        finally:
            if not before:
                for name in [n for n in sys.modules if n == self._prefix or n.startswith(f"{self._prefix}.")]:
                    del sys.modules[name]

    def _find(self, dotted: str) -> Path | None:
        """The file, or folder, that this name stands for."""
        base = self.root.joinpath(*dotted.split("."))
        for path in (base / "__init__.py", base.with_name(f"{base.name}.py"), base):
            if path.is_file() or (path is base and path.is_dir() and next(path.glob("*.py"), None)):
                return path
        return None

    def _load(self, dotted: str, path: Path) -> ModuleType:
        if dotted in self._modules:
            return self._modules[dotted]
        if dotted in self._broken or self._over:
            raise Broken(f"{dotted} has mistakes, or time was over before it")
        name = self._full(dotted)
        module = ModuleType(name)
        module.__file__ = str(path)
        is_package = path.is_dir() or path.name == "__init__.py"
        module.__package__ = name if is_package else name.rpartition(".")[0]
        module.__dict__["__builtins__"] = self._builtins
        self._modules[dotted] = sys.modules[name] = module
        if not path.is_dir():
            self._run(dotted, module, path)
        return module

    def _run(self, dotted: str, module: ModuleType, path: Path) -> None:
        file: SourceFile | None = None
        self.loading.add(module.__name__)
        try:
            file = self.file(path)
            # What a file prints is no result of the command that loads it.
            with redirect_stdout(sys.stderr):
                exec(compile(file.data, str(path), "exec", dont_inherit=True), module.__dict__)
        except BaseException as exc:
            del self._modules[dotted]
            self._broken.add(dotted)
            if isinstance(exc, KeyboardInterrupt):
                raise
            if isinstance(exc, TooSlow):
                self._over = True
            self._failed(self, file or self._unread(path), exc)
            raise Broken(f"{dotted} has mistakes") from exc
        finally:
            self.loading.discard(module.__name__)

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """As `__import__`, for code of the project."""
        package = self.name_of(str((globals or {}).get("__package__") or self._prefix))
        dotted = self._sibling(name, package, level)
        if dotted is None:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        with self._present():
            module = self._walk(dotted)
            for wanted in fromlist or ():
                below = f"{dotted}.{wanted}".strip(".")
                if not hasattr(module, wanted) and module.__package__ == module.__name__ and self._find(below):
                    self._walk(below)
        # `import a.b` binds `a`, which may itself stand below the folder that is searched first.
        return module if fromlist else self._modules[dotted.removesuffix(name[len(name.partition(".")[0]) :])]

    def _sibling(self, name: str, package: str, level: int) -> str | None:
        """Where in the project the name leads; None when it leads out of it."""
        if level:
            above = package.split(".") if package else []
            if level - 1 > len(above):
                return None
            return ".".join([*above[: len(above) - level + 1], *([name] if name else [])])
        top = name.partition(".")[0]
        # Nobody who calls a file `fieldfare.py` means to hide the package from it.
        if top == "fieldfare":
            return None
        for start in dict.fromkeys((f"{package}.{top}".strip("."), top)):
            if self._find(start):
                return f"{start}{name[len(top) :]}"
        return None

    def _walk(self, dotted: str) -> ModuleType:
        """The module, with all above it, each an attribute of the one above."""
        module = self._modules[""]
        at = ""
        for part in filter(None, dotted.split(".")):
            at = f"{at}.{part}".strip(".")
            path = self._find(at)
            if path is None:
                raise ModuleNotFoundError(f"no module named {at!r}", name=at)
            child = self._load(at, path)
            setattr(module, part, child)
            module = child
        return module
