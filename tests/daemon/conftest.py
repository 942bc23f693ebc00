"""Small models and instruments for the daemon's tests."""

import socket

import numpy as np
import pytest

from foretone.card import Card
from foretone_training.export import to_tflite
from foretone_training.network import Scale, Shape, create


def make_model(path, axes=("lever",), dt=0.1, units=8, layers=1, mixtures=2, seed=3, log_dt=0.0):
    """An untrained network that plays around the middle of each axis, every `dt` seconds or so."""
    width = 1 + len(axes)
    shape = Shape(width, layers=layers, units=units, mixtures=mixtures)
    scale = Scale(
        mean=np.array([np.log(dt + log_dt) if log_dt else dt] + [0.5] * len(axes)),
        spread=np.array([0.25 if log_dt else dt / 4] + [0.2] * len(axes)),
        step=np.full(width, 0.001),
        log_dt=log_dt,
    )
    random = np.random.default_rng(seed)
    rows = np.column_stack([dt * random.uniform(0.7, 1.4, 100), random.uniform(size=(100, len(axes)))])
    network = create(shape, scale, rows, random)
    card = Card("mdrnn", axes, axes, layers=layers, units=units, mixtures=mixtures, seed=seed, log_dt=log_dt)
    path.write_bytes(to_tflite(network, card))
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with untrained models: `one.tflite` of one axis, `three.tflite` of three.

    `log.tflite` is as `one.tflite`, and takes dt by its logarithm.
    """
    folder = tmp_path_factory.mktemp("models")
    make_model(folder / "one.tflite")
    make_model(folder / "three.tflite", ("x", "y", "z"), layers=2)
    make_model(folder / "log.tflite", log_dt=0.001)
    return folder


@pytest.fixture
def free_port():
    """Gives UDP ports that nobody listens on."""

    def free():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return free
