"""Writes a trained network as one .tflite file with its card, checked against the network itself."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone import lite
from foretone.card import NAME, Card
from foretone.errors import ModelError
from foretone_training.dataset import PAUSE, Stream
from foretone_training.mdrnn import Settings, Trained
from foretone_training.network import Network
from foretone_training.tflite import Graph

PARITY = 1e-5
"""The largest difference allowed between the file and the network it was written from."""

CHECKED_STEPS = 200

Array = NDArray[Any]


def export(trained: Trained, streams: Sequence[Stream], settings: Settings, path: Path) -> Card:
    """Write the model to `path`, all of it or nothing, and return its card.

    It is first run on every TensorFlow Lite installed here beside the network in double precision, both
    fed the same events, each carrying its own state. The card's score `parity` is the largest absolute
    difference of any mean, standard deviation (seconds, or 0..1) or component weight (0..1) at any step.
    ModelError when it is above 1e-5, or when nothing is installed to run it.
    """
    card = make_card(trained, streams, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(suffix=".tflite", prefix=f".{path.stem}-", dir=path.parent)
    os.close(number)
    draft = Path(name)
    try:
        draft.write_bytes(to_tflite(trained.network, card))
        found = max(parity(draft, trained.network, trained.judged, runtime) for runtime in lite.installed())
        if not found <= PARITY:
            raise ModelError(
                f"the file differs from the network it was written from by {found:.1e}, more than "
                f"{PARITY:g}; nothing was written to {path}"
            )
        card = replace(card, scores={**card.scores, "parity": found})
        with draft.open("wb") as file:
            file.write(to_tflite(trained.network, card))
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return card


def make_card(trained: Trained, streams: Sequence[Stream], settings: Settings) -> Card:
    """The card of a network, without its parity."""
    shape = trained.network.shape
    return Card(
        kind="mdrnn",
        hears=streams[0].axes,
        plays=streams[0].axes,
        layers=shape.layers,
        units=shape.units,
        mixtures=shape.mixtures,
        seed=settings.seed,
        trained_on=tuple(
            {"name": stream.name, "sha256": stream.sha256, "events": len(stream.rows)} for stream in streams
        ),
        scores=trained.scores,
        made_by=f"foretone {version('foretone')}",
    )


def to_tflite(network: Network, card: Card) -> bytes:
    """The sealed file. Inside, everything is in natural units: the scale is folded into the weights.

    A dt above the longest pause of the training is heard as that pause.
    """
    shape, scale = network.shape, network.scale
    graph = Graph()
    x = graph.input("x", shape.dimension)
    state = graph.split(graph.input("state", 2 * shape.layers * shape.units), 2 * shape.layers)
    longest = np.full((1, shape.dimension), np.finfo(np.float32).max, np.float32)
    longest[0, 0] = PAUSE
    heard = graph.minimum(x, graph.constant("longest", longest))
    after: list[int] = []
    for number, (weights, bias) in enumerate([_hearing_natural_units(network), *network.layers[1:]]):
        h, c = state[2 * number : 2 * number + 2]
        gates = graph.fully_connected(graph.concatenate([heard, h]), weights, bias, f"lstm_{number}")
        opened, forget, output, candidate = graph.split(gates, 4)
        kept = graph.multiply(graph.logistic(forget), c)
        c = graph.add(kept, graph.multiply(graph.logistic(opened), graph.tanh(candidate)))
        heard = graph.multiply(graph.logistic(output), graph.tanh(c))
        after += [heard, c]
    count = shape.mixtures * shape.dimension
    spread = np.tile(scale.spread, shape.mixtures).astype(np.float64)
    weights, bias = (part.astype(np.float64) for part in network.head)
    weights[:, :count] *= spread
    bias[:count] = bias[:count] * spread + np.tile(scale.mean, shape.mixtures)
    head = graph.fully_connected(heard, weights, bias, "head")
    means, raw, logits = graph.split_into(head, [count, count, shape.mixtures])
    # spread * (elu(raw) + 1 + floor)
    widths = graph.constant("spread", spread.astype(np.float32)[None])
    least = graph.constant(
        "least", (spread * (1.0 + np.tile(scale.floor, shape.mixtures)))[None].astype(np.float32)
    )
    sigmas = graph.add(graph.multiply(graph.elu(raw), widths), least)
    graph.output(graph.concatenate([means, sigmas, logits]), "mixture")
    graph.output(graph.concatenate(after), "state_out")
    return lite.seal(graph.to_bytes({NAME: card.to_json()}))


def parity(path: Path, network: Network, rows: Array, runtime: str) -> float:
    """The largest difference between the file on this runtime and the network; see `export`."""
    model = lite.Model(path, runtime)
    exact = network.astype(np.float64)
    rows = np.resize(rows.astype(np.float32), (CHECKED_STEPS, rows.shape[1]))
    x = exact.scale.to_network(rows.astype(np.float64))[:, None]
    output, _ = exact.forward(x, exact.start(1), np.ones((len(x), 1, 1)))
    state, worst = model.start(), 0.0
    for row, expected in zip(rows, exact.mixtures(output), strict=True):
        mixture, state = model.step(row, state)
        worst = max(worst, float(np.abs(_natural(mixture, network.shape.mixtures) - expected).max()))
    return worst


def _hearing_natural_units(network: Network) -> tuple[Array, Array]:
    """The first layer's weights and bias for events that have not been scaled."""
    scale, dimension = network.scale, network.shape.dimension
    weights, bias = (part.astype(np.float64) for part in network.layers[0])
    weights[:dimension] /= scale.spread[:, None]
    return weights, bias - scale.mean @ weights[:dimension]


def _natural(mixture: list[float], components: int) -> Array:
    """A mixture with the components' weights in place of their logits."""
    values = np.array(mixture)
    weights = np.exp(values[-components:] - values[-components:].max())
    values[-components:] = weights / weights.sum()
    return values
