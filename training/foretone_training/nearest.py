"""Plays what the nearest examples play, each by its nearness; nothing jumps when the nearest ones change.

The weight of an example at the distance d is 1/d^2 - 1/r^2, where r is the distance of the first one that is
not among the k nearest: it fades before it leaves (Shepard's method with a limit; Franke and Nielson, 1980).
Where there are no more than k examples, r is endless, and all of them together are the surface. Classes are
voted for with the weight r^2 - d^2, so that the nearest one alone does not decide.
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
    votes: bool = False

    def play(self, x: Array) -> Array:
        """Outputs [m, outputs] for x [m, inputs], in their own units."""
        x = (x - self.heard.mean) * self.heard.factor
        square = np.square(x[:, None] - self.places[None]).sum(axis=2)
        if self._voting:
            reach = np.sort(square, axis=1)[:, [self.neighbours]]
            near = np.maximum((2.0 - SHARE) * reach + SAME - square, 0.0)
        else:
            near = 1.0 / np.maximum(square, SAME)
        if self.neighbours < len(self.places) and not self._voting:
            beyond = np.sort(near, axis=1)[:, [-self.neighbours - 1]]
            near = np.maximum(near - SHARE * beyond, 0.0)
        near += TINY
        return np.asarray(near @ self.played / near.sum(axis=1, keepdims=True))

    def draw(self, graph: Graph, x: int) -> int:
        """The same as a part of a graph."""
        count = len(self.places)
        square = squares(graph, scaled(graph, x, self.heard), self.places)
        if self._voting:
            away = graph.multiply(square, graph.row("minus", -1.0))
            reach = graph.multiply(self._first_beyond(graph, away), graph.row("share", SHARE - 2.0))
            near = graph.relu(graph.add(away, graph.add(reach, graph.row("same", SAME))))
        else:
            same = graph.maximum(square, graph.row("same", SAME))
            near = graph.divide(graph.row("one", np.ones(count)), same)
            if self.neighbours < count:
                beyond = graph.multiply(self._first_beyond(graph, near), graph.row("share", SHARE))
                near = graph.relu(graph.subtract(near, beyond))
        near = graph.add(near, graph.row("tiny", TINY))
        total = graph.fully_connected(near, np.ones((count, 1)), np.zeros(1), "total")
        sums = graph.fully_connected(near, self.played, np.zeros(self.played.shape[1]), "played")
        return graph.divide(sums, total)

    @property
    def _voting(self) -> bool:
        return self.votes and self.neighbours < len(self.places)

    def _first_beyond(self, graph: Graph, near: int) -> int:
        """The largest but k."""
        *_, beyond = graph.split_into(graph.largest(near, self.neighbours + 1), [self.neighbours, 1])
        return beyond


def fit(x: Array, y: Array, neighbours: int, votes: bool = False) -> Nearest:
    """The examples x [n, inputs] and y [n, outputs] themselves; with `votes`, y are classes."""
    heard = measure(x)
    return Nearest(heard, (x - heard.mean) * heard.factor, y, neighbours, votes)


def squares(graph: Graph, x: int, places: Array) -> int:
    """The squares of the distances of x to every place [n, inputs], all scaled."""
    both = graph.concatenate([x, graph.multiply(x, x)])
    weights = np.concatenate([-2.0 * places.T, np.ones(places.T.shape)])
    return graph.fully_connected(both, weights, np.square(places).sum(axis=1), "squares")
