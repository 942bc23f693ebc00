"""The slopes that training follows are the slopes of the loss."""

from __future__ import annotations

import numpy as np
import pytest

from foretone_training import mixture
from foretone_training.network import Network, Scale, Shape, create


def small_network(
    layers: int, dimension: int, log_dt: float = 0.0, skip: bool = True
) -> tuple[Network, np.random.Generator]:
    random = np.random.default_rng(3)
    mean, spread, step = (np.full(dimension, value) for value in (0.3, 0.5, 0.01))
    scale = Scale(mean, spread, step, log_dt)
    rows = random.random((50, dimension))
    network = create(Shape(dimension, layers, 5, 3, skip), scale, rows, random).astype(np.float64)
    network.values += 0.1 * random.normal(size=network.values.shape)
    return network, random


@pytest.mark.parametrize(
    ("layers", "dimension", "log_dt", "skip"), [(1, 2, 0.0, True), (2, 4, 0.001, True), (3, 3, 0.0, False)]
)
def test_the_gradient_of_every_weight_is_that_of_finite_differences(
    layers: int, dimension: int, log_dt: float, skip: bool
) -> None:
    """Through time, layers, a stream that begins in the middle of the chunk, and a carried state."""
    network, random = small_network(layers, dimension, log_dt, skip)
    x, y = random.random((2, 6, 2, dimension))
    keep = np.ones((6, 2, 1))
    keep[3, 1] = 0.0
    states = [tuple(random.normal(size=(2, 2, 5))) for _ in range(layers)]
    slope = np.empty_like(network.values)
    network.loss(x, y, states, keep, slope)
    small, numeric = 1e-6, np.empty_like(slope)
    for number in range(len(numeric)):
        values = []
        for sign in (1, -1):
            network.values[number] += sign * small
            values.append(network.loss(x, y, states, keep)[0].mean())
            network.values[number] -= sign * small
        numeric[number] = (values[0] - values[1]) / (2 * small)
    assert np.abs(slope - numeric).max() < 1e-7 * max(1.0, np.abs(numeric).max())


def test_the_loss_is_minus_the_logarithm_of_a_density() -> None:
    """Summed over a fine grid of what may come, exp(-loss) is 1."""
    random = np.random.default_rng(0)
    output = np.repeat(random.normal(size=(1, 3 * 5)), 400 * 400, axis=0)
    grid = np.linspace(-12, 12, 400)
    target = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    nll, _ = mixture.loss(output, target, np.array([0.05, 0.05]))
    assert np.exp(-nll).sum() * (grid[1] - grid[0]) ** 2 == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("log_dt", [0.0, 0.001, 0.02])
def test_the_score_is_that_of_a_density_of_seconds_and_positions(log_dt: float) -> None:
    """Summed over all waits and positions exp(-score) is 1, whatever a network takes for dt."""
    network, _ = small_network(1, 2, log_dt)
    before = np.array([[[0.02, 0.4]]])
    waits = np.geomspace(1e-7, 300.0, 1201) - log_dt if log_dt else np.linspace(-8.0, 8.0, 801)
    positions = np.linspace(-6.0, 7.0, 201)
    after = np.stack(np.meshgrid(waits, positions, indexing="ij"), axis=-1).reshape(-1, 2)
    x, y = (network.scale.to_network(rows) for rows in (before, after))
    if log_dt:  # beyond what to_network believes
        y[:, 0] = (np.log(after[:, 0] + log_dt) - network.scale.mean[0]) / network.scale.spread[0]
    x = np.repeat(x, len(y), axis=1)
    states, keep = network.start(len(y)), np.ones((1, len(y), 1))
    trained = network.loss(x, y[None], states, keep)[0][0]
    output, _ = network.forward(x, states, keep)
    judged = mixture.natural_nll(network.mixtures(output), after, log_dt)
    assert np.allclose(trained, judged, atol=1e-9)
    density = np.exp(-judged).reshape(len(waits), len(positions))
    total = density.sum(axis=1) @ np.gradient(waits) * (positions[1] - positions[0])
    assert total == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("log_dt", [0.0, 0.001])
def test_events_come_back_from_the_units_of_the_network(log_dt: float) -> None:
    rows = np.array([[0.001, 0.0], [0.018, 0.4], [5.0, 1.0]])
    network, _ = small_network(1, 2, log_dt)
    assert np.allclose(network.scale.to_natural(network.scale.to_network(rows)), rows, atol=1e-12)


def test_a_chunk_continues_where_the_last_one_ended() -> None:
    """Two chunks with a carried state give what one long chunk gives."""
    network, random = small_network(2, 3)
    x, keep = random.random((10, 2, 3)), np.ones((10, 2, 1))
    whole, _ = network.forward(x, network.start(2), keep)
    first, states = network.forward(x[:4], network.start(2), keep[:4])
    second, _ = network.forward(x[4:], states, keep[4:])
    assert np.allclose(whole, np.concatenate([first, second]), atol=1e-12)


def test_a_new_stream_forgets_the_one_before() -> None:
    """After keep = 0 the outputs are those of a network that has heard nothing."""
    network, random = small_network(2, 3)
    x, keep = random.random((8, 1, 3)), np.ones((8, 1, 1))
    keep[5] = 0.0
    whole, _ = network.forward(x, network.start(1), keep)
    alone, _ = network.forward(x[5:], network.start(1), np.ones((3, 1, 1)))
    assert np.allclose(whole[5:], alone, atol=1e-12)
