"""Where a project keeps what: its folder, its settings, its state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .secrets import SecretSource
from .settings import Settings, read_settings

STATE = ".fieldfare"


@dataclass(frozen=True, slots=True)
class Home:
    """A project's folder and what `fieldfare.toml` says about it."""

    root: Path
    settings: Settings
    secrets: SecretSource

    @property
    def state(self) -> Path:
        """`.fieldfare`, for its owner only."""
        return self.root / STATE

    @property
    def database(self) -> Path:
        return self.root / self.settings.store

    @classmethod
    def at(cls, root: Path) -> Home:
        """The project in this folder. Raises ConfigError with every mistake of `fieldfare.toml`."""
        root = root.resolve()
        settings = read_settings(root)
        return cls(root, settings, SecretSource(root, settings))
