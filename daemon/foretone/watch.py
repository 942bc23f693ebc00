"""Lateness, measured and named; and systemd's watchdog, fed by completed steps only."""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import signal
import socket
import time
from collections.abc import Iterable
from typing import Any

BUDGET = 0.001
"""Seconds a part may take for one delivery on the conductor thread. Ten times this is never right."""

_NAP = 3600.0
"""Seconds that rest may wait at once where nobody watches it."""


class Histogram:
    """How long something took, in buckets 4 % apart from 1 us to 100 s. Adding allocates nothing.

    One thread adds; any thread may read a summary.
    """

    _STEP = math.log(1.04)
    _FIRST = 1e-6

    def __init__(self) -> None:
        self._buckets = [0] * 472
        self.n = 0
        self.max = 0.0

    def add(self, seconds: float) -> None:
        """Count one measurement, in seconds; a negative one counts as none at all."""
        index = int(math.log(seconds / self._FIRST) / self._STEP) + 1 if seconds > self._FIRST else 0
        self._buckets[min(index, 471)] += 1
        self.n += 1
        self.max = max(self.max, seconds)

    def quantile(self, share: float) -> float:
        """The duration in seconds that `share` (0..1) of the measurements did not exceed; 0 without any."""
        wanted, seen = share * self.n, 0
        for index, count in enumerate(self._buckets):
            seen += count
            if count and seen >= wanted:
                return min(self._FIRST * math.exp(index * self._STEP), self.max)
        return 0.0

    def summary(self) -> dict[str, float]:
        """p50, p99 and max in milliseconds, and how many."""
        figures = {"p50": self.quantile(0.5), "p99": self.quantile(0.99), "max": self.max}
        return {**{key: round(1000 * value, 4) for key, value in figures.items()}, "n": self.n}

    @classmethod
    def merged(cls, others: Iterable[Histogram]) -> Histogram:
        """All measurements of several."""
        total = cls()
        for other in others:
            total._buckets = [a + b for a, b in zip(total._buckets, other._buckets, strict=True)]
            total.n += other.n
            total.max = max(total.max, other.max)
        return total


class Late:
    """Names the part that took more than its budget; conductor thread only."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.last = ""

    def took(self, name: str, seconds: float) -> None:
        """A delivery to the part `name` took this long."""
        if seconds > BUDGET:
            self.counts[name] = self.counts.get(name, 0) + 1
            self.last = f"{name} took {1000 * seconds:.1f} ms"


class Systemd:
    """Ready, status and watchdog where systemd started us, else nothing. One thread uses it."""

    def __init__(self) -> None:
        path = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._library: Any = None
        if path:
            # Without it: a unit that waits to hear that we are ready must not wait in vain.
            with contextlib.suppress(ImportError):
                self._library = importlib.import_module("systemd.daemon")
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        self.interval = int(microseconds) / 4e6 if microseconds.isdigit() and path else math.inf
        self._next = 0.0

    def ready(self, status: str) -> None:
        """The instrument can be played. Waits until systemd has it."""
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Coming to rest."""
        self._tell("STOPPING=1")

    def step(self, now: float) -> None:
        """A step was completed, an idle one included; every quarter of the watchdog's time it is fed.

        It never waits, as systemd's own library may, so the audio loop can call it.
        """
        if now >= self._next:
            self._next = now + self.interval
            self._send("WATCHDOG=1", socket.MSG_DONTWAIT)

    def _tell(self, message: str) -> None:
        if self._library is not None:
            self._library.notify(message)
        else:
            self._send(message, 0)

    def _send(self, message: str, flags: int) -> None:
        """The datagram of sd_notify(3)."""
        if not self._address:
            return
        # Whoever does not hear that we live ends us; there is nobody else to tell.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
            here.sendto(message.encode(), flags, self._address)


def rest(status: str) -> int:
    """Live for systemd with nothing to do, until SIGTERM or SIGINT; then 0. Main thread only."""
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    systemd = Systemd()
    systemd.ready(status)
    systemd.step(time.monotonic())
    while signal.sigtimedwait(ends, min(systemd.interval, _NAP)) is None:
        systemd.step(time.monotonic())
    systemd.stopping()
    return 0
