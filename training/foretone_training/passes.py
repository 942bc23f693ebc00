"""Passes over recordings, cut into chunks for truncated back-propagation through time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import SessionError
from foretone_training.judge import blur
from foretone_training.network import Scale

ROWS = 8  # streams side by side
STEPS = 25  # events in a chunk
FEWEST = 100  # pairs of events

Array = NDArray[Any]


class Passes:
    """Pairs of an event and the next, cut into rows and chunks; another cut and another blur each pass."""

    def __init__(self, streams: Sequence[Array], scale: Scale, random: np.random.Generator) -> None:
        self._rows = np.concatenate(streams)
        lengths = [len(stream) for stream in streams]
        self._starts = np.cumsum([0, *lengths[:-1]])
        last = np.cumsum(lengths) - 1
        self._pairs = np.delete(np.arange(len(self._rows)), last)
        self._scale, self._random = scale, random
        if len(self._pairs) < FEWEST:
            raise SessionError(f"{sum(lengths)} events are too few to learn from; play for a minute or two")
        self._side = max(1, min(ROWS, len(self._pairs) // STEPS))
        self.chunks = len(self._pairs) // (self._side * STEPS)
        self.chunk = 0
        self.random: Mapping[str, Any] = {}
        """The state of the random numbers when this pass began."""

    def forever(self, begin: int = 0) -> Iterator[tuple[Array, Array, Array, bool]]:
        """Forever x and y [steps, rows, D], keep [steps, rows, 1], and whether it is a pass's first chunk.

        The first pass goes on from its chunk `begin`. `random` and `chunk` say where the next one comes from.
        """
        fresh = np.isin(np.arange(len(self._rows)), self._starts)
        while True:
            self.random = self._random.bit_generator.state
            rows = blur(self._rows, self._scale, self._random)
            turned = np.roll(self._pairs, -self._random.integers(len(self._pairs)))
            used = turned[: self._side * self.chunks * STEPS].reshape(self._side, self.chunks, STEPS)
            for chunk in range(begin, self.chunks):
                self.chunk = chunk + 1
                index = used[:, chunk].T
                keep = (~fresh[index]).astype(np.float32)[:, :, None]
                yield rows[index], rows[index + 1], keep, chunk == 0
            begin = 0
