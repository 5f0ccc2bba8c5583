"""`fieldfare.toml`: what the daemon of a project is told beside its automations. Everything in it is optional."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from .._domain.errors import ConfigError, Mistake, StoreError
from .._domain.values import Value
from .words import in_words, worth_telling

FILE = "fieldfare.toml"
STATE = ".fieldfare"


def _network(cidr: str) -> str:
    try:
        ip_network(cidr)
    except ValueError as exc:
        raise ValueError(f"{cidr!r} is not a range of addresses; write it as 10.1.2.0/24") from exc
    return cidr


class SecretsTable(Value):
    """Where secrets come from, asked in this order: `directory`, `file`, the environment, `keyring`.

    Paths are relative to the project. A directory holds one file per secret (as systemd and containers hand them over);
    the file is TOML with one line per secret. `keyring` names the service in the operating system's keyring.
    """

    directory: Path | None = None
    file: Path = Path("secrets.toml")
    environment: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "FIELDFARE_SECRET_"
    keyring: str | None = None


class ListenerTable(Value):
    """Where web hooks are received. Nothing listens unless an automation has such a trigger; 0 takes a free port."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(strict=True, ge=0, le=65535)] = 8765


class LogTable(Value):
    """`auto` writes text to a terminal and JSON everywhere else."""

    format: Literal["auto", "text", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


def _span(text: object) -> object:
    if text == "off":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,4}) days?", text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'{text!r} is not how long; write it as "90 days", or "off" to keep everything')
    return timedelta(days=int(found[1]))


class RetentionTable(Value):
    """How long `bodies` are kept: what events said, what was sent and answered, and the media of what may be tried
    again. They go when what they belong to has been finished so long. `off` keeps them for ever; ids, once-keys,
    receipts and reasons are kept always."""

    bodies: Annotated[timedelta | None, BeforeValidator(_span)] = timedelta(days=90)


class PluginsTable(Value):
    """`refuse` names plugins (as `fieldfare plugins` lists them) that are not loaded although they are installed."""

    refuse: tuple[str, ...] = ()


class Settings(Value):
    """What `fieldfare.toml` says. Paths are as written; relative ones begin at the project's folder."""

    store: Path = Path(STATE) / "fieldfare.db"
    ignore: tuple[str, ...] = ()
    """Python files of the folder that are not loaded: patterns such as `drafts/*`."""
    private: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Private address ranges (CIDR) that web hooks of `Notify` may be sent to; none by default."""
    secrets: SecretsTable = SecretsTable()
    listener: ListenerTable = ListenerTable()
    log: LogTable = LogTable()
    plugins: PluginsTable = PluginsTable()
    retention: RetentionTable = RetentionTable()

    @property
    def listen_host(self) -> str:
        return self.listener.host

    @property
    def listen_port(self) -> int:
        return self.listener.port


def read_settings(project: Path) -> Settings:
    """The settings of a project, the defaults without a `fieldfare.toml`. Raises ConfigError with every mistake."""
    path = project / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError("", [Mistake(path, 0, 0, f"the file cannot be read: {exc}")]) from exc
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError("", [syntax_mistake(path, text, exc)]) from exc
    except ValidationError as exc:
        raise ConfigError("", _mistakes(path, text, exc)) from exc


def syntax_mistake(path: Path, text: str, exc: tomllib.TOMLDecodeError, *, shown: bool = True) -> Mistake:
    """Where a TOML file cannot be read; without the line itself unless `shown`."""
    message = re.sub(r" \(at .*\)$", "", str(exc))
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(exc))
    lines = text.split("\n")
    line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
    source = lines[line - 1] if shown else ""
    return Mistake(path, line, column, f"this is not TOML: {message[:1].lower()}{message[1:]}", "", source)


def _mistakes(path: Path, text: str, exc: ValidationError) -> list[Mistake]:
    found: list[Mistake] = []
    for error in worth_telling(exc.errors(include_url=False), list(Settings.model_fields)):
        *tables, name = [str(part) for part in error["loc"] if isinstance(part, str)]
        model = Settings.model_fields[tables[0]].annotation if tables else Settings
        error["loc"] = (name,)
        owner = f"[{'.'.join(tables)}]" if tables else FILE
        what, remedy = in_words(error, owner, list(getattr(model, "model_fields", {})))
        line, column = _place(text, tables, name, at_value=error["type"] != "extra_forbidden")
        found.append(Mistake(path, line, column, what, remedy, text.split("\n")[line - 1] if line else ""))
    return found


def _place(text: str, tables: list[str], name: str, *, at_value: bool) -> tuple[int, int]:
    """Line and column of a setting; (0, 0) where the file spells it in a way that is not looked for."""
    table: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[([\w.\- ]+)\]", line):
            table = [part.strip() for part in header[1].split(".")]
            if [*tables, name] == table:
                return number, header.start(1) + 1
        elif (key := re.match(r"\s*([\w.\-]+)\s*=\s*", line)) and [*table, *key[1].split(".")] == [*tables, name]:
            return number, (key.end() if at_value else key.start(1)) + 1
    return 0, 0


def state_folder(project: Path) -> Path:
    """The project's `.fieldfare`, made for its owner alone (0700) if it is not there.

    Raises StoreError when it cannot be made, or when others may look into it.
    """
    folder = project / STATE
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as exc:
        raise StoreError(f"{folder} cannot be made: {exc.strerror or exc}") from exc
    if mode & 0o077:
        raise StoreError(f"{folder} is open to others (mode {mode & 0o777:o}); run: chmod 700 {folder}")
    return folder
