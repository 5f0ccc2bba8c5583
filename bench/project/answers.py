"""The job: whoever mentions a brand of ours and names the drink of a rule gets an answer, with their name in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fieldfare import Account, Automation, Caps, Context, Mention, Reply, contains, on
from fieldfare.plugin import Trigger

from .network import BenchNetwork, OnPushed
from .settings import ACCOUNTS, PER_ACCOUNT, PER_CONVERSATION, PER_PERSON, PUSH, RULES, SERVER

CAPS = Caps(per_conversation=PER_CONVERSATION, per_person=PER_PERSON, per_account=PER_ACCOUNT)

brands = tuple(Account(f"brand-{n}", BenchNetwork(server=SERVER, name=f"brand-{n}")) for n in range(ACCOUNTS))
told: Trigger[Mention] = OnPushed(of=brands) if PUSH else on.mention(*brands, every=timedelta(seconds=1))


def answer(event: Mention, ctx: Context) -> Reply:
    name = event.post.author.name
    return Reply(
        to=event.post.ref, text=f"Hello {name}, thank you for asking! Today's drink is on the board by the door."
    )


rules: list[Automation[Any]] = [
    Automation(name=f"answer-{n}", trigger=told, when=contains(f"drink{n:04d}"), decide=answer, limits=[CAPS])
    for n in range(RULES)
]
