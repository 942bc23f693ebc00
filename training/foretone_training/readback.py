"""Reads a network back from a .tflite file that Foretone wrote, to let it learn more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.card import Card, read_model
from foretone.errors import ModelError
from foretone.lite import open_seal
from foretone_training.flatreader import read_graphs
from foretone_training.network import Network, Scale, Shape

Array = NDArray[Any]


def read_network(path: Path) -> tuple[Network, Card]:
    """The network in a model and its card; ModelError when there is none.

    Its mean is nought, since the file works in natural units; weights of float16 or int8 come as they were
    rounded.
    """
    data, card = read_model(path)
    graphs = read_graphs(open_seal(data, str(path)), str(path))
    found = {one.name: one.values for one in graphs[0].tensors if one.values is not None}
    try:
        skip = found["head/weights"].shape[1] > card.units
        shape = Shape(1 + len(card.plays), card.layers, card.units, card.mixtures, skip)
        spread = np.asarray(found["spread"])[0, : shape.dimension]
        least = np.asarray(found["least"])[0, : shape.dimension]
        scale = Scale(np.zeros_like(spread), spread, 2.0 * (least - spread), card.log_dt)
        network = Network(shape, scale, np.zeros(shape.size, np.float32))
        for number, (weights, bias) in enumerate(network.layers):
            weights[...], bias[...] = _layer(found, f"lstm_{number}")
        network.layers[0][0][: shape.dimension] *= spread[:, None]
        weights, bias = network.head
        weights[...], bias[...] = found["head/weights"].T, found["head/bias"]
        if skip:
            weights[shape.units :] *= spread[:, None]
        count = shape.mixtures * shape.dimension
        weights[:, :count] /= np.tile(spread, shape.mixtures)
        bias[:count] /= np.tile(spread, shape.mixtures)
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{path} does not hold the network that its card describes") from error
    return network, card


def _layer(found: dict[str, Array], name: str) -> tuple[Array, Array]:
    if f"{name}/weights" in found:
        return found[f"{name}/weights"].T, found[f"{name}/bias"]
    parts = [found[f"{name}/{part}/weights"].T for part in ("below", "own")]
    return np.concatenate(parts), found[f"{name}/below/bias"]
