"""Files of a project run in the thread of the loop; one that does not end shall not keep the process from stopping."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

AGAIN = 1.0
"""Seconds after which what went on in spite of the first interruption is interrupted once more."""


class TooSlow(BaseException):
    """It was not done in time. No `Exception`, so that code which catches everything does not go on for ever."""


@contextmanager
def interruptible(seconds: float) -> Generator[None]:
    """Inside, SIGTERM and SIGINT raise KeyboardInterrupt, and after this many seconds TooSlow is raised.

    Within another one the shorter time counts. A loop that waits for the same signals is told of them afterwards; a
    SIGTERM that nobody waits for ends the process as ever. Outside the main thread nothing is interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    limit = min(seconds, left or seconds)

    def stopped(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    def late(number: int, frame: FrameType | None) -> NoReturn:
        raise TooSlow(f"not done after {limit:.2g} s")

    handlers = {signal.SIGTERM: stopped, signal.SIGINT: stopped, signal.SIGALRM: late}
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        del handlers[signal.SIGTERM]
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    began = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, limit, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001))
