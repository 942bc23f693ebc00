"""Plays what the nearest examples play, each by its nearness; nothing jumps when the nearest ones change.

The weight of an example at the distance d is 1/d^2 - 1/r^2, where r is the distance of the first one that is
not among the k nearest: it fades before it leaves (Shepard's method with a limit; Franke and Nielson, 1980).
Where there are no more than k examples, r is endless, and all of them together are the surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.mapping import Scale, measure
from foretone_training.mapping_export import scaled
from foretone_training.tflite import Graph

SAME = 1e-4
"""The square of a distance below which it is the example itself; inputs have the deviation 1."""

SHARE = 0.999
"""Of the nearness of the one that is not among them, so that examples in the same place still count."""

TINY = 1e-9
"""Keeps the weights from all being nothing."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Nearest:
    """Examples at `places` [n, inputs], scaled, and what they play [n, outputs]."""

    heard: Scale
    places: Array
    played: Array
    neighbours: int

    def play(self, x: Array) -> Array:
        """Outputs [m, outputs] for x [m, inputs], in their own units."""
        x = (x - self.heard.mean) * self.heard.factor
        square = np.square(x[:, None] - self.places[None]).sum(axis=2)
        near = 1.0 / np.maximum(square, SAME)
        if self.neighbours < len(self.places):
            beyond = np.sort(near, axis=1)[:, [-self.neighbours - 1]]
            near = np.maximum(near - SHARE * beyond, 0.0)
        near += TINY
        return np.asarray(near @ self.played / near.sum(axis=1, keepdims=True))

    def draw(self, graph: Graph, x: int) -> int:
        """The same as a part of a graph."""
        count = len(self.places)
        square = squares(graph, scaled(graph, x, self.heard), self.places)
        near = graph.divide(graph.row("one", np.ones(count)), graph.maximum(square, graph.row("same", SAME)))
        if self.neighbours < count:
            most = graph.largest(near, self.neighbours + 1)
            *_, beyond = graph.split_into(most, [self.neighbours, 1])
            near = graph.relu(graph.subtract(near, graph.multiply(beyond, graph.row("share", SHARE))))
        near = graph.add(near, graph.row("tiny", TINY))
        total = graph.fully_connected(near, np.ones((count, 1)), np.zeros(1), "total")
        sums = graph.fully_connected(near, self.played, np.zeros(self.played.shape[1]), "played")
        return graph.divide(sums, total)


def fit(x: Array, y: Array, neighbours: int) -> Nearest:
    """The examples x [n, inputs] and y [n, outputs] themselves."""
    heard = measure(x)
    return Nearest(heard, (x - heard.mean) * heard.factor, y, neighbours)


def squares(graph: Graph, x: int, places: Array) -> int:
    """The squares of the distances of x to every place [n, inputs], all scaled."""
    both = graph.concatenate([x, graph.multiply(x, x)])
    weights = np.concatenate([-2.0 * places.T, np.ones(places.T.shape)])
    return graph.fully_connected(both, weights, np.square(places).sum(axis=1), "squares")
