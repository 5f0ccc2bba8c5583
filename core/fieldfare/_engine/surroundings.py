"""What the engine is given: store, clock, randomness, folders, secrets, clients, and what may stop it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .._store.sqlite import Store
from .clock import Clock
from .ingest import Arrivals
from .media import MediaFolder
from .sessions import ClientFactory, Secrets
from .tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything the engine needs from outside."""

    store: Store
    clock: Clock
    rnd: random.Random
    project: Path
    media: MediaFolder
    secrets: Secrets
    client: ClientFactory
    stopped: Callable[[str, str, str], str | None]
    arrivals: Arrivals
    redact: Callable[[str], str] = lambda text: text
    tokens: Tokens | None = None
    """Where sessions keep theirs, if not in the store."""
    private: tuple[str, ...] = ()
    """Private address ranges that notices may go to."""
