"""Movements as steps of equal length, in which gestures are looked for."""

from __future__ import annotations

from foretone.follower import Follower
from foretone.spotter import Spotter

CAUGHT_UP = 1.0
"""Seconds of stillness after which gestures are not looked for."""


class Stream:
    """What one spotter or follower hears. Between two movements the hand is where it was."""

    def __init__(self, model: Spotter | Follower) -> None:
        self.model = model
        self._heard: tuple[float, list[float]] | None = None

    def hear(self, now: float, x: list[float]) -> int:
        """The hand is at x, features, from now on; returns the gesture that it has made meanwhile, or 0."""
        step, found = self.model.gestures.step, 0
        if self._heard is None or now > self._heard[0] + CAUGHT_UP + step:
            self._heard = (now, x)
            return self.model.hear(x)
        moment, before = self._heard
        while moment + step <= now:
            moment += step
            found = self.model.hear(x if moment + step > now else before) or found
        self._heard = (moment, x)
        return found
