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
        behind = [_back(scaler(played))] if played else []
        return checked([*before, *layers, *behind], len(layers[0].weights), name)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
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


def standardize(mean: Any, spread: Any) -> str:
    """The text of a scaler of fluid.standardize."""
    return json.dumps({"cols": len(mean), "mean": list(mean), "std": list(spread)}) + "\n"


def _back(layer: Layer) -> Layer:
    """The way back through a scaler."""
    factor = np.diag(layer.weights)
    back = _over(1.0, factor)
    return Layer(np.diag(back), -layer.bias * back)


def _over(one: float, columns: Any) -> Any:
    return np.divide(one, columns, out=np.zeros(len(columns)), where=np.abs(columns) > 0.0)
