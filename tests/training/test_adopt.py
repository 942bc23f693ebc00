"""A model that IMPSY has written plays the same here; tests/golden/README.md says how this one was made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foretone import lite
from foretone.errors import ModelError
from foretone_training import adopt
from foretone_training.cli import main
from foretone_training.export import PARITY, to_tflite
from foretone_training.tflite import Graph

MODEL = Path(__file__).parents[1] / "golden" / "impsy-3d-8u.tflite"


def test_it_is_taken_over_with_names_for_its_axes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It loads on every runtime that is installed, and plays what the original does."""
    out = tmp_path / "taken.tflite"
    assert main(["import", str(MODEL), "--out", str(out), "--axes", "lever", "knob"]) == 0
    assert "It plays lever, knob, with 2 x 8 units" in capsys.readouterr().out
    for runtime in lite.installed():
        card = lite.Model(out, runtime).card
        assert (card.plays, card.layers, card.units, card.mixtures) == (("lever", "knob"), 2, 8, 5)
    assert card.scores["parity"] < 1e-5
    assert card.made_by.startswith("IMPSY")


def test_a_wrong_matrix_in_any_layer_is_noticed(tmp_path: Path) -> None:
    """By a hundredth, because the file is compared with the original as it runs."""
    original = adopt.read(MODEL)
    path, network = tmp_path / "taken.tflite", original.network
    card = adopt.take(MODEL, path)
    for part in [part for pair in [*network.layers, network.head] for part in pair]:
        kept = part.copy()
        part[...] = 1.01 * kept
        path.write_bytes(to_tflite(network, card))
        assert adopt.difference(original, MODEL, path) > PARITY
        part[...] = kept


def test_what_is_not_read_rightly_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here: the gates taken in another order."""
    monkeypatch.setattr(adopt, "GATES", (0, 1, 2, 3))
    with pytest.raises(ModelError, match="plays otherwise than what was read"):
        adopt.take(MODEL, tmp_path / "taken.tflite")
    assert not list(tmp_path.iterdir())


def small_graph() -> bytes:
    graph = Graph()
    graph.output(graph.tanh(graph.input("x", 3)), "y")
    return graph.to_bytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a .tflite file"),
        (b"\0" * 99, "not a .tflite file"),
        (MODEL.read_bytes()[:9000], "damaged"),
        (small_graph(), "not a model as IMPSY"),
    ],
)
def test_other_files_end_in_one_sentence(
    content: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    assert main(["import", str(path), "--out", str(tmp_path / "out.tflite")]) == 1
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_damage_never_ends_in_a_traceback() -> None:
    """Any byte of the file may be wrong; nothing is run here, only read."""
    random, good = np.random.default_rng(4), MODEL.read_bytes()
    for _ in range(150):
        bad = bytearray(good)
        for place in random.integers(len(bad), size=20):
            bad[place] = random.integers(256)
        try:
            adopt.read_bytes(bytes(bad), MODEL)
        except ModelError:
            continue


@pytest.mark.parametrize(("axes", "out"), [(["lever"], "taken.tflite"), (["a", "a"], "taken.tflite")])
def test_names_must_fit(axes: list[str], out: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="plays 2 axes; give as many different names"):
        adopt.take(MODEL, tmp_path / out, axes)


def test_the_original_is_not_overwritten() -> None:
    with pytest.raises(ModelError, match="would be overwritten"):
        adopt.take(MODEL, MODEL)


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model at"):
        adopt.take(tmp_path / "nothing.tflite", tmp_path / "out.tflite")
