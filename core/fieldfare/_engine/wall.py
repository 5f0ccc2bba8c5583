"""The wall clock as somebody may set it, watched against the one that nobody sets."""

from __future__ import annotations

from .._store.sqlite import ms
from .clock import Clock

SET_BACK = 500
"""Milliseconds by which a clock that is only being adjusted does not fall behind between two looks."""


class Wall:
    """Notices when the wall clock is set back: waits are kept as its moments, and would become longer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = self._now_ahead()
        """By how many ms the wall clock is ahead of the monotonic one."""

    def set_back(self) -> int:
        """By how many ms it was set back since the last look; 0 when it was not."""
        ahead = self._now_ahead()
        by, self._ahead = self._ahead - ahead, ahead
        return by if by > SET_BACK else 0

    def _now_ahead(self) -> int:
        return ms(self._clock.now()) - int(self._clock.monotonic() * 1000)
