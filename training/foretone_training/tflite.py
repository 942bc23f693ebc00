"""A graph of float operators as a .tflite file, written directly.

Every operator is written in the first version that can do what is asked, which tflite-runtime 2.14 and
ai-edge-litert both know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foretone_training.flatfile import File, Operation, Tensor

Shape = Sequence[int]
Weights = Literal["float32", "float16", "int8"]


class Graph:
    """A graph under construction. Every method returns the number of a tensor, for the next one to take.

    All tensors are of shape [1, width] unless said otherwise; the first axis is there because the kernels
    expect a batch.
    """

    def __init__(self) -> None:
        self._tensors: list[Tensor] = []
        self._operations: list[Operation] = []
        self._inputs: list[int] = []
        self._outputs: list[int] = []

    def input(self, name: str, width: int) -> int:
        """A float32 input of shape [1, width], found by its name."""
        self._inputs.append(self._tensor(name, (1, width)))
        return self._inputs[-1]

    def output(self, tensor: int, name: str) -> None:
        """What `tensor` holds is an output, found by this name."""
        self._tensors[tensor].name = name
        self._outputs.append(tensor)

    def constant(self, name: str, values: NDArray[Any]) -> int:
        """Numbers that do not change, of any shape: float32, float16, int32 or int8."""
        values = np.ascontiguousarray(values).reshape(np.shape(values))
        return self._tensor(name, values.shape, values.dtype.name, values.tobytes())

    def fully_connected(
        self, x: int, weights: NDArray[Any], bias: NDArray[Any], name: str, kind: Weights = "float32"
    ) -> int:
        """The sums x @ weights + bias, with weights of shape [inputs, outputs], kept in `kind`.

        With int8, x is rounded too while playing, to 127 steps of its largest value: it should hold nothing
        that is much larger than the rest.
        """
        matrix, version = np.asarray(weights, np.float32).T, 1
        if kind == "float16":
            halves = self.constant(f"{name}/weights", matrix.astype(np.float16))
            (stored,) = self._apply("DEQUANTIZE", (halves,), [matrix.shape[1]], version=3)
            self._tensors[stored].shape = matrix.shape
        elif kind == "int8":
            version = 3
            scale = float(np.abs(matrix).max()) / 127.0 or 1.0
            stored = self.constant(f"{name}/weights", np.round(matrix / scale).astype(np.int8))
            self._tensors[stored].scale = scale
        else:
            stored = self.constant(f"{name}/weights", matrix)
        offset = self.constant(f"{name}/bias", np.asarray(bias, np.float32))
        return self._apply("FULLY_CONNECTED", (x, stored, offset), [len(bias)], version=version)[0]

    def concatenate(self, tensors: Sequence[int]) -> int:
        """The tensors side by side."""
        width = sum(self._width(tensor) for tensor in tensors)
        return self._one("CONCATENATION", tuple(tensors), width, axis=1)

    def split(self, x: int, count: int) -> list[int]:
        """`count` tensors of equal width."""
        widths = [self._width(x) // count] * count
        axis = self._integer("axis", np.array(1, np.int32))
        return self._apply("SPLIT", (axis, x), widths, num_splits=count)

    def split_into(self, x: int, widths: Sequence[int]) -> list[int]:
        """Tensors of these widths, which add up to that of x."""
        sizes = self._integer("widths", np.array(widths, np.int32))
        axis = self._integer("axis", np.array(1, np.int32))
        return self._apply("SPLIT_V", (x, sizes, axis), widths, num_splits=len(widths))

    def add(self, a: int, b: int) -> int:
        """The sum a + b, element by element; b may be of width 1."""
        return self._one("ADD", (a, b), self._width(a))

    def multiply(self, a: int, b: int) -> int:
        """The product a * b, element by element; b may be of width 1."""
        return self._one("MUL", (a, b), self._width(a))

    def subtract(self, a: int, b: int) -> int:
        """The difference a - b, element by element; b may be of width 1."""
        return self._one("SUB", (a, b), self._width(a))

    def divide(self, a: int, b: int) -> int:
        """The quotient a / b, element by element; b may be of width 1."""
        return self._one("DIV", (a, b), self._width(a))

    def maximum(self, a: int, b: int) -> int:
        """The larger of a and b, element by element; b may be of width 1."""
        return self._one("MAXIMUM", (a, b), self._width(a))

    def minimum(self, a: int, b: int) -> int:
        """The smaller of a and b, element by element."""
        return self._one("MINIMUM", (a, b), self._width(a))

    def log(self, x: int) -> int:
        """The natural logarithm."""
        return self._one("LOG", (x,), self._width(x))

    def logistic(self, x: int) -> int:
        """1 / (1 + exp(-x))."""
        return self._one("LOGISTIC", (x,), self._width(x))

    def tanh(self, x: int) -> int:
        """The hyperbolic tangent."""
        return self._one("TANH", (x,), self._width(x))

    def elu(self, x: int) -> int:
        """Where x is positive, x; elsewhere exp(x) - 1."""
        return self._one("ELU", (x,), self._width(x))

    def relu(self, x: int) -> int:
        """Where x is positive, x; elsewhere 0."""
        return self._one("RELU", (x,), self._width(x))

    def exp(self, x: int) -> int:
        """The exponential function."""
        return self._one("EXP", (x,), self._width(x))

    def largest(self, x: int, count: int) -> int:
        """The `count` largest elements of x, the largest first."""
        wanted = self._integer("count", np.array(count, np.int32))
        values, places = self._apply("TOPK_V2", (x, wanted), [count, count])
        self._tensors[places].kind = "int32"
        return values

    def sums(self, x: int, count: int) -> int:
        """The sums of `count` groups of neighbours, all of the same size."""
        size = self._width(x) // count
        shape = self._integer("shape", np.array([1, count, size], np.int32))
        (groups,) = self._apply("RESHAPE", (x, shape), [size])
        self._tensors[groups].shape = (1, count, size)
        return self._one("SUM", (groups, self._integer("last", np.array([2], np.int32))), count, keep_dims=0)

    def row(self, name: str, values: Any) -> int:
        """A float32 constant of shape [1, width]."""
        return self.constant(name, np.asarray(values, np.float32).reshape(1, -1))

    def to_bytes(self, notes: Mapping[str, bytes] | None = None) -> bytes:
        """The file. `notes` go into its metadata table, each under its name."""
        return File(self._tensors, self._operations, self._inputs, self._outputs).to_bytes(notes or {})

    def _tensor(self, name: str, shape: Shape, kind: str = "float32", content: bytes | None = None) -> int:
        self._tensors.append(Tensor(name, tuple(shape), kind, content))
        return len(self._tensors) - 1

    def _integer(self, name: str, values: NDArray[np.int32]) -> int:
        """An int32 constant; the same one twice is stored once."""
        wanted = Tensor(name, values.shape, "int32", values.tobytes())
        return self._tensors.index(wanted) if wanted in self._tensors else self.constant(name, values)

    def _width(self, tensor: int) -> int:
        return self._tensors[tensor].shape[-1]

    def _one(self, operator: str, inputs: tuple[int, ...], width: int, **options: int) -> int:
        return self._apply(operator, inputs, [width], **options)[0]

    def _apply(
        self,
        operator: str,
        inputs: tuple[int, ...],
        widths: Sequence[int],
        version: int = 1,
        **options: int,
    ) -> list[int]:
        number = len(self._operations)
        outputs = [
            self._tensor(f"{operator.lower()}_{number}_{part}", (1, width))
            for part, width in enumerate(widths)
        ]
        self._operations.append(Operation(operator, inputs, tuple(outputs), options, version))
        return outputs
