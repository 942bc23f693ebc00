"""Adam, which turns slopes into steps: Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Adam:
    """Adam with the gradient's length held to 1.

    Its memory of squares is 100 updates, not 1000: a pause that nobody expected is then soon forgotten.
    """

    def __init__(self, values: Array) -> None:
        self._values = values
        self.mean, self.square = np.zeros_like(values), np.zeros_like(values)
        self.count = 0

    def update(self, slope: Array, rate: float) -> None:
        """One step against the slope, which is overwritten."""
        length = float(np.sqrt(np.dot(slope, slope)))
        if length > 1.0:
            slope /= length
        self.count += 1
        self.mean += 0.1 * (slope - self.mean)
        self.square += 0.01 * (slope * slope - self.square)
        corrected = rate * math.sqrt(1.0 - 0.99**self.count) / (1.0 - 0.9**self.count)
        self._values -= corrected * self.mean / (np.sqrt(self.square) + 1e-7)
