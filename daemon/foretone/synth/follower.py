"""Where somebody else's song is, from what they tell of it tick by tick, without the jitter of the cable.

An alpha-beta filter of position and tempo: the gains of a least-squares line through all ticks at first, so
that two ticks already tell a tempo, and of a steady bandwidth later (E. Brookner, "Tracking and Kalman
Filtering Made Easy", 1998, chapter 1; F. Adriaensen, "Using a DLL to filter time", LAC 2005).
"""

from __future__ import annotations

import math

BANDWIDTH = 0.5
"""Hz: how fast a change of tempo is followed; a second or so."""
LOST = 0.25
"""Beats off the line that are no jitter: the song went on elsewhere."""
SLOWEST, FASTEST = 20 / 60, 300 / 60
"""Beats a second."""


class Follower:
    """Told where the song was; says where it is. Audio thread only.

    position, time
        Where the song was told to be, in beats, and at which second of any one clock.
    tempo
        Beats a second, as long as nothing better is known.
    """

    def __init__(self, position: float, time: float, tempo: float) -> None:
        self.tempo = tempo
        self.time = time
        """When something was told last."""
        self._position, self._count = position, 1

    def hear(self, position: float, time: float) -> bool:
        """The song is at `position` at `time`. False when that is elsewhere: begin a new one there."""
        since = time - self.time
        error = position - self.at(time)
        if since <= 0.0:
            return abs(error) < LOST
        if self._count == 1 and position > self._position:
            # The first step is a tempo by itself, whatever was thought before.
            tempo = (position - self._position) / since
            if not SLOWEST <= tempo <= FASTEST:
                return False
            self.tempo, self._position, self.time, self._count = tempo, position, time, 2
            return True
        if abs(error) >= LOST:
            return False
        self._count += 1
        n, turn = self._count, 2.0 * math.pi * BANDWIDTH * since
        alpha = max(2.0 * (2 * n - 1) / (n * (n + 1)), min(math.sqrt(2.0) * turn, 1.0))
        beta = max(6.0 / (n * (n + 1)), min(turn * turn, 1.0))
        self._position = self.at(time) + alpha * error
        self.tempo = min(max(self.tempo + beta * error / since, SLOWEST), FASTEST)
        self.time = time
        return True

    def at(self, time: float) -> float:
        """Where the song is, in beats."""
        return self._position + self.tempo * (time - self.time)
