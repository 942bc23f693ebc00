"""Levenberg and Marquardt's method for one perceptron of many outputs, by variable projection.

Its last layer is linear, so the best one for given hidden layers is had in one step; what remains is a small
problem in the hidden weights (Golub and Pereyra, 1973), with the slope as Kaufman (1975) simplified it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.perceptron import Layer, Perceptrons

PRIOR = 0.1
"""How strongly each output holds the hidden weights near their start; outputs have the deviation 1."""

RIDGE = 0.3
"""How strongly the weights of the last layer are held near nothing."""

ROUNDS = 15
DAMPING = (1e-6, 1e4)

Array = NDArray[Any]


@dataclass(frozen=True)
class _Point:
    """Hidden layers as [inputs + 1, units], the bias last, and what follows from them."""

    hidden: list[Array]
    heard: list[Array]
    inverse: Array
    last: Array
    error: Array
    cost: float


def fit(
    start: Perceptrons, x: Array, y: Array, report: Callable[[int, Array], None] = lambda *_: None
) -> Perceptrons:
    """The perceptron that plays y [n, outputs] for x [n, inputs], as far as its prior lets it.

    x and y are centred and of deviation 1. `report` is told 1 after each round,
    and the mean square [outputs] of what is still missed.
    """
    centre = [np.concatenate([weights[0], bias[0]]) for weights, bias in start.layers[:-1]]
    prior = PRIOR * y.shape[1]
    point, damping = _project(centre, centre, x, y, prior), 0.1
    for _ in range(ROUNDS):
        bend, slope = _bend(point, prior, centre)
        while damping <= DAMPING[1]:
            step = np.linalg.solve(bend + damping * np.eye(len(bend)), slope)
            tried = _project(_moved(point.hidden, step), centre, x, y, prior)
            damping *= 0.3 if tried.cost < point.cost else 4.0
            if tried.cost < point.cost:
                point = tried
                break
        damping = max(damping, DAMPING[0])
        report(1, np.square(point.error).mean(axis=0))
    layers: list[Layer] = [(matrix[None, :-1], matrix[None, -1:]) for matrix in [*point.hidden, point.last]]
    return Perceptrons(tuple(layers))


def _project(hidden: list[Array], centre: list[Array], x: Array, y: Array, prior: float) -> _Point:
    heard = [_with_one(x)]
    for matrix in hidden:
        heard.append(_with_one(np.tanh(heard[-1] @ matrix)))
    top = heard[-1]
    ridge = np.full(top.shape[1], RIDGE)
    ridge[-1] = 1e-9  # the bias is free, and nothing is divided by zero
    inverse = np.linalg.inv(top.T @ top + np.diag(ridge))
    last = inverse @ (top.T @ y)
    error: Array = y - top @ last
    held = sum(float(np.square(matrix - middle).sum()) for matrix, middle in zip(hidden, centre, strict=True))
    return _Point(hidden, heard, inverse, last, error, float((error * y).sum()) + prior * held)


def _bend(point: _Point, prior: float, centre: list[Array]) -> tuple[Array, Array]:
    """Half the curvature [weights, weights] and half the slope [weights] of the cost, hidden layers flat."""
    top, last = point.heard[-1], point.last[:-1]
    count, units = len(top), len(last)
    through = np.eye(units) * (1.0 - np.square(top[:, None, :-1]))
    parts: list[Array] = []
    for number in reversed(range(len(point.hidden))):
        below = point.heard[number]
        moved = through[:, :, None, :] * below[:, None, :, None]
        parts.insert(0, moved.reshape(count, units, -1))
        if number:
            through = (through @ point.hidden[number][:-1].T) * (1.0 - np.square(below[:, None, :-1]))
    change = np.concatenate(parts, axis=2)
    pull = point.error @ last.T
    away = np.concatenate([(matrix - c).ravel() for matrix, c in zip(point.hidden, centre, strict=True)])
    slope = prior * away - np.tensordot(pull, change, axes=2)
    left = np.eye(count) - top @ point.inverse @ top.T
    seen = (last @ last.T) @ np.tensordot(left, change, axes=1)
    flat = change.reshape(count * units, -1)
    return flat.T @ seen.reshape(count * units, -1) + prior * np.eye(len(away)), slope


def _moved(hidden: list[Array], step: Array) -> list[Array]:
    parts = np.split(step, np.cumsum([matrix.size for matrix in hidden])[:-1])
    return [matrix - part.reshape(matrix.shape) for matrix, part in zip(hidden, parts, strict=True)]


def _with_one(rows: Array) -> Array:
    return np.column_stack([rows, np.ones(len(rows))])
