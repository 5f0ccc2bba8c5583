"""The promises, held against what the network recorded."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from fieldfare import Event
from fieldfare._engine.explain import Explainer
from fieldfare._store import query
from fieldfare._store.sqlite import ms

from .connector import KIND
from .network import Begun
from .person import Person, expected_steps
from .story import Story
from .universe import plugins

UNMOVED = 450.0
"""Seconds without a change that make a delivery stuck: more than ten settle times, and than the longest back-off."""


class Checks:
    """Watches every write as it leaves, and adds up at the end."""

    def __init__(self, story: Story, person: Person) -> None:
        self.story = story
        self.person = person
        self.lost: list[str] = []
        self.doubled: list[str] = []
        self.stuck: list[str] = []
        self._moved: dict[str, tuple[object, float]] = {}
        story.on_begun.append(self._begun)
        if story.universe.cap is not None:
            story.after_commit = self._within_budget

    # -- at every point

    def _broken(self, what: str) -> None:
        self.story.trace.say(f"BROKEN: {what}")
        self.story.broken.append(what)

    def _begun(self, begun: Begun) -> None:
        (row,) = query.named(self.story.disk, begun.intent)
        if self.person.cancelled.get(begun.intent, begun.at) < begun.at:
            self._broken(f"{begun.intent} left after it was cancelled")
        scopes = ("all", f"account:{row.account}", f"platform:{KIND}", f"automation:{row.automation}")
        for pause in self.person.pauses:
            if pause.scope in scopes and pause.since < begun.at < pause.until:
                self._broken(f"{begun.intent} left while {pause.scope} was paused")
        if begun.intent.partition("/")[0] in self.story.universe.needs_approval:
            approved = self.person.approved.get(begun.intent)
            if approved is None:
                self._broken(f"{begun.intent} left without approval")
            elif begun.text and begun.text not in approved.texts:
                self._broken(f"{begun.intent} left with another text than was approved: {begun.text!r}")
        self._in_order(begun, row)

    def _in_order(self, begun: Begun, row: query.Full) -> None:
        earlier = self.story.disk.execute(
            "SELECT key, state, reason FROM deliveries WHERE account = ? AND line = ? AND id < ? AND automation = ?"
            " AND (state = 'sending' OR (state = 'due' AND attempts = 0 AND revision = 0 AND updated_at = created_at))",
            (row.account, row.line, row.id, row.automation),
        ).fetchall()
        for key, state, reason in earlier:
            self._broken(f"{begun.intent} left before {key}, which is {state} ({reason})")

    def _within_budget(self) -> None:
        rows = self.story.disk.execute(
            "SELECT automation, cost FROM deliveries WHERE cost IS NOT NULL"
            " AND state IN ('held', 'due', 'sending', 'uncertain', 'delivered')"
        ).fetchall()
        sums: dict[str, Decimal] = {}
        for automation, cost in rows:
            sums[automation] = sums.get(automation, Decimal(0)) + Decimal(cost)
        for automation, used in sums.items():
            if self.story.universe.cap is not None and used > self.story.universe.cap:
                self._broken(f"{automation} has reserved and spent {used} of {self.story.universe.cap}")
                self.story.after_commit = None

    # -- at the end

    def at_rest(self) -> bool:
        """Everything is final or nobody can move it any more; what should move and does not is stuck."""
        now = self.story.loop.virtual
        if self.story.disk.execute(
            "SELECT 1 FROM events WHERE state = 0 UNION SELECT 1 FROM feeds WHERE error != ''"
        ).fetchone():
            return False
        rest = True
        moved: dict[tuple[str, int], int] = {}
        tokens: Counter[str] = Counter()
        for id_, account, token in self.story.disk.execute("SELECT id, account, token FROM deliveries ORDER BY id"):
            moved[account, id_] = tokens[account]
            tokens[account] += token
        for row in self.person.rows(("held", "due", "sending", "uncertain")):
            if row.state == "held" and self.person.choices.get(f"{row.key}@{row.revision}") in ("never", "edit"):
                continue
            if row.reason.startswith("quiet hours"):
                continue
            # What is due may wait for its turn: as long as those before it move, so does it.
            before_it = moved.get((row.account, row.id), 0) if row.state == "due" else 0
            shape = (row.state, row.hold, row.token, row.attempts, row.revision, before_it)
            if row.event in self._young():
                continue
            before, since = self._moved.get(row.key, (None, now))
            if before != shape:
                self._moved[row.key] = (shape, since := now)
            if now - since <= UNMOVED and row.automation.startswith("slots"):
                continue  # slots go on for ever; their backlog moves
            if now - since > UNMOVED:
                said = f"{row.key} is {row.state} {row.hold} since {now - since:.0f} s: {row.reason}"
                if said.partition(" since")[0] not in {one.partition(" since")[0] for one in self.stuck}:
                    self.stuck.append(said)
                continue
            rest = False
        return rest

    def _young(self) -> set[int]:
        """Events of the last minute: slots go on for ever, and what they lead to is on its way."""
        rows = self.story.disk.execute("SELECT id FROM events WHERE kind = 'slot-reached' ORDER BY id DESC LIMIT 2")
        return {id_ for (id_,) in rows}

    def at_the_end(self) -> None:
        """Compare what the network did with what the store says."""
        self._events()
        if not self.at_rest() and not self.stuck:
            self.stuck.append("the universe did not come to rest")
        for network in self.story.networks.values():
            counts = Counter((fact.intent, fact.step) for fact in network.facts)
            self.doubled += [f"{intent} {step} happened {n} times" for (intent, step), n in counts.items() if n > 1]
            spent = sum((Decimal(c.spend) for c in network.campaigns.values() if c.active), Decimal(0))
            if self.story.universe.cap is not None and spent > self.story.universe.cap:
                self._broken(f"{network.name} spent {spent}")
        boosted: Counter[tuple[str, str]] = Counter()
        for row in self.person.rows():
            self._delivery(row, boosted)
        self.doubled += [f"{target} was boosted {n} times" for (_, target), n in boosted.items() if n > 1]
        for what, found in (("LOST", self.lost), ("DOUBLED", self.doubled), ("STUCK", self.stuck)):
            for one in found:
                self.story.trace.say(f"{what}: {one}")

    def _delivery(self, row: query.Full, boosted: Counter[tuple[str, str]]) -> None:
        if row.kind == "notify":
            return
        network = next(n for n in self.story.networks.values() if n.name == row.account)
        out = {fact.step for fact in network.facts if fact.intent == row.key}
        if row.kind == "boost" and "activate" in out:
            boosted[row.account, row.target] += 1
        wanted = set(expected_steps(row))
        if row.kind == "like" and row.target.partition(":")[2] in network.liked:
            out = wanted
        if row.state == "delivered" and not wanted <= out and row.key not in self.story.settled_by_hand:
            self.lost.append(f"{row.key} is said to be delivered, {sorted(wanted - out)} never happened")
        if row.state in ("refused", "cancelled", "expired") and wanted & out and row.kind != "like":
            self.lost.append(f"{row.key} is {row.state}, {sorted(out)} is out")
        if row.state == "failed" and row.kind != "like":
            unsaid = [step for step in sorted(wanted & out) if step not in row.reason]
            if unsaid:
                self.lost.append(f"{row.key} failed ({row.reason}), {unsaid} is out and not said to be")

    def _events(self) -> None:
        disk = self.story.disk
        known = dict(
            disk.execute(
                "SELECT e.event, e.state FROM events e JOIN feeds f ON f.id = e.feed WHERE f.key LIKE 'webhook:%'"
            )
        )
        for hook, (path, _) in self.story.hooks.items():
            if known.get(hook) != 1 and not (known.get(hook) == 2 and self.story.leapt):
                self.lost.append(f"web hook {hook} at {path} was acknowledged and is {known.get(hook)}")
        for network in self.story.networks.values():
            self._mentions(network.name)
        self._sequels()
        host = plugins()

        def decode(kind: str, body: str) -> Event:
            return host.event(kind).model_validate_json(body)

        explainer = Explainer(store=disk, decode=decode, now=self.story.clock.now())
        readers = self._readers()
        for row in query.events(disk, limit=100_000):
            if row.state == 0:
                self.lost.append(f"event {row.event} of {row.feed} was never decided")
            if row.state == 1:
                self._reasons(explainer, row, readers.get(row.feed, []))

    def _mentions(self, name: str) -> None:
        feed = f"mention:{KIND}:id-of-{name}"
        found = self.story.disk.execute(
            "SELECT id FROM feeds WHERE key = ? AND pulled_at IS NOT NULL", (feed,)
        ).fetchone()
        if found is None:
            return
        rows = dict(self.story.disk.execute("SELECT event, state FROM events WHERE feed = ?", found))
        first = min(
            (id_ for (id_,) in self.story.disk.execute("SELECT id FROM events WHERE feed = ?", found)), default=0
        )
        network = next(n for n in self.story.networks.values() if n.name == name)
        known_from = self.story.first_seen.get(feed, self.story.loop.virtual)
        for visible, mention in network.mentions[-30:]:
            if visible < self.story.loop.virtual - 60 and mention["id"] not in rows:
                self.lost.append(f"mention {mention['id']} was listed and is not recorded (first {first})")
            gap = self.story.leapt and len(self.story.holders) > 1
            if rows.get(mention["id"]) == 2 and visible > known_from + 30 and not gap:
                self.lost.append(f"mention {mention['id']} came while we looked, and counts as missed")

    def _sequels(self) -> None:
        """Everything that was delivered is a fact for whoever waits for it."""
        for feed, key in self.story.disk.execute("SELECT id, key FROM feeds WHERE key LIKE 'delivered:%'"):
            automation = key.split(":")[1]
            have = {e for (e,) in self.story.disk.execute("SELECT event FROM events WHERE feed = ?", (feed,))}
            for row in self.person.rows(("delivered",)):
                young = row.updated_at > ms(self.story.clock.now()) - 60_000
                steady = not (self.story.universe.jumps or self.story.ever_absent or young)
                if row.automation == automation and str(row.id) not in have and steady:
                    self.lost.append(f"nobody who waits for {automation} was told of {row.key}")
        rows = self.story.disk.execute(
            "SELECT e.event FROM events e JOIN feeds f ON f.id = e.feed WHERE f.key LIKE 'trouble:%'"
        )
        told = {int(event) for (event,) in rows}
        for (seq,) in self.story.disk.execute("SELECT seq FROM troubles ORDER BY seq DESC LIMIT -1 OFFSET 10"):
            if seq not in told:
                self.lost.append(f"nobody was told of trouble {seq}")

    def _readers(self) -> dict[str, list[str]]:
        """Automations that were there all the time, by the feed that they read."""
        identities = {one.account.name: f"id-of-{one.account.name}" for one in self.story.universe.accounts}
        readers: dict[str, list[str]] = {}
        for automation in self.story.universe.automations:
            if automation.name not in self.story.ever_absent:
                for feed in automation.trigger.feeds():
                    readers.setdefault(feed.key(identities), []).append(automation.name)
        return readers

    def _reasons(self, explainer: Explainer, row: query.EventRow, readers: list[str]) -> None:
        told = {one["automation"]: one for one in explainer.event(row)["decisions"]}
        for name in readers:
            said = told.get(name)
            if said is None or not (said["reason"] or said["verdict"] == "yes"):
                self.lost.append(f"nobody can say what {name} made of event {row.event}")
            elif said["recomputed"] and said["reason"].startswith("it reads another feed"):
                self.lost.append(f"event {row.event} was closed before {name} was asked")
