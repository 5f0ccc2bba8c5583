"""Before the first byte of what waited: its target as it is now, and `when` judged on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .._contract.actions import Action, Reply
from .._contract.platform import ReadsPosts, Session
from .._domain.errors import NotSent, PlatformError
from .._domain.events import Event, MetricsObserved, PostEvent
from .placed import Placed


async def second_look(
    session: Session, action: Action[Any], placed: Placed | None, event: Event | None, now: datetime
) -> str | None:
    """Why it must not leave any more; None when nothing speaks against it, or the network cannot be asked.

    Raises NotSent when the target could not be read.
    """
    target = action.target
    if target is None or not isinstance(session, ReadsPosts):
        return None
    try:
        post = (await session.posts([target])).get(target.id)
    except PlatformError as exc:
        raise NotSent(f"its target could not be read again: {exc}") from exc
    if post is None:
        return "its target is gone"
    if isinstance(action, Reply) and not post.replies_allowed:
        return "its target takes no replies any more"
    if placed is None or not isinstance(event, PostEvent) or not event.post.ref.same(post.ref):
        return None
    update: dict[str, Any] = {"post": post}
    if isinstance(event, MetricsObserved) and post.metrics is not None:
        update["metrics"] = post.metrics
    fresh = event.model_copy(update=update)
    for condition in (placed.automation.trigger.condition(), placed.automation.when):
        said = condition.why_not(fresh, now) if condition is not None else None
        if said is not None:
            return f"at the second look: {said}"
    return None
