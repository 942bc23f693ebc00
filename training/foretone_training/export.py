"""Writes a trained network as one .tflite file with its card, checked against the network itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from foretone_training.files import draft
from foretone_training.judge import Judge
from foretone_training.mdrnn import Settings, Trained
from foretone_training.mixture import natural_nll
from foretone_training.network import Network
from foretone_training.tflite import Graph, Weights

PARITY = 1e-5
"""The largest difference allowed between the file and the network it was written from."""

MAY_LOSE = {"float32": 1e-4, "float16": 0.01, "int8": 0.5}
"""Nats that a held-out event may be predicted worse by the file than by the network."""

BITS = {"float32": 32, "float16": 16, "int8": 8}

CHECKED_STEPS = 200
CHECKED_PIECES = 20  # of held-out playing

Array = NDArray[Any]


def export(
    trained: Trained,
    streams: Sequence[Stream],
    settings: Settings,
    path: Path,
    weights: Weights = "float32",
    before: Sequence[dict[str, Any]] = (),
) -> Card:
    """Write the model to `path`, all of it or nothing, and return its card.

    It is first run on every TensorFlow Lite installed here beside the network in double precision, both
    fed the same events, each carrying its own state. The card's score `parity` is the largest absolute
    difference of any mean, standard deviation (seconds or their logarithm, or 0..1) or component weight
    (0..1) at any step, and `nll_lost` by how many nats the file predicts a held-out event worse. ModelError
    when the parity of float32 is above 1e-5, when more than MAY_LOSE is lost, or when nothing is installed
    to run it.
    """
    network, judge = trained.network, trained.judge

    def check(place: Path) -> dict[str, float]:
        runtimes = lite.installed()
        found = max(parity(place, network, trained.judged, runtime) for runtime in runtimes)
        if weights == "float32" and not found <= PARITY:
            raise ModelError(
                f"the file differs from the network it was written from by {found:.1e}, more than "
                f"{PARITY:g}; nothing was written to {path}"
            )
        lost = max(nll_lost(place, network, judge, runtime) for runtime in runtimes)
        if not lost <= MAY_LOSE[weights]:
            raise ModelError(
                f"with {weights} weights, held-out events are predicted {lost:.2g} nats worse, more than "
                f"{MAY_LOSE[weights]:g}; nothing was written to {path}; use --weights float32"
            )
        return {"parity": found, "nll_lost": lost}

    return write(network, make_card(trained, streams, settings, before), path, check, weights)


def write(
    network: Network,
    card: Card,
    path: Path,
    check: Callable[[Path], dict[str, float]],
    weights: Weights = "float32",
) -> Card:
    """Write a network with its card to `path`, if `check`, given a draft, does not raise; the card written.

    What the check returns goes into the card's scores, beside how many bits a weight has.
    """
    with draft(path) as place:
        place.write_bytes(to_tflite(network, card, weights))
        card = replace(card, scores={**card.scores, **check(place), "weight_bits": float(BITS[weights])})
        place.write_bytes(to_tflite(network, card, weights))
    return card


def make_card(
    trained: Trained,
    streams: Sequence[Stream],
    settings: Settings,
    before: Sequence[dict[str, Any]] = (),
) -> Card:
    """The card of a network, without what its file is checked for.

    `before` are entries of sessions that it learned from earlier.
    """
    shape = trained.network.shape
    entries = [
        {"name": stream.name, "sha256": stream.sha256, "events": len(stream.rows)} for stream in streams
    ]
    return Card(
        kind="mdrnn",
        hears=streams[0].axes,
        plays=streams[0].axes,
        layers=shape.layers,
        units=shape.units,
        mixtures=shape.mixtures,
        seed=settings.seed,
        trained_on=(*(one for one in before if one not in entries), *entries),
        scores=trained.scores,
        log_dt=trained.network.scale.log_dt,
        made_by=f"foretone {version('foretone')}",
    )


def to_tflite(network: Network, card: Card, weights: Weights = "float32") -> bytes:
    """The sealed file. Inside, everything is in natural units: the scale is folded into the weights.

    A dt above the longest pause of the training is heard as that pause. `weights` says how the layers'
    matrices are kept, then each with a scale of its own; what meets natural units, and the output layer, is
    float32 always: a wait of 10 ms beside one of 5 s, rounded to a byte, is none.
    """
    shape, scale = network.shape, network.scale
    graph = Graph()
    x = graph.input("x", shape.dimension)
    state = graph.split(graph.input("state", 2 * shape.layers * shape.units), 2 * shape.layers)
    longest = np.full((1, shape.dimension), np.finfo(np.float32).max, np.float32)
    longest[0, 0] = PAUSE
    heard = graph.minimum(x, graph.constant("longest", longest))
    if scale.log_dt:
        dt, axes = graph.split_into(heard, [1, shape.dimension - 1])
        added = graph.constant("log_dt", np.array([[scale.log_dt]], np.float32))
        heard = graph.concatenate([graph.log(graph.add(dt, added)), axes])
    event, after = heard, list[int]()
    for number, (matrix, bias) in enumerate([_hearing_natural_units(network), *network.layers[1:]]):
        h, c = state[2 * number : 2 * number + 2]
        if weights == "float32":
            both = graph.concatenate([heard, h])
            gates = graph.fully_connected(both, matrix, bias, f"lstm_{number}")
        else:
            below, own = np.split(matrix, [len(matrix) - shape.units])
            kind: Weights = weights if number else "float32"
            said = graph.fully_connected(heard, below, bias, f"lstm_{number}/below", kind)
            nothing = np.zeros_like(bias)
            gates = graph.add(said, graph.fully_connected(h, own, nothing, f"lstm_{number}/own", weights))
        opened, forget, output, candidate = graph.split(gates, 4)
        kept = graph.multiply(graph.logistic(forget), c)
        c = graph.add(kept, graph.multiply(graph.logistic(opened), graph.tanh(candidate)))
        heard = graph.multiply(graph.logistic(output), graph.tanh(c))
        after += [heard, c]
    count = shape.mixtures * shape.dimension
    spread = np.tile(scale.spread, shape.mixtures).astype(np.float64)
    matrix, bias = (part.astype(np.float64) for part in network.head)
    if shape.skip:
        heard = graph.concatenate([heard, event])
        matrix[shape.units :] /= scale.spread[:, None]
        bias -= scale.mean @ matrix[shape.units :]
    matrix[:, :count] *= spread
    bias[:count] = bias[:count] * spread + np.tile(scale.mean, shape.mixtures)
    head = graph.fully_connected(heard, matrix, bias, "head")
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
        worst = max(worst, float(np.abs(natural(mixture, network.shape.mixtures) - expected).max()))
    return worst


def nll_lost(path: Path, network: Network, judge: Judge, runtime: str) -> float:
    """By how many nats the file predicts a held-out event worse than the network, on this runtime."""
    model = lite.Model(path, runtime)
    by_file: list[Array] = []
    by_network: list[Array] = []
    for x, y, counts in judge.pieces(CHECKED_PIECES):
        state, told = model.start(), []
        for row in x:
            mixture, state = model.step(row, state)
            told.append(natural(mixture, network.shape.mixtures))
        heard = network.scale.to_network(x)[:, None]
        output, _ = network.forward(heard, network.start(1), np.ones((len(heard), 1, 1)))
        for rows, scores in ((np.array(told), by_file), (network.mixtures(output), by_network)):
            scores.append(natural_nll(rows, y, network.scale.log_dt)[counts])
    return float(np.concatenate(by_file).mean() - np.concatenate(by_network).mean())


def _hearing_natural_units(network: Network) -> tuple[Array, Array]:
    """The first layer's weights and bias for events that have not been scaled."""
    scale, dimension = network.scale, network.shape.dimension
    weights, bias = (part.astype(np.float64) for part in network.layers[0])
    weights[:dimension] /= scale.spread[:, None]
    return weights, bias - scale.mean @ weights[:dimension]


def natural(mixture: list[float], components: int) -> Array:
    """A mixture with the components' weights in place of their logits."""
    values = np.array(mixture)
    weights = np.exp(values[-components:] - values[-components:].max())
    values[-components:] = weights / weights.sum()
    return values
