"""A training that goes on another day, and a model that learns more."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foretone import lite
from foretone.errors import ModelError
from foretone_training import cli, resume
from foretone_training.dataset import Stream, load
from foretone_training.export import PARITY, export, parity
from foretone_training.mdrnn import SIZES, Progress, Settings, Trained, learning_rate, train
from foretone_training.readback import read_network
from foretone_training.resume import State
from foretone_training.tflite import Weights

Learned = tuple[list[Stream], Settings, Trained]

QUICK = Settings(units=8, mixtures=3, updates=160)


def interrupt(progress: Progress) -> None:
    """As Ctrl-C does, half way."""
    if progress.done >= 80:
        raise KeyboardInterrupt


def stopped(streams: list[Stream], settings: Settings = QUICK) -> State:
    states: list[State] = []
    train(streams, settings, interrupt, keep=states.append)
    return states[-1]


def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(learned: Learned, tmp_path: Path) -> None:
    """Weight by weight, through the file; several passes in, and in the middle of one."""
    streams, path = learned[0], tmp_path / "me.training.npz"
    whole = train(streams, QUICK)
    resume.save(stopped(streams), path, {"settings": {"units": 8}}, streams)
    state, about = resume.load(path, streams)
    assert 0 < state.told["done"] < 160
    assert about == {"settings": {"units": 8}}
    parts = train(streams, QUICK, state=state)
    assert np.array_equal(parts.network.values, whole.network.values)
    assert (parts.scores, parts.history) == (whole.scores, whole.history)
    assert np.array_equal(parts.judge.pairs()[1], whole.judge.pairs()[1])


@contextmanager
def impatient_bar() -> Iterator[Callable[[Progress], None]]:
    yield interrupt


def test_the_command_goes_on_where_ctrl_c_stopped_it(
    sessions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is the one that would have been written at once, and the state is then gone."""
    begun = ["mdrnn", str(sessions), "--units", "8", "--updates", "160", "--seed", "3", "--out"]
    assert cli.main([*begun, str(tmp_path / "whole.tflite")]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(cli, "_bar", impatient_bar)
        assert cli.main([*begun, str(tmp_path / "parts.tflite")]) == 0
    assert "stopped by hand, and keeps the best so far. --resume goes on" in capsys.readouterr().out
    assert lite.Model(tmp_path / "parts.tflite").card.scores["best_update"] <= 80
    assert resume.beside(tmp_path / "parts.tflite").exists()
    assert cli.main(["mdrnn", str(sessions), "--resume", "--out", str(tmp_path / "parts.tflite")]) == 0
    assert (tmp_path / "parts.tflite").read_bytes() == (tmp_path / "whole.tflite").read_bytes()
    assert not resume.beside(tmp_path / "parts.tflite").exists()


def test_only_a_training_of_these_sessions_goes_on(
    learned: Learned, tmp_path: Path, strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    path = tmp_path / "me.training.npz"
    with pytest.raises(ModelError, match="no training to go on with"):
        resume.load(path, learned[0])
    resume.save(stopped(learned[0]), path, {}, learned[0])
    with pytest.raises(ModelError, match="learned from other sessions"):
        resume.load(path, [stream_of(strokes(300))])


def test_a_state_is_never_unpickled_and_damage_is_said(learned: Learned, tmp_path: Path) -> None:
    path = tmp_path / "me.training.npz"
    resume.save(stopped(learned[0]), path, {}, learned[0])
    good = path.read_bytes()
    np.savez(tmp_path / "evil.npz", told=np.array([print], dtype=object))
    for bad in (b"", good[:2000], good[:-50], pickle.dumps(1), (tmp_path / "evil.npz").read_bytes()):
        path.write_bytes(bad)
        with pytest.raises(ModelError, match="damaged"):
            resume.load(path, learned[0])


@pytest.mark.parametrize("about", [{}, {"settings": {"forgets": 0.5}}, {"settings": None}])
def test_a_state_of_another_version_is_said(
    about: dict[str, object], sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    streams, out = load([sessions]), tmp_path / "me.tflite"
    resume.save(stopped(streams), resume.beside(out), about, streams)
    assert cli.main(["mdrnn", str(sessions), "--resume", "--out", str(out)]) == 1
    assert capsys.readouterr().err == f"foretone-train: {resume.UNFIT}\n"
    assert not out.exists()


def test_a_state_of_another_shape_is_said(learned: Learned) -> None:
    with pytest.raises(ModelError, match="does not fit"):
        train(learned[0], replace(QUICK, units=12), state=stopped(learned[0]))


@pytest.mark.parametrize(("weights", "off"), [("float32", PARITY), ("float16", 1e-3), ("int8", 0.1)])
def test_a_network_is_read_back_from_its_file(
    weights: Weights, off: float, learned: Learned, tmp_path: Path
) -> None:
    """In natural units, where the file is; also around another mean."""
    streams, settings, trained = learned
    path = tmp_path / "me.tflite"
    export(trained, streams, settings, path, weights)
    network, card = read_network(path)
    assert card.plays == ("lever",)
    assert parity(path, network, trained.judged, lite.installed()[0]) < off
    # A step of which half, at the new mean wait, is what it was in the file.
    step = network.scale.step * np.exp([-1.5, 0.0])
    moved = network.recentred(np.array([-1.5, 0.6], np.float32), step)
    assert moved.scale.mean == pytest.approx([-1.5, 0.6])
    assert parity(path, moved, trained.judged, lite.installed()[0]) < off


def test_a_model_that_knows_the_player_learns_a_new_evening_sooner(
    learned: Learned, strokes: Callable[..., np.ndarray], stream_of: Callable[..., Stream]
) -> None:
    """By more than a nat after the same few updates."""
    evening, settings = [stream_of(strokes(300, seed=8))], replace(learned[1], updates=40)
    begin = learned[2].network
    more = train(evening, replace(settings, learning_rate=1e-3), begin=begin)
    anew = train(evening, settings)
    assert more.scores["held_out_nll"] < anew.scores["held_out_nll"] - 1.0


def test_the_command_teaches_a_model_more(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shape is the model's own, and the card names what it learned before too."""
    first, more = tmp_path / "first.tflite", tmp_path / "more.tflite"
    old, new = str(sessions / "one.csv"), str(sessions / "two.csv")
    assert (
        cli.main(["mdrnn", old, "--units", "12", "--layers", "1", "--updates", "60", "--out", str(first)])
        == 0
    )
    assert cli.main(["mdrnn", new, "--from", str(first), "--updates", "30", "--out", str(more)]) == 0
    assert "1 x 12 units" in capsys.readouterr().out
    card = lite.Model(more).card
    assert (card.layers, card.units) == (1, 12)
    assert [entry["name"] for entry in card.trained_on] == ["one.csv", "two.csv"]


def test_a_model_of_other_axes_learns_nothing_here(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = Path(__file__).parents[1] / "golden" / "impsy-3d-8u.tflite"
    taken = tmp_path / "taken.tflite"
    assert cli.main(["import", str(golden), "--out", str(taken)]) == 0
    assert cli.main(["mdrnn", str(sessions), "--from", str(taken), "--out", str(tmp_path / "m.tflite")]) == 1
    assert "plays x1, x2, these sessions have lever" in capsys.readouterr().err


def test_sizes_have_the_names_of_imps(sessions: Path, tmp_path: Path) -> None:
    assert SIZES == {"xs": 32, "s": 64, "m": 128, "l": 256, "xl": 512}
    out = tmp_path / "m.tflite"
    assert cli.main(["mdrnn", str(sessions), "--size", "xs", "--updates", "5", "--out", str(out)]) == 0
    assert lite.Model(out).card.units == 32
    assert learning_rate(32) >= learning_rate(64) >= learning_rate(512) > 0.0
