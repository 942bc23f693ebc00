"""A network of plain layers, as other programs keep theirs: read from them, played, and drawn as a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import ModelError
from foretone_training.mapping import Mapping
from foretone_training.tflite import Graph

ACTIVATIONS = ("identity", "sigmoid", "relu", "tanh")
"""In FluCoMa's order."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Layer:
    """Weights [inputs, outputs], bias [outputs], and what becomes of their sums."""

    weights: Array
    bias: Array
    activation: str = "identity"


@dataclass(frozen=True)
class Network:
    """Layers from x to y. Scales, where there are any, are layers too."""

    layers: tuple[Layer, ...]

    def play(self, x: Array) -> Array:
        """Outputs [n, outputs] for x [n, inputs]."""
        for layer in self.layers:
            summed = x @ layer.weights + layer.bias
            match layer.activation:
                case "sigmoid":
                    x = 1.0 / (1.0 + np.exp(-summed))
                case "relu":
                    x = np.maximum(summed, 0.0)
                case "tanh":
                    x = np.tanh(summed)
                case _:
                    x = summed
        return np.asarray(x)

    def draw(self, graph: Graph, x: int) -> int:
        """The same as a part of a graph."""
        for number, layer in enumerate(self.layers):
            x = graph.fully_connected(x, layer.weights, layer.bias, f"layer_{number}")
            if layer.activation != "identity":
                kind = {"sigmoid": graph.logistic, "relu": graph.relu, "tanh": graph.tanh}[layer.activation]
                x = kind(x)
        return x


def checked(layers: Sequence[Layer], inputs: int, name: str) -> Network:
    """A network whose layers fit each other; ModelError when they do not."""
    width = inputs
    for layer in layers:
        shape, numbers = layer.weights.shape, (layer.weights, layer.bias)
        if shape != (width, len(layer.bias)) or layer.activation not in ACTIVATIONS:
            raise ModelError(f"{name}: its layers do not fit each other")
        if not all(np.isfinite(part).all() for part in numbers):
            raise ModelError(f"{name} has weights that are not finite")
        width = len(layer.bias)
    return Network(tuple(layers))


def of(mapping: Mapping) -> Network:
    """A trained mapping as one network: the models of its outputs side by side."""
    layers = [Layer(np.diag(mapping.heard.factor), -mapping.heard.mean * mapping.heard.factor)]
    *hidden, (weights, bias) = mapping.perceptrons.layers
    for number, (inner, offset) in enumerate(hidden):
        together = np.concatenate(list(inner), axis=1) if number == 0 else _blocks(inner)
        layers.append(Layer(together, offset.ravel(), "tanh"))
    layers.append(Layer(_blocks(weights), bias.ravel()))
    layers.append(Layer(np.diag(mapping.played.spread), mapping.played.mean))
    return Network(tuple(layers))


def folded(network: Network) -> Network:
    """The same with the scales folded into the layers beside them, for programs that know none."""
    layers: list[Layer] = []
    for layer in network.layers:
        weights, bias = layer.weights, layer.bias
        if layers and layers[-1].activation == "identity":
            before = layers.pop()
            weights, bias = before.weights @ weights, before.bias @ weights + bias
        layers.append(Layer(weights, bias, layer.activation))
    return Network(tuple(layers))


def _blocks(weights: Array) -> Array:
    """[models, inputs, outputs] as one matrix in which no model hears another."""
    models, inputs, outputs = weights.shape
    whole = np.zeros((models * inputs, models * outputs))
    for number, block in enumerate(weights):
        whole[number * inputs : (number + 1) * inputs, number * outputs : (number + 1) * outputs] = block
    return whole
