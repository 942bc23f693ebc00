"""The model that a network has to be better than: the player's own waits and moves, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.dataset import PAUSE
from foretone_training.sampling import playable

REMEMBERED = 2000  # waits and moves
ANYTHING = 0.02  # of the density is spread evenly, for what was never played before

Array = NDArray[Any]


class Trivial:
    """A player without memory: any wait and any move of the recordings may come next.

    Its density is a Gaussian kernel around each of them, as wide as predicts other parts of them best.
    """

    def __init__(self, learned: Sequence[Array], step: Array, random: np.random.Generator) -> None:
        parts = [np.column_stack([rows[1:, 0], np.diff(rows[:, 1:], axis=0)]) for rows in learned]
        moves = np.concatenate(parts).astype(np.float64)
        moves = random.permutation(moves)[: REMEMBERED + REMEMBERED // 4]
        border = len(moves) // 5
        tried, self._moves = moves[:border], moves[border:]
        tried = tried + step * (random.random(tried.shape) - 0.5)
        # A move lies anywhere in -1..1, a wait in 0..PAUSE: that is how wide "anything" is.
        self._anything = -np.log(PAUSE) - (moves.shape[1] - 1) * np.log(2.0)
        widths = [step.astype(np.float64) * 2.0**power for power in range(-1, 6)]
        self._width = min(widths, key=lambda width: float(self._nll(tried, width).mean()))

    def nll(self, before: Array, after: Array) -> Array:
        """The negative log-likelihood of each event [n, D] after the one before it."""
        return self._nll(np.column_stack([after[:, 0], (after - before)[:, 1:]]), self._width)

    def sample(self, before: Array, count: int, random: np.random.Generator) -> Array:
        """What may come after each event [n, D]: [n, count, D]."""
        drawn = self._moves[random.integers(len(self._moves), size=(len(before), count))].copy()
        drawn[:, :, 1:] += before[:, None, 1:]
        return playable(drawn)

    def _nll(self, moves: Array, width: Array) -> Array:
        height = -np.log(width).sum() - 0.5 * len(width) * np.log(2 * np.pi) - np.log(len(self._moves))
        found = np.empty(len(moves))
        for start in range(0, len(moves), 200):
            part = moves[start : start + 200]
            away = (((part[:, None] - self._moves) / width) ** 2).sum(axis=2)
            nearest = away.min(axis=1)
            near = np.log(np.exp(-0.5 * (away - nearest[:, None])).sum(axis=1)) - 0.5 * nearest
            near += height + np.log(1.0 - ANYTHING)
            found[start : start + 200] = -np.logaddexp(near, np.log(ANYTHING) + self._anything)
        return found
