"""Where one more example would help the most.

The mapping is thought of as a Gaussian process over its inputs, and the place is the one whose example leaves
the least doubt on the whole terrain, on average: Cohn, Neural Network Exploration Using Optimal Experiment
Design, 1996; Seo, Wallat, Graepel and Obermayer, Gaussian Process Regression: Active Data Selection and Test
Point Rejection, 2000. Its doubt depends on where examples are alone, so that it can be told before anything
was trained, and at once.

Two other ways were tried with this house's own perceptrons, on 24 smooth maps of two inputs with 4 examples.
One example more at this place left 0.73 of the error (median); where the distance to the nearest example is
largest 0.80, mostly at the rim; where five mappings, each trained without a fifth of the examples, disagree
the most 0.81, and that takes five trainings; anywhere 0.94. tests/panel/test_panel_terrain.py does it again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH = 0.35
"""How far an example tells of its surroundings, as a standard deviation; inputs are 0..1."""

SLIP = 0.01
"""The variance of what a hand misses; that of what is not known is 1."""

Array = NDArray[Any]


def point(places: Array, shown: Array) -> tuple[int, float]:
    """Which of `places` [m, inputs] is to be shown next, where `shown` [n, inputs] were; m is 1 or more.

    With it the doubt that is left on average, 0..1, before it is shown.
    """
    doubt = _alike(places, places)
    if len(shown):
        near = _alike(places, shown)
        known = _alike(shown, shown) + SLIP * np.eye(len(shown))
        doubt -= near @ np.linalg.solve(known, near.T)
    each = np.diag(doubt)
    gain = np.square(doubt).mean(axis=0) / (each + SLIP)
    return int(gain.argmax()), float(np.clip(each.mean(), 0.0, 1.0))


def _alike(a: Array, b: Array) -> Array:
    """How much of one place is known from another: 1 at the same, 0 far away."""
    square = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None] - 2.0 * a @ b.T
    return np.asarray(np.exp(-0.5 * np.maximum(square, 0.0) / REACH**2))
