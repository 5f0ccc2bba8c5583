"""`pause` and `resume`: stop means stop, also when the daemon hangs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import out
from .complete import complete_accounts, complete_automations, complete_platforms
from .exits import Exit
from .options import Json, Project

PATIENCE = 2.0
"""Seconds that `pause` waits for the daemon to say that it knows."""

Account = Annotated[str, typer.Option("--account", help="One account.", autocompletion=complete_accounts)]
Platform = Annotated[
    str, typer.Option("--platform", help="All accounts of a network.", autocompletion=complete_platforms)
]
Automation = Annotated[str, typer.Option("--automation", help="One automation.", autocompletion=complete_automations)]
Everything = Annotated[bool, typer.Option("--all", help="Everything.")]
Name = Annotated[
    str, typer.Argument(help="An account, for short.", show_default=False, autocompletion=complete_accounts)
]


def pause(
    name: Name = "",
    account: Account = "",
    platform: Platform = "",
    automation: Automation = "",
    everything: Everything = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; `status` and `explain` show it.")] = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Also a name that is not known here (yet).")] = False,
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Let nothing more leave. Works at once, also when the daemon hangs.

    \b
      fieldfare pause --all                     everything
      fieldfare pause --account brand           one account
      fieldfare pause --platform playground     all accounts of a network
      fieldfare pause --automation thanks       one automation

    When this returns, nothing new leaves. What was already on the wire cannot be called back: it is named, and
    followed to its end. `fieldfare resume` with the same option lifts the pause.
    """
    scope = _scope(name or account, platform, automation, everything)
    state = _state(project)
    # First of all, and without the daemon, the store or the settings: this alone stops every gate.
    from .._domain.errors import StoreError
    from .._engine.stop import flags, lower_flag, raise_flag

    try:
        was_up = scope in flags(state / "pause")
        raise_flag(state / "pause", scope)
    except OSError as exc:
        why = (exc.strerror or str(exc)).lower()
        raise StoreError(f"nothing is paused: {state / 'pause'} cannot be written ({why}); be its owner") from exc
    present, unknown = _looked_up(project, scope)
    if present != scope:
        raise_flag(state / "pause", present)
    if (present != scope or (unknown and not anyway)) and not was_up:
        lower_flag(state / "pause", scope)
    if unknown and not anyway:
        said = f"nothing is paused: {unknown}; --anyway pauses it all the same"
        out.fault(said)
        if json:
            out.refused(said, Exit.FAILED)
        raise typer.Exit(Exit.FAILED)
    if present != scope:
        out.note(f"{_in_words(scope)} is called {present.partition(':')[2]} now", style="yellow")
        scope = present
    acknowledged, on_the_wire, why = _told(project, scope, reason.encode(errors="backslashreplace").decode())
    if json:
        out.as_json({"scope": scope, "acknowledged": acknowledged, "on_the_wire": on_the_wire, "note": why})
        return
    out.say(f"paused: {_in_words(scope)}; nothing new leaves")
    if on_the_wire:
        out.say(f"already on the wire, and followed to its end: {', '.join(on_the_wire)}")
    elif acknowledged:
        out.say("nothing was on the wire")
    if why:
        out.note(why, style="yellow")
    out.note(f"to go on: fieldfare resume {_option(scope)}")


def resume(
    name: Name = "",
    account: Account = "",
    platform: Platform = "",
    automation: Automation = "",
    everything: Everything = False,
    project: Project = Path(),
    json: Json = False,
) -> None:
    """Lift a pause. What waited leaves as its limits allow; what has become too late expires.

    \b
      fieldfare resume --all               every pause
      fieldfare resume --account brand     the pause of one account
    """
    from .act import act
    from .project import home_of

    scope = _scope(name or account, platform, automation, everything)
    answer = act(home_of(project), "resume", {"scope": scope})
    if json:
        out.as_json(answer)
    elif answer["lifted"]:
        out.say(f"goes on: {', '.join(map(_in_words, answer['lifted']))}")
    if not answer["lifted"]:
        out.note(f"{_in_words(scope)} was not paused; `fieldfare status` shows what is")


def _scope(account: str, platform: str, automation: str, everything: bool) -> str:
    given = [f"account:{account}"] * bool(account) + [f"platform:{platform}"] * bool(platform)
    given += [f"automation:{automation}"] * bool(automation) + ["all"] * everything
    if len(given) != 1:
        raise typer.BadParameter("say what: one of --all, --account NAME, --platform KIND, --automation NAME")
    return given[0]


def _state(project: Path) -> Path:
    """The state folder, without reading any setting. Raises ConfigError where there is no project."""
    from .._domain.errors import ConfigError
    from .._engine.settings import FILE, STATE, state_folder

    if not (project / STATE).is_dir() and not (project / FILE).is_file():
        raise ConfigError(f"there is no project in {str(project.resolve())!r}; go there, or name it with --project")
    return state_folder(project)


def _looked_up(project: Path, scope: str) -> tuple[str, str]:
    """The scope under its present name, and what is wrong with it, in words: nothing when it is known, or when nobody
    can tell."""
    from .._domain.errors import FieldfareError
    from .._engine.nearest import did_you_mean
    from .._store import former, query, same, why
    from .project import home_of, looking

    kind, _, name = scope.partition(":")
    if kind == "all":
        return scope, ""
    try:
        with looking(home_of(project)) as store:
            rows = query.accounts(store)
            known = {
                "account": [row[0] for row in rows],
                "platform": sorted({row[1] for row in rows}),
                "automation": why.automations(store),
            }[kind]
            now = why.named_now(store, kind)
            later = {"account": same.names(store, name), "automation": [former.present(store, name)]}.get(kind, [])
    except FieldfareError:
        return scope, ""
    if name in known:
        present = name if name in now else next((one for one in later if one in now), name)
        return f"{kind}:{present}", ""
    if not known:
        return scope, f"no {kind} is known here, since nothing has run"
    return scope, f"no {kind} is called {name!r}; {did_you_mean(name, known) or 'there are ' + ', '.join(known)}"


def _told(project: Path, scope: str, reason: str) -> tuple[bool, list[str], str]:
    """Tell the daemon, or the store when none runs: (acknowledged, what was on the wire, what to add)."""
    from .._domain.errors import FieldfareError
    from .act import act
    from .project import home_of

    try:
        answer = act(home_of(project), "pause", {"scope": scope, "reason": reason}, PATIENCE)
    except FieldfareError as exc:
        return False, _on_the_wire(project), f"the flag is up and counts, but nobody acknowledged it: {exc}"
    return True, list(answer["on_the_wire"]), ""


def _on_the_wire(project: Path) -> list[str]:
    from .._domain.errors import FieldfareError
    from .._store import query
    from .project import home_of, looking

    try:
        with looking(home_of(project)) as store:
            return query.on_the_wire(store)
    except FieldfareError:
        return []


def _in_words(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return "everything" if kind == "all" else f"{kind} {name}"


def _option(scope: str) -> Any:
    kind, _, name = scope.partition(":")
    return f"--{kind} {name}".strip()
