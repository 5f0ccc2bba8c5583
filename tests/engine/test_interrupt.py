"""Code that does not end is ended, and whoever else waits for a signal is told of it all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from fieldfare._engine.interrupt import TooSlow, interruptible


def spin() -> None:
    while True:
        pass


def test_what_does_not_end_in_time_is_ended() -> None:
    with pytest.raises(TooSlow, match=r"not done after 0\.1 s"), interruptible(0.1):
        spin()


def test_what_catches_everything_is_ended_all_the_same() -> None:
    def stubborn() -> None:
        try:
            spin()
        except BaseException:
            spin()

    with pytest.raises(TooSlow), interruptible(0.1):
        stubborn()


def test_within_another_the_shorter_time_counts_and_the_rest_of_the_longer_goes_on() -> None:
    with pytest.raises(TooSlow, match=r"not done after 0\.1 s"), interruptible(0.1), interruptible(30):
        spin()
    with interruptible(30):
        with pytest.raises(TooSlow), interruptible(0.1):
            spin()
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30 - 0.1


def test_a_signal_to_stop_ends_it_and_reaches_the_loop() -> None:
    async def waits() -> str:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set_result, "SIGTERM")
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        with pytest.raises(KeyboardInterrupt), interruptible(30):
            spin()
        timer.join()
        return await asyncio.wait_for(told, 10)

    assert asyncio.run(waits()) == "SIGTERM"


def test_what_ends_in_time_leaves_no_trace() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)]
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    with interruptible(30):
        pass
    after, again = signal.getitimer(signal.ITIMER_REAL)
    assert left - 1 < after <= left
    assert again == 0
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)] == before
