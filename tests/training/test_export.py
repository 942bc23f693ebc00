"""The file that is written plays what was trained, on every runtime, and says so on its card."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foretone import lite
from foretone.card import read_model
from foretone.errors import ModelError
from foretone_training import export as exporting
from foretone_training.dataset import PAUSE, Stream
from foretone_training.mdrnn import Settings, Trained, train
from foretone_training.network import Network, Scale, Shape, coded, create
from foretone_training.tflite import Weights

Learned = tuple[list[Stream], Settings, Trained]

both = pytest.mark.parametrize("runtime", lite.RUNTIMES)


def wild_network(shape: Shape, log_dt: float = 0.001) -> tuple[Network, np.ndarray]:
    """A network with weights as large as trained ones, a scale of its own in each dimension, and events."""
    random = np.random.default_rng(shape.size)
    rows = random.random((200, shape.dimension)).astype(np.float32)
    rows[:, 0] *= 0.1
    taken = coded(rows, log_dt)
    scale = Scale(taken.mean(0), 0.5 * taken.std(0), np.full(shape.dimension, 0.002, np.float32), log_dt)
    network = create(shape, scale, rows, random)
    network.values += (0.1 * random.normal(size=network.values.shape)).astype(np.float32)
    return network, rows


@both
@pytest.mark.parametrize("units", [16, 64])
@pytest.mark.parametrize(("dimension", "log_dt"), [(2, 0.001), (4, 0.0), (9, 0.001)])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_file_computes_what_the_network_does(
    layers: int, dimension: int, units: int, log_dt: float, runtime: str, tmp_path: Path
) -> None:
    """To 1e-5 over 200 steps, each carrying its own state."""
    if runtime not in lite.installed():
        pytest.skip(f"{runtime} is not installed here")
    shape = Shape(dimension, layers, units, 5)
    network, rows = wild_network(shape, log_dt)
    axes = tuple(f"axis{number}" for number in range(1, dimension))
    card = exporting.Card("mdrnn", axes, axes, layers, units, 5, log_dt=log_dt)
    path = tmp_path / "model.tflite"
    path.write_bytes(exporting.to_tflite(network, card))
    assert exporting.parity(path, network, rows, runtime) < exporting.PARITY


def test_parity_notices_a_wrong_weight(tmp_path: Path, learned: Learned) -> None:
    """One bias, wrong by a ten-thousandth."""
    streams, settings, trained = learned
    path = tmp_path / "model.tflite"
    exporting.export(trained, streams, settings, path)
    trained = replace(trained, network=trained.network.astype(np.float32))
    trained.network.head[1][0] += 1e-4
    assert exporting.parity(path, trained.network, trained.judged, lite.installed()[0]) > exporting.PARITY


def test_the_card_says_what_the_model_is(tmp_path: Path, learned: Learned, sessions: Path) -> None:
    streams, settings, trained = learned
    path = tmp_path / "models" / "model.tflite"
    card = exporting.export(trained, streams, settings, path)
    assert read_model(path)[1] == card
    assert (card.kind, card.hears, card.plays) == ("mdrnn", ("lever",), ("lever",))
    assert (card.layers, card.units, card.mixtures, card.seed) == (2, 16, 3, 1)
    assert [entry["events"] for entry in card.trained_on] == [500, 400]
    digest = hashlib.sha256((sessions / "one.csv").read_bytes()).hexdigest()
    assert card.trained_on[0] == {"name": "one.csv", "sha256": digest, "events": 500}
    assert card.scores["held_out_nll"] == trained.scores["held_out_nll"]
    assert 0.0 < card.scores["parity"] < 1e-5
    assert [file.name for file in path.parent.iterdir()] == ["model.tflite"]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, learned: Learned) -> None:
    streams = learned[0]
    files = []
    for number, seed in enumerate((7, 7, 8)):
        settings = Settings(units=8, updates=25, seed=seed)
        path = tmp_path / f"{number}.tflite"
        exporting.export(train(streams, settings), streams, settings, path)
        files.append(path.read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_model_that_does_not_play_as_trained_is_not_written(
    tmp_path: Path, learned: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there before stays."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"the old model")
    monkeypatch.setattr(exporting, "PARITY", 1e-12)
    streams, settings, trained = learned
    with pytest.raises(ModelError, match="differs from the network"):
        exporting.export(trained, streams, settings, path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"the old model"]


@both
@pytest.mark.parametrize(
    ("weights", "bits", "off", "loses"), [("float16", 16, 1e-3, 0.01), ("int8", 8, 0.1, 0.2)]
)
def test_smaller_weights_play_nearly_the_same(
    weights: Weights, bits: int, off: float, loses: float, runtime: str, tmp_path: Path, learned: Learned
) -> None:
    """Both runtimes load them; the card says how far off they are, and the file is smaller."""
    if runtime not in lite.installed():
        pytest.skip(f"{runtime} is not installed here")
    streams, settings, trained = learned
    small, full = tmp_path / "small.tflite", tmp_path / "full.tflite"
    card = exporting.export(trained, streams, settings, small, weights)
    exporting.export(trained, streams, settings, full)
    assert card.scores["weight_bits"] == bits
    assert (
        1e-6
        < exporting.parity(small, trained.network, trained.judged, runtime)
        <= card.scores["parity"]
        < off
    )
    lost = exporting.nll_lost(small, trained.network, trained.judge, runtime)
    assert lost <= card.scores["nll_lost"] < loses
    assert small.stat().st_size < full.stat().st_size


def test_a_file_of_int8_weights_is_a_quarter(tmp_path: Path) -> None:
    """And one of float16 half, once the network is large."""
    network, _ = wild_network(Shape(2, 2, 128, 5))
    card = exporting.Card("mdrnn", ("lever",), ("lever",), 2, 128, 5)
    sizes = [len(exporting.to_tflite(network, card, kind)) for kind in ("float32", "float16", "int8")]
    assert sizes[1] < 0.53 * sizes[0]
    assert sizes[2] < 0.30 * sizes[0]


def test_weights_that_lose_too_much_are_refused(
    tmp_path: Path, learned: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence that says how much, and what to do."""
    monkeypatch.setitem(exporting.MAY_LOSE, "int8", -1.0)
    streams, settings, trained = learned
    with pytest.raises(ModelError, match=r"nats worse, more than -1; nothing was written.*--weights float32"):
        exporting.export(trained, streams, settings, tmp_path / "model.tflite", "int8")
    assert not list(tmp_path.iterdir())


def test_the_loss_of_the_file_is_that_of_the_network(tmp_path: Path, learned: Learned) -> None:
    """Of a faithful file nothing; of one whose output layer is off, something."""
    streams, settings, trained = learned
    path = tmp_path / "model.tflite"
    card = exporting.export(trained, streams, settings, path)
    assert abs(card.scores["nll_lost"]) < 1e-4
    network = trained.network.astype(np.float32)
    network.head[1][:6] += 1.0
    path.write_bytes(exporting.to_tflite(network, card))
    assert exporting.nll_lost(path, trained.network, trained.judge, lite.installed()[0]) > 0.1


def test_a_silence_beyond_the_longest_pause_is_heard_as_that_pause(tmp_path: Path, learned: Learned) -> None:
    """A player may think for a minute; the network has never heard more than five seconds."""
    streams, settings, trained = learned
    path = tmp_path / "model.tflite"
    exporting.export(trained, streams, settings, path)
    model = lite.Model(path)
    answers = [model.step([dt, 0.5], model.start())[0] for dt in (PAUSE, 60.0, PAUSE / 2)]
    assert answers[0] == answers[1] != answers[2]
