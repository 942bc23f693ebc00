"""Multilayer perceptrons, several at once: tanh in the hidden layers, linear at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Layer = tuple[Array, Array]
"""Weights [models, inputs, outputs] and bias [models, 1, outputs]."""

WEIGHTS, BIAS, LAST = 0.25, 0.3, 0.1
"""Standard deviations at the start, for inputs of deviation 1. Weights are also divided by the root of the
number that one unit hears.
"""


@dataclass(frozen=True)
class Perceptrons:
    """`models` perceptrons of one shape, side by side; each plays the same number of outputs."""

    layers: tuple[Layer, ...]

    def hidden(self, x: Array) -> list[Array]:
        """What every layer hears, from x [n, inputs] to the last hidden one [models, n, units]."""
        heard = [x]
        for weights, bias in self.layers[:-1]:
            heard.append(np.tanh(heard[-1] @ weights + bias))
        return heard

    def play(self, x: Array) -> Array:
        """Outputs [n, models * outputs], the outputs of one model side by side, for x [n, inputs]."""
        weights, bias = self.layers[-1]
        played = self.hidden(x)[-1] @ weights + bias
        return np.asarray(np.moveaxis(played, 0, 1).reshape(len(x), -1))


def create(
    models: int, inputs: int, units: Sequence[int], outputs: int, random: np.random.Generator
) -> Perceptrons:
    """Perceptrons that have not learned: nearly linear hidden units, and outputs of almost nothing.

    They are also what the trainers hold the weights near: what is not asked for by an example stays smooth.
    """
    layers: list[Layer] = []
    width = inputs
    for count in units:
        weights = random.normal(size=(models, width, count)) * (WEIGHTS / np.sqrt(width))
        layers.append((weights, random.normal(size=(models, 1, count)) * BIAS))
        width = count
    last = random.normal(size=(models, width, outputs)) * (LAST / np.sqrt(width))
    return Perceptrons((*layers, (last, np.zeros((models, 1, outputs)))))
