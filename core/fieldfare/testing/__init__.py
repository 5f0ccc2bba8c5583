"""For tests and for trying things out: a platform in memory, events to order, and decisions without consequences.

The kit for people who write connectors is `fieldfare.testing.contract`; it needs pytest, nothing else here does.
"""

from ._events import (
    author,
    delivered,
    due,
    entry,
    follow,
    hook,
    mention,
    post,
    published,
    reading,
    reply,
    slot,
    trouble,
)
from ._faults import Fault, answer_lost, answered, swallowed, unreachable
from ._lent import Handler, Hands, Lent
from ._playground import Playground
from ._simulate import Simulation, simulate
from ._trial import Trial

__all__ = [
    "Fault",
    "Handler",
    "Hands",
    "Lent",
    "Playground",
    "Simulation",
    "Trial",
    "answer_lost",
    "answered",
    "author",
    "delivered",
    "due",
    "entry",
    "follow",
    "hook",
    "mention",
    "post",
    "published",
    "reading",
    "reply",
    "simulate",
    "slot",
    "swallowed",
    "trouble",
    "unreachable",
]
