"""What is kept, and for how long: bodies go in their time, keys never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from .._store import bodies
from .._store.sqlite import Store, ms
from .clock import Clock

RATES = timedelta(days=90)
"""How long what left is counted at least: an automation may be given a longer rate."""


@dataclass(kw_only=True)
class Retention:
    """Removes what is older than `keep` (None: nothing), portion by portion, so that others write in between."""

    store: Store
    clock: Clock
    keep: timedelta | None
    _bare: dict[Callable[..., bodies.Portion], int] = field(
        default_factory=dict[Callable[..., bodies.Portion], int], init=False
    )
    """Up to which row nothing is left, as far as this process has seen."""

    async def sweep(self, longest: timedelta) -> None:
        """One round over everything; `longest` is the longest span that any rate counts over."""
        now = self.clock.now()
        if self.keep is not None:
            before = ms(now - self.keep)
            # The events last: theirs are kept while what follows from them has its own.
            await self._over(bodies.of_deliveries, before)
            await self._over(bodies.of_events, before)
        while await self.store.do(bodies.of_rates, before=ms(now - max(longest, RATES))):
            pass

    async def _over(self, sentence: Callable[..., bodies.Portion], before: int) -> None:
        first = self._bare.get(sentence, 1)
        bare = more = True
        while more:
            portion = await self.store.do(sentence, first=first, before=before)
            first += bodies.PORTION
            bare, more = bare and portion.bare, portion.more
            if bare:
                self._bare[sentence] = first
