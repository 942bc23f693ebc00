"""Levenberg and Marquardt's method for perceptrons of one output each, all of them at once.

Marquardt, An Algorithm for Least-Squares Estimation of Nonlinear Parameters, 1963. A normal prior holds the
weights near a centre c. There are fewer examples than weights, so the step is found among the examples: it
is a (w - c) + J' u, where u solves (J J' + m) u = e - a J (w - c), m is prior and damping, and a the prior's
share of m. J J' [n, n] is a sum of products over the layers, so J itself is never made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.perceptron import Layer, Perceptrons

PRIOR = 0.1
"""How strongly the weights are held, against errors of outputs that have the standard deviation 1."""

ROUNDS = 12
DAMPING = (1e-6, 1e3)

Array = NDArray[Any]


def fit(
    start: Perceptrons,
    x: Array,
    y: Array,
    report: Callable[[int, Array], None] = lambda *_: None,
    prior: float = PRIOR,
) -> Perceptrons:
    """The perceptrons that play y [n, models] for x [n, inputs], as far as their `prior` lets them.

    x and y are centred and of deviation 1. `report` is told after each round how many models had it, and the
    mean square [models] of what they still miss.
    """
    layers, centre = list(start.layers), _centre(start)
    damping, wanted = np.full((y.shape[1], 1, 1), 0.1), y.T[:, :, None]
    each = np.eye(len(x))
    heard = start.hidden(x)
    error = _last(heard, layers) - wanted
    cost = _cost(error, layers, centre, prior)
    for _ in range(ROUNDS):
        slopes = _slopes(heard, layers)
        gram = sum(
            (slope @ _turned(slope)) * (below @ _turned(below) + 1.0)
            for slope, below in zip(slopes, heard, strict=True)
        )
        share = prior / (prior + damping)
        away = [(w - v, b - c) for (w, b), (v, c) in zip(layers, centre, strict=True)]
        along = sum(
            ((below @ w + b) * slope).sum(axis=2, keepdims=True)
            for below, slope, (w, b) in zip(heard, slopes, away, strict=True)
        )
        dual = np.linalg.solve(gram + (prior + damping) * each, error - share * along)
        tried: list[Layer] = []
        for (w, b), (dw, db), below, slope in zip(layers, away, heard, slopes, strict=True):
            pull = slope * dual
            tried.append(
                (
                    w - share * dw - _turned(below) @ pull,
                    b - share * db - pull.sum(axis=1, keepdims=True),
                )
            )
        now_heard = Perceptrons(tuple(tried)).hidden(x)
        now_error = _last(now_heard, tried) - wanted
        now_cost = _cost(now_error, tried, centre, prior)
        better = now_cost < cost
        layers = [
            (np.where(better, w, v), np.where(better, b, c))
            for (w, b), (v, c) in zip(tried, layers, strict=True)
        ]
        heard = [x, *(np.where(better, new, old) for new, old in zip(now_heard[1:], heard[1:], strict=True))]
        error, cost = np.where(better, now_error, error), np.where(better, now_cost, cost)
        damping = np.clip(np.where(better, 0.3 * damping, 4.0 * damping), *DAMPING)
        report(y.shape[1], np.square(error).mean(axis=(1, 2)))
    return Perceptrons(tuple(layers))


def _centre(start: Perceptrons) -> list[Layer]:
    """Where the prior holds the weights: at their start, and those of the output at nothing."""
    *hidden, (weights, bias) = start.layers
    return [*hidden, (np.zeros_like(weights), np.zeros_like(bias))]


def _last(heard: list[Array], layers: list[Layer]) -> Array:
    weights, bias = layers[-1]
    return np.asarray(heard[-1] @ weights + bias)


def _cost(error: Array, layers: list[Layer], centre: list[Layer], prior: float) -> Array:
    held = sum(
        np.square(w - v).sum(axis=(1, 2), keepdims=True) + np.square(b - c).sum(axis=(1, 2), keepdims=True)
        for (w, b), (v, c) in zip(layers, centre, strict=True)
    )
    return np.asarray(np.square(error).sum(axis=1, keepdims=True) + prior * held)


def _slopes(heard: list[Array], layers: list[Layer]) -> list[Array]:
    """How the output changes with what each layer adds up, [models, n, width], first layer first."""
    slopes = [np.ones((len(layers[-1][0]), heard[0].shape[0], 1))]
    for (weights, _), above in zip(reversed(layers[1:]), reversed(heard[1:]), strict=True):
        slopes.insert(0, (slopes[0] @ _turned(weights)) * (1.0 - above * above))
    return slopes


def _turned(matrices: Array) -> Array:
    return np.asarray(np.swapaxes(matrices, -1, -2))
