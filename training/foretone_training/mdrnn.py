"""Trains a mixture-density recurrent network by truncated back-propagation through time.

Eight stretches of the recordings are read side by side in short chunks, with the state carried from one
chunk to the next (Williams and Peng, 1990) and a loss on every step, so that a few thousand small updates
by Adam (Kingma and Ba, 2015) are enough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import ModelError, SessionError
from foretone_training.dataset import Stream
from foretone_training.judge import HELD_OUT, Judge, blur, measure
from foretone_training.network import Network, Scale, Shape, create

ROWS = 8  # streams side by side
STEPS = 25  # events in a chunk
FEWEST = 100  # pairs of events
PASSES = 60  # over the recordings; the held-out events are usually predicted best well before the last
LEAST_UPDATES = 1500  # however short the recordings are
AVERAGED = 0.01  # of the newest weights, after each update, in the average that is judged and kept

Array = NDArray[Any]


@dataclass(frozen=True)
class Settings:
    """What a person may choose. `seconds` is about how long it takes; `updates`, where given, is exact."""

    layers: int = 2
    units: int = 64
    mixtures: int = 5
    seed: int = 1
    seconds: float = 30.0
    updates: int | None = None
    learning_rate: float = 5e-3


@dataclass(frozen=True)
class Progress:
    """How far the training is; `loss` and `held_out` are nats for an event, in natural units."""

    done: int
    planned: int
    loss: float
    held_out: float
    best: float


@dataclass(frozen=True)
class Trained:
    """The best network that was found, and how it was found.

    `ended` is a sentence; `repeatable` says whether the same sessions and settings give the same again.
    """

    network: Network
    scores: dict[str, float]
    ended: str
    repeatable: bool
    judged: Array = field(repr=False)
    """The last events of the recordings, [n, D] in natural units."""
    judge: Judge = field(repr=False)
    history: tuple[Progress, ...] = field(repr=False)


def train(
    streams: Sequence[Stream], settings: Settings, report: Callable[[Progress], None] = lambda _: None
) -> Trained:
    """Learn from all but the last tenth of each stream, and keep the weights that predict that tenth best.

    The same streams, settings and seed give the same weights on one machine. Ctrl-C ends it early and
    keeps the best so far. SessionError when there is too little to learn from.
    """
    random = np.random.default_rng(settings.seed)
    learned = [stream.split(HELD_OUT)[0] for stream in streams]
    rows = np.concatenate(learned)
    scale = measure(rows)
    shape = Shape(1 + len(streams[0].axes), settings.layers, settings.units, settings.mixtures)
    network = create(shape, scale, rows, random)
    passes = _Passes(learned, scale, random)
    judge = Judge([stream.rows for stream in streams], scale, random)
    planned = settings.updates or min(
        max(PASSES * passes.chunks, LEAST_UPDATES), affordable(network, settings)
    )
    adam = _Adam(network.values)
    slope = np.empty_like(network.values)
    average = network.astype(np.float32)
    best, best_at, best_values = math.inf, 0, network.values.copy()
    every = max(min(passes.chunks, planned // 20), planned // 60, 1)
    patience = max(planned // 3, 5 * every)
    states = network.start(1)
    history: list[Progress] = []
    loss, done, repeatable, ended = math.nan, 0, True, "It went through all of its updates."
    try:
        for x, y, keep, begins in passes.forever():
            states = network.start(x.shape[1]) if begins else states
            nll, states = network.loss(x, y, states, keep, slope)
            now = float(nll.mean())
            loss = now if math.isnan(loss) else loss + 0.05 * (now - loss)
            adam.update(slope, settings.learning_rate * cosine(done / planned))
            done += 1
            average.values += max(AVERAGED, 1.0 / done) * (network.values - average.values)
            if done % every == 0 or done == planned:
                held_out = judge.score(average)
                if held_out < best:
                    best, best_at, best_values = held_out, done, average.values.copy()
                history.append(Progress(done, planned, loss, held_out, best))
                report(history[-1])
                if not math.isfinite(loss):
                    ended = "It ended early: the loss was no longer a number."
                elif done - best_at >= patience:
                    ended = "It ended early: the held-out events were no longer predicted better."
                elif done < planned:
                    continue
                break
    except KeyboardInterrupt:
        if not math.isfinite(best):
            raise
        repeatable, ended = False, "It was stopped by hand, and keeps the best so far."
    if not math.isfinite(best):
        raise ModelError("nothing was learned: the loss was never a number; try another --seed")
    network.values[...] = best_values
    scores = {"held_out_nll": best, "updates": float(planned), "best_update": float(best_at)}
    judged = np.concatenate([stream.rows for stream in streams])[-250:]
    return Trained(network, scores, ended, repeatable, judged, judge, tuple(history))


def cosine(done: float) -> float:
    """The learning rate's factor, from 1 to 0.02, when `done` of the training (0..1) is behind."""
    return 0.51 + 0.49 * math.cos(math.pi * min(done, 1.0))


class _Passes:
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

    def forever(self) -> Iterator[tuple[Array, Array, Array, bool]]:
        """Forever x and y [steps, rows, D], keep [steps, rows, 1], and whether it is a pass's first chunk."""
        fresh = np.isin(np.arange(len(self._rows)), self._starts)
        while True:
            rows = blur(self._rows, self._scale, self._random)
            turned = np.roll(self._pairs, -self._random.integers(len(self._pairs)))
            used = turned[: self._side * self.chunks * STEPS].reshape(self._side, self.chunks, STEPS)
            for chunk in range(self.chunks):
                index = used[:, chunk].T
                keep = (~fresh[index]).astype(np.float32)[:, :, None]
                yield rows[index], rows[index + 1], keep, chunk == 0


def affordable(network: Network, settings: Settings) -> int:
    """How many updates fit into `settings.seconds`.

    It is reckoned for a desktop's core, not measured, so that the same seed gives the same model on a busy
    machine too. Only where a trial shows a much slower machine it is half as many, or a quarter, and so on.
    """
    shape = network.shape
    products = sum(rows * columns for rows, columns in shape.matrices) * ROWS * STEPS
    reckoned = 0.25e-3 + 0.7e-3 * shape.layers + 1.2e-10 * products
    x = np.zeros((STEPS, ROWS, shape.dimension), np.float32)
    slope, keep, trials = np.empty_like(network.values), np.ones((STEPS, ROWS, 1), np.float32), []
    for _ in range(10):
        begun = time.perf_counter()
        network.loss(x, x, network.start(ROWS), keep, slope)
        trials.append(time.perf_counter() - begun)
    halvings = max(0, round(math.log2(min(trials) / reckoned)))
    return max(1, int(settings.seconds / reckoned) >> halvings)


class _Adam:
    """Adam with the gradient's length held to 1.

    Its memory of squares is 100 updates, not 1000: a pause that nobody expected is then soon forgotten.
    """

    def __init__(self, values: Array) -> None:
        self._values = values
        self._mean, self._square = np.zeros_like(values), np.zeros_like(values)
        self._count = 0

    def update(self, slope: Array, rate: float) -> None:
        """One step against the slope, which is overwritten."""
        length = float(np.sqrt(np.dot(slope, slope)))
        if length > 1.0:
            slope /= length
        self._count += 1
        self._mean += 0.1 * (slope - self._mean)
        self._square += 0.01 * (slope * slope - self._square)
        corrected = rate * math.sqrt(1.0 - 0.99**self._count) / (1.0 - 0.9**self._count)
        self._values -= corrected * self._mean / (np.sqrt(self._square) + 1e-7)
