"""The daemon in this process: what a dry run, a single round, a reload and a take-over leave behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from fieldfare import Draft, Publish
from fieldfare._cli.project import Opened
from fieldfare._contract.feeds import Arrival
from fieldfare._engine.clock import RealClock
from fieldfare._engine.control import ControlError, call
from fieldfare._engine.daemon import Daemon, Options
from fieldfare._engine.embedded import Engine
from fieldfare._engine.lock import StoreLock
from fieldfare._engine.stop import LEASE
from fieldfare._store import accounts, query
from fieldfare._store.admission import Conclusion, Judged, conclude
from fieldfare._store.planned import Planned
from fieldfare._store.sqlite import Store, ms
from fieldfare.plugin import ConfigError

HOOKS = """
from fieldfare import Account, Context, Draft, HookReceived, Media, Publish, automation, on, secret
from fieldfare.testing import Playground
from words import WORDS

brand = Account("brand", Playground())

@automation(on.webhook("/hooks", secret=secret("HOOKS")), account=brand)
def news(event: HookReceived, ctx: Context) -> Publish:
    return Publish(draft=Draft(text=WORDS, media=(Media(source="a.png", alt="a"),)))
"""


class Quick(RealClock):
    """Waits are short, and long for those who look at the monotonic clock."""

    def monotonic(self) -> float:
        return super().monotonic() * 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 8))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hooks.py").write_text(dedent(HOOKS))
    (tmp_path / "words.py").write_text("WORDS = 'one'\n")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "fieldfare.toml").write_text("[listener]\nport = 0\n")
    file = tmp_path / "secrets.toml"
    file.touch(mode=0o600)
    file.write_text('HOOKS = "canary-hooks"\n')
    return tmp_path


def daemon(project: Path, ready: Any = lambda engine: None, **options: bool) -> Daemon:
    opened = Opened.at(project)
    return Daemon(
        home=opened.home,
        redactor=opened.redactor,
        load=opened.load,
        options=Options(watch=False, **options),
        ready=ready,
    )


def hook(answers: list[int]) -> Arrival:
    from datetime import UTC, datetime

    headers = {"authorization": "Bearer canary-hooks", "content-type": "application/json"}
    return Arrival(headers, b'{"id": "1"}', datetime.now(UTC), answers.append)


def free(state: Path) -> bool:
    probe = StoreLock(state / "lock")
    taken = probe.take()
    probe.release()
    return taken


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_a_dry_run_judges_a_web_hook_and_acknowledges_nothing(project: Path) -> None:
    async def story() -> None:
        engines: list[Engine] = []
        made = daemon(project, engines.append, dry_run=True)
        going = asyncio.create_task(made.run())
        await until(lambda: engines)
        answers: list[int] = []
        made._arrivals.put("/hooks", hook(answers))
        await until(lambda: answers)
        store = engines[0]._around.store
        await until(lambda: store.read(query.deliveries))
        made.request_stop("the end")
        await going
        assert answers == [503]
        assert not (project / ".fieldfare" / "media").exists()

    run(story())


def test_a_single_round_waits_for_no_web_hook(project: Path) -> None:
    async def story() -> None:
        for _ in range(2):
            await daemon(project, once=True).run()

    run(story())


def test_a_reload_takes_what_another_file_says_anew(project: Path) -> None:
    async def story() -> None:
        engines: list[Engine] = []
        made = daemon(project, engines.append)
        going = asyncio.create_task(made.run())
        await until(lambda: engines)
        assert (await made.reload(engines[0]))["changed"] is False
        (project / "words.py").write_text("WORDS = 'two'\n")
        assert (await made.reload(engines[0]))["changed"] is True
        made.request_stop("the end")
        await going

    run(story())


def test_what_a_person_settles_is_held_while_the_name_is_gone(project: Path) -> None:
    async def story() -> None:
        engines: list[Engine] = []
        made = daemon(project, engines.append)
        going = asyncio.create_task(made.run())
        await until(lambda: engines)
        store = engines[0]._around.store
        late = ms(RealClock().now()) + 3_600_000
        plan = Planned(
            key="old/1/0",
            automation="old",
            account="before",
            kind="publish",
            action=Publish(draft=Draft(text="one")).model_dump_json(),
            digest="d",
            line="timeline",
            fingerprint="f",
            late_ms=3_600_000,
            expires_at=late,
        )
        judged = Judged(automation="old", verdict="yes", reason="", source="", planned=(plan,))
        await store.do(conclude, [Conclusion(1, [judged])], judged_by=1, now=late - 3_600_000)
        await store.do(lambda c: c.execute("UPDATE deliveries SET state = 'uncertain', hold = 'person'"))
        control = project / ".fieldfare" / "control"
        said = await call(control, "settle", {"key": "old/1/0", "happened": False})
        assert said == {"key": "old/1/0", "state": "held"}
        (held,) = store.read(query.named, "old/1/0")
        assert held.reason.startswith("automation 'old' and account 'before' is gone")
        await store.do(lambda c: c.execute("UPDATE deliveries SET state = 'due', hold = ''"))
        said = await call(control, "edit", {"key": "old/1/0", "text": "two"})
        assert said is not None
        assert said["state"] == "held"
        made.request_stop("the end")
        await going

    run(story())


def test_a_daemon_says_since_when_it_does_not_run_on_what_the_files_say(project: Path) -> None:
    async def story() -> None:
        engines: list[Engine] = []
        made = daemon(project, engines.append)
        going = asyncio.create_task(made.run())
        await until(lambda: engines)
        control = project / ".fieldfare" / "control"
        assert await call(control, "ping", {}) == {"alive": True, "refused": None}
        for text in ("WORDS = 1 / 0\n", "WRODS = 'two'\n"):
            (project / "words.py").write_text(text)
            with pytest.raises(ConfigError):
                await made.reload(engines[0])
        said = await call(control, "ping", {})
        assert said is not None
        assert "words has no 'WORDS'" in said["refused"]["mistakes"][0]
        first = made._refused
        assert first is not None
        with pytest.raises(ConfigError):
            await made.reload(engines[0])
        assert made._refused is not None
        assert made._refused["since"] == first["since"]
        (project / "words.py").write_text("WORDS = 'one'\n")
        await made.reload(engines[0])
        assert await call(control, "ping", {}) == {"alive": True, "refused": None}
        made.request_stop("the end")
        await going

    run(story())


def test_a_reload_that_does_not_end_stops_well_before_another_may_take_over(project: Path) -> None:
    async def story() -> None:
        engines: list[Engine] = []
        made = daemon(project, engines.append)
        going = asyncio.create_task(made.run())
        await until(lambda: engines)
        (project / "words.py").write_text("while True:\n    pass\n")
        began = time.monotonic()
        with pytest.raises(ConfigError) as caught:
            await made.reload(engines[0])
        assert time.monotonic() - began < LEASE / 2
        assert "words.py" in str(caught.value.mistakes[0])
        made.request_stop("the end")
        await going

    run(story())


def test_who_has_taken_over_from_a_holder_that_hung_takes_the_lock_when_that_one_is_gone(project: Path) -> None:
    async def story() -> None:
        state = project / ".fieldfare"
        hung = StoreLock(state / "lock")
        assert hung.take()
        await Store.threaded(state / "fieldfare.db").close()
        engines: list[Engine] = []
        made = daemon(project, engines.append, standby=True)
        made.clock = Quick()
        going = asyncio.create_task(made.run())
        await until(lambda: engines)
        hung.release()
        await until(lambda: not free(state))
        made.request_stop("the end")
        await going
        assert free(state)

    run(story())


REVIEWED = """
from fieldfare import Verdict, hookimpl

@hookimpl
def fieldfare_review(action, automation, account):
    if action.drafts[0].text == "free":
        return Verdict(reason=f"{automation.name} promises nothing to {account.name}")
"""


def test_a_running_daemon_asks_its_reviewers_about_an_edit(project: Path) -> None:
    (project / "reviewer.py").write_text(REVIEWED)

    async def story() -> None:
        engines: list[Engine] = []
        made = daemon(project, engines.append)
        going = asyncio.create_task(made.run())
        await until(lambda: engines)
        control = project / ".fieldfare" / "control"
        await call(control, "pause", {"scope": "all"})
        made._arrivals.put("/hooks", hook([]))
        await until(lambda: engines[0]._around.store.read(query.counts).get("due"))
        with pytest.raises(ControlError, match="stays as it is: review: news promises nothing to brand"):
            await call(control, "edit", {"key": "1", "text": "free"})
        made.request_stop("the end")
        await going

    run(story())


REFRESHED = """
from fieldfare.testing import Playground as Village

class Playground(Village):
    async def open(self, services):
        await services.keep("refresh", str(int(services.kept("refresh") or 0) + 1))
        return await super().open(services)
"""


def test_a_dry_run_keeps_a_new_token_where_the_next_run_finds_it(project: Path) -> None:
    (project / "refreshed.py").write_text(REFRESHED)
    hooks = project / "hooks.py"
    hooks.write_text(hooks.read_text().replace("from fieldfare.testing import", "from refreshed import"))
    state = project / ".fieldfare"

    async def story() -> None:
        tokens: list[str | None] = []
        for dry in (True, True, False, True):
            await daemon(project, dry_run=dry, once=True).run()
            store = Store.inline(state / "fieldfare.db")
            tokens.append(store.read(accounts.kept, "brand", "refresh"))
            if not any(row[2] for row in store.read(query.accounts)):
                assert len(tokens) < 3, "a dry run writes nothing else"
            await store.close()
        assert tokens == ["1", "2", "3", "4"]

    run(story())
