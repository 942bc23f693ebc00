"""The mixture-density recurrent network: LSTM layers under a mixture of Gaussians.

Martin and Torresen, An Interactive Musical Prediction System with Mixture Density Recurrent Neural
Networks, NIME 2019. From dt and the axes of one event it gives the density of the next. Unlike theirs, the
output layer also hears the event itself, past the memory (Graves, Generating Sequences With Recurrent Neural
Networks, 2013, section 2): of eight knobs, the seven that no hand is on are then expected where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from foretone_training import mixture
from foretone_training.lstm import LSTM, State

Array = NDArray[Any]


@dataclass(frozen=True)
class Shape:
    """How large a network is. `dimension` counts dt and the axes.

    `skip` says whether the output layer hears the event too; that of IMPS hears the memory alone.
    """

    dimension: int
    layers: int = 2
    units: int = 64
    mixtures: int = 5
    skip: bool = True

    @property
    def outputs(self) -> int:
        """Numbers that describe one mixture."""
        return self.mixtures * (2 * self.dimension + 1)

    @property
    def matrices(self) -> list[tuple[int, int]]:
        """Of each layer and then of the output: rows and columns of its weights."""
        heard = [self.dimension] + [self.units] * (self.layers - 1)
        head = self.units + self.skip * self.dimension
        return [(inputs + self.units, 4 * self.units) for inputs in heard] + [(head, self.outputs)]

    @property
    def size(self) -> int:
        """Weights and biases, all together."""
        return sum((rows + 1) * columns for rows, columns in self.matrices)


@dataclass(frozen=True)
class Scale:
    """Between natural units (seconds, 0..1) and the network's own, about -1..1; arrays of shape [D].

    `step` is the resolution of the recordings. No standard deviation is below half of it.
    """

    mean: Array
    spread: Array
    step: Array
    log_dt: float = 0.0
    """Above 0, a network takes dt by its logarithm, with so many seconds added to it first, and `mean` and
    `spread` are of that logarithm: a note's wait and a pause, a hundred times longer, are then neighbours.
    """

    def to_network(self, rows: Array) -> Array:
        """Rows in the network's units."""
        return np.asarray((coded(rows, self.log_dt) - self.mean) / self.spread)

    def to_natural(self, rows: Array) -> Array:
        """Rows in seconds and 0..1 again."""
        natural = np.asarray(rows * self.spread + self.mean)
        if self.log_dt:
            natural[..., 0] = np.exp(natural[..., 0]) - self.log_dt
        return natural

    @property
    def floor(self) -> Array:
        """The smallest standard deviation, in the network's units; of log dt, half a step at the mean."""
        floor = np.asarray(0.5 * self.step / self.spread)
        if self.log_dt:
            floor[0] /= np.exp(self.mean[0])
        return floor

    def nats(self, rows: Array) -> Array:
        """What the negative log-likelihood of rows in the network's units grows by in natural units.

        It is the logarithm of how far natural units stretch there.
        """
        grows = np.full(rows.shape[:-1], np.log(self.spread.astype(np.float64)).sum(), rows.dtype)
        return grows + (rows[..., 0] * self.spread[0] + self.mean[0]) if self.log_dt else grows


class Network:
    """Weights in one flat array, `values`, and what they compute.

    `layers` and `head` are pairs of weights and bias, views of `values`: whoever changes one changes the
    other. Everything is computed in the type of `values`.
    """

    def __init__(self, shape: Shape, scale: Scale, values: Array) -> None:
        self.shape, self.values = shape, values
        mean, spread, step = (part.astype(values.dtype) for part in (scale.mean, scale.spread, scale.step))
        self.scale = Scale(mean, spread, step, scale.log_dt)
        *self.layers, self.head = _views(shape, values)
        self._lstms = [LSTM(*layer) for layer in self.layers]

    def astype(self, dtype: DTypeLike) -> Network:
        """A copy that computes in another precision."""
        return Network(self.shape, self.scale, self.values.astype(dtype))

    def recentred(self, mean: Array, step: Array) -> Network:
        """A copy that computes the same around another mean, for recordings of another step."""
        scale = replace(self.scale, mean=mean, step=step)
        copy = Network(self.shape, scale, self.values.copy())
        moved = (copy.scale.mean - self.scale.mean) / self.scale.spread
        copy.layers[0][1][...] += moved @ copy.layers[0][0][: self.shape.dimension]
        weights, bias = copy.head
        if self.shape.skip:
            bias += moved @ weights[self.shape.units :]
        mixture.parts(bias[None], self.shape.dimension)[0][...] -= moved
        return copy

    def start(self, rows: int) -> list[State]:
        """The state of `rows` streams that have not begun."""
        zero = np.zeros((rows, self.shape.units), self.values.dtype)
        return [(zero, zero)] * self.shape.layers

    def forward(self, x: Array, states: list[State], keep: Array) -> tuple[Array, list[State]]:
        """Output rows [steps * rows, outputs] for x [steps, rows, D] in the network's units."""
        event, after = x, []
        for lstm, state in zip(self._lstms, states, strict=True):
            x, left = lstm.forward(x, state, keep)
            after.append(left)
        weights, bias = self.head
        if self.shape.skip:
            x = np.concatenate([x, event], axis=2)
        self._last = x.reshape(-1, len(weights))
        return self._last @ weights + bias, after

    def loss(
        self, x: Array, y: Array, states: list[State], keep: Array, slope: Array | None = None
    ) -> tuple[Array, list[State]]:
        """The negative log-likelihood in natural units of each y [steps, rows, D], shape [steps, rows].

        The slope of its mean by every weight is written into `slope`, an array like `values`.
        """
        output, after = self.forward(x, states, keep)
        nll, by_output = mixture.loss(output, y.reshape(len(output), -1), self.scale.floor)
        if slope is not None:
            self._backward(by_output / len(output), slope, x.shape[:2])
        return nll.reshape(x.shape[:2]) + self.scale.nats(y), after

    def _backward(self, error: Array, slope: Array, steps: tuple[int, ...]) -> None:
        *layers, (weights, bias) = _views(self.shape, slope)
        np.matmul(self._last.T, error, out=weights)
        np.sum(error, axis=0, out=bias)
        error = (error @ self.head[0][: self.shape.units].T).reshape(*steps, self.shape.units)
        for lstm, (weights, bias) in zip(reversed(self._lstms), reversed(layers), strict=True):
            error = lstm.backward(error, weights, bias)

    def mixtures(self, output: Array) -> Array:
        """Output rows in natural units: means, standard deviations, and the components' weights.

        Where the network takes dt by its logarithm, its mean and deviation are those of log(dt + log_dt).
        """
        means, raw, logits = mixture.parts(output, self.shape.dimension)
        sigma = mixture.deviations(raw, self.scale.floor) * self.scale.spread
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        flat = [(means * self.scale.spread + self.scale.mean), sigma, weights]
        return np.concatenate([part.reshape(len(output), -1) for part in flat], axis=1)


def create(shape: Shape, scale: Scale, rows: Array, random: np.random.Generator) -> Network:
    """A network that has not learned anything: orthogonal memory, open forget gates.

    From the start each component waits for another stretch of dt, spaced evenly in its logarithm between
    the shortest and the longest of `rows`, as often as it occurs. Pauses are rare, long and precise notes
    short: from anywhere else their errors are so large that learning may not recover.
    """
    network = Network(shape, scale, np.zeros(shape.size, np.float32))
    for weights, bias in network.layers:
        inputs = len(weights) - shape.units
        weights[:inputs] = random.normal(size=(inputs, 4 * shape.units)) / np.sqrt(inputs + shape.units)
        for gate in range(4):
            columns = slice(gate * shape.units, (gate + 1) * shape.units)
            weights[inputs:, columns] = np.linalg.qr(random.normal(size=(shape.units, shape.units)))[0]
        bias[shape.units : 2 * shape.units] = 1.0
    weights, bias = network.head
    weights[: shape.units] = 0.1 * random.normal(size=(shape.units, shape.outputs)) / np.sqrt(shape.units)
    means, widths, logits = mixture.parts(bias[None], shape.dimension)
    waits = np.maximum(rows[:, 0], scale.step[0])
    edges = np.geomspace(waits.min(), waits.max(), 2 * shape.mixtures + 1)
    centres = edges[1::2]
    nearest = np.abs(np.log(waits[:, None] / centres)).argmin(axis=1)
    events = np.repeat(centres[:, None], shape.dimension, axis=1)
    means[0, :, 0] = scale.to_network(events)[:, 0]
    means[0, :, 1:] = random.normal(size=(shape.mixtures, shape.dimension - 1))
    wide = 0.5 * np.log(edges[2] / edges[0]) if scale.log_dt else 0.5 * centres
    widths[0, :, 0] = np.log(np.clip(wide / scale.spread[0], scale.floor[0], 1.0))
    logits[0] = np.log((1 + np.bincount(nearest, minlength=shape.mixtures)) / len(rows))
    return network


def coded(rows: Array, log_dt: float) -> Array:
    """Rows [..., D] with log(dt + log_dt) in place of dt; as they are where log_dt is 0."""
    if not log_dt:
        return rows
    # A blurred wait lies below nought by up to half a step, of a recording that may be coarser than log_dt.
    dt = np.log(np.maximum(rows[..., :1] + log_dt, 0.25 * log_dt))
    return np.concatenate([dt, rows[..., 1:]], axis=-1)


def _views(shape: Shape, values: Array) -> list[tuple[Array, Array]]:
    views, start = [], 0
    for rows, columns in shape.matrices:
        border, end = start + rows * columns, start + (rows + 1) * columns
        views.append((values[start:border].reshape(rows, columns), values[border:end]))
        start = end
    return views
