"""The mixture of Gaussians that says what may come next.

Bishop, Mixture Density Networks, 1994, with a diagonal covariance for each component. A network's output
row holds, for K components and D dimensions, K*D means (those of one component together), K*D raw widths
and K logits; a standard deviation is elu(raw) + 1 + floor, in the units of the network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def parts(output: Array, dimension: int) -> tuple[Array, Array, Array]:
    """Views of the means [n, K, D], raw widths [n, K, D] and logits [n, K] of output rows."""
    count = output.shape[1] // (2 * dimension + 1)
    means, widths, logits = np.split(output, [count * dimension, 2 * count * dimension], axis=1)
    return means.reshape(-1, count, dimension), widths.reshape(-1, count, dimension), logits


def deviations(raw: Array, floor: Array) -> Array:
    """Standard deviations, never below `floor` [D]."""
    return np.where(raw > 0.0, raw + 1.0, np.exp(np.minimum(raw, 0.0))) + floor


def loss(output: Array, target: Array, floor: Array) -> tuple[Array, Array]:
    """The negative log-likelihood of each target [n], in nats, and its slope by the output rows."""
    rows, dimension = target.shape
    means, raw, logits = parts(output, dimension)
    sigma = deviations(raw, floor)
    away = (target[:, None] - means) / sigma
    weights = logits - _log_sum(logits)
    density = weights - 0.5 * (away * away).sum(2) - np.log(sigma).sum(2)
    density -= np.asarray(0.5 * dimension * np.log(2.0 * np.pi), output.dtype)
    total = _log_sum(density)
    share = np.exp(density - total)[:, :, None]  # how much of the target each component answers for
    slope = np.empty_like(output)
    by_means, by_widths, by_logits = parts(slope, dimension)
    by_means[...] = -share * away / sigma
    by_widths[...] = share * (1.0 - away * away) / sigma * np.exp(np.minimum(raw, 0.0))
    by_logits[...] = np.exp(weights) - share[:, :, 0]
    return -total.reshape(rows), slope


def natural_nll(rows: Array, target: Array, log_dt: float) -> Array:
    """The negative log-likelihood of each target [n, D], given rows of means, deviations and weights.

    With `log_dt` above 0 the rows are about log(dt + log_dt), and the score about dt all the same.
    """
    stretch = np.zeros(len(target))
    if log_dt:
        stretch = np.log(target[:, 0] + log_dt)
        target = np.column_stack([stretch, target[:, 1:]])
    means, sigma, weights = parts(rows.astype(np.float64), target.shape[1])
    away = (target[:, None] - means) / sigma.reshape(means.shape)
    density = np.log(np.maximum(weights, 1e-300)) - 0.5 * (away * away).sum(2)
    density -= np.log(sigma).reshape(means.shape).sum(2) + 0.5 * target.shape[1] * np.log(2.0 * np.pi)
    return np.asarray(stretch - _log_sum(density)[:, 0])


def _log_sum(x: Array) -> Array:
    """log(sum(exp(x))) along the last axis, which is kept."""
    top = x.max(axis=-1, keepdims=True)
    return np.asarray(top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True)))
