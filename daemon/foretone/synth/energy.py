"""How hard a voice is being moved: what excites it, and how stillness fades."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_STILL = 0.0006
"""Energy below which a voice is silent: -64 dB of its level, reached about 2 s after the last movement."""

_TOUCH, _NUDGE, _PUSH = 0.35, 0.015, 4.0
"""What excites: the first event, any event, and a movement over a whole axis, the farthest that moved."""

_STEADY = 0.001
"""Of the whole axis; a difference this small is a number that was sent again, or noise."""


class Energy:
    """Energy 0..1 of some voices. Audio thread only."""

    def __init__(self, decays: Sequence[float], span: float) -> None:
        """With the time constant in seconds with which each fades; a block lasts `span` seconds."""
        self.now = np.zeros(len(decays))
        self._fade = np.array([math.exp(-span / decay) for decay in decays])

    def move(self, voice: int, distance: float | None) -> None:
        """Excite a voice that moved by so much of its axis; None for one that was at rest."""
        if distance is None:
            push = _TOUCH
        else:
            push = 1.0 - math.exp(-_NUDGE - _PUSH * distance) if distance > _STEADY else 0.0
        energy = float(self.now[voice])
        self.now[voice] = energy + (1.0 - energy) * push

    def fade(self) -> None:
        """A block of stillness."""
        np.multiply(self.now, self._fade, out=self.now)
        for voice in range(len(self.now)):
            if self.now[voice] < _STILL:
                self.now[voice] = 0.0
