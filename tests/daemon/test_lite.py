"""A model is prepared once, and stepped, on either runtime; what cannot be played is told."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foretone import lite
from foretone.card import NAME, Card
from foretone.errors import MissingModelError, ModelError
from foretone_training.export import to_tflite
from foretone_training.network import Scale, Shape, create
from foretone_training.tflite import Graph

CARD = Card("mdrnn", ("lever",), ("lever",), layers=2, units=8, mixtures=3)


def model_bytes(card: Card = CARD) -> bytes:
    """A small model that has not learned anything."""
    rows = np.full((10, 2), 0.5, np.float32)
    scale = Scale(*(np.full(2, value, np.float32) for value in (0.2, 0.5, 0.01)))
    network = create(Shape(2, 2, 8, 3), scale, rows, np.random.default_rng(0))
    return to_tflite(network, card)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model file."""
    path = tmp_path / "model.tflite"
    path.write_bytes(model_bytes())
    return path


@pytest.fixture(params=lite.RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """Each runtime in turn, where it is installed."""
    if request.param not in lite.installed():
        pytest.skip(f"{request.param} is not installed here")
    return str(request.param)


def test_a_step_answers_with_a_mixture_and_a_state(path: Path, runtime: str) -> None:
    """K*D means, K*D positive deviations, K logits; the state that was given is left as it was."""
    model = lite.Model(path, runtime)
    assert (model.dimension, model.card) == (2, CARD)
    before = model.start()
    mixture, after = model.step([0.1, 0.5], before)
    assert len(mixture) == 3 * (2 * 2 + 1)
    assert all(isinstance(number, float) for number in mixture)
    assert min(mixture[6:12]) > 0.0
    assert before.shape == after.shape == (1, 2 * 2 * 8)
    assert not before.any()
    assert after.any()


def test_the_state_is_all_that_a_model_remembers(path: Path, runtime: str) -> None:
    """Two performances through one model do not hear each other; a state may be kept."""
    model = lite.Model(path, runtime)
    _, state = model.step([0.1, 0.5], model.start())
    first = model.step([0.2, 0.6], state)
    model.step([1.0, 0.0], first[1])
    again = model.step(np.array([0.2, 0.6]), state)
    assert again[0] == first[0]
    assert np.array_equal(again[1], first[1])


def test_both_runtimes_answer_alike(path: Path) -> None:
    answers = [
        lite.Model(path, name).step([0.1, 0.5], np.zeros((1, 32), np.float32))[0] for name in lite.installed()
    ]
    assert all(answer == pytest.approx(answers[0], abs=1e-5) for answer in answers)


def test_preparing_prints_nothing(path: Path, runtime: str) -> None:
    """The runtimes announce their delegates on standard error, which belongs to the person in front of it."""
    code = f"from foretone import lite; lite.Model({str(path)!r}, {runtime!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_the_environment_chooses_the_runtime(
    path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORETONE_TFLITE", runtime)
    lite.Model(path).step([0.1, 0.5], np.zeros((1, 32), np.float32))


def test_a_runtime_that_is_not_there_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETONE_TFLITE", "tensorflow")
    with pytest.raises(ModelError, match="may be tflite-runtime or ai-edge-litert"):
        lite.Model(path)
    monkeypatch.setitem(lite.RUNTIMES, "tflite-runtime", "no_such_package.interpreter")
    monkeypatch.setenv("FORETONE_TFLITE", "tflite-runtime")
    with pytest.raises(ModelError, match="tflite-runtime is not installed here"):
        lite.Model(path)


def test_a_missing_model_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match=r"none\.tflite"):
        lite.Model(tmp_path / "none.tflite")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"units": 16}, "does not fit its own card"),
        ({"mixtures": 4}, "does not fit its own card"),
        ({"hears": ("a", "b"), "plays": ("a", "b")}, "does not fit its own card"),
        ({"hears": ("other",)}, "hears what it plays"),
        ({"kind": "mapping"}, "of kind mapping"),
        ({"layers": 0}, "no layers"),
        ({"units": "many"}, "not a whole number"),
        ({"log_dt": "much"}, "log_dt"),
        ({"log_dt": -0.5}, "log_dt"),
    ],
)
def test_a_card_that_does_not_fit_the_graph_is_said(
    change: dict[str, object], reason: str, path: Path
) -> None:
    path.write_bytes(model_bytes(replace(CARD, **change)))
    with pytest.raises(ModelError, match=reason):
        lite.Model(path)


def test_a_graph_of_another_form_is_said(path: Path) -> None:
    graph = Graph()
    graph.output(graph.tanh(graph.input("y", 2)), "z")
    path.write_bytes(lite.seal(graph.to_bytes({NAME: CARD.to_json()})))
    with pytest.raises(ModelError, match="the graph hears y of 2"):
        lite.Model(path)


def test_a_model_that_answers_with_no_numbers_is_said(path: Path) -> None:
    rows = np.full((10, 2), 0.5, np.float32)
    scale = Scale(*(np.full(2, value, np.float32) for value in (0.2, 0.5, 0.01)))
    network = create(Shape(2, 2, 8, 3), scale, rows, np.random.default_rng(0))
    network.head[1][0] = np.nan
    path.write_bytes(to_tflite(network, CARD))
    with pytest.raises(ModelError, match="not finite"):
        lite.Model(path)


def test_damage_anywhere_is_told(path: Path, runtime: str) -> None:
    """One byte wrong, a part zeroed, or an end missing: always a ModelError, and never a wrong note."""
    whole, chance = path.read_bytes(), random.Random(2)
    for _ in range(600):
        damaged, place = bytearray(whole), chance.randrange(len(whole))
        how = chance.choice(["flip", "cut", "zero"])
        if how == "flip":
            damaged[place] ^= 1 << chance.randrange(8)
        elif how == "cut":
            del damaged[place:]
        else:
            damaged[place : place + 512] = bytes(len(damaged[place : place + 512]))
        path.write_bytes(damaged)
        if damaged != whole:
            with pytest.raises(ModelError):
                lite.Model(path, runtime)


def test_a_step_is_hot(path: Path, runtime: str) -> None:
    """A thousand steps make no object that stays, so the collector has nothing to do on stage."""
    import gc

    model = lite.Model(path, runtime)
    state = model.start()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(1000):
        _, state = model.step([0.1, 0.5], state)
    assert len(gc.get_objects()) - before < 50
