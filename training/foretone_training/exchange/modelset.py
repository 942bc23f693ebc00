"""Wekinator's and RapidLib's model sets: JSON with one model for each output, read and written.

A neural network has sigmoid hidden nodes and one linear node; Weka scales inputs and output to -1..1 between
the smallest and the largest that it was shown. A kNN classifier has its examples. Several hidden layers are
those of RapidLib: the nodes stand layer after layer, and each hears the ones before it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from foretone.errors import ModelError
from foretone_training.exchange.network import Layer, Network, checked, folded
from foretone_training.nearest import Nearest
from foretone_training.nearest import fit as nearest

Models = list[tuple[Network | Nearest, tuple[str, ...], int]]
"""For each output what plays it, the names of its inputs, and its classes or 0."""


def read(text: str, name: str) -> tuple[tuple[str, ...], Models]:
    """The inputs of a model set, and its models; ModelError says which of them cannot be read."""
    number = 0
    try:
        told: Any = json.loads(text)
        inputs = tuple(map(str, told["metadata"]["inputNames"]))
        models: Models = []
        for model in told["modelSet"]:
            number += 1
            heard = tuple(map(str, model["inputNames"]))
            kind = model["modelType"]
            if kind == "Neural Network":
                models.append((_network(model, heard, name), heard, 0))
            elif kind == "kNN classification":
                classes = int(model["numClasses"])
                models.append((_neighbours(model, classes), heard, classes))
            else:
                raise ValueError(f"it is a {kind}, and only neural networks and kNN are known")
        if not models or any(not set(heard) <= set(inputs) for _, heard, _ in models):
            raise ValueError("it has no models, or one that hears another input")
    except (ValueError, OverflowError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelError(f"{name}: model {number} cannot be read ({error})") from error
    return inputs, models


def write(inputs: Sequence[str], network: Network) -> str:
    """The text of a network of one hidden layer, as a model set with a model for each output.

    Weights of exactly nothing, of other outputs' hidden units, are left out.
    """
    first, last = folded(network).layers
    if first.activation not in ("tanh", "sigmoid"):
        raise ModelError("a model set has networks of one hidden layer")
    # tanh(z) = 2 sigmoid(2 z) - 1, which a sigmoid node can do.
    twice = 2.0 if first.activation == "tanh" else 1.0
    models = []
    for column, offset in zip(last.weights.T, last.bias, strict=True):
        used = np.flatnonzero(column)
        top = offset - (column.sum() if twice == 2.0 else 0.0)
        nodes: list[dict[str, str]] = [{"name": "Linear Node 0", "Threshold": repr(float(top))}]
        for place, unit in enumerate(used, 1):
            nodes[0][f"Node {place}"] = repr(float(twice * column[unit]))
            node = {"name": f"Sigmoid Node {place}", "Threshold": repr(float(twice * first.bias[unit]))}
            for name, weight in zip(inputs, first.weights[:, unit], strict=True):
                node[f"Attrib {name}"] = repr(float(twice * weight))
            nodes.append(node)
        models.append({
            "modelType": "Neural Network", "numInputs": len(inputs), "inputNames": list(inputs),
            "numHiddenLayers": 1, "numHiddenNodes": len(used), "numOutputs": 1,
            # Between -1 and 1 nothing is scaled.
            "inMaxes": [1] * len(inputs), "inMins": [-1] * len(inputs), "outMax": 1, "outMin": -1,
            "nodes": nodes,
        })  # fmt: skip
    metadata = {"creator": "Foretone", "version": "1", "inputNames": list(inputs)}
    return json.dumps({"metadata": metadata, "modelSet": models}) + "\n"


def _network(model: Any, heard: tuple[str, ...], name: str) -> Network:
    count, deep = int(model["numHiddenNodes"]), int(model["numHiddenLayers"])
    nodes = {node["name"]: node for node in model["nodes"]}
    layers = [_scale(model["inMins"], model["inMaxes"])]
    keys = [f"Attrib {title}" for title in heard]
    for layer in range(deep):
        places = range(layer * count + 1, (layer + 1) * count + 1)
        layers.append(_layer([nodes[f"Sigmoid Node {place}"] for place in places], keys, "sigmoid"))
        keys = [f"Node {place}" for place in places]
    layers.append(_layer([nodes["Linear Node 0"]], keys, "identity"))
    low, high = float(model["outMin"]), float(model["outMax"])
    layers.append(Layer(np.array([[0.5 * (high - low)]]), np.array([0.5 * (high + low)])))
    return checked(layers, len(heard), name)


def _layer(nodes: Sequence[Any], keys: Sequence[str], activation: str) -> Layer:
    weights = np.array([[float(node[key]) for node in nodes] for key in keys])
    return Layer(weights, np.array([float(node["Threshold"]) for node in nodes]), activation)


def _scale(low: Sequence[float], high: Sequence[float]) -> Layer:
    half = 0.5 * (np.array(high, np.float64) - np.array(low, np.float64))
    # An input that never changed is divided by 1, as RapidLib means to do it.
    half[half == 0.0] = 1.0
    middle = 0.5 * (np.array(high, np.float64) + np.array(low, np.float64))
    return Layer(np.diag(1.0 / half), -middle / half)


def _neighbours(model: Any, classes: int) -> Nearest:
    examples = model["examples"]
    x = np.array([[float(value) for value in example["features"]] for example in examples])
    played = [int(example["class"]) for example in examples]
    if wrong := [number for number in played if not 1 <= number <= classes]:
        raise ValueError(f"an example has the class {wrong[0]}, and there are 1 to {classes}")
    y = np.eye(classes)[[number - 1 for number in played]]
    return nearest(x, y, int(model["k"]), votes=True)
