"""The one place that knows time."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Monotonic seconds, and waiting. Any thread may call it."""

    def now(self) -> float:
        """Seconds since some fixed moment; never jumps back, whatever the network says the time is."""

    def wait(self, queue: SimpleQueue[T], until: float) -> T | None:
        """The next thing in the queue, or None when it is `until`."""


class WallClock:
    """CLOCK_MONOTONIC: the same seconds in every process of this machine, so event times may travel."""

    now = staticmethod(time.monotonic)

    @staticmethod
    def wait(queue: SimpleQueue[T], until: float) -> T | None:
        """Sleep in the kernel, never spin. `until` may be `inf`: then wait for as long as it takes.

        One thread waits at a queue. It looks without waiting first, which is more than haste: up to Python
        3.12 a `get` that finds the queue's lock free, as the one before left it, takes it as a sign that
        something came, counts its time anew and, where that is over meanwhile, waits until something does
        come. That is for ever where only the waiting thread itself would make it come.
        """
        try:
            return queue.get_nowait()
        except Empty:
            pause = until - time.monotonic()
        if pause <= 0.0:
            return None
        try:
            return queue.get(timeout=min(pause, 3600.0))
        except Empty:
            return None


class HandClock:
    """A clock that a test, or `foretone replay --fast`, moves by hand. Waiting takes no time at all."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Where the hand was last put."""
        return self._now

    def move_to(self, moment: float) -> None:
        """Put the hand at `moment`, in seconds; it does not go backwards."""
        self._now = max(self._now, moment)

    def wait(self, queue: SimpleQueue[T], until: float) -> T | None:
        """Take what is in the queue; with nothing there, it is `until` at once."""
        try:
            return queue.get_nowait()
        except Empty:
            self.move_to(until)
            return None
