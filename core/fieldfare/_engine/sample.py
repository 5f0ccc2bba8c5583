"""Made-up events, one of each built-in kind: short, public, from a stranger. For asking a rule what it would write."""

from __future__ import annotations

from datetime import datetime

from .._contract.platform import Account
from .._domain import events
from .._domain.events import Event
from .._domain.values import Author, Draft, Metrics, Post, PostRef

_MANY = 1_000_000


def sample(kind: type[Event], account: Account | None, now: datetime) -> Event | None:
    """An event of this kind as `account` could have observed it; None for kinds that a plugin brought."""
    platform = account.platform.kind if account else "sample"
    ref = PostRef(platform=platform, id="sample")
    author = Author(id="sample-author", handle="ada", name="Ada", followers=_MANY)
    post = Post(ref=ref, author=author, text="Hello?", created_at=now)
    metrics = Metrics(measured_at=now, likes=_MANY)
    common = {"id": "sample", "occurred_at": now, "account": account.name if account else ""}
    own: dict[type[Event], dict[str, object]] = {
        events.Mention: {"post": post},
        events.ReplyReceived: {"post": post},
        events.PostPublished: {"post": post},
        events.MetricsObserved: {"post": post, "metrics": metrics},
        events.Followed: {"author": author},
        events.DeliverySettled: {"automation": "sample", "delivery": "sample/1/0", "action": "publish", "ref": ref},
        events.SlotReached: {"nominal": now},
        events.ContentDue: {"draft": Draft(text="Hello!")},
        events.EntryPublished: {"title": "Hello", "link": "https://blog.example/hello"},
        events.HookReceived: {"body": {}},
        events.TroubleSeen: {"what": "held", "says": "something is held"},
    }
    return kind.model_validate(common | own[kind]) if kind in own else None
