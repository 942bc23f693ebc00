"""Takes a model that IMPSY has trained: its weights, from its .tflite file into one of ours.

IMPSY (C. P. Martin, https://github.com/cpmpercussion/impsy) writes what Keras makes of its network: for each
LSTM layer a loop with the cell inside, and three dense layers for the mixture. It hears and gives dt and the
axes times ten, and hears only one event at a time, so that a loop goes round once.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone import lite
from foretone.card import Card
from foretone.errors import MissingModelError, ModelError
from foretone_training.export import PARITY, natural, write
from foretone_training.flatreader import ADD, CONCATENATION, FULLY_CONNECTED, WHILE, ReadGraph, read_graphs
from foretone_training.network import Network, Scale, Shape

TIMES = 10.0  # what IMPSY multiplies dt and the axes by
GATES = (0, 1, 3, 2)  # Keras has input, forget, candidate, output; our candidate comes last
STEPS = 200
CHECKED_BY = ("ai-edge-litert", "tflite-runtime")

Array = NDArray[Any]


@dataclass(frozen=True)
class Cell:
    """A layer: its weights as ours, and the numbers of the tensors that carry its state in and out."""

    weights: Array
    bias: Array
    state: tuple[int, int]
    state_out: tuple[int, int]


@dataclass(frozen=True)
class Original:
    """An IMPSY model as it was read."""

    data: bytes
    network: Network
    cells: tuple[Cell, ...]
    x: int
    mixture: int


def take(source: Path, path: Path, axes: Sequence[str] = ()) -> Card:
    """Write IMPSY's model `source` as ours to `path`; its card.

    `axes` names its axes, which are else called x1, x2 and so on. The new file is run beside the old one,
    both fed the same 200 events; ModelError when they differ by more than 1e-5 (seconds, 0..1), when the
    file is not one that IMPSY wrote, or when nothing installed here can run it.
    """
    if path.resolve() == source.resolve():
        raise ModelError(f"{source} would be overwritten; choose another --out")
    original = read(source)
    shape = original.network.shape
    names = tuple(axes) or tuple(f"x{number}" for number in range(1, shape.dimension))
    if len(names) != shape.dimension - 1 or len(set(names)) != len(names):
        raise ModelError(
            f"{source} plays {shape.dimension - 1} axes; give as many different names, not {', '.join(names)}"
        )
    made_by = f"IMPSY, taken over by foretone {version('foretone')}"
    card = Card("mdrnn", names, names, shape.layers, shape.units, shape.mixtures, made_by=made_by)

    def check(draft: Path) -> dict[str, float]:
        found = difference(original, source, draft)
        if not found <= PARITY:
            raise ModelError(f"{source} plays otherwise than what was read from it, by {found:.1e}; "
                             f"nothing was written to {path}")  # fmt: skip
        return {"parity": found}

    return write(original.network, card, path, check)


def read(source: Path) -> Original:
    """The network in a .tflite file of IMPSY's; ModelError when there is none."""
    try:
        data = source.read_bytes()
    except FileNotFoundError as error:
        raise MissingModelError(f"there is no model at {source}") from error
    except OSError as error:
        raise ModelError(f"{source} cannot be read: {error.strerror}") from error
    return read_bytes(data, source)


def read_bytes(data: bytes, source: Path) -> Original:
    """The network in the bytes of such a file; `source` names it where it is faulty."""
    graphs = read_graphs(data, str(source))
    try:
        main = graphs[0]
        loops = [operator for operator in main.operators if operator.code == WHILE]
        cells = tuple(_cell(main, graphs[loop.calls[1]], loop.inputs, loop.outputs) for loop in loops)
        states = {number for cell in cells for number in (*cell.state, *cell.state_out)}
        (x,) = set(main.inputs) - states
        (mixture,) = set(main.outputs) - states
        network = _network(main, cells, mixture, main.tensors[x].shape[-1])
    except (IndexError, ValueError, StopIteration) as error:
        raise ModelError(
            f"{source} is not a model as IMPSY 1.2 writes it with float32 weights; convert it from its "
            ".keras file with `impsy convert-tflite`, or train from its logs"
        ) from error
    return Original(data, network, cells, x, mixture)


def difference(original: Original, source: Path, path: Path) -> float:
    """The largest difference between our file and the original, of any number of a mixture.

    Both run on the first runtime that can run the original; ModelError when there is none.
    """
    random, shape = np.random.default_rng(0), original.network.shape
    rows = random.random((STEPS, shape.dimension)).astype(np.float32)
    rows[:, 0] = 0.001 * 5000.0 ** rows[:, 0]  # waits of 1 ms to 5 s
    reason = "no TensorFlow Lite runtime is installed"
    for runtime in (name for name in CHECKED_BY if name in lite.installed()):
        model = lite.Model(path, runtime)
        try:
            theirs = _run(original, runtime, rows)
        except (ValueError, RuntimeError) as error:
            reason = f"{runtime}: {' '.join(str(error).split())}"
            continue
        state, ours = model.start(), []
        for row in rows:
            mixture, state = model.step(row, state)
            ours.append(natural(mixture, shape.mixtures))
        expected = np.array([natural(row, shape.mixtures) for row in theirs])
        expected[:, : 2 * shape.mixtures * shape.dimension] /= TIMES
        return float(np.abs(np.array(ours) - expected).max())
    raise ModelError(f"{source} cannot be run here, so nobody can check what was read from it ({reason})")


def _run(original: Original, runtime: str, rows: Array) -> list[list[float]]:
    """What the original says to each row; ValueError or RuntimeError when this runtime cannot run it."""
    module = importlib.import_module(lite.RUNTIMES[runtime])
    interpreter = module.Interpreter(model_content=original.data, num_threads=1)
    interpreter.allocate_tensors()
    units = original.network.shape.units
    states = [np.zeros((1, units), np.float32)] * (2 * len(original.cells))
    places = [number for cell in original.cells for number in cell.state]
    after = [number for cell in original.cells for number in cell.state_out]
    said = []
    for row in rows:
        for number, state in zip(places, states, strict=True):
            interpreter.set_tensor(number, state)
        interpreter.set_tensor(original.x, np.float32(TIMES) * row[None, None])
        interpreter.invoke()
        said.append(interpreter.get_tensor(original.mixture)[0].tolist())
        states = [interpreter.get_tensor(number) for number in after]
    return said


def _cell(main: ReadGraph, body: ReadGraph, given: Sequence[int], left: Sequence[int]) -> Cell:
    """A layer from the body of its loop; `given` and `left` are what the loop takes and leaves outside."""
    dense = [operator for operator in body.operators if operator.code == FULLY_CONNECTED]
    own = next(operator for operator in dense if operator.inputs[0] in body.inputs)
    (below,) = (operator for operator in dense if operator is not own)
    gates, units = _constant(body, own.inputs[1]).shape
    if gates != 4 * units:
        raise ValueError("not a memory cell")
    matrices = [_constant(body, operator.inputs[1]).T for operator in (below, own)]
    added = [
        number
        for operator in body.operators
        if operator.code == ADD or operator in dense
        for number in operator.inputs
        if number >= 0 and body.tensors[number].shape == (gates,) and body.tensors[number].values is not None
    ]
    bias = sum((_constant(body, number) for number in added), np.zeros(gates, np.float32))
    h = body.inputs.index(own.inputs[0])
    (c,) = (
        place
        for place, number in enumerate(given)
        if place != h and number in main.inputs and main.tensors[number].shape == (1, units)
    )
    return Cell(
        _reordered(np.concatenate(matrices)),
        _reordered(bias[None])[0],
        (given[h], given[c]),
        (left[h], left[c]),
    )


def _network(main: ReadGraph, cells: Sequence[Cell], mixture: int, dimension: int) -> Network:
    joined = next(one for one in main.operators if one.code == CONCATENATION and one.outputs == (mixture,))
    (means, _), (widths, floor), (logits, _) = (_dense(main, number) for number in joined.inputs)
    components = logits.shape[1]
    shape = Shape(dimension, len(cells), len(logits) - 1, components, skip=False)
    step = np.full(dimension, 2.0 * floor / TIMES)
    scale = Scale(np.zeros(dimension), np.full(dimension, 1.0 / TIMES), step)
    parts = [np.vstack([cell.weights, cell.bias]) for cell in cells]
    parts.append(np.concatenate([means, widths, logits], axis=1))
    if [part.shape for part in parts] != [(rows + 1, columns) for rows, columns in shape.matrices]:
        raise ValueError("the layers do not fit each other")
    return Network(shape, scale, np.concatenate([part.ravel() for part in parts]).astype(np.float32))


def _dense(graph: ReadGraph, number: int) -> tuple[Array, float]:
    """The weights of the dense layer behind a tensor with the bias below, and what is added beyond 1."""
    floor = 0.0
    while True:
        operator = next(one for one in graph.operators if number in one.outputs)
        if operator.code == FULLY_CONNECTED:
            weights = _constant(graph, operator.inputs[1]).T
            bias = np.zeros(weights.shape[1], np.float32)
            if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
                bias = _constant(graph, operator.inputs[2])
            return np.vstack([weights, bias]), floor
        if operator.code == ADD:
            floor = float(_constant(graph, operator.inputs[1]).max()) - 1.0
        number = operator.inputs[0]


def _constant(graph: ReadGraph, number: int) -> Array:
    values = graph.tensors[number].values
    if values is None or values.dtype != np.float32:
        raise ValueError(f"{graph.tensors[number].name} is not a constant that can be read")
    return values


def _reordered(columns: Array) -> Array:
    rows, width = columns.shape
    return columns.reshape(rows, 4, width // 4)[:, list(GATES)].reshape(rows, width)
