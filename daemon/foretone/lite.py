"""TensorFlow Lite behind one file: a model is prepared once, and then stepped.

A model file ends in a seal, the SHA-256 of all before it. TensorFlow Lite reads past the end, or plays a
wrong number, where a power cut or a bad card has damaged a file; the seal is checked before it gets it.

tflite-runtime is taken where it is installed, else ai-edge-litert, its successor; both run the same files.
The environment variable FORETONE_TFLITE, `tflite-runtime` or `ai-edge-litert`, decides instead.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.card import Card, read_model
from foretone.errors import ModelError

RUNTIMES = {
    "tflite-runtime": "tflite_runtime.interpreter",
    "ai-edge-litert": "ai_edge_litert.interpreter",
}
CHOICE = "FORETONE_TFLITE"

SEAL = b"foretone"  # stands before the 32 bytes of the digest

Floats = NDArray[np.float32]


def seal(data: bytes) -> bytes:
    """The bytes of a .tflite file with their seal behind them."""
    return data + SEAL + hashlib.sha256(data).digest()


def open_seal(data: bytes, name: str) -> bytes:
    """The .tflite file inside a sealed one; ModelError when it is not what was sealed."""
    length = len(data) - len(SEAL) - hashlib.sha256().digest_size
    if length < 0 or seal(data[:length]) != data:
        raise ModelError(f"{name} is cut short or damaged: copy or export it again")
    return data[:length]


def installed() -> tuple[str, ...]:
    """The names of the runtimes that can be imported here, best first."""
    return tuple(name for name in RUNTIMES if _module(name) is not None)


class Graph:
    """A .tflite graph with float32 inputs and outputs of shape [1, width], found by their names.

    Preparing reads, allocates and checks; it may take some milliseconds. One thread uses a graph, and
    `runtime` is None for the one this machine plays with.
    """

    def __init__(self, data: bytes, name: str, runtime: str | None = None) -> None:
        module = _module(_choice(runtime))
        try:
            with _quiet():
                self._interpreter = module.Interpreter(model_content=data, num_threads=1)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"TensorFlow Lite cannot run {name}: {reason}; export it again") from error
        self.inputs = _tensors(self._interpreter.get_input_details(), name)
        self.outputs = _tensors(self._interpreter.get_output_details(), name)
        self.set = self._interpreter.set_tensor
        self.get = self._interpreter.get_tensor
        self.invoke = self._interpreter.invoke

    def expect(self, name: str, inputs: dict[str, int], outputs: dict[str, int]) -> None:
        """ModelError unless the graph has exactly these tensors, of these widths."""
        for what, has, wanted in (("hears", self.inputs, inputs), ("gives", self.outputs, outputs)):
            widths = {tensor: width for tensor, (_, width) in has.items()}
            if widths != wanted:
                raise ModelError(
                    f"{name} does not fit its own card: the graph {what} {_list(widths)}, "
                    f"the card says {_list(wanted)}; export it again"
                )


class Model:
    """A mixture-density recurrent network, as its card describes it, ready to be stepped.

    Everything is in natural units: dt in seconds, then each axis in 0..1. MissingModelError or ModelError
    tells what is wrong with the file.
    """

    def __init__(self, path: Path | str, runtime: str | None = None) -> None:
        self.path = path = Path(path)
        data, self.card = read_model(path)
        self.dimension = 1 + len(self.card.plays)
        self._graph = Graph(open_seal(data, str(path)), str(path), runtime)
        width = _state_width(self.card, path)
        mixture = self.card.mixtures * (2 * self.dimension + 1)
        self._graph.expect(
            str(path), {"x": self.dimension, "state": width}, {"mixture": mixture, "state_out": width}
        )
        self._x_index, _ = self._graph.inputs["x"]
        self._state_index, _ = self._graph.inputs["state"]
        self._mixture_index, _ = self._graph.outputs["mixture"]
        self._state_out_index, _ = self._graph.outputs["state_out"]
        self._set, self._get, self._invoke = self._graph.set, self._graph.get, self._graph.invoke
        self._x = np.zeros((1, self.dimension), np.float32)
        self._width = width
        self._warm_up(path)

    def start(self) -> Floats:
        """The state of a network that has heard nothing, shape [1, 2 * layers * units]."""
        return np.zeros((1, self._width), np.float32)

    def step(self, x: Sequence[float] | Floats, state: Floats) -> tuple[list[float], Floats]:
        """Hear one event and say what may come next; for the conductor thread, about 10 µs.

        `x` is dt and the axes. The mixture is flat, for K components and D = `dimension`: K*D means with
        the D of one component together, K*D standard deviations in the same order, and K logits of the
        components' weights. Those of dt are about its logarithm where the card's `log_dt` is above 0. The
        state that is returned is a new array; the one given is not changed.
        """
        self._x[0] = x
        self._set(self._x_index, self._x)
        self._set(self._state_index, state)
        self._invoke()
        return self._get(self._mixture_index)[0].tolist(), self._get(self._state_out_index)

    def _warm_up(self, path: Path) -> None:
        state = self.start()
        for _ in range(3):
            mixture, state = self.step([0.0] * self.dimension, state)
        if not all(map(math.isfinite, mixture)):
            raise ModelError(f"{path} answers with numbers that are not finite; train it again")


class Mapping:
    """A feed-forward model, as its card describes it: what is heard now gives what is played now.

    Values are in the units of the examples it was trained on. MissingModelError or ModelError tells what is
    wrong with the file.

    distance
        How far outside of its examples the last input was: 0 among them, towards 1 the further away; 0 for
        a model that does not tell.
    """

    def __init__(self, path: Path | str, runtime: str | None = None) -> None:
        path = Path(path)
        data, self.card = read_model(path)
        if self.card.kind != "mapping":
            raise ModelError(f"{path} is a model of kind {self.card.kind}, not a mapping")
        self._graph = Graph(open_seal(data, str(path)), str(path), runtime)
        heard, played = len(self.card.hears), len(self.card.plays)
        self._guarded = "guard" in self._graph.inputs
        more = ({"guard": 1}, {"distance": 1}) if self._guarded else ({}, {})
        self._graph.expect(str(path), {"x": heard, **more[0]}, {"y": played, **more[1]})
        self._x_index, _ = self._graph.inputs["x"]
        self._y_index, _ = self._graph.outputs["y"]
        self._x = np.zeros((1, heard), np.float32)
        self._guard = np.full((1, 1), -1.0, np.float32)
        self.distance = 0.0
        if not all(map(math.isfinite, self.play([0.0] * heard))):
            raise ModelError(f"{path} answers with numbers that are not finite; train it again")

    def play(self, x: Sequence[float] | Floats, guard: float = 0.0) -> list[float]:
        """The outputs, in the order of the card, for inputs in its order; for the conductor thread.

        With a guard of 1 an input outside of the examples is pulled back to their edge; less pulls less.
        """
        graph = self._graph
        self._x[0] = x
        graph.set(self._x_index, self._x)
        if self._guarded and guard != self._guard[0, 0]:
            self._guard[0, 0] = guard
            graph.set(graph.inputs["guard"][0], self._guard)
        graph.invoke()
        if self._guarded:
            self.distance = float(graph.get(graph.outputs["distance"][0])[0, 0])
        played: list[float] = graph.get(self._y_index)[0].tolist()
        return played


def _state_width(card: Card, path: Path) -> int:
    if card.kind != "mdrnn" or card.hears != card.plays:
        raise ModelError(f"{path} is a model of kind {card.kind}, not an mdrnn that hears what it plays")
    if min(card.layers, card.units, card.mixtures) <= 0:
        raise ModelError(f"{path}: its card has no layers, units or mixtures; export it again")
    if not 0.0 <= card.log_dt < 1.0:
        raise ModelError(
            f"{path}: its card's log_dt is {card.log_dt!r}, not seconds below 1; export it again"
        )
    return 2 * card.layers * card.units


def _choice(runtime: str | None) -> str:
    name = runtime or os.environ.get(CHOICE, "")
    if name:
        if name not in RUNTIMES:
            raise ModelError(f"{CHOICE} is {name!r}; it may be {' or '.join(RUNTIMES)}, or not set")
        if _module(name) is None:
            raise ModelError(f"{name} is not installed here; install it, or leave {CHOICE} empty")
        return name
    for name in installed():
        return name
    raise ModelError(f"no TensorFlow Lite runtime is installed; pip install {' or '.join(RUNTIMES)}")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(RUNTIMES[name])
    except ImportError:
        return None


def _tensors(details: list[dict[str, Any]], name: str) -> dict[str, tuple[int, int]]:
    """Index and width of each tensor by its name."""
    found = {}
    for detail in details:
        shape = tuple(detail["shape"])
        if len(shape) != 2 or shape[0] != 1 or detail["dtype"] is not np.float32:
            raise ModelError(f"{name}: tensor {detail['name']} is not float32 of shape [1, width]")
        found[detail["name"]] = (detail["index"], int(shape[1]))
    return found


def _list(widths: dict[str, int]) -> str:
    return ", ".join(f"{name} of {width}" for name, width in sorted(widths.items())) or "nothing"


_QUIET = threading.Lock()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the INFO lines that the runtimes print on the process's own standard error.

    They have no setting for it. Whatever else is said meanwhile, by any thread, is printed afterwards.
    """
    with _QUIET:
        yield from _hushed()


def _hushed() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # no standard error: nothing to hold back
        yield
        return
    reading, writing = os.pipe()
    # What does not fit into the pipe is lost, and never waited for. Nor is its end: a process that another
    # thread starts meanwhile has it as its own standard error.
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    os.dup2(writing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(writing)
        os.close(kept)
        held = b""
        with suppress(BlockingIOError):
            held = os.read(reading, 1 << 16)
        os.close(reading)
        said = b"".join(line for line in held.splitlines(keepends=True) if not line.startswith(b"INFO:"))
        if said:
            os.write(2, said)
