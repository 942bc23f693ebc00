"""Where blocks go: what an output promises, and the one for a machine without a card."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

from foretone.errors import SoundBusyError
from foretone.ring import Frames

SPARE, TIMES = 0.0001, 2
"""A block is begun so many seconds, and so many times what one usually costs, before there is room for it."""

_WARY = 600.0
"""For so many seconds after the system held us up, blocks are begun a whole block before there is room."""


class Output(Protocol):
    """A stereo sink that takes blocks at its own pace. Audio thread only."""

    name: str
    rate: int
    """Frames per second, as granted."""
    period: int
    """Frames in a block, as granted."""
    paced: bool
    """Whether a clock stands in for a card."""

    def prime(self) -> None:
        """Fill the whole buffer with silence: at the start, and after it ran dry."""

    def wait(self, lead: float) -> None:
        """Wait until `lead` seconds before there is room for a block."""

    def write(self, block: Frames) -> bool:
        """Play int16 [period, 2]; wait for room. False if it ran dry: what it had of that may be lost."""

    def close(self) -> None:
        """Play what is in the buffer, then release the device."""


class Lead:
    """How long before there is room for it a block is begun: longer than it takes to draw.

    A block that is ready when there is room leaves the whole buffer for the moments when the processor is
    elsewhere; one that is only begun then leaves the buffer less what it costs. One that is begun much sooner
    knows less of the hand, so that is kept for a system that has lately held us up by a block and more, as a
    virtual machine's host does. `span` is the length of a block in seconds, and the longest lead.

    What a block costs is the median, followed as Robbins and Monro follow a root (1951): up by a small step
    for each block that took longer, down by one for each that did not.
    """

    def __init__(self, span: float) -> None:
        self._span, self._cost = span, span / 8
        self._handed, self._wary = math.inf, -math.inf
        self.seconds = min(TIMES * self._cost + SPARE, span)
        """How long before there is room the next block is begun."""

    def drawn(self, seconds: float, now: float) -> None:
        """A block took so long to draw, and has been handed over now; both in seconds."""
        step = self._span / 500
        self._cost = max(self._cost + (step if seconds > self._cost else -step), 0.0)
        if now - self._handed > 2.0 * self._span:
            self._wary = now + _WARY
        self._handed = now
        self.seconds = self._span if now < self._wary else min(TIMES * self._cost + SPARE, self._span)


class ClockedNull:
    """No card: sound is thrown away at the speed at which a card would play it.

    It behaves as a card does: it has a buffer of `periods` periods, makes the writer wait while that is full,
    and runs dry when the writer is late. (ALSA's own `null` takes everything at once.)
    """

    paced = True

    def __init__(
        self,
        rate: int,
        period: int,
        periods: int,
        *,
        name: str = "no card, paced by the clock",
        card: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.rate, self.period = name, rate, period
        self._buffer = period * periods
        self._now, self._sleep, self._card = now, sleep, card
        self._looked = 0
        self._started = 0.0
        self._given = 0

    def prime(self) -> None:
        """Begin to play a buffer of silence, now."""
        self._started, self._given = self._now(), self._buffer

    def wait(self, lead: float) -> None:
        """Wait until so many seconds before a block fits."""
        self._pause(self._given + self.period - lead * self.rate)

    def write(self, block: Frames) -> bool:
        """Wait until the block fits; False if the buffer had run dry.

        Looks once a second whether there is a `card` now, and makes way for it with SoundBusyError.
        """
        self._looked += len(block)
        if self._looked >= self.rate:
            self._looked = 0
            if self._card():
                raise SoundBusyError("there is a sound card now")
        if (self._now() - self._started) * self.rate > self._given:
            return False
        self._given += len(block)
        self._pause(self._given)
        return True

    def _pause(self, given: float) -> None:
        """Sleep until no more than a buffer of so many frames is left to play."""
        pause = self._started + (given - self._buffer) / self.rate - self._now()
        if pause > 0.0:
            self._sleep(pause)

    def close(self) -> None:
        """Wait for the end of what was given."""
        self._sleep(max(0.0, self._started + self._given / self.rate - self._now()))
