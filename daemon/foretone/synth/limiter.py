"""The last thing that the sound passes: no constant, nothing above the ceiling, 16 bits."""

from __future__ import annotations

import math

import numpy as np

from foretone.ring import Frames
from foretone.synth import kernel
from foretone.synth.kernel import Address, address
from foretone.synth.voice import FULL, Samples

CEILING = math.floor(FULL * 10 ** (-1 / 20))
"""-1 dBFS: a converter's filter can overshoot between samples."""

_RECOVER = 0.15
"""Time constant of the release, in seconds."""

_DRIFT = 0.05
"""Time constant with which a constant is taken away, in seconds: it is a high-pass at 3 Hz."""


class Limiter:
    """Blocks of a mix in, blocks of int16 out. Audio thread only; allocates nothing after the constructor.

    lookahead
        Hold the sound back by one period, so that it turns down before a peak comes.
    """

    def __init__(self, rate: int, period: int, *, lookahead: bool) -> None:
        span = period / rate
        self._recover = 1.0 - math.exp(-span / _RECOVER)
        self._follow = 1.0 - math.exp(-span / _DRIFT)
        self._fall = 10 ** (-span)
        self._mix = np.zeros((2, period), np.float32)
        self._held = np.zeros((2, period), np.float32) if lookahead else None
        self._held_needs = 1.0
        self._work = np.zeros((2, period), np.float32)
        self._samples = self._work.reshape(-1)  # argmax of it needs no memory; max would
        self._ramp = np.tile(np.arange(1, period + 1, dtype=np.float32) / period, (2, 1))
        self._gain = 1.0
        self._line = np.zeros((2, period), np.float32)
        # The constant of each side: where it is, and how far it goes in the block; a kernel needs the first.
        self._constant = np.zeros((2, 2), np.float32)
        self._even = np.zeros(2)
        self._basis = np.stack((np.ones(period, np.float32), self._ramp[0]))
        self._share = np.full((period, 1), 1.0 / period, np.float32)
        self._mean = np.zeros((2, 1), np.float32)
        self._block = np.zeros((period, 2), np.int16)
        self._kernel = kernel.library
        self._lie = address(self._even), address(self._block)
        self._given = Address()
        self._ours = {id(array): address(array) for array in (self._mix, self._held) if array is not None}
        self.peak = 0.0
        """The loudest sample lately, 0..1; falls by 20 dB a second."""

    def pause(self, silence: Frames) -> Frames:
        """A block in which nothing sounds."""
        self.peak *= self._fall
        self._gain = 1.0
        return silence

    def render(self, mix: Samples, *, silent: bool) -> Frames:
        """The block that is due, int16 [period, 2].

        `mix` is the one that is drawn, float32 [2, period] in steps of int16; `silent` when it is all but 0.
        """
        self.peak *= self._fall
        self.peak = max(self.peak, self._limit(self._take_constant(mix, silent)) / FULL)
        return self._block

    def _take_constant(self, mix: Samples, silent: bool) -> float:
        """Take what stays the same from the mix, along a line; in a block of silence it comes to nothing.

        The loudest sample of what is left.
        """
        if self._kernel is not None:
            places = self._given(mix), self._lie[0], self._ours[id(self._mix)]
            loudest: float = self._kernel.even(len(mix[0]), silent, self._follow, *places)
            return loudest
        before, step = self._constant[:, :1], self._constant[:, 1:]
        np.matmul(mix, self._share, out=self._mean)
        np.subtract(self._mean, before, out=step)
        np.multiply(step, self._follow, out=step)
        if silent:
            np.negative(before, out=step)
        np.matmul(self._constant, self._basis, out=self._line)
        np.subtract(mix, self._line, out=self._mix)
        np.add(before, step, out=before)
        np.abs(self._mix, out=self._work)
        return float(self._samples[self._samples.argmax()])

    def _limit(self, loudest: float) -> float:
        """Bring what is due below the ceiling, into the block; return its peak."""
        needs = CEILING / loudest if loudest > CEILING else 1.0
        due, due_needs = self._mix, needs
        if self._held is not None:
            due, due_needs = self._held, self._held_needs
            self._held, self._mix, self._held_needs = self._mix, self._held, needs
        start = self._gain
        # Both ends of the line are within what this block needs, so all of it is: with look-ahead the line
        # has come down one block before. Without it, what is still too high is cut.
        self._gain = min(needs, due_needs, start + (1.0 - start) * self._recover)
        if self._kernel is not None:
            peak: float = self._kernel.limit(
                len(self._block), start, self._gain, CEILING, self._ours[id(due)], self._lie[1]
            )
            return peak
        if start == self._gain == 1.0:
            np.copyto(self._work, due)
        else:
            np.multiply(self._ramp, self._gain - start, out=self._line)
            np.add(self._line, start, out=self._line)
            np.multiply(due, self._line, out=self._work)
        np.clip(self._work, -CEILING, CEILING, out=self._work)
        samples = self._samples
        peak = max(float(samples[samples.argmax()]), -float(samples[samples.argmin()]))
        np.rint(self._work, out=self._work)
        np.copyto(self._block, self._work.T, casting="unsafe")
        return peak
