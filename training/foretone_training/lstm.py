"""One layer of long short-term memory, forwards and backwards through a chunk of time.

Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997, with the forget gate of
Gers, Schmidhuber and Cummins, 2000. Arrays run [steps, rows, width]: `rows` streams side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
State = tuple[Array, Array]


class LSTM:
    """A layer over weights that belong to somebody else.

    `weights` has the shape [inputs + units, 4 * units]: what is heard stands above the layer's own last
    output, and the four gates input, forget, output and candidate stand side by side; so in `bias`.
    """

    def __init__(self, weights: Array, bias: Array) -> None:
        self.units = len(bias) // 4
        self.inputs = len(weights) - self.units
        self.weights, self.bias = weights, bias
        # sigmoid(a) = (1 + tanh(a / 2)) / 2, so that one tanh serves all four gates.
        self._half = np.full(4 * self.units, 0.5, weights.dtype)
        self._half[3 * self.units :] = 1.0

    def forward(self, x: Array, state: State, keep: Array) -> tuple[Array, State]:
        """The outputs [steps, rows, units], and the state after the last step.

        `keep` [steps, rows, 1] is 0 where a new stream begins, and what came before is forgotten; else 1.
        """
        steps, rows, _ = x.shape
        units = self.units
        scaled = self.weights * self._half
        past = scaled[self.inputs :]
        gates = (x.reshape(steps * rows, -1) @ scaled[: self.inputs]).reshape(steps, rows, 4 * units)
        gates += self.bias * self._half
        outputs, cells = np.empty((2, steps, rows, units), x.dtype)
        before = np.empty((2, steps, rows, units), x.dtype)
        squashed = np.empty_like(cells)
        fresh = ~keep.all(axis=(1, 2))
        h, c = state
        for step in range(steps):
            if fresh[step]:
                h, c = h * keep[step], c * keep[step]
            before[0, step], before[1, step] = h, c
            gate = gates[step]
            gate += h @ past
            np.tanh(gate, out=gate)
            sigmoids = gate[:, : 3 * units]
            sigmoids += 1.0
            sigmoids *= 0.5
            cell = np.multiply(gate[:, units : 2 * units], c, out=cells[step])
            cell += gate[:, :units] * gate[:, 3 * units :]
            h = np.multiply(
                gate[:, 2 * units : 3 * units], np.tanh(cell, out=squashed[step]), out=outputs[step]
            )
            c = cell
        self._x, self._keep, self._fresh = x, keep, fresh
        self._gates, self._before, self._squashed = gates, before, squashed
        return outputs, (h.copy(), c.copy())

    def backward(self, error: Array, weights: Array, bias: Array) -> Array:
        """From the loss's slope by the outputs to its slope by x, [steps, rows, inputs].

        The slopes by the weights and the bias are written into the arrays given. Nothing flows back
        beyond the chunk of the last `forward`.
        """
        steps, rows, units = error.shape
        gates, squashed, (h_before, c_before) = self._gates, self._squashed, self._before
        given, forget, output, candidate = np.split(gates, 4, axis=2)
        slope = gates * (1.0 - gates)
        slope[:, :, 3 * units :] = 1.0 - candidate * candidate
        through = output * (1.0 - squashed * squashed)
        back = np.ascontiguousarray(self.weights[self.inputs :].T)
        errors = np.empty_like(gates)
        h_error, c_error = np.zeros((2, rows, units), error.dtype)
        for step in range(steps - 1, -1, -1):
            h_error += error[step]
            c_error += h_error * through[step]
            gate = errors[step]
            np.multiply(c_error, candidate[step], out=gate[:, :units])
            np.multiply(c_error, c_before[step], out=gate[:, units : 2 * units])
            np.multiply(h_error, squashed[step], out=gate[:, 2 * units : 3 * units])
            np.multiply(c_error, given[step], out=gate[:, 3 * units :])
            gate *= slope[step]
            c_error *= forget[step]
            h_error = gate @ back
            if self._fresh[step]:
                h_error *= self._keep[step]
                c_error *= self._keep[step]
        flat = errors.reshape(steps * rows, 4 * units)
        np.matmul(self._x.reshape(steps * rows, -1).T, flat, out=weights[: self.inputs])
        np.matmul(h_before.reshape(steps * rows, units).T, flat, out=weights[self.inputs :])
        np.sum(flat, axis=0, out=bias)
        return np.reshape(flat @ self.weights[: self.inputs].T, (steps, rows, self.inputs))
