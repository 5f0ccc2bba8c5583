"""Files of a project run in the thread of the loop; one that does not end shall not keep the process from stopping."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def interruptible(seconds: float) -> Generator[None]:
    """Inside, SIGTERM and SIGINT raise KeyboardInterrupt, and after this many seconds TimeoutError is raised.

    A loop that waits for the same signals is told of them afterwards. Outside the main thread nothing is interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stopped(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    def late(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"not done after {seconds:g} s")

    handlers = {signal.SIGTERM: stopped, signal.SIGINT: stopped, signal.SIGALRM: late}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
