"""Trains a mixture-density recurrent network by truncated back-propagation through time.

Eight stretches of the recordings are read side by side in short chunks, with the state carried from one
chunk to the next (Williams and Peng, 1990) and a loss on every step, so that a few thousand small updates
are enough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import ModelError
from foretone_training.adam import Adam
from foretone_training.dataset import Stream
from foretone_training.judge import HELD_OUT, Judge, measure
from foretone_training.network import Network, Scale, Shape, create
from foretone_training.passes import ROWS, STEPS, Passes
from foretone_training.resume import UNFIT, State

SIZES = {"xs": 32, "s": 64, "m": 128, "l": 256, "xl": 512}
"""Units of each layer, by the names that IMPS gave them."""

PASSES = 20  # over the recordings; more of them learn the recordings by heart
LEAST_UPDATES = 1000  # however short the recordings are
AGAIN = 0.3  # of the learning rate, for a network that has learned before
KEPT_EVERY = 10.0  # seconds
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
    learning_rate: float | None = None
    """Of the first update; None for what suits the units."""
    plain: bool = False
    """The network of IMPS: it takes dt in seconds, and its output layer hears the memory alone."""


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
    streams: Sequence[Stream],
    settings: Settings,
    report: Callable[[Progress], None] = lambda _: None,
    *,
    begin: Network | None = None,
    state: State | None = None,
    keep: Callable[[State], None] = lambda _: None,
) -> Trained:
    """Learn from all but the last tenth of each stream, and keep the weights that predict that tenth best.

    `begin` is a network that has learned before, and now learns these streams. `keep` is given the state
    every ten seconds and when Ctrl-C ends it, with the best so far; `state`, with the same streams and
    settings, goes on from there. The same streams, settings and seed give the same weights on one machine,
    interrupted or not. SessionError when there is too little to learn from.
    """
    try:
        training = _Training(streams, settings, begin, state)
    except (KeyError, TypeError, ValueError) as error:
        if state is None:
            raise
        raise ModelError(UNFIT) from error
    repeatable, ended = True, ""
    kept, latest = time.monotonic(), None
    try:
        while not ended:
            progress = training.stretch()
            report(progress)
            ended = training.ended()
            latest = training.state()
            if time.monotonic() > kept + KEPT_EVERY:
                keep(latest)
                kept = time.monotonic()
    except KeyboardInterrupt:
        if latest is None or not math.isfinite(training.best):
            raise
        keep(latest)
        repeatable, ended = False, "It was stopped by hand, and keeps the best so far."
    if not math.isfinite(training.best):
        raise ModelError("nothing was learned: the loss was never a number; try another --seed")
    network = training.network
    network.values[...] = training.best_values
    scores = {
        "held_out_nll": training.best,
        "updates": float(training.planned),
        "best_update": float(training.best_at),
    }
    judged = np.concatenate([stream.rows for stream in streams])[-250:]
    return Trained(network, scores, ended, repeatable, judged, training.judge, tuple(training.history))


class _Training:
    """A training between two updates."""

    def __init__(
        self, streams: Sequence[Stream], settings: Settings, begin: Network | None, state: State | None
    ) -> None:
        random = np.random.default_rng(settings.seed)
        learned = [stream.split(HELD_OUT)[0] for stream in streams]
        rows = np.concatenate(learned)
        log_dt = begin.scale.log_dt if begin else 0.0 if settings.plain else None
        scale = measure(rows, log_dt)
        sizes = settings.layers, settings.units, settings.mixtures
        shape = Shape(1 + len(streams[0].axes), *sizes, skip=not settings.plain)
        if state:
            mean, spread, step = state.arrays["scale"]
            scale = Scale(mean, spread, step, state.told["log_dt"])
            self.network = Network(shape, scale, np.zeros(shape.size, np.float32))
            random.bit_generator.state = state.told["judge_random"]
        elif begin:
            self.network = begin.recentred(scale.mean, scale.step)
        else:
            self.network = create(shape, scale, rows, random)
        self.passes = Passes(learned, self.network.scale, random)
        self._judge_random = random.bit_generator.state
        self.judge = Judge([stream.rows for stream in streams], self.network.scale, random)
        self._rate = settings.learning_rate or learning_rate(settings.units)
        self.adam = Adam(self.network.values)
        self.average = self.network.astype(np.float32)
        self.best, self.best_at, self.best_values = math.inf, 0, self.network.values.copy()
        self.loss, self.done = math.nan, 0
        self.history: list[Progress] = []
        self.states = self.network.start(1)
        if state:
            self._restore(state, random)
        else:
            most = max(PASSES * self.passes.chunks, LEAST_UPDATES)
            self.planned = settings.updates or min(most, affordable(self.network, settings))
        self._every = max(min(self.passes.chunks, self.planned // 20), self.planned // 60, 1)
        self._patience = max(self.planned // 3, 5 * self._every)
        self._chunks = self.passes.forever(self.passes.chunk)
        self._slope = np.empty_like(self.network.values)

    def stretch(self) -> Progress:
        """Update until it is time to judge, and judge."""
        network, average = self.network, self.average
        for x, y, keep, begins in self._chunks:
            states = network.start(x.shape[1]) if begins else self.states
            nll, self.states = network.loss(x, y, states, keep, self._slope)
            now = float(nll.mean())
            self.loss = now if math.isnan(self.loss) else self.loss + 0.05 * (now - self.loss)
            self.adam.update(self._slope, self._rate * cosine(self.done / self.planned))
            self.done += 1
            average.values += max(AVERAGED, 1.0 / self.done) * (network.values - average.values)
            if self.done % self._every == 0 or self.done >= self.planned:
                break
        held_out = self.judge.score(average)
        if held_out < self.best:
            self.best, self.best_at, self.best_values = held_out, self.done, average.values.copy()
        self.history.append(Progress(self.done, self.planned, self.loss, held_out, self.best))
        return self.history[-1]

    def ended(self) -> str:
        """Why it ended, a sentence; empty while it goes on."""
        if not math.isfinite(self.loss):
            return "It ended early: the loss was no longer a number."
        if self.done - self.best_at >= self._patience:
            return "It ended early: the held-out events were no longer predicted better."
        return "It went through all of its updates." if self.done >= self.planned else ""

    def state(self) -> State:
        """A copy of all that the next update depends on."""
        scale = self.network.scale
        arrays = {
            "values": self.network.values, "average": self.average.values, "best_values": self.best_values,
            "mean": self.adam.mean, "square": self.adam.square, "states": np.array(self.states),
            "scale": np.array([scale.mean, scale.spread, scale.step]),
        }  # fmt: skip
        told = {
            "judge_random": self._judge_random, "pass_random": self.passes.random, "chunk": self.passes.chunk,
            "log_dt": scale.log_dt, "done": self.done, "planned": self.planned, "loss": self.loss,
            "best": self.best, "best_at": self.best_at, "history": [astuple(one) for one in self.history],
        }  # fmt: skip
        return State({name: array.copy() for name, array in arrays.items()}, told)

    def _restore(self, state: State, random: np.random.Generator) -> None:
        arrays, told = state.arrays, state.told
        for name, array in (("values", self.network.values), ("average", self.average.values),
                            ("mean", self.adam.mean), ("square", self.adam.square)):  # fmt: skip
            array[...] = arrays[name]
        self.best_values = arrays["best_values"].copy()
        self.states = [(h, c) for h, c in arrays["states"]]
        random.bit_generator.state = told["pass_random"]
        self.passes.chunk = told["chunk"]
        self.done, self.planned, self.loss = told["done"], told["planned"], told["loss"]
        self.adam.count, self.best, self.best_at = self.done, told["best"], told["best_at"]
        self.history = [Progress(*one) for one in told["history"]]


def learning_rate(units: int) -> float:
    """Of the first update: the more units, the smaller its steps.

    Of rates a factor of two apart, none was better by more than 0.05 nats on two recordings from 32 to 256
    units; 512 units forget everything at twice theirs.
    """
    return min(5e-3 * math.sqrt(128.0 / units), 1e-2)


def cosine(done: float) -> float:
    """The learning rate's factor, from 1 to 0.02, when `done` of the training (0..1) is behind."""
    return 0.51 + 0.49 * math.cos(math.pi * min(done, 1.0))


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
