"""How far outside of its examples a mapping is played, and the way back to their edge.

The hull is cut straight in many directions, which makes it a little larger than the examples' convex hull.
From the middle of the examples to where the hand is, the edge lies at a share s of the way: the distance is
1 - s, and 0 inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.mapping import measure
from foretone_training.tflite import Graph

DIRECTIONS = 128
NARROW = 1e-3
"""No edge is nearer to the middle than this, in deviations of the inputs."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Hull:
    """Around `middle` [inputs]: outside is where (x - middle) @ edges [inputs, 2 * directions] exceeds 1."""

    middle: Array
    edges: Array

    def distance(self, x: Array) -> Array:
        """The distance [n] of x [n, inputs]: 0 inside, towards 1 the further outside."""
        beyond = ((x - self.middle) @ self.edges).max(axis=1)
        return np.asarray(1.0 - 1.0 / np.maximum(beyond, 1.0))

    def draw(self, graph: Graph, x: int, guard: int) -> tuple[int, int]:
        """x, pulled back by `guard` of the way to the edge; and the distance."""
        away = graph.add(x, graph.row("away", -self.middle))
        beyond = graph.fully_connected(away, self.edges, np.zeros(self.edges.shape[1]), "edges")
        one = graph.row("one", 1.0)
        beyond = graph.maximum(graph.largest(beyond, 1), one)
        distance = graph.subtract(one, graph.divide(one, beyond))
        kept = graph.multiply(away, graph.subtract(one, graph.multiply(distance, guard)))
        return graph.add(kept, graph.row("middle", self.middle)), distance


def fit(x: Array) -> Hull:
    """The hull of x [n, inputs]. An input that never changed has no edges: it is not listened to."""
    scale = measure(x)
    inputs = x.shape[1]
    random = np.random.default_rng(0).normal(size=(inputs, DIRECTIONS)) * (scale.factor > 0.0)[:, None]
    length = np.linalg.norm(random, axis=0)
    random = random[:, length > 0.0] / length[length > 0.0]
    ways = np.concatenate([np.eye(inputs)[:, scale.factor > 0.0], random], axis=1)
    reach = ((x - scale.mean) * scale.factor) @ ways
    low, high = np.minimum(reach.min(axis=0), -NARROW), np.maximum(reach.max(axis=0), NARROW)
    edges = np.concatenate([ways / high, ways / low], axis=1) * scale.factor[:, None]
    return Hull(scale.mean, edges if edges.size else np.zeros((inputs, 1)))
