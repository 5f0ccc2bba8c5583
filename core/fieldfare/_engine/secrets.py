"""Secrets by name, from the sources of the project. Nothing here keeps or prints a value."""

from __future__ import annotations

import importlib
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._domain.errors import ConfigError, Mistake
from .._net import Redactor
from .settings import FILE, Settings, syntax_mistake


class SecretSource:
    """Resolves the names of secrets for one project: directory, file, environment, keyring, in this order."""

    def __init__(self, project: Path, settings: Settings, environ: Mapping[str, str] | None = None) -> None:
        table = settings.secrets
        self._environ = os.environ if environ is None else environ
        given = table.directory or self._environ.get("CREDENTIALS_DIRECTORY")
        self._directory = project / given if given else None
        self._file = project / table.file
        self._prefix = table.environment
        self._service = table.keyring

    def __repr__(self) -> str:
        return f"<secrets from {', '.join(self.sources('NAME'))}>"

    def sources(self, name: str) -> list[str]:
        """Where a secret of this name is looked for, in words."""
        found = [f"the file {self._directory / name}"] if self._directory else []
        found += [f"{name} in {self._file}", f"the environment variable {self._variable(name)}"]
        return found + ([f"{self._service} in the keyring"] if self._service else [])

    def get(self, name: str) -> str:
        """The value of a secret, read anew each time.

        Raises ConfigError, naming the sources that were tried, when none has it; and when one has it in a way that is
        not safe (a file that others may read) or cannot be read.
        """
        for look in (self._in_directory, self._in_file, self._in_environment, self._in_keyring):
            value = look(name)
            if value:
                return value
        raise ConfigError(f"no source has the secret {name!r}; looked for {', '.join(self.sources(name))}")

    def _variable(self, name: str) -> str:
        return self._prefix + name.upper().replace("-", "_").replace(".", "_")

    def _in_directory(self, name: str) -> str | None:
        if self._directory is None:
            return None
        path = self._directory / name
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"the secret {name!r} cannot be read from {path}: {type(exc).__name__}") from exc

    def _in_file(self, name: str) -> str | None:
        path = self._file
        try:
            mode = path.stat().st_mode
            if stat.S_IMODE(mode) & 0o077:
                shown = f"{stat.S_IMODE(mode):o}"
                what = f"the file of secrets is open to others (mode {shown})"
                raise ConfigError("", [Mistake(path, 0, 0, what, f"run: chmod 600 {path}")])
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"the file of secrets {path} cannot be read: {type(exc).__name__}") from exc
        try:
            value: Any = tomllib.loads(text).get(name)
        except tomllib.TOMLDecodeError as exc:
            # Neither the line nor the cause is passed on: both may quote a secret.
            raise ConfigError("", [syntax_mistake(path, text, exc, shown=False)]) from None
        if value is not None and not isinstance(value, str):
            what = f"the secret {name!r} is not text"
            raise ConfigError("", [Mistake(path, 0, 0, what, f'write {name} = "…"')])
        return value

    def _in_environment(self, name: str) -> str | None:
        return self._environ.get(self._variable(name))

    def _in_keyring(self, name: str) -> str | None:
        if self._service is None:
            return None
        try:
            keyring = importlib.import_module("keyring")
        except ImportError as exc:
            said = f"the secret {name!r} is to come from a keyring, which is not installed"
            raise ConfigError(f"{said}; pip install keyring, or take it out of {FILE}") from exc
        try:
            value: str | None = keyring.get_password(self._service, name)
        except Exception as exc:
            raise ConfigError(f"the keyring did not give the secret {name!r}: {type(exc).__name__}") from exc
        return value


@dataclass(frozen=True, slots=True)
class Confided:
    """A source whose values are hidden from logs and errors from the moment they are read."""

    source: SecretSource
    redactor: Redactor

    def get(self, name: str) -> str:
        """The value; raises ConfigError when no source has it, or when it is too short to be hidden."""
        value = self.source.get(name)
        self.redactor.add(value)
        return value
