"""The examinations of `doctor`, one function for each place where something can be wrong."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from .._domain.errors import ConfigError, StoreError
from .._domain.values import in_words
from .._engine.check import check
from .._engine.found import Loaded
from .._engine.home import Home
from .._engine.interrupt import TooSlow, interruptible
from .._engine.load import load
from .._engine.stop import flags
from .._host import PluginHost
from .._store import query, why
from .._store.sqlite import connect, moment, ms
from . import out
from .act import runs
from .project import LOADING, home_of, looking
from .surroundings import Finding, disk, lock, machine, permissions

OLD_DOUBT = timedelta(hours=1)
OLD_PULL = timedelta(hours=1)


def examine(project: Path) -> list[Finding]:
    """Everything that is found, in the order in which it should be mended. Raises nothing but the unforeseen."""
    now = datetime.now(UTC)
    found = [*machine(now)]
    try:
        home = home_of(project)
    except ConfigError as exc:
        return [*found, *_mistakes("settings", exc, "mend fieldfare.toml")]
    here, typed = f"{home.root}{os.sep}", str(out.shown(home.root) + os.sep).removeprefix(f".{os.sep}")
    return [
        replace(one, what=one.what.replace(here, typed), fix=one.fix.replace(here, typed))
        for one in (*found, *_around(home, now))
    ]


def _around(home: Home, now: datetime) -> Iterator[Finding]:
    yield from (*permissions(home), *disk(home), *_plugins(home), *_files(home), *lock(home))
    store = [*_store(home)]
    yield from store
    if not any(one.level == "error" for one in store):
        yield from _state(home, now)


def _mistakes(name: str, exc: ConfigError, fix: str) -> Iterator[Finding]:
    if not exc.mistakes:
        yield Finding(name, "error", str(exc), fix)
    for mistake in exc.mistakes:
        place = f"{mistake.path}:{mistake.line}:{mistake.column}" if mistake.line else str(mistake.path)
        yield Finding(name, "error", f"{place}: {mistake.what}", mistake.remedy or fix)


def _plugins(home: Home) -> Iterator[Finding]:
    host = PluginHost()
    host.discover(refused=home.settings.plugins.refuse)
    for failure in host.failures:
        fix = f"pip install --force-reinstall {failure.distribution}, or refuse it under [plugins] in fieldfare.toml"
        yield Finding("plugins", "warning", str(failure), fix)
    for refusal in host.refusals:
        fix = "upgrade or uninstall it, or refuse it under [plugins] in fieldfare.toml"
        yield Finding("plugins", "error", str(refusal), fix)


def _files(home: Home) -> Iterator[Finding]:
    host = PluginHost()
    host.discover(refused=home.settings.plugins.refuse)
    try:
        with interruptible(LOADING):
            loaded = load([home.root], ignore=home.settings.ignore)
            mistakes = check(loaded, host, private=home.settings.private)
        if mistakes:
            raise ConfigError("", mistakes)
    except ConfigError as exc:
        yield from _mistakes("files", exc, "fieldfare check shows the line")
        return
    except TooSlow as exc:
        yield Finding("files", "error", f"the files were not loaded to their end: {exc}", "fieldfare check")
        return
    yield from _secrets(home, loaded)
    yield from _bounds(loaded)
    yield from _port(home, loaded)


def _secrets(home: Home, loaded: Loaded) -> Iterator[Finding]:
    told: set[str] = set()
    for name, account in sorted(loaded.accounts.items()):
        for secret in account.platform.secrets:
            if secret.name in told:
                continue
            told.add(secret.name)
            try:
                home.secrets.get(secret.name)
            except ConfigError as exc:
                yield from _mistakes("secrets", exc, f"fieldfare accounts login {name}")


def _bounds(loaded: Loaded) -> Iterator[Finding]:
    for name, account in sorted(loaded.accounts.items()):
        ends = account.platform.bounds.api_ends
        if ends is not None and ends <= datetime.now(UTC).date() + timedelta(days=60):
            said = f"the API version that the account {name} uses ends on {ends}"
            yield Finding("version", "warning", said, "upgrade its connector before that day")


def _port(home: Home, loaded: Loaded) -> Iterator[Finding]:
    hooks = [p for p in loaded.automations if isinstance(getattr(p.automation.trigger, "path", None), str)]
    if not hooks or runs(home) or not home.settings.listen_port:
        return
    host, port = home.settings.listen_host, home.settings.listen_port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as exc:
        said = f"nothing can listen for web hooks on {host}:{port}: {exc.strerror or exc}"
        yield Finding("listener", "error", said, "choose another port under [listener] in fieldfare.toml")


def _store(home: Home) -> Iterator[Finding]:
    database = home.database
    if not database.exists():
        return
    if not os.access(database, os.W_OK):
        yield Finding("store", "error", f"{database} is read-only", f"chmod u+w {database}, or check the mount")
        return
    try:
        with looking(home):
            pass
        connection = connect(database, read_only=True)
        try:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except (StoreError, sqlite3.Error) as exc:
        # The sentences of StoreError end with what to do.
        what, _, fix = str(exc).rpartition("; ")
        yield Finding("store", "error", what or fix, fix if what else "put a backup back with `fieldfare restore FILE`")
        return
    if said != "ok":
        yield Finding(
            "store", "error", f"{database} is damaged: {said}", "put a backup back with `fieldfare restore FILE`"
        )


def _state(home: Home, now: datetime) -> Iterator[Finding]:
    up = flags(home.state / "pause")
    with looking(home) as store:
        for scope, reason, by, since in query.pauses(store):
            said = f"{scope} is paused by {by} since {moment(since):%Y-%m-%d %H:%M} UTC" + (
                f": {reason}" if reason else ""
            )
            yield Finding("pause", "warning", said, f"fieldfare resume {_option(scope)}")
            up -= {scope}
        for scope in sorted(up):
            yield Finding("pause", "warning", f"{scope} is paused by its flag", f"fieldfare resume {_option(scope)}")
        present = why.present_accounts(store)
        for name, _, _, _, _, error, _ in query.accounts(store):
            if error and name in present:
                yield Finding("accounts", "error", f"the account {name}: {error}", f"fieldfare accounts login {name}")
        yield from _feeds(store, now)
        yield from _doubts(store, now)
        latest = moment(why.newest_moment(store))
        if latest > now + timedelta(minutes=5):
            said = f"the store knows of {latest:%Y-%m-%d %H:%M} UTC, and the clock says it is only {now:%Y-%m-%d %H:%M}"
            yield Finding("clock", "error", said, "set the clock before the daemon runs")


def _feeds(store: sqlite3.Connection, now: datetime) -> Iterator[Finding]:
    for key, pulled, failed, error in query.feeds(store):
        if failed is None:
            continue
        last = f"last read {in_words(now - moment(pulled))} ago" if pulled else "never read"
        level: Literal["error", "warning"] = "error" if pulled is None or now - moment(pulled) > OLD_PULL else "warning"
        yield Finding("feeds", level, f"the feed {key}: {error} ({last})", "it is tried again by itself")


def _doubts(store: sqlite3.Connection, now: datetime) -> Iterator[Finding]:
    for row in query.deliveries(store, states=("uncertain",), limit=20):
        age = now - moment(row.updated_at)
        if row.hold == "person":
            said = f"{row.key} may or may not be out: {row.reason}"
            yield Finding("uncertain", "error", said, f"look, then: fieldfare settle {row.id} --delivered, or --not")
        elif age > OLD_DOUBT:
            said = f"{row.key} is uncertain since {in_words(age)}: {row.reason}"
            yield Finding("uncertain", "warning", said, f"fieldfare explain {row.id}")
    soon = ms(now + timedelta(hours=1))
    for row in query.deliveries(store, states=("held",), limit=200):
        if row.hold == "approval" and row.expires_at < soon:
            said = f"{row.key} waits for approval and expires {in_words(moment(row.expires_at) - now)} from now"
            yield Finding("approvals", "warning", said, f"fieldfare approvals approve {row.id}@{row.digest[:12]}")


def _option(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return f"--{kind} {name}".strip()
