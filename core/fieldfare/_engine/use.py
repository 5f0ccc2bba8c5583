"""Who still needs what is to be closed."""

from __future__ import annotations

import asyncio


class Use:
    """Counts those who are using something: `with use:` around it. `over` is set while nobody is."""

    def __init__(self) -> None:
        self._count = 0
        self.over = asyncio.Event()
        self.over.set()

    def __enter__(self) -> None:
        self._count += 1
        self.over.clear()

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self.over.set()
