"""The way out: the only package that speaks HTTP. One guarded client per account."""

from __future__ import annotations

from .client import Client, Clock
from .guard import Guard, Hopeless, refused
from .redact import Redactor
from .resolver import Resolver, look_up
from .transport import Sockets, open_transport, trusted

__all__ = [
    "Client",
    "Clock",
    "Guard",
    "Hopeless",
    "Redactor",
    "Resolver",
    "Sockets",
    "look_up",
    "open_transport",
    "refused",
    "trusted",
]
