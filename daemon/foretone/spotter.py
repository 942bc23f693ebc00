"""Finds gestures in a stream of movement while it goes on, however fast they are made.

Dynamic time warping of every template against every end of the stream at once: Sakurai, Faloutsos and
Yamamuro, Stream Monitoring under the Time Warping Distance (SPRING), 2007. One row of the table is a few
numpy calls: along a template the warping is a running minimum, once the costs on the way are taken off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.gestures import Gestures

FAR = 1e9
"""No distance is longer."""

SHORTEST, LONGEST = 0.5, 2.0
"""How fast a gesture may be made: the times of its template that it may take."""

PATIENCE = 0.2
"""The share of a template's length that a better match is waited for."""

Array = NDArray[np.float64]


class Spotter:
    """Hears a movement step by step. One thread uses it.

    distances
        How far each kind is from ending just now, by its threshold: below 1 it is one.
    """

    def __init__(self, gestures: Gestures) -> None:
        self.gestures = gestures
        count, longest = len(gestures.templates), max(map(len, gestures.templates))
        self._kinds = np.array(gestures.kinds) - 1
        self._lengths = np.array([len(template) for template in gestures.templates])
        self._thresholds = np.array(gestures.thresholds)[self._kinds] * self._lengths
        self._places = np.full((count, longest, len(gestures.factor)), FAR)
        for place, template in zip(self._places, gestures.templates, strict=True):
            place[: len(template)] = template
        self._each, self._along = np.arange(count), np.arange(longest)
        self.forget()

    def forget(self) -> None:
        """Begin again: nothing was heard."""
        shape = self._places.shape[:2]
        self._distance, self._start = np.full(shape, FAR), np.zeros(shape, int)
        self._now = 0
        self._best: tuple[float, int, int] | None = None
        self.distances = [FAR] * len(self.gestures.thresholds)

    def hear(self, x: Any) -> int:
        """One step of the stream, x [inputs]; returns the kind that has been made, or 0. About 50 us."""
        self._now += 1
        cost = self._costs(np.asarray(x) * self.gestures.factor)
        from_before, begun = self._before()
        spent = np.cumsum(cost, axis=1)
        way = from_before - (spent - cost)
        least = np.minimum.accumulate(way, axis=1)
        turn = np.maximum.accumulate(np.where(way <= least, self._along, 0), axis=1)
        self._distance = np.minimum(spent + least, FAR)
        self._start = np.take_along_axis(begun, turn, axis=1)
        return self._judge()

    def _costs(self, x: Array) -> Array:
        away = self._places - x
        return np.asarray(np.sqrt(np.minimum(np.einsum("tld,tld->tl", away, away), FAR)))

    def _before(self) -> tuple[Array, NDArray[np.int64]]:
        """The nearer of the same place and the one before it, a step ago, and where that way began."""
        stayed, moved = self._distance, np.empty_like(self._distance)
        begun = np.empty_like(self._start)
        moved[:, 1:], begun[:, 1:] = stayed[:, :-1], self._start[:, :-1]
        moved[:, 0], begun[:, 0] = 0.0, self._now
        return np.minimum(stayed, moved), np.where(stayed < moved, self._start, begun)

    def _judge(self) -> int:
        ends = self._distance[self._each, self._lengths - 1]
        lasted = self._now - self._start[self._each, self._lengths - 1] + 1
        fits = (lasted >= SHORTEST * self._lengths) & (lasted <= LONGEST * self._lengths)
        share = np.where(fits, ends / self._thresholds, FAR)
        nearest = np.full(len(self.distances), FAR)
        np.minimum.at(nearest, self._kinds, share)
        self.distances = nearest.tolist()
        best = int(share.argmin())
        if share[best] < 1.0 and (self._best is None or share[best] < self._best[0]):
            self._best = (float(share[best]), best, self._now)
        if self._best is None:
            return 0
        _, template, moment = self._best
        if self._now - moment < PATIENCE * self._lengths[template]:
            return 0
        # What has begun before this one ended belongs to it.
        self._distance[self._start <= moment] = FAR
        self._best = None
        return int(self._kinds[template]) + 1
