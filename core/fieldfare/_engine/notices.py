"""Where `Notify` ends: the log, or somebody's web hook. No account is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from .._contract.actions import Notifies
from .._contract.delivery import Attempt
from .._contract.http import Answer, Request, sort_write
from .._contract.platform import Declaration, Session
from .._domain.errors import AuthFailed, Rejected
from .._domain.values import Author, Pending, Receipt, Secret
from .._net import Hopeless

log = structlog.get_logger("fieldfare.notice")


def _sort(answer: Answer) -> None:
    """As `sort_write`; a web hook that wants other credentials is wrong itself: no account is, and none is paused."""
    try:
        sort_write(answer)
    except AuthFailed as exc:
        raise Rejected(str(exc)) from exc


class Notices(Notifies):
    """The engine's own session: a notice is a log line at warning level, or a POST of `{"text": …}`."""

    declares: Mapping[type[Session], Declaration] = {Notifies: Declaration(idempotency="none")}
    in_flight = 8

    def __init__(self, read_secret: Callable[[str], str]) -> None:
        self._read_secret = read_secret

    async def whoami(self) -> Author:
        return Author(id="", handle="")

    async def notify(self, text: str, webhook: Secret | str | None, attempt: Attempt) -> Receipt | Pending:
        if webhook is None:
            log.warning("notice", text=text)
            return Receipt(note="logged")
        url = self._read_secret(webhook.name) if isinstance(webhook, Secret) else webhook
        try:
            answer = await attempt.send("post", Request(method="POST", url=url, json={"text": text}), sort=_sort)
        except Hopeless as exc:
            # We refuse the address ourselves, and will tomorrow: its owner shall hear of it now.
            raise Rejected(str(exc)) from exc
        return Receipt(note=f"the web hook answered {answer.status}")
