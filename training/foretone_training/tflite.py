"""Writes a .tflite file directly: a graph of float operators, and named notes beside it.

Only the `flatbuffers` package is needed. The numbers of slots, operators and option tables are those of
TensorFlow Lite's schema, version 3:
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/schema/schema.fbs
Every operator is written in its first version, which tflite-runtime 2.14 and ai-edge-litert both know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 3
ALIGNMENT = 16  # bytes, of every constant: the kernels read the file in place

# name: (BuiltinOperator, its table in BuiltinOptions or 0, {option: (slot, kind of scalar)})
OPERATORS: dict[str, tuple[int, int, dict[str, tuple[int, str]]]] = {
    "ADD": (0, 11, {}),
    "CONCATENATION": (2, 10, {"axis": (0, "Int32")}),
    "FULLY_CONNECTED": (9, 8, {}),
    "LOGISTIC": (14, 0, {}),
    "MUL": (18, 21, {}),
    "TANH": (28, 0, {}),
    "SPLIT": (49, 35, {"num_splits": (0, "Int32")}),
    "MINIMUM": (57, 39, {}),
    "SPLIT_V": (102, 79, {"num_splits": (0, "Int32")}),
    "ELU": (111, 0, {}),
}
TYPES = {"float32": 0, "float16": 1, "int32": 2, "int8": 9}

Shape = Sequence[int]


@dataclass
class _Tensor:
    name: str
    shape: tuple[int, ...]
    kind: str = "float32"
    content: bytes | None = None


@dataclass(frozen=True)
class _Operation:
    operator: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int]


class Graph:
    """A graph under construction. Every method returns the number of a tensor, for the next one to take.

    All tensors are of shape [1, width] unless said otherwise; the first axis is there because the kernels
    expect a batch.
    """

    def __init__(self) -> None:
        self._tensors: list[_Tensor] = []
        self._operations: list[_Operation] = []
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

    def fully_connected(self, x: int, weights: NDArray[Any], bias: NDArray[Any], name: str) -> int:
        """The sums x @ weights + bias, with weights of shape [inputs, outputs]."""
        matrix = self.constant(f"{name}/weights", np.asarray(weights, np.float32).T)
        offset = self.constant(f"{name}/bias", np.asarray(bias, np.float32))
        return self._one("FULLY_CONNECTED", (x, matrix, offset), len(bias))

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
        """The sum a + b, element by element."""
        return self._one("ADD", (a, b), self._width(a))

    def multiply(self, a: int, b: int) -> int:
        """The product a * b, element by element."""
        return self._one("MUL", (a, b), self._width(a))

    def minimum(self, a: int, b: int) -> int:
        """The smaller of a and b, element by element."""
        return self._one("MINIMUM", (a, b), self._width(a))

    def logistic(self, x: int) -> int:
        """1 / (1 + exp(-x))."""
        return self._one("LOGISTIC", (x,), self._width(x))

    def tanh(self, x: int) -> int:
        """The hyperbolic tangent."""
        return self._one("TANH", (x,), self._width(x))

    def elu(self, x: int) -> int:
        """Where x is positive, x; elsewhere exp(x) - 1."""
        return self._one("ELU", (x,), self._width(x))

    def to_bytes(self, notes: Mapping[str, bytes] | None = None) -> bytes:
        """The file. `notes` go into its metadata table, each under its name."""
        return _File(self._tensors, self._operations, self._inputs, self._outputs).to_bytes(notes or {})

    def _tensor(self, name: str, shape: Shape, kind: str = "float32", content: bytes | None = None) -> int:
        self._tensors.append(_Tensor(name, tuple(shape), kind, content))
        return len(self._tensors) - 1

    def _integer(self, name: str, values: NDArray[np.int32]) -> int:
        """An int32 constant; the same one twice is stored once."""
        wanted = _Tensor(name, values.shape, "int32", values.tobytes())
        return self._tensors.index(wanted) if wanted in self._tensors else self.constant(name, values)

    def _width(self, tensor: int) -> int:
        return self._tensors[tensor].shape[-1]

    def _one(self, operator: str, inputs: tuple[int, ...], width: int, **options: int) -> int:
        return self._apply(operator, inputs, [width], **options)[0]

    def _apply(
        self, operator: str, inputs: tuple[int, ...], widths: Sequence[int], **options: int
    ) -> list[int]:
        number = len(self._operations)
        outputs = [
            self._tensor(f"{operator.lower()}_{number}_{part}", (1, width))
            for part, width in enumerate(widths)
        ]
        self._operations.append(_Operation(operator, inputs, tuple(outputs), options))
        return outputs


class _File:
    """Serialises a graph. A flatbuffer is written from its leaves to its root."""

    def __init__(
        self, tensors: list[_Tensor], operations: list[_Operation], inputs: list[int], outputs: list[int]
    ) -> None:
        self.tensors, self.operations, self.inputs, self.outputs = tensors, operations, inputs, outputs
        self.build = flatbuffers.Builder(1024 + sum(len(t.content or b"") for t in tensors))
        self.codes = list(dict.fromkeys(operation.operator for operation in operations))

    def to_bytes(self, notes: Mapping[str, bytes]) -> bytes:
        buffers = [self._table(1, {})]  # tensors without content point to this empty one
        tensors = [self._one_tensor(tensor, buffers) for tensor in self.tensors]
        metadata = []
        for name, content in notes.items():
            buffers.append(self._buffer(content))
            title = self.build.CreateString(name)
            metadata.append(self._table(2, {0: ("UOffsetTRelative", title), 1: ("Uint32", len(buffers) - 1)}))
        subgraph = self._table(
            5,
            {
                0: ("UOffsetTRelative", self._offsets(tensors)),
                1: ("UOffsetTRelative", self._integers(self.inputs)),
                2: ("UOffsetTRelative", self._integers(self.outputs)),
                3: ("UOffsetTRelative", self._offsets([self._operation(one) for one in self.operations])),
                4: ("UOffsetTRelative", self.build.CreateString("main")),
            },
        )
        root = self._table(
            7,
            {
                0: ("Uint32", SCHEMA_VERSION),
                1: ("UOffsetTRelative", self._offsets([self._code(name) for name in self.codes])),
                2: ("UOffsetTRelative", self._offsets([subgraph])),
                3: ("UOffsetTRelative", self.build.CreateString("foretone-train")),
                4: ("UOffsetTRelative", self._offsets(buffers)),
                6: ("UOffsetTRelative", self._offsets(metadata)),
            },
        )
        self.build.Finish(root, b"TFL3")
        return bytes(self.build.Output())

    def _one_tensor(self, tensor: _Tensor, buffers: list[int]) -> int:
        number = 0
        if tensor.content is not None:
            number = len(buffers)
            buffers.append(self._buffer(tensor.content))
        name, shape = self.build.CreateString(tensor.name), self._integers(tensor.shape)
        return self._table(
            9,
            {
                0: ("UOffsetTRelative", shape),
                1: ("Int8", TYPES[tensor.kind]),
                2: ("Uint32", number),
                3: ("UOffsetTRelative", name),
                8: ("Bool", True),  # has_rank: a shape of no axes is a scalar, not an unknown
            },
        )

    def _operation(self, operation: _Operation) -> int:
        _, table, slots = OPERATORS[operation.operator]
        inputs, outputs = self._integers(operation.inputs), self._integers(operation.outputs)
        parts: dict[int, tuple[str, Any]] = {
            0: ("Uint32", self.codes.index(operation.operator)),
            1: ("UOffsetTRelative", inputs),
            2: ("UOffsetTRelative", outputs),
        }
        if table:
            chosen = {slots[key][0]: (slots[key][1], value) for key, value in operation.options.items()}
            parts[4] = ("UOffsetTRelative", self._table(4, chosen))
            parts[3] = ("Uint8", table)
        return self._table(5, parts)

    def _code(self, name: str) -> int:
        number = OPERATORS[name][0]
        return self._table(4, {0: ("Int8", number), 2: ("Int32", 1), 3: ("Int32", number)})

    def _buffer(self, content: bytes) -> int:
        build = self.build
        build.StartVector(1, len(content), ALIGNMENT)
        build.head = build.Head() - len(content)
        build.Bytes[build.Head() : build.Head() + len(content)] = content
        return self._table(1, {0: ("UOffsetTRelative", build.EndVector())})

    def _table(self, slots: int, parts: Mapping[int, tuple[str, Any]]) -> int:
        self.build.StartObject(slots)
        for slot, (kind, value) in parts.items():
            getattr(self.build, f"Prepend{kind}Slot")(slot, value, 0)
        return int(self.build.EndObject())

    def _integers(self, values: Sequence[int]) -> int:
        return self._vector(values, self.build.PrependInt32)

    def _offsets(self, values: Sequence[int]) -> int:
        return self._vector(values, self.build.PrependUOffsetTRelative)

    def _vector(self, values: Sequence[int], prepend: Callable[[int], None]) -> int:
        self.build.StartVector(4, len(values), 4)
        for value in reversed(values):
            prepend(value)
        return int(self.build.EndVector())
