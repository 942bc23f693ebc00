"""The bytes of a .tflite file: what a graph consists of, and how it is laid down.

Only the `flatbuffers` package is needed. The numbers of slots, operators and option tables are those of
TensorFlow Lite's schema, version 3:
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/schema/schema.fbs
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers

SCHEMA_VERSION = 3
ALIGNMENT = 16  # bytes, of every constant: the kernels read the file in place

# name: (BuiltinOperator, its table in BuiltinOptions or 0, {option: (slot, kind of scalar)})
OPERATORS: dict[str, tuple[int, int, dict[str, tuple[int, str]]]] = {
    "ADD": (0, 11, {}),
    "CONCATENATION": (2, 10, {"axis": (0, "Int32")}),
    "DEQUANTIZE": (6, 38, {}),
    "FULLY_CONNECTED": (9, 8, {}),
    "LOGISTIC": (14, 0, {}),
    "MUL": (18, 21, {}),
    "RELU": (19, 0, {}),
    "RESHAPE": (22, 17, {}),
    "TANH": (28, 0, {}),
    "SUB": (41, 28, {}),
    "DIV": (42, 29, {}),
    "EXP": (47, 33, {}),
    "TOPK_V2": (48, 34, {}),
    "SPLIT": (49, 35, {"num_splits": (0, "Int32")}),
    "MAXIMUM": (55, 39, {}),
    "MINIMUM": (57, 39, {}),
    "LOG": (73, 0, {}),
    "SPLIT_V": (102, 79, {"num_splits": (0, "Int32")}),
    "SUM": (74, 27, {"keep_dims": (0, "Bool")}),
    "ELU": (111, 0, {}),
}
TYPES = {"float32": 0, "float16": 1, "int32": 2, "int8": 9}


@dataclass
class Tensor:
    """A tensor; one with content is a constant."""

    name: str
    shape: tuple[int, ...]
    kind: str = "float32"
    content: bytes | None = None
    scale: float | None = None
    """Of int8: what 1 stands for."""


@dataclass(frozen=True)
class Operation:
    """An operator at work; tensors are given by their numbers."""

    operator: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int]
    version: int = 1


class File:
    """Serialises a graph. A flatbuffer is written from its leaves to its root."""

    def __init__(
        self, tensors: list[Tensor], operations: list[Operation], inputs: list[int], outputs: list[int]
    ) -> None:
        self.tensors, self.operations, self.inputs, self.outputs = tensors, operations, inputs, outputs
        self.build = flatbuffers.Builder(1024 + sum(len(t.content or b"") for t in tensors))
        self.codes = list(dict.fromkeys((operation.operator, operation.version) for operation in operations))

    def to_bytes(self, notes: Mapping[str, bytes]) -> bytes:
        """The whole file."""
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
                1: ("UOffsetTRelative", self._offsets([self._code(*code) for code in self.codes])),
                2: ("UOffsetTRelative", self._offsets([subgraph])),
                3: ("UOffsetTRelative", self.build.CreateString("foretone-train")),
                4: ("UOffsetTRelative", self._offsets(buffers)),
                6: ("UOffsetTRelative", self._offsets(metadata)),
            },
        )
        self.build.Finish(root, b"TFL3")
        return bytes(self.build.Output())

    def _one_tensor(self, tensor: Tensor, buffers: list[int]) -> int:
        number = 0
        if tensor.content is not None:
            number = len(buffers)
            buffers.append(self._buffer(tensor.content))
        name, shape = self.build.CreateString(tensor.name), self._integers(tensor.shape)
        parts: dict[int, tuple[str, Any]] = {
            0: ("UOffsetTRelative", shape),
            1: ("Int8", TYPES[tensor.kind]),
            2: ("Uint32", number),
            3: ("UOffsetTRelative", name),
            8: ("Bool", True),  # has_rank: a shape of no axes is a scalar, not an unknown
        }
        if tensor.scale is not None:
            parts[4] = ("UOffsetTRelative", self._quantization(tensor.scale))
        return self._table(9, parts)

    def _quantization(self, scale: float) -> int:
        scales = self._vector([scale], self.build.PrependFloat32)
        zeros = self._vector([0], self.build.PrependInt64, 8)
        return self._table(7, {2: ("UOffsetTRelative", scales), 3: ("UOffsetTRelative", zeros)})

    def _operation(self, operation: Operation) -> int:
        _, table, slots = OPERATORS[operation.operator]
        inputs, outputs = self._integers(operation.inputs), self._integers(operation.outputs)
        parts: dict[int, tuple[str, Any]] = {
            0: ("Uint32", self.codes.index((operation.operator, operation.version))),
            1: ("UOffsetTRelative", inputs),
            2: ("UOffsetTRelative", outputs),
        }
        if table:
            chosen = {slots[key][0]: (slots[key][1], value) for key, value in operation.options.items()}
            parts[4] = ("UOffsetTRelative", self._table(4, chosen))
            parts[3] = ("Uint8", table)
        return self._table(5, parts)

    def _code(self, name: str, version: int) -> int:
        number = OPERATORS[name][0]
        return self._table(4, {0: ("Int8", number), 2: ("Int32", version), 3: ("Int32", number)})

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

    def _vector(self, values: Sequence[float], prepend: Callable[[Any], None], size: int = 4) -> int:
        self.build.StartVector(size, len(values), size)
        for value in reversed(values):
            prepend(value)
        return int(self.build.EndVector())
