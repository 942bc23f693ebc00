"""A least-squares support vector machine for classes, with a Gaussian kernel.

Suykens and Vandewalle, Least Squares Support Vector Machine Classifiers, 1999. Width of the kernel and ridge
are those that leave one example out best, which costs no further training: what is missed of an example that
was left out is its weight divided by its place on the diagonal of the inverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.mapping import Scale, measure
from foretone_training.mapping_export import scaled
from foretone_training.nearest import squares
from foretone_training.tflite import Graph

WIDTHS = (0.05, 0.15, 0.5, 1.5)
"""Tried for the exponent, as shares of one over the inputs."""

RIDGES = (1e-3, 1e-2, 1e-1)

TRIED = 500

Array = NDArray[Any]


@dataclass(frozen=True)
class Machine:
    """Examples at `places` [n, inputs], scaled, and their weights [n, classes]."""

    heard: Scale
    places: Array
    weights: Array
    middle: Array
    exponent: float

    def play(self, x: Array) -> Array:
        """How much each class is [n, classes], about 0 to 1, for x [n, inputs]."""
        x = (x - self.heard.mean) * self.heard.factor
        return np.asarray(_kernel(x, self.places, self.exponent) @ self.weights + self.middle)

    def draw(self, graph: Graph, x: int) -> int:
        """The same as a part of a graph."""
        square = squares(graph, scaled(graph, x, self.heard), self.places)
        kernel = graph.exp(graph.multiply(square, graph.row("exponent", -self.exponent)))
        return graph.fully_connected(kernel, self.weights, self.middle, "weights")


def fit(x: Array, y: Array) -> Machine:
    """Learn y [n, classes], 1 for the class of an example and 0 for the others, for x [n, inputs]."""
    heard = measure(x)
    places, middle = (x - heard.mean) * heard.factor, y.mean(axis=0)
    # Of many examples some say as well as all which settings are best.
    tried = np.random.default_rng(0).permutation(len(x))[:TRIED]
    best, found = np.inf, (1.0, RIDGES[0])
    for width in WIDTHS:
        exponent = width / max(int((heard.factor > 0.0).sum()), 1)
        kernel = _kernel(places[tried], places[tried], exponent)
        for ridge in RIDGES:
            inverse = np.linalg.inv(kernel + ridge * np.eye(len(tried)))
            weights = inverse @ (y[tried] - middle)
            missed = float(np.square(weights / np.diag(inverse)[:, None]).sum())
            if missed < best:
                best, found = missed, (exponent, ridge)
    exponent, ridge = found
    kernel = _kernel(places, places, exponent)
    weights = np.linalg.solve(kernel + ridge * np.eye(len(x)), y - middle)
    return Machine(heard, places, weights, middle, exponent)


def _kernel(x: Array, places: Array, exponent: float) -> Array:
    square = np.square(x).sum(axis=1)[:, None] + np.square(places).sum(axis=1) - 2.0 * x @ places.T
    return np.asarray(np.exp(-exponent * np.maximum(square, 0.0)))
