"""Trains a mapping: from a few dozen examples of a gesture and its sound to every gesture in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training import levenberg, perceptron, projection
from foretone_training.examples import Examples
from foretone_training.perceptron import Perceptrons

CONSTANT = 1e-6
"""A column whose deviation is below this share of its size does not change: that is how it was rounded."""

SMALLEST = 1e-30
"""Nor does one of a deviation below this, whose factor single precision could not hold."""

BATCH = 4_000_000
"""Numbers in the largest matrix of the training; it decides how many models are trained side by side."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Settings:
    """What a person may choose: hidden layers, units of each, one model of all outputs or one of each."""

    layers: int = 1
    units: int = 16
    joint: bool = False
    seed: int = 1
    prior: float = levenberg.PRIOR
    """How strongly the weights of models of one output each are held."""


@dataclass(frozen=True)
class Scale:
    """Between a column's own unit and the models': (x - mean) * factor. A constant column's factor is 0.

    The numbers are exact in single precision, so that the file computes with the same ones.
    """

    mean: Array
    factor: Array

    @property
    def spread(self) -> Array:
        """1 / factor; 0 for a constant column."""
        return np.divide(1.0, self.factor, out=np.zeros_like(self.factor), where=self.factor > 0.0)


@dataclass(frozen=True)
class Mapping:
    """Trained perceptrons, and the scales of what they hear and play."""

    perceptrons: Perceptrons
    heard: Scale
    played: Scale

    def play(self, x: Array) -> Array:
        """Outputs [n, outputs] for x [n, inputs], both in their own units, in double precision."""
        inside = self.perceptrons.play((x - self.heard.mean) * self.heard.factor)
        return np.asarray(inside * self.played.spread + self.played.mean)


def planned(examples: Examples, settings: Settings) -> int:
    """How many rounds `train` will report in all."""
    return projection.ROUNDS if settings.joint else levenberg.ROUNDS * len(examples.outputs)


def train(
    examples: Examples, settings: Settings, report: Callable[[int, float], None] = lambda *_: None
) -> Mapping:
    """Learn the examples; the same examples, settings and seed give the same mapping on one machine.

    An input that never changes is not listened to. `report` is told of rounds as they are done, and the
    root mean square of what is still missed, in the outputs' own unit.
    """
    random = np.random.default_rng(settings.seed)
    heard, played = measure(examples.x), measure(examples.y)
    x = (examples.x.astype(np.float32) - heard.mean) * heard.factor
    y = (examples.y - played.mean) * played.factor
    units = [settings.units] * settings.layers
    count = y.shape[1]
    if settings.joint:
        start = perceptron.create(1, x.shape[1], units, count, random)
        return Mapping(projection.fit(start, x, y, _loss(report, played.spread)), heard, played)
    start = perceptron.create(count, x.shape[1], units, 1, random)
    batch = max(1, BATCH // max(len(x), settings.units) ** 2)
    parts = []
    for begin in range(0, count, batch):
        one = slice(begin, begin + batch)
        some = Perceptrons(tuple((weights[one], bias[one]) for weights, bias in start.layers))
        told = _loss(report, played.spread[one])
        parts.append(levenberg.fit(some, x, y[:, one], told, settings.prior).layers)
    joined = tuple(
        (np.concatenate([w for w, _ in layer]), np.concatenate([b for _, b in layer]))
        for layer in zip(*parts, strict=True)
    )
    return Mapping(Perceptrons(joined), heard, played)


def _loss(report: Callable[[int, float], None], spread: Array) -> Callable[[int, Array], None]:
    return lambda rounds, missed: report(rounds, float(np.sqrt((missed * np.square(spread)).mean())))


def measure(columns: Array) -> Scale:
    """The scale of each column of [n, columns]."""
    mean, spread = columns.mean(axis=0).astype(np.float32), columns.std(axis=0)
    changes = spread > np.maximum(CONSTANT * np.abs(columns).max(axis=0), SMALLEST)
    factor = np.divide(1.0, spread, out=np.zeros_like(spread), where=changes).astype(np.float32)
    return Scale(mean.astype(np.float64), factor.astype(np.float64))
