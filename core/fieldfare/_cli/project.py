"""A project as a command finds it: folder, settings, plugins, automations, store."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .._domain.errors import ConfigError, Mistake, StoreError
from .._engine.check import check
from .._engine.found import Loaded
from .._engine.home import Home
from .._engine.interrupt import TooSlow, interruptible
from .._engine.load import load
from .._engine.sets import AutomationSet
from .._host import PluginHost
from .._net.redact import Redactor
from .._store.sqlite import VERSION, Store, connect, prepare, refuse_empty

LOADING = 15.0
"""Seconds that the files of a project may take to load: the first time, what they import is read from the disk too."""


@dataclass(slots=True)
class Opened:
    """A project's folder with its plugins; `load` reads the automation files, as often as it is asked."""

    home: Home
    paths: tuple[Path, ...]
    host: PluginHost
    redactor: Redactor = field(default_factory=Redactor)

    @classmethod
    def at(cls, path: Path) -> Opened:
        """The project of a folder or file. Raises ConfigError and PluginError."""
        home = home_of(path)
        host = PluginHost()
        host.discover(refused=home.settings.plugins.refuse)
        host.ready()
        return cls(home, (path,), host)

    @property
    def secrets_file(self) -> Path:
        """Where `accounts login` keeps secrets."""
        return self.home.root / self.home.settings.secrets.file

    def read(self, *, secrets: bool = True) -> Loaded:
        """The files as they are now, checked. Raises ConfigError with every mistake of every file.

        With `secrets`, one that no source has is a mistake too.
        """
        try:
            with interruptible(LOADING):
                loaded = load(self.paths, ignore=self.home.settings.ignore)
                found = check(
                    loaded,
                    self.host,
                    secrets=self.home.secrets if secrets else None,
                    private=self.home.settings.private,
                )
        except TooSlow as exc:
            raise ConfigError(f"the files were not loaded to their end: {exc}") from exc
        if found:
            raise ConfigError("", found)
        return loaded

    def load(self, *, secrets: bool = True) -> tuple[AutomationSet, PluginHost]:
        """The automations as they are now, and the plugins with the hooks that stand in these files; see `read`."""
        loaded = self.read(secrets=secrets)
        host = self.host.without_files()
        for module, path in loaded.hooks:
            host.register_file(module, path)
        files = {file.inside: file.digest for file in loaded.files}
        return AutomationSet(loaded.automations, project=loaded.project, files=files), host


def home_of(path: Path) -> Home:
    """The project's folder: `path`, or where that file lies. Raises ConfigError when there is nothing."""
    if not path.exists():
        raise ConfigError("", [Mistake(path, 0, 0, "does not exist", "name a project's folder, or an automation file")])
    return Home.at(path if path.is_dir() else path.parent)


@contextmanager
def looking(home: Home) -> Generator[sqlite3.Connection]:
    """The store as it stands, for questions only; an empty one where nothing has run. Raises StoreError."""
    database = home.database
    if not database.exists():
        with closing(Store.in_memory().read(lambda connection: connection)) as nothing:
            yield nothing
        return
    refuse_empty(database)
    with closing(connect(database, read_only=True)) as connection:
        try:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                prepare(database)  # says how it is too new
            if version < VERSION:
                raise StoreError(f"{database} is of an older version ({version}); `fieldfare run` brings it up to date")
            yield connection
        except sqlite3.DatabaseError as exc:
            said = f"{database} is corrupt ({exc}); put a backup back with `fieldfare restore FILE`"
            raise StoreError(said) from exc
