"""Writes a mapping as one .tflite file with its card, checked against the mapping itself."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone import lite
from foretone.card import NAME, Card
from foretone.errors import ModelError
from foretone_training.examples import Examples
from foretone_training.files import draft
from foretone_training.mapping import Mapping, Scale, Settings
from foretone_training.tflite import Graph

PARITY = 1e-5
"""The largest difference allowed between file and mapping, as a share of an output's largest example."""

CHECKED = 100  # points between the examples

Array = NDArray[Any]


def export(mapping: Mapping, examples: Examples, settings: Settings, path: Path) -> Card:
    """Write the model to `path`, all of it or nothing, and return its card.

    It is first run on every TensorFlow Lite installed here, beside the mapping in double precision, on the
    examples and on points between them; the card's score `parity` is the largest difference. ModelError
    when it is above 1e-5, or when nothing is installed to run it.
    """
    if not lite.installed():
        raise ModelError(f"no TensorFlow Lite runtime is installed; pip install {' or '.join(lite.RUNTIMES)}")
    card = make_card(mapping, examples, settings)
    with draft(path) as place:
        place.write_bytes(to_tflite(mapping, card))
        found = max(parity(place, mapping, examples, runtime) for runtime in lite.installed())
        if not found <= PARITY:
            raise ModelError(
                f"the file differs from the mapping it was written from by {found:.1e}, more than "
                f"{PARITY:g}; nothing was written to {path}"
            )
        card = replace(card, scores={**card.scores, "parity": found})
        place.write_bytes(to_tflite(mapping, card))
    return card


def make_card(mapping: Mapping, examples: Examples, settings: Settings) -> Card:
    """The card of a mapping, without its parity.

    The score `error` is the root mean square of what is missed of the examples, each output measured by its
    own deviation: 0 meets them all, 1 is no better than playing the mean. Constant outputs do not count.
    """
    changing = mapping.played.factor > 0.0
    missed = ((mapping.play(examples.x) - examples.y) * mapping.played.factor)[:, changing]
    return Card(
        kind="mapping",
        hears=examples.inputs,
        plays=examples.outputs,
        layers=settings.layers,
        units=settings.units,
        seed=settings.seed,
        trained_on=examples.sources,
        scores={"error": float(np.sqrt(np.square(missed).mean())) if changing.any() else 0.0},
        made_by=f"foretone {version('foretone')}",
    )


def to_tflite(mapping: Mapping, card: Card) -> bytes:
    """The sealed file. Its graph hears `x` and plays `y`, both in the units of the examples."""
    graph = Graph()
    graph.output(draw(mapping, graph, graph.input("x", len(mapping.heard.mean))), "y")
    return lite.seal(graph.to_bytes({NAME: card.to_json()}))


def draw(mapping: Mapping, graph: Graph, x: int) -> int:
    """The mapping as a part of a graph: from its inputs to its outputs, both in their own units."""
    x = scaled(graph, x, mapping.heard)
    (first, bias), *rest = mapping.perceptrons.layers
    models = len(first)
    side_by_side = graph.fully_connected(x, np.concatenate(first, axis=1), bias.ravel(), "hidden_0")
    parts = [graph.tanh(side_by_side)]
    if models > 1 and len(rest) == 1:
        # All at once: dozens of little operators take as long to write as the models to learn.
        (weights, offset), rest = rest[0], []
        weighted = graph.multiply(parts[0], graph.row("last", weights.ravel()))
        parts = [graph.add(graph.sums(weighted, models), graph.row("last_bias", offset.ravel()))]
        models = 1
    elif models > 1:
        parts = graph.split(parts[0], models)
    for number, (weights, offset) in enumerate(rest, 1):
        last = number == len(rest)
        for model, part in enumerate(parts):
            name = f"{'last' if last else f'hidden_{number}'}_{model}"
            summed = graph.fully_connected(part, weights[model], offset[model, 0], name)
            parts[model] = summed if last else graph.tanh(summed)
    y = graph.concatenate(parts) if models > 1 else parts[0]
    y = graph.multiply(y, graph.row("spread", mapping.played.spread))
    return graph.add(y, graph.row("middle", mapping.played.mean))


def scaled(graph: Graph, x: int, scale: Scale) -> int:
    """What is heard, in the models' own unit."""
    # Not folded into the weights: a large mean under a small spread would leave few digits of the sums.
    x = graph.add(x, graph.row("mean", -scale.mean))
    return graph.multiply(x, graph.row("factor", scale.factor))


def parity(path: Path, mapping: Mapping, examples: Examples, runtime: str) -> float:
    """The largest difference between the file on this runtime and the mapping; see `export`."""
    model = lite.Mapping(path, runtime)
    low, high = examples.x.min(axis=0), examples.x.max(axis=0)
    between = low + np.random.default_rng(0).random((CHECKED, len(low))) * (high - low)
    x = np.concatenate([examples.x, between]).astype(np.float32)
    size = np.abs(examples.y).max(axis=0)
    played = np.array([model.play(row) for row in x])
    away = np.abs(played - mapping.play(x.astype(np.float64))) / np.where(size > 0.0, size, 1.0)
    return float(away.max())
