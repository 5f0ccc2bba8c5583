"""The scripted person: approves, refuses, edits, cancels, pauses, retries, and looks when nobody else can tell."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fieldfare._store import query
from fieldfare._store.query import Full

from .story import Story

FOREVER = 1e12
LOOKS_AFTER = 75.0
"""Seconds that the person waits before looking at the network: later than anything can still appear."""


@dataclass(slots=True)
class Paused:
    """A pause as the person knows it: from its acknowledgement until a resume is asked for."""

    scope: str
    since: float
    until: float = FOREVER


@dataclass(slots=True)
class Approved:
    """What the person saw and let go."""

    digest: str
    texts: tuple[str, ...]


@dataclass
class Person:
    """Acts through the daemon's operations; what was acknowledged is remembered, and may be held against it."""

    story: Story
    patient: bool = False
    """Faults are over: only what waits is answered."""
    cancelled: dict[str, float] = field(default_factory=dict[str, float])
    pauses: list[Paused] = field(default_factory=list[Paused])
    approved: dict[str, Approved] = field(default_factory=dict[str, Approved])
    choices: dict[str, str] = field(default_factory=dict[str, str])
    seen: dict[tuple[str, str, int], float] = field(default_factory=dict[tuple[str, str, int], float])
    seen_absent: Counter[str] = field(default_factory=Counter[str])
    retried: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.rnd = random.Random(self.story.rnd.getrandbits(64))

    async def live(self) -> None:
        while True:
            await asyncio.sleep(self.rnd.uniform(2, 8))
            for row in self.rows(("held", "uncertain")):
                await self._answer(row)
            if not self.patient and self.rnd.random() < self.story.universe.stops:
                await self._interfere()
            await self._let_in()

    def rows(self, states: tuple[str, ...] = ()) -> list[Full]:
        return list(reversed(query.deliveries(self.story.disk, states=states, limit=10_000)))

    def waits(self, row: Full) -> float:
        """For how long the person has seen this row wait."""
        now = self.story.loop.virtual
        return now - self.seen.setdefault((row.key, row.hold, row.token), now)

    async def _do(self, name: str, **args: Any) -> dict[str, Any] | str | None:
        said = await self.story.operate(name, args)
        self.story.trace.say(f"person: {name} {args} → {said}")
        return said

    async def _done(self, name: str, **args: Any) -> bool:
        """Whether it was acknowledged."""
        return isinstance(await self._do(name, **args), dict)

    # -- what waits for a person

    async def _answer(self, row: Full) -> None:
        waited = self.waits(row)
        match row.state, row.hold:
            case "held", "approval" | "late":
                choice = self.choices.setdefault(
                    f"{row.key}@{row.revision}",
                    self.rnd.choice(("approve", "approve", "approve", "slow", "refuse", "never", "edit", "stale")),
                )
                await self._decide(row, choice, waited)
            case "uncertain", "person" if waited > LOOKS_AFTER:
                await self._settle(row)
            case _:
                return

    async def _decide(self, row: Full, choice: str, waited: float) -> None:
        match choice:
            case "approve" if waited > 2:
                await self._approve(row)
            case "slow" if waited > 70:
                await self._approve(row)
            case "never" if row.hold == "late":
                await self._do("refuse", key=row.key)
            case "refuse" if waited > 4:
                await self._do("refuse", key=row.key)
            case "edit":
                await self._edit(row)
            case "stale":
                # Somebody else edits it while the first one still looks at the old text.
                await self._edit(row)
                await self._approve(row)
            case _:
                return

    async def _approve(self, row: Full) -> None:
        before = self.approved.get(row.key)
        # It may be taken although no answer comes: it was meant from the first.
        self.approved[row.key] = Approved(row.digest, texts_of(row))
        if isinstance(await self._do("approve", key=row.key, digest=row.digest[:12]), str):
            self.approved.pop(row.key)
            if before is not None:
                self.approved[row.key] = before

    async def _edit(self, row: Full) -> None:
        if row.kind not in ("publish", "reply"):
            return
        if await self._done("edit", key=row.key, text=f"edited  {self.rnd.randrange(1000)}"):
            self.approved.pop(row.key, None)

    async def _settle(self, row: Full) -> None:
        network = next(n for n in self.story.networks.values() if n.name == row.account)
        steps = self.story.disk.execute(
            "SELECT name FROM steps WHERE delivery = ? AND sent_at IS NOT NULL AND answered = 0", (row.id,)
        ).fetchall()
        wanted = {name for (name,) in steps} or set(expected_steps(row))
        out = {fact.step for fact in network.facts if fact.intent == row.key}
        happened = bool(wanted) and wanted <= out
        if not happened and self.seen_absent[row.key] >= 2:
            # The network takes the same words for the same post: the person leaves it at that.
            happened = True
        self.seen_absent[row.key] += 1
        post = next((f.what.split()[1] for f in network.facts if f.intent == row.key and f.step in wanted), "")
        if await self._done("settle", key=row.key, happened=happened, post=post if happened else ""):
            self.story.settled_by_hand.add(row.key)

    async def _let_in(self) -> None:
        """Credentials were put right: the account may go on."""
        for scope, _, by, _ in query.pauses(self.story.disk):
            if by == "fieldfare" and self.rnd.random() < 0.4:
                await self._resume(scope)

    # -- what a person does unasked

    async def _interfere(self) -> None:
        rows = self.rows(("held", "due", "failed", "expired", "refused", "cancelled"))
        open_rows = [row for row in rows if row.state in ("held", "due")]
        ended = [row for row in rows if row.state not in ("held", "due") and row.key not in self.retried]
        match self.rnd.choice(("pause", "pause", "cancel", "edit", "retry", "resume")):
            case "pause":
                await self._pause()
            case "resume":
                await self._resume("all")
            case "cancel" if open_rows:
                key = self.rnd.choice(open_rows).key
                if await self._done("cancel", key=key):
                    self.cancelled[key] = self.story.loop.virtual
            case "edit" if open_rows:
                await self._edit(self.rnd.choice(open_rows))
            case "retry" if ended:
                key = self.rnd.choice(ended).key
                self.cancelled.pop(key, None)
                self.retried.add(key)
                await self._do("retry", key=key)
            case _:
                return

    async def _pause(self) -> None:
        universe = self.story.universe
        account = self.rnd.choice(universe.accounts).account
        automation = self.rnd.choice(universe.automations).name
        scope = self.rnd.choice(("all", f"account:{account.name}", "platform:pigeon", f"automation:{automation}"))
        if await self._done("pause", scope=scope):
            self.pauses.append(Paused(scope, self.story.loop.virtual))
        await asyncio.sleep(self.rnd.choice((3, 20, 60, 140)))
        await self._resume(scope)

    async def _resume(self, scope: str) -> None:
        self.lifted(scope)
        for _ in range(20):
            if await self._done("resume", scope=scope):
                return
            await asyncio.sleep(5)

    async def everything_goes_on(self) -> None:
        await self._resume("all")

    def lifted(self, scope: str) -> None:
        """A resume is asked for: from now on nothing is promised."""
        for pause in self.pauses:
            if pause.until == FOREVER and scope in ("all", pause.scope):
                pause.until = self.story.loop.virtual


def texts_of(row: Full) -> tuple[str, ...]:
    action = json.loads(row.action or "{}")
    drafts = [action["draft"], *action["thread"]] if "draft" in action else [action]
    return tuple(draft.get("text", "") for draft in drafts)


def expected_steps(row: Full) -> list[str]:
    """The steps by which this delivery would show itself."""
    match row.kind:
        case "publish" | "reply":
            return [f"post-{number}" for number in range(1, len(texts_of(row)) + 1)]
        case "like":
            return ["like"]
        case "boost":
            return ["activate"]
        case _:
            return []
