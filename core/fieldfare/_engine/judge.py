"""The judge of an automation set: who acts, who reviews, and what the store remembers."""

from __future__ import annotations

from .._host import PluginHost
from .._store import events, query
from .decide import Judge
from .sessions import Sessions
from .sets import AutomationSet
from .surroundings import Surroundings


def judge_of(around: Surroundings, automations: AutomationSet, host: PluginHost, sessions: Sessions) -> Judge:
    """A judge for these automations; it reads the store each time that it is asked, and nothing else."""
    store = around.store

    def identity(name: str) -> str:
        account = sessions.accounts.get(name)
        known = sessions.identity(name) or name
        return f"{account.platform.kind}:{known}" if account else known

    return Judge(
        accounts=automations.accounts,
        review=host.review,
        media=around.media,
        identity=identity,
        echo=lambda delivery: store.read(events.of_notice_of_notice, delivery),
        past=lambda automation: store.read(query.past, automation),
        memory=lambda automation, post: (
            store.read(events.armed, automation, post),
            store.read(events.began, automation),
        ),
    )
