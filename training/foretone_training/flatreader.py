"""Reads a .tflite file's graphs: their tensors, constants and operators.

The numbers of slots are those of TensorFlow Lite's schema, as in `flatfile`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from flatbuffers import encode, number_types
from flatbuffers.table import Table
from numpy.typing import NDArray

from foretone.errors import ModelError

KINDS = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64, 9: np.int8}
"""Numbers of the schema's TensorType that can be read."""

ADD, CONCATENATION, FULLY_CONNECTED, ELU, WHILE = 0, 2, 9, 111, 119
"""Numbers of its BuiltinOperator."""


@dataclass(frozen=True)
class Read:
    """A tensor; `values` of a constant are float32 where they were stored as int8 or float16."""

    name: str
    shape: tuple[int, ...]
    values: NDArray[Any] | None


@dataclass(frozen=True)
class Operator:
    """An operator by its number in the schema; tensors by their numbers; `calls` are a loop's two graphs."""

    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[int, int]


@dataclass(frozen=True)
class ReadGraph:
    """One graph of a file."""

    tensors: list[Read]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graphs(data: bytes, name: str) -> list[ReadGraph]:
    """The graphs of a file, the main one first; ModelError when it is not a .tflite file or is damaged."""
    if data[4:8] != b"TFL3":
        raise ModelError(f"{name} is not a .tflite file")
    try:
        model = Table(data, encode.Get(number_types.UOffsetTFlags.packer_type, data, 0))
        buffers = _tables(model, 4)
        # Numbers below 127 stand in the first slot, which old files have alone; a byte.
        codes = [max(_scalar(code, 0, "Int8"), _scalar(code, 3, "Int32")) for code in _tables(model, 1)]
        return [
            ReadGraph(
                [_tensor(tensor, buffers) for tensor in _tables(graph, 0)],
                [_operator(one, codes) for one in _tables(graph, 3)],
                _integers(graph, 1),
                _integers(graph, 2),
            )
            for graph in _tables(model, 2)
        ]
    except (struct.error, IndexError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise ModelError(f"{name} is damaged: copy or export it again") from error


def _tensor(table: Table, buffers: list[Table]) -> Read:
    shape = _integers(table, 0)
    name = table.Offset(4 + 2 * 3)
    title = table.String(table.Pos + name).decode() if name else ""
    kind = KINDS.get(_scalar(table, 1, "Int8"))
    content = _bytes(buffers[_scalar(table, 2, "Uint32")])
    if not content or kind is None:
        return Read(title, shape, None)
    values = np.frombuffer(content, np.dtype(kind).newbyteorder("<")).reshape(shape)
    if kind is np.int8:
        scale = _scale(table)
        return Read(title, shape, None if scale is None else values.astype(np.float32) * scale)
    if kind is np.float16:
        values = values.astype(np.float32)
    return Read(title, shape, values)


def _scale(table: Table) -> np.float32 | None:
    """Of a tensor with one scale for all of it and 0 in its middle."""
    offset = table.Offset(4 + 2 * 4)
    if offset:
        quantization = Table(table.Bytes, table.Indirect(table.Pos + offset))
        scales = quantization.Offset(4 + 2 * 2)
        if scales and quantization.VectorLen(scales) == 1:
            return np.float32(quantization.Get(number_types.Float32Flags, quantization.Vector(scales)))
    return None


def _operator(table: Table, codes: list[int]) -> Operator:
    options, calls = table.Offset(4 + 2 * 4), (0, 0)
    code = codes[_scalar(table, 0, "Uint32")]
    if options and code == WHILE:
        inside = Table(table.Bytes, table.Indirect(table.Pos + options))
        calls = (_scalar(inside, 0, "Int32"), _scalar(inside, 1, "Int32"))
    return Operator(code, _integers(table, 1), _integers(table, 2), calls)


def _tables(table: Table, slot: int) -> list[Table]:
    offset = table.Offset(4 + 2 * slot)
    if not offset:
        return []
    start = table.Vector(offset)
    return [Table(table.Bytes, table.Indirect(start + 4 * one)) for one in range(table.VectorLen(offset))]


def _integers(table: Table, slot: int) -> tuple[int, ...]:
    offset = table.Offset(4 + 2 * slot)
    if not offset:
        return ()
    start, flags = table.Vector(offset), number_types.Int32Flags
    return tuple(int(table.Get(flags, start + 4 * one)) for one in range(table.VectorLen(offset)))


def _bytes(table: Table) -> bytes:
    offset = table.Offset(4)
    if not offset:
        return b""
    begin = table.Vector(offset)
    return bytes(table.Bytes[begin : begin + table.VectorLen(offset)])


def _scalar(table: Table, slot: int, kind: str) -> int:
    offset = table.Offset(4 + 2 * slot)
    return int(table.Get(getattr(number_types, f"{kind}Flags"), table.Pos + offset)) if offset else 0
