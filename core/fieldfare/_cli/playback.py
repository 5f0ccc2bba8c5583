"""What `simulate` does: events from a file or the store, decided about without a connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from .._contract.actions import Action
from .._contract.automation import Automation
from .._contract.delivery import Verdict
from .._contract.platform import Account
from .._domain.errors import ConfigError, Mistake, PluginError
from .._domain.events import Event, Followed, PostEvent
from .._domain.values import isoformat
from .._engine.found import Loaded
from .._engine.words import in_words, worth_telling
from .._host import PluginHost
from .._store import why
from .._store.sqlite import ms
from ..hookspecs import hookimpl
from ..testing import simulate
from .project import Opened, looking

Row = dict[str, Any]


class _Reviewer:
    """Every reviewer of the host, as one."""

    def __init__(self, host: PluginHost) -> None:
        self._host = host

    @hookimpl
    def fieldfare_review(
        self, action: Action[Any], automation: Automation[Any], account: Account | None
    ) -> Verdict | None:
        return self._host.review(action, automation, account)


def written(opened: Opened, file: Path) -> list[Event]:
    """The events of a file: one JSON object per line, or one array. Raises ConfigError with every mistake."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or str(exc)
        raise ConfigError("", [Mistake(file, 0, 0, f"cannot be read: {why.lower()}")]) from exc
    events: list[Event] = []
    mistakes: list[Mistake] = []
    for line, source, value in _values(file, text, mistakes):
        made = _event(opened.host, value)
        if isinstance(made, Event):
            events.append(made)
        else:
            mistakes += [Mistake(file, line, 1, what, remedy, source) for what, remedy in made]
    if mistakes:
        raise ConfigError("", mistakes)
    return events


def _values(file: Path, text: str, mistakes: list[Mistake]) -> Iterator[tuple[int, str, Any]]:
    """(line, text of the line, value) of each event in the file."""
    if text.lstrip().startswith("["):
        try:
            yield from ((1, "", value) for value in json.loads(text))
        except json.JSONDecodeError as exc:
            source = text.split("\n")[exc.lineno - 1]
            mistakes.append(Mistake(file, exc.lineno, exc.colno, f"this is not JSON: {exc.msg.lower()}", "", source))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, line, json.loads(line)
        except json.JSONDecodeError as exc:
            what = f"this is not JSON: {exc.msg.lower()}"
            mistakes.append(Mistake(file, number, exc.colno, what, "write one object per line", line))


def _event(host: PluginHost, value: Any) -> Event | list[tuple[str, str]]:
    if not isinstance(value, dict):
        return [("this is not an event", 'write {"kind": "mention", …}')]
    fields = cast("dict[str, Any]", value)
    name = fields.pop("kind", None)
    if not isinstance(name, str):
        return [("this is not an event", 'write {"kind": "mention", …}')]
    try:
        kind = host.event(name)
    except PluginError as exc:
        return [(str(exc), "")]
    try:
        return kind.model_validate(fields)
    except ValidationError as exc:
        known = list(kind.model_fields)
        return [in_words(error, name, known) for error in worth_telling(exc.errors(include_url=False), known)]


def period(begin: str, end: str) -> tuple[int, int | None]:
    """From when (ms) to before when; 0 and None for what is not said. Raises ValueError in words for no date."""
    return ms(_moment(begin, last=False)) if begin else 0, ms(_moment(end, last=True)) if end else None


def recorded(opened: Opened, since: int, until: int | None) -> list[Event]:
    """The events that the store has from `since` (ms) to before `until`. Raises StoreError."""
    found: list[Event] = []
    with looking(opened.home) as store:
        for row in why.between(store, since, until):
            if row.body is None:
                continue
            event = opened.host.event(row.kind).model_validate_json(row.body)
            found.append(event.model_copy(update={"lineage": row.lineage}))
    return found


def _moment(text: str, *, last: bool) -> datetime:
    """A date or a moment; a date is its beginning, or with `last` its end. Without an offset it is UTC."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=last)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        made = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValueError(f"{text!r} is not a date; write it as 2026-11-01 or 2026-11-01T09:00:00Z") from exc
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def played(opened: Opened, loaded: Loaded, events: Iterable[Event], seed: int) -> list[Row]:
    """One row per event, with what each automation would make of it."""
    shown = list(events)
    for module, path in loaded.hooks:
        opened.host.register_file(module, path)
    # What a decision prints is no result of ours.
    with contextlib.redirect_stdout(sys.stderr):
        made = asyncio.run(
            simulate(
                loaded.automations,
                shown,
                accounts=loaded.accounts.values(),
                seed=seed,
                plugins=[_Reviewer(opened.host)],
                project=loaded.project,
            )
        )
    rows = [_row(event) for event in shown]
    caused: dict[int, list[Row]] = {}
    for action, cause in zip(made.actions, made.causes, strict=True):
        caused.setdefault(cause, []).append({"kind": action.kind, "action": action.model_dump(mode="json")})
    for number, decision in enumerate(made.decisions):
        rows[decision.event]["decisions"].append(
            {
                "automation": decision.automation,
                "verdict": decision.verdict,
                "reason": decision.reason,
                "actions": caused.get(number, []),
            }
        )
    return rows


def _row(event: Event) -> Row:
    who = event.post.author.handle if isinstance(event, PostEvent) else ""
    return {
        "kind": event.kind,
        "event": event.id,
        "occurred_at": isoformat(event.occurred_at),
        "account": event.account,
        "who": event.author.handle if isinstance(event, Followed) else who,
        "text": event.post.text if isinstance(event, PostEvent) else "",
        "decisions": [],
    }


def told(rows: Iterable[Row]) -> Iterator[str]:
    """The same for people; every moment in UTC, so that it reads the same everywhere."""
    from .._engine.explain import texts_of
    from .story import verdict

    would = silent = 0
    for row in rows:
        who = f" by {row['who']}" if row["who"] else ""
        text = f": “{row['text']}”" if row["text"] else ""
        yield f"{row['occurred_at']} {row['kind']} {row['event']}{who}{text}"
        if not row["decisions"]:
            yield "  no automation waits for this"
        for decision in row["decisions"]:
            if not decision["actions"]:
                silent += 1
                yield f"  {decision['automation']}: {verdict(decision)}"
            for one in decision["actions"]:
                would += 1
                said = " / ".join(texts_of(one["action"]))
                yield f"  {decision['automation']}: would {one['kind']}" + (f": “{said}”" if said else "")
    yield f"{would} would be sent, {silent} times nothing would be done"
