"""The files of a first project."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from .._domain.errors import ConfigError

FILES = {
    "answers.py.txt": "answers.py",
    "trouble.py.txt": "trouble.py",
    "accounts.py.txt": "accounts.py",
    "fieldfare.toml": "fieldfare.toml",
    "gitignore": ".gitignore",
}
"""What lies in `first/`, and under which name it is written."""


def write(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the project, and give (written, already there). Raises ConfigError when the folder cannot be written."""
    written: list[Path] = []
    kept: list[Path] = []
    source = resources.files("fieldfare._cli") / "first"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, called in FILES.items():
            path = folder / called
            if path.exists():
                kept.append(path)
                continue
            path.write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
            written.append(path)
    except OSError as exc:
        raise ConfigError(f"{folder} cannot be written: {exc.strerror or exc}") from exc
    return written, kept
