"""Perceptrons for more examples than they can learn at once: each learns some, and their mean is played."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training import mapping, mapping_export
from foretone_training.examples import MOST, Examples
from foretone_training.tflite import Graph

Array = NDArray[Any]


@dataclass(frozen=True)
class Committee:
    """Mappings of the same inputs and outputs; mostly it is one."""

    members: tuple[mapping.Mapping, ...]

    def play(self, x: Array) -> Array:
        """Outputs [n, outputs] for x [n, inputs]."""
        return np.asarray(sum(member.play(x) for member in self.members) / len(self.members))

    def draw(self, graph: Graph, x: int) -> int:
        """The same as a part of a graph."""
        first, *others = (mapping_export.draw(member, graph, x) for member in self.members)
        for other in others:
            first = graph.add(first, other)
        if others:
            first = graph.multiply(first, graph.row("share", 1.0 / len(self.members)))
        return first


def fit(
    x: Array, y: Array, settings: mapping.Settings, report: Callable[[float, float], None] = lambda *_: None
) -> Committee:
    """Learn y [n, outputs] for x [n, inputs]. `report` is told the share that is done, and what is missed."""
    count = math.ceil(len(x) / MOST)
    turns = np.random.default_rng(settings.seed).permutation(len(x)) % count
    names = [tuple(str(k) for k in range(part.shape[1])) for part in (x, y)]
    members: list[mapping.Mapping] = []
    for turn in range(count):
        shown = Examples(names[0], names[1], x[turns == turn], y[turns == turn], ())
        total, done = count * mapping.planned(shown, settings), 0

        def tell(more: int, loss: float, before: float = turn / count, total: int = total) -> None:
            nonlocal done
            done += more
            report(before + done / total, loss)

        members.append(mapping.train(shown, settings, tell))
    return Committee(tuple(members))
