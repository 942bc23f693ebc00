"""foretone-train sweep: two players, two sizes, two workers on this machine."""

import csv
import subprocess
import sys

import pytest

from foretone.card import read_model

SWEEP = [sys.executable, "-m", "foretone_training", "sweep"]


def run(*arguments):
    return subprocess.run(
        [*SWEEP, *map(str, arguments)], check=False, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def swept(sessions, strokes, write_session, tmp_path_factory):
    """A sweep, and where it wrote."""
    folder = tmp_path_factory.mktemp("swept")
    one = folder / "one"
    one.mkdir()
    write_session(one / "short.csv", strokes(300, seed=3))
    out = folder / "out"
    ended = run(one, sessions, "--sizes", "xs", "s", "--workers", 2, "--updates", 60, "--out", out)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, out, sessions.name


def test_every_size_is_trained_for_every_player(swept):
    _, out, many = swept
    with (out / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["player"], row["size"]) for row in rows} == {
        (player, size) for player in ("one", many) for size in ("xs", "s")
    }
    for row in rows:
        card = read_model(out / row["model"])[1]
        assert card.units == {"xs": 32, "s": 64}[row["size"]]
        assert len(card.trained_on) == (1 if row["player"] == "one" else 2)
        assert card.scores["held_out_nll"] == pytest.approx(float(row["held_out_nll"]), abs=1e-4)
        assert (out / row["model"]).with_suffix(".report.html").exists()


def test_the_best_of_each_player_is_told_and_stands_first(swept):
    told, out, many = swept
    with (out / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    for player in ("one", many):
        scores = [float(row["held_out_nll"]) for row in rows if row["player"] == player]
        assert scores == sorted(scores)
        assert f"{player}: {next(row['model'] for row in rows if row['player'] == player)} " in told


def test_what_cannot_be_learned_is_told_and_the_others_are_kept(sessions, tmp_path):
    bad, out = tmp_path / "bad", tmp_path / "out"
    bad.mkdir()
    (bad / "a.csv").write_text("nonsense\n")
    ended = run(sessions, bad, "--sizes", "xs", "--workers", 1, "--updates", 30, "--out", out)
    assert ended.returncode == 65
    assert "bad, xs, seed 1: a.csv is not a session" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (out / f"{sessions.name}-xs-1.tflite").exists()


def test_a_folder_without_sessions_is_told_before_anything_starts(sessions, tmp_path):
    ended = run(sessions, tmp_path)
    assert (ended.returncode, ended.stdout) == (65, "")
    assert ended.stderr.startswith("foretone-train: there is no session in")
