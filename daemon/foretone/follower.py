"""Follows a gesture while it is being made: which one it is, how far it has come, and how fast it goes.

A hidden Markov model whose states are a template, a point of it and a speed, with one more for whatever is no
gesture. Every step the belief in all of them is moved on and weighed by how near the hand is to each point,
so no chance is involved: the same movement is always followed in the same way. After Bevilacqua et al.,
Continuous Realtime Gesture Following and Recognition, 2010, with the speed among the states as in Whiteley,
Cemgil and Godsill, Bayesian Modelling of Temporal Structure in Musical Audio, 2006, and the outputs of
Caramiaux et al., Adaptive Gesture Recognition with Variation Estimation, 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.gestures import Gestures

SPEEDS = np.array([0.0, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8])
"""Points a step, so 1 is as fast as it was shown; 0 is a hand that waits."""

USUAL = np.array([0.0, 0.02, 0.13, 0.2, 0.3, 0.2, 0.13, 0.02])
"""How likely a gesture begins at each of them."""

CHANGES = 0.1
"""How likely a speed becomes the next higher or lower one, in a step."""

BEGINS = 0.02
"""How likely a gesture begins, in a step of none."""

ENDS = 0.01
"""How likely one is given up, in a step."""

FOREIGN = 2.5
"""How many times as far from a template as usual a hand is about when it makes no gesture."""

DULL = 0.3
"""What one more step says, as a share of what it would say if it had nothing to do with the one before."""

Array = NDArray[np.float64]


class Follower:
    """Hears a movement step by step. One thread uses it.

    chances
        How likely each kind of gesture is being made just now; what is missing to 1 is none of them.
    phase
        How far the likeliest has come, 0..1.
    speed
        How fast it goes: 1 is as fast as it was shown.
    """

    def __init__(self, gestures: Gestures) -> None:
        self.gestures = gestures
        count, longest = len(gestures.templates), max(map(len, gestures.templates))
        self._kinds = np.array(gestures.kinds) - 1
        lengths = np.array([len(template) for template in gestures.templates])
        self._places = np.zeros((count, longest, len(gestures.factor)))
        for place, template in zip(self._places, gestures.templates, strict=True):
            place[: len(template)] = template
        self._stays = (1.0 - ENDS) * (np.arange(longest) < lengths[:, None])
        self._phases = np.minimum(np.arange(longest) / np.maximum(lengths - 1, 1)[:, None], 1.0)
        many = np.bincount(self._kinds, minlength=len(gestures.thresholds))
        begins = BEGINS / len(gestures.thresholds) / many[self._kinds]
        self._begins = begins * USUAL[:, None] / USUAL.sum()
        near, far = np.eye(len(SPEEDS), k=1), np.eye(len(SPEEDS), k=-1)
        turn = CHANGES * (near + far)
        self._turn = turn + np.diag(1.0 - turn.sum(axis=1))
        whole = np.floor(SPEEDS).astype(int)
        self._moves = [(int(steps), float(part)) for steps, part in zip(whole, SPEEDS - whole, strict=True)]
        self._sharp = -0.5 * DULL / gestures.near**2
        self._foreign = float(np.exp(-0.5 * DULL * FOREIGN**2))
        self.forget()

    def forget(self) -> None:
        """Begin again: nothing was heard."""
        count, longest = self._stays.shape
        self._belief = np.zeros((len(SPEEDS), count, longest))
        self._none = 1.0
        self.chances = [0.0] * len(self.gestures.thresholds)
        self.phase = self.speed = 0.0

    def hear(self, x: Any) -> int:
        """One step of the stream, x [inputs], in about 100 us; returns 0, for it does not wait for an end."""
        shape = self._belief.shape
        before = (self._turn @ self._belief.reshape(shape[0], -1)).reshape(shape)
        moved = np.zeros_like(before)
        for (steps, part), here, there in zip(self._moves, moved, before, strict=True):
            end = there.shape[1] - steps
            here[:, steps:] = (1.0 - part) * there[:, :end]
            here[:, steps + 1 :] += part * there[:, : end - 1]
        moved *= self._stays
        none = max(1.0 - float(moved.sum()), 0.0)
        moved[:, :, 0] += none * self._begins
        away = self._places - np.asarray(x) * self.gestures.factor
        moved *= np.exp(self._sharp * np.einsum("tld,tld->tl", away, away))
        none *= (1.0 - BEGINS) * self._foreign
        total = float(moved.sum()) + none
        if total < 1e-200:
            moved[:], none, total = 0.0, 1.0, 1.0
        self._belief, self._none = moved / total, none / total
        self._tell()
        return 0

    def _tell(self) -> None:
        points = self._belief.sum(axis=0)
        self.chances = np.bincount(self._kinds, points.sum(axis=1), len(self.chances)).tolist()
        best = int(np.argmax(self.chances))
        if self.chances[best] < 1e-6:
            return
        its = self._kinds == best
        self.phase = float((points[its] * self._phases[its]).sum() / self.chances[best])
        self.speed = float(SPEEDS @ self._belief.sum(axis=2)[:, its].sum(axis=1) / self.chances[best])
