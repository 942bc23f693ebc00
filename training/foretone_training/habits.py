"""How somebody plays, in figures: waits, steps, gestures and rests, of a person or of a network by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.dataset import STILLNESS
from foretone_training.sampling import SHORTEST

PAUSES_WITHIN = 2.0  # times shorter or longer than another's are the longest waits of who plays like them
STEPS_WITHIN = 0.25  # smaller or larger than another's, as a share, is the mean step
LEAST = 0.004  # half a step of 128 levels: what is less, of a move, or of a wait in seconds, counts as this
SHARES = np.arange(0.05, 1.0, 0.1)
FEWEST = 5  # gestures or rests that have a distribution

Array = NDArray[Any]


@dataclass(frozen=True)
class Habits:
    """How somebody plays.

    The longest wait of a hundred (s), the mean step of an event (0..1 on each axis), events in a second; and
    every wait (s), step, gesture (s) and rest (s). A rest is a wait above `dataset.STILLNESS`, a gesture
    what lies between two rests.
    """

    dt_p99: float
    step: float
    rate: float
    each: dict[str, Array] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, performances: Iterable[Array]) -> Habits:
        """From performances [events, D] of two events and more; a first wait is what came before."""
        waits, steps, gestures = [], [], []
        for rows in performances:
            waits.append(rows[1:, 0])
            steps.append(np.sqrt((np.diff(rows[:, 1:], axis=0) ** 2).sum(axis=1)))
            gestures.append(_gestures(waits[-1]))
        every = {
            name: np.concatenate(parts) for name, parts in zip(NAMES, (waits, steps, gestures), strict=False)
        }
        every["rests"] = every["waits"][every["waits"] > STILLNESS]
        wait, step = every["waits"], every["steps"]
        return cls(
            float(np.quantile(wait, 0.99)), float(step.mean()), float(1.0 / max(wait.mean(), SHORTEST)), every
        )

    def apart(self, other: Habits) -> dict[str, float]:
        """By what factor waits, steps, gestures and rests are typically longer or shorter than another's.

        1 where both are distributed alike: the mean distance of ten quantiles, between logarithms. Those of
        which either has too few are left out.
        """
        found = {}
        for name in NAMES:
            ours, theirs = (one.each.get(name, np.empty(0)) for one in (self, other))
            if min(len(ours), len(theirs)) >= FEWEST:
                logs = [np.log(np.maximum(np.quantile(one, SHARES), LEAST)) for one in (ours, theirs)]
                found[name] = float(np.exp(np.abs(logs[0] - logs[1]).mean()))
        return found

    def far_from(self, other: Habits) -> float:
        """0 where both wait and move alike.

        The longest wait of a hundred, or the mean step, at the border of what counts as like another's adds
        1; the distributions of waits and steps add the logarithms of their factors.
        """
        ours, theirs = np.maximum([[self.dt_p99, self.step], [other.dt_p99, other.step]], LEAST)
        within = np.log([PAUSES_WITHIN, 1.0 + STEPS_WITHIN])
        apart = self.apart(other)
        far = np.abs(np.log(ours / theirs)) / within
        return float(far.sum() + sum(np.log(apart.get(name, 1.0)) for name in NAMES[:2]))


NAMES = ("waits", "steps", "gestures", "rests")


def _gestures(waits: Array) -> Array:
    """How long each gesture lasted that began and ended with a rest."""
    rests = np.flatnonzero(waits > STILLNESS)
    passed = np.concatenate([[0.0], np.cumsum(waits)])
    lasted = passed[rests[1:]] - passed[rests[:-1] + 1]
    return np.asarray(lasted[lasted > 0.0])
