"""Writing into the project's file of secrets, which nobody else can read."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from .._domain.errors import ConfigError


def put(path: Path, name: str, value: str) -> None:
    """Keep a secret under its name, in the place of an older one; the file is written anew, whole or not at all (0600).

    Raises ConfigError when the file cannot be read as TOML, or cannot be written.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = "# Secrets of this project. Keep this file out of version control.\n"
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"the file of secrets {path} cannot be read: {type(exc).__name__}") from exc
    before = _parsed(text)
    if before is None:
        raise ConfigError(f"{path} is not TOML; mend it first, then log in")
    changed = _with(text, name, value)
    if _parsed(changed) != before | {name: value}:
        raise ConfigError(f"{path} is written in a way that cannot be changed here; put {name!r} in by hand")
    part = path.with_name(f"{path.name}.part")
    try:
        with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(changed)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as exc:
        raise ConfigError(f"{path} cannot be written: {exc.strerror or exc}") from exc


def _parsed(text: str) -> dict[str, Any] | None:
    """The values; None when it is not TOML (the reason may quote a secret)."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _with(text: str, name: str, value: str) -> str:
    line = f"{_key(name)} = {_quoted(value)}"
    lines = text.splitlines()
    table = next((n for n, one in enumerate(lines) if one.lstrip().startswith("[")), len(lines))
    old = re.compile(rf"""\s*(["']?){re.escape(name)}\1\s*=""")
    for number, one in enumerate(lines[:table]):
        if old.match(one):
            lines[number] = line
            return "\n".join(lines) + "\n"
    return "\n".join([*lines[:table], line, *lines[table:]]) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
