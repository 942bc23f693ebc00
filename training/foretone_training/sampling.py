"""Draws from what a network expects, and lets it play by itself, many performances side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training.dataset import PAUSE
from foretone_training.network import Network, Scale

SHORTEST = 1e-3  # seconds, as in the player that will play the model
LOG_LONGEST = 2.0  # e**2 s is beyond the longest pause, and no draw overflows

Array = NDArray[Any]


def sample(
    mixtures: Array,
    scale: Scale,
    count: int,
    pi: Array,
    sigma: Array,
    random: np.random.Generator,
) -> Array:
    """Draws [n, count, D] from rows of `Network.mixtures`, row by row at temperatures pi and sigma [n].

    As the player draws: the logits are divided by pi, the variances multiplied by sigma, waits and
    positions held to what can be played.
    """
    (n, width), dimension = mixtures.shape, len(scale.step)
    components = width // (2 * dimension + 1)
    means, sigmas, weights = np.split(mixtures, [components * dimension, 2 * components * dimension], axis=1)
    logits = np.log(np.maximum(weights, 1e-30)) / pi[:, None]
    chances = np.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1)
    chances /= chances[:, -1:]
    chosen = (random.random((n, count, 1)) > chances[:, None]).sum(axis=2)
    rows = np.arange(n)[:, None]
    centre = means.reshape(n, components, dimension)[rows, chosen]
    spread = sigmas.reshape(n, components, dimension)[rows, chosen] * np.sqrt(sigma)[:, None, None]
    drawn = centre + spread * random.normal(size=centre.shape)
    if scale.log_dt:
        drawn[..., 0] = np.exp(np.minimum(drawn[..., 0], LOG_LONGEST)) - scale.log_dt
    return playable(drawn)


def playable(rows: Array) -> Array:
    """Rows [..., D] with waits of 1 ms to the longest pause, and positions in 0..1; changed in place."""
    np.clip(rows[..., 0], SHORTEST, PAUSE, out=rows[..., 0])
    np.clip(rows[..., 1:], 0.0, 1.0, out=rows[..., 1:])
    return rows


def play(
    network: Network, begins: Array, pi: Array, sigma: Array, events: int, random: np.random.Generator
) -> Array:
    """The network by itself, [n, events, D], after it has heard `begins` [n, heard, D].

    `pi` and `sigma` [n] are the temperatures of each performance.
    """
    scale = network.scale
    heard = scale.to_network(begins.transpose(1, 0, 2).astype(np.float32))
    output, states = network.forward(heard, network.start(len(begins)), np.ones((len(heard), len(begins), 1)))
    output = output[-len(begins) :]
    keep = np.ones((1, len(begins), 1), np.float32)
    made = np.empty((events, *begins[:, 0].shape))
    for event in range(events):
        made[event] = sample(network.mixtures(output), scale, 1, pi, sigma, random)[:, 0]
        output, states = network.forward(scale.to_network(made[event].astype(np.float32))[None], states, keep)
    return made.transpose(1, 0, 2)


def energy(drawn: Array, happened: Array) -> float:
    """The mean energy score of draws [n, count, D] for what happened [n, D]; lower is better.

    The mean distance to what happened, less half the mean distance between two draws: Gneiting and
    Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, 2007, section 4.3. Distances take
    seconds and positions as they are.
    """
    scores = np.empty(len(drawn))
    for number, (draws, event) in enumerate(zip(drawn, happened, strict=True)):
        between = np.sqrt(sum(np.subtract.outer(column, column) ** 2 for column in draws.T))
        count = len(draws)
        scores[number] = np.sqrt(((draws - event) ** 2).sum(axis=1)).mean()
        scores[number] -= 0.5 * between.sum() / (count * (count - 1))
    return float(scores.mean())
