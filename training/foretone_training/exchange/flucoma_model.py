"""FluCoMa's networks and scalers, as JSON.

`{"layers": [{"weights": [[...]], "biases": [...], "activation": 3, "rows": 2, "cols": 8}, ...]}`, where row k
of the weights belongs to input k. A scaler is of fluid.normalize, fluid.standardize or fluid.robustscale.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from foretone.errors import ModelError
from foretone_training.exchange.network import ACTIVATIONS, Layer, Network, checked, folded
from foretone_training.mapping import Scale


def read(text: str, name: str, heard: str = "", played: str = "") -> Network:
    """A network, and the scalers that stand before and behind it where there are any; ModelError."""
    try:
        layers = [
            Layer(
                np.array(layer["weights"], np.float64).reshape(layer["rows"], layer["cols"]),
                np.array(layer["biases"], np.float64),
                ACTIVATIONS[layer["activation"]],
            )
            for layer in json.loads(text)["layers"]
        ]
        before = [scaler(heard)] if heard else []
        behind = [unscaler(played)] if played else []
        return checked([*before, *layers, *behind], len(layers[0].weights), name)
    except (ValueError, OverflowError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelError(f"{name} is no network of FluCoMa's ({error})") from error


def write(network: Network) -> str:
    """The text of a network, with its scales in its weights."""
    layers = [
        {
            "weights": layer.weights.tolist(),
            "biases": layer.bias.tolist(),
            "activation": ACTIVATIONS.index(layer.activation),
            "rows": layer.weights.shape[0],
            "cols": layer.weights.shape[1],
        }
        for layer in folded(network).layers
    ]
    return json.dumps({"layers": layers}) + "\n"


def scaler(text: str) -> Layer:
    """A scaler as a layer; ValueError or LookupError when it is none. A column without spread stays 0."""
    told: dict[str, Any] = json.loads(text)
    if "data_min" in told:
        low, high = np.array(told["data_min"]), np.array(told["data_max"])
        factor = _over(told["max"] - told["min"], high - low)
        return Layer(np.diag(factor), told["min"] - low * factor)
    if "mean" in told:
        factor = _over(1.0, np.array(told["std"]))
        return Layer(np.diag(factor), -np.array(told["mean"]) * factor)
    factor = _over(1.0, np.array(told["range"]))
    return Layer(np.diag(factor), -np.array(told["median"]) * factor)


def unscaler(text: str) -> Layer:
    """The way back through a scaler, as a layer. A column without spread stays where it was."""
    told: dict[str, Any] = json.loads(text)
    if "data_min" in told:
        low, high = np.array(told["data_min"]), np.array(told["data_max"])
        factor = (high - low) / (told["max"] - told["min"])
        return Layer(np.diag(factor), low - told["min"] * factor)
    if "mean" in told:
        return Layer(np.diag(np.array(told["std"], np.float64)), np.array(told["mean"], np.float64))
    return Layer(np.diag(np.array(told["range"], np.float64)), np.array(told["median"], np.float64))


def write_apart(network: Network, heard: Scale, played: Scale) -> tuple[str, str, str]:
    """The text of a network without its first and last layers, which are these scales; and their texts."""
    inner = write(Network(network.layers[1:-1]))
    return inner, standardize(heard), standardize(played)


def standardize(scale: Scale) -> str:
    """The text of a scaler of fluid.standardize."""
    told = {"cols": len(scale.mean), "mean": scale.mean.tolist(), "std": scale.spread.tolist()}
    return json.dumps(told) + "\n"


def _over(one: float, columns: Any) -> Any:
    return np.divide(one, columns, out=np.zeros(len(columns)), where=np.abs(columns) > 0.0)
