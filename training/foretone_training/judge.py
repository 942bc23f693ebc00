"""Judges a network by the last tenth of each session, which it does not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import SessionError
from foretone_training.dataset import resolution
from foretone_training.network import Network, Scale, coded

WARM_UP = 50  # events heard before those that are judged
HELD_OUT = 0.1

Array = NDArray[Any]


def measure(rows: Array, log_dt: float | None = None) -> Scale:
    """A scale from the events themselves; an axis that never moves is as wide as its step.

    `log_dt` is that of `Scale`; None for one step of dt, which keeps the shortest waits apart.
    """
    step = resolution(rows)
    log_dt = float(step[0]) if log_dt is None else log_dt
    rows = coded(rows, log_dt)
    mean, least = rows.mean(axis=0), step.copy()
    if log_dt:
        least[0] /= np.exp(mean[0])  # a step of dt, in its logarithm
    return Scale(mean, np.maximum(rows.std(axis=0), least), step, log_dt)


def blur(rows: Array, scale: Scale, random: np.random.Generator) -> Array:
    """The rows in the network's units, each number moved by up to half a step either way.

    Without it a network learns the levels of a converter instead of the gesture, and its score for
    narrowing on them has no end.
    """
    moved = rows + scale.step * (random.random(rows.shape, np.float32) - np.float32(0.5))
    return scale.to_network(moved)


class Judge:
    """Scores a network on the last tenth of each stream, in pieces, after some events to warm up."""

    PIECE = 100

    def __init__(self, streams: Sequence[Array], scale: Scale, random: np.random.Generator) -> None:
        pieces = []
        for rows in streams:
            blurred = blur(rows, scale, random)
            border = max(len(rows) - round(len(rows) * HELD_OUT), 1)
            for start in range(border, len(rows), self.PIECE):
                pieces.append((blurred[max(0, start - WARM_UP) : start + self.PIECE], min(start, WARM_UP)))
        if not pieces:
            raise SessionError("every session is too short to hold a tenth of it out; play longer ones")
        steps = max(len(piece) for piece, _ in pieces) - 1
        self._x, self._y = np.zeros((2, steps, len(pieces), streams[0].shape[1]), np.float32)
        self._counts = np.zeros((steps, len(pieces)), bool)
        for number, (piece, warm) in enumerate(pieces):
            self._x[: len(piece) - 1, number] = piece[:-1]
            self._y[: len(piece) - 1, number] = piece[1:]
            self._counts[warm - 1 : len(piece) - 1, number] = True
        self._keep = np.ones((steps, len(pieces), 1), np.float32)
        self._scale = scale

    def score(self, network: Network) -> float:
        """The mean negative log-likelihood of a held-out event, in nats of natural units."""
        nll, _ = network.loss(self._x, self._y, network.start(self._x.shape[1]), self._keep)
        return float(nll[self._counts].mean())

    def pairs(self) -> tuple[Array, Array]:
        """Each held-out event, blurred, and the one before it: both [n, D], natural units, in order."""
        counted = self._counts.T
        before, after = (rows.transpose(1, 0, 2)[counted] for rows in (self._x, self._y))
        return self._scale.to_natural(before), self._scale.to_natural(after)

    def pieces(self, most: int) -> list[tuple[Array, Array, Array]]:
        """Up to `most` stretches of it: events and what followed them [n, D], and which of these count."""
        count = self._x.shape[1]
        chosen = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
        x, y = self._scale.to_natural(self._x), self._scale.to_natural(self._y)
        lengths = len(self._counts) - self._counts[::-1].argmax(axis=0)
        return [
            (x[: lengths[one], one], y[: lengths[one], one], self._counts[: lengths[one], one])
            for one in chosen
        ]

    def mixtures(self, network: Network) -> Array:
        """What the network expected at each of `pairs`: rows of `Network.mixtures`."""
        output, _ = network.forward(self._x, network.start(self._x.shape[1]), self._keep)
        return network.mixtures(output.reshape(*self._counts.shape, -1).transpose(1, 0, 2)[self._counts.T])
