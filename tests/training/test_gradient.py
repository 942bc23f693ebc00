"""The slopes that training follows are the slopes of the loss."""

from __future__ import annotations

import numpy as np
import pytest

from foretone_training import mixture
from foretone_training.network import Network, Scale, Shape, create


def small_network(layers: int, dimension: int) -> tuple[Network, np.random.Generator]:
    random = np.random.default_rng(3)
    scale = Scale(*(np.full(dimension, value) for value in (0.3, 0.5, 0.01)))
    rows = random.random((50, dimension))
    network = create(Shape(dimension, layers, 5, 3), scale, rows, random).astype(np.float64)
    network.values += 0.1 * random.normal(size=network.values.shape)
    return network, random


@pytest.mark.parametrize(("layers", "dimension"), [(1, 2), (2, 4), (3, 3)])
def test_the_gradient_of_every_weight_is_that_of_finite_differences(layers: int, dimension: int) -> None:
    """Through time, layers, a stream that begins in the middle of the chunk, and a carried state."""
    network, random = small_network(layers, dimension)
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
