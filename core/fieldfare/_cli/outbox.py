"""`outbox` and `settle`: deliveries, one by one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import out
from .complete import complete_automations, complete_keys
from .exits import Exit
from .options import Json, Project

if TYPE_CHECKING:
    from .._store.query import Full

_HELP = """Show deliveries: what left, what waits, what did not leave.

\b
  fieldfare outbox list --state due     what will leave next
  fieldfare outbox show 12              one of them, with its exact content
  fieldfare outbox cancel 12            it never leaves
"""
app = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
Key = Annotated[
    str, typer.Argument(help="Its key, a beginning of it, or its number in the list.", autocompletion=complete_keys)
]
STATES = ("held", "due", "sending", "uncertain", "delivered", "failed", "refused", "cancelled", "expired")


@app.command("list")
def list_(
    state: Annotated[list[str] | None, typer.Option("--state", help=f"Only these: {', '.join(STATES)}.")] = None,
    automation: Annotated[
        str, typer.Option("--automation", help="Only of this one.", autocompletion=complete_automations)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1)] = 50,
    project: Project = Path(),
    json: Json = False,
) -> None:
    """List deliveries, the newest first.

    \b
      fieldfare outbox list                      the newest fifty
      fieldfare outbox list --state uncertain    what needs to be looked at
      fieldfare outbox list --json               for programs
    """
    from .._store import query
    from .project import home_of, looking

    wrong = [one for one in state or () if one not in STATES]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is not a state; there are {', '.join(STATES)}")
    with looking(home_of(project)) as store:
        rows = query.deliveries(store, states=state or (), automation=automation, limit=limit)
    if json:
        out.as_json([as_json(row) for row in rows])
        return
    if not rows:
        out.note("nothing")
        return
    # Whoever reads it from a pipe has room for the whole key.
    last = (
        ("automation", [row.automation for row in rows]) if sys.stdout.isatty() else ("key", [row.key for row in rows])
    )
    out.table(
        ("no.", "state", "kind", "account", "text", last[0]),
        [
            (str(row.id), row.state, row.kind, row.account, _short(row), end)
            for row, end in zip(rows, last[1], strict=True)
        ],
    )


@app.command()
def show(key: Key, project: Project = Path(), json: Json = False) -> None:
    """Show one delivery: its exact content, each step and attempt, and what it waits for.

    \b
      fieldfare outbox show 12
    """
    from . import story
    from .project import home_of, looking
    from .see import explainer_of

    home = home_of(project)
    with looking(home) as store:
        row = one(store, key)
        explainer = explainer_of(home, store)
        told = explainer.delivery(row)
    if json:
        out.as_json(told)
        return
    for line in story.of_delivery(told, explainer.now):
        out.say(line)
    out.say("  content:")
    import json as encode

    for line in encode.dumps(told["action"], indent=2, ensure_ascii=False).splitlines():
        out.say(f"    {line}")


@app.command()
def cancel(key: Key, project: Project = Path(), json: Json = False) -> None:
    """Withdraw a delivery before its first byte leaves; when this returns it never will.

    \b
      fieldfare outbox cancel 12
    """
    _do(project, "cancel", {"key": key}, json)


@app.command()
def edit(
    key: Key,
    text: Annotated[str, typer.Option("--text", help="The new text; '-' reads it from stdin.")],
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Put another text in the place of one that has not begun to leave. An approval it had is void.

    \b
      fieldfare outbox edit 12 --text 'We open at nine.'
      fieldfare outbox edit 12 --text - < answer.txt
    """
    if text == "-":
        text = _from_stdin().rstrip("\n")
    _do(project, "edit", {"key": key, "text": text}, json)


def _from_stdin() -> str:
    try:
        text = sys.stdin.read()
        text.encode()
    except UnicodeError as exc:
        raise typer.BadParameter("what stands on stdin is not UTF-8") from exc
    return text


@app.command()
def retry(key: Key, project: Project = Path(), json: Json = False) -> None:
    """Try again what failed, expired, was refused or cancelled. What is uncertain has to be settled instead.

    \b
      fieldfare outbox retry 12
    """
    from .._store.control import TooLate
    from .project import home_of, looking

    with looking(home_of(project)) as store:
        row = one(store, key)
    if row.state == "uncertain":
        said = str(TooLate(f"{row.key!r} may be out already; look, then say so with `fieldfare settle {row.id}`"))
        out.fault(said)
        if json:
            out.refused(said, Exit.UNKNOWN)
        raise typer.Exit(Exit.UNKNOWN)
    _do(project, "retry", {"key": key}, json)


def settle(
    key: Key,
    url: Annotated[str, typer.Argument(help="Where it is, if you know.", show_default=False)] = "",
    delivered: Annotated[bool | None, typer.Option("--delivered/--not", help="It is out, or it is not.")] = None,
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Say whether an uncertain post is out. You have looked; nobody else can tell.

    \b
      fieldfare settle 12 --delivered https://social.example/@brand/7    it is out, there
      fieldfare settle 12 --delivered                                    it is out
      fieldfare settle 12 --not                                          it is not: it is sent again

    Look first: `fieldfare explain 12` says when it left and where it would be.
    """
    if delivered is None:
        raise typer.BadParameter("say what you saw: --delivered (with the address, if you know it) or --not")
    if url and not delivered:
        raise typer.BadParameter("with --not there is no address")
    _do(project, "settle", {"key": key, "happened": delivered, "url": url}, json)


def _do(project: Path, name: str, args: dict[str, Any], json: bool) -> None:
    from .act import act
    from .project import home_of

    answer = act(home_of(project), name, args)
    if json:
        out.as_json(answer)
    else:
        out.say(f"{answer['key']}: {answer['state']}")


def one(store: Any, key: str) -> Full:
    """The delivery of this name. Raises TooLate when there is none, or more than one."""
    from .._store import query
    from .._store.control import TooLate

    found = query.named(store, key)
    if len(found) != 1:
        said = "no delivery" if not found else "more than one delivery"
        raise TooLate(f"{said} is called {key!r}; `fieldfare outbox list` shows their names")
    return found[0]


def as_json(row: Full) -> dict[str, Any]:
    """A delivery for programs, as it stands in the list."""
    from .._domain.values import isoformat
    from .._engine.brief import brief, receipt
    from .._store.sqlite import moment

    return brief(row) | {
        "action": dict(row.public.action),
        "attempts": row.attempts,
        "not_before": isoformat(moment(row.not_before)),
        "expires_at": isoformat(moment(row.expires_at)),
        "receipt": receipt(row),
    }


def _short(row: Full, most: int = 48) -> str:
    from .._engine.explain import texts_of

    text = " / ".join(texts_of(row.public.action)).replace("\n", " ")
    return text if len(text) <= most else f"{text[: most - 1]}…"
