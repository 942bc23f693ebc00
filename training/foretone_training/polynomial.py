"""The polynomial that is nearest to the examples; of degree 1 it is a plane.

Held near a constant by the ridge that leaves one example out best (Allen's PRESS, 1974).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.mapping import Scale, measure
from foretone_training.mapping_export import scaled
from foretone_training.tflite import Graph

RIDGES = np.logspace(-6, 2, 17)
MOST_PRODUCTS = 200
"""Products of two inputs; with more of them there are only powers."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Polynomial:
    """Terms: every input to the powers up to `degree`, and `pairs` of inputs multiplied; then weights."""

    heard: Scale
    degree: int
    pairs: Array
    weights: Array
    middle: Array

    def play(self, x: Array) -> Array:
        """Outputs [n, outputs] for x [n, inputs], in their own units."""
        terms = _terms((x - self.heard.mean) * self.heard.factor, self.degree, self.pairs)
        return np.asarray(terms @ self.weights + self.middle)

    def draw(self, graph: Graph, x: int) -> int:
        """The same as a part of a graph."""
        x = scaled(graph, x, self.heard)
        width = len(self.heard.mean)
        powers = [x]
        for _ in range(1, self.degree):
            powers.append(graph.multiply(powers[-1], x))
        if len(self.pairs):
            ones, none = np.eye(width), np.zeros(len(self.pairs))
            first, second = (
                graph.fully_connected(x, ones[:, side], none, f"side_{number}")
                for number, side in enumerate(self.pairs.T)
            )
            powers.append(graph.multiply(first, second))
        terms = graph.concatenate(powers) if len(powers) > 1 else x
        return graph.fully_connected(terms, self.weights, self.middle, "weights")


def fit(x: Array, y: Array, degree: int) -> Polynomial:
    """Learn y [n, outputs] for x [n, inputs]."""
    heard = measure(x)
    inputs = x.shape[1]
    pairs = np.array(list(itertools.combinations(range(inputs), 2)), int).reshape(-1, 2)
    if degree < 2 or len(pairs) > MOST_PRODUCTS:
        pairs = pairs[:0]
    terms = _terms((x - heard.mean) * heard.factor, degree, pairs)
    middle, away = terms.mean(axis=0), y.mean(axis=0)
    left, sizes, right = np.linalg.svd(terms - middle, full_matrices=False)
    inside, wanted = left.T @ (y - away), y - away
    best, weights = np.inf, np.zeros((terms.shape[1], y.shape[1]))
    for ridge in RIDGES:
        share = sizes**2 / (sizes**2 + ridge * len(x))
        missed = wanted - left @ (share[:, None] * inside)
        leverage = np.square(left) @ share + 1.0 / len(x)
        press = float(np.square(missed / np.maximum(1.0 - leverage, 1e-9)[:, None]).sum())
        if press < best:
            best = press
            weights = right.T @ ((sizes / (sizes**2 + ridge * len(x)))[:, None] * inside)
    return Polynomial(heard, degree, pairs, weights, away - middle @ weights)


def _terms(x: Array, degree: int, pairs: Array) -> Array:
    powers = [x**power for power in range(1, degree + 1)]
    return np.concatenate([*powers, x[:, pairs[:, 0]] * x[:, pairs[:, 1]]], axis=1)
