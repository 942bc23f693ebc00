"""Slow oscillators, one for each voice."""

from __future__ import annotations

import math
import random

import numpy as np
import numpy.typing as npt

WAVES = ("sine", "triangle", "saw", "square", "noise")


class Oscillators:
    """Values -1..1 at the end of each block. Audio thread only. Noise is another value each time round."""

    def __init__(self, count: int, span: float) -> None:
        """With a block of `span` seconds."""
        self._span = span
        self._phase = [0.0] * count
        self._held = [0.0] * count
        self._random = random.Random(1)
        self._values = np.zeros(count)

    def step(self, waves: npt.NDArray[np.float64], rates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """A block passes; the values until the next call, for waves as in `WAVES` and rates in Hz."""
        for place, (wave, rate) in enumerate(zip(waves.tolist(), rates.tolist(), strict=True)):
            phase = self._phase[place] + rate * self._span
            if phase >= 1.0:
                phase -= math.floor(phase)
                self._held[place] = self._random.uniform(-1.0, 1.0)
            self._phase[place] = phase
            self._values[place] = self._value(int(wave), phase, place)
        return self._values

    def _value(self, wave: int, phase: float, place: int) -> float:
        if wave == 0:
            return math.sin(2.0 * math.pi * phase)
        if wave == 1:
            return 1.0 - 4.0 * abs(((phase + 0.25) % 1.0) - 0.5)
        if wave == 2:
            return 1.0 - 2.0 * phase
        if wave == 3:
            return 1.0 if phase < 0.5 else -1.0
        return self._held[place]
