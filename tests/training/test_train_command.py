"""The command foretone-train, as a person uses it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foretone import lite
from foretone_training.cli import main

QUICK = ["--units", "8", "--updates", "30"]


def test_sessions_become_a_model(sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what it learned from and what came of it; with no terminal there is no bar."""
    out = tmp_path / "my.tflite"
    assert main(["mdrnn", str(sessions), "--out", str(out), "--layers", "1", "--seed", "3", *QUICK]) == 0
    card = lite.Model(out).card
    assert (card.layers, card.units, card.seed, card.hears) == (1, 8, 3, ("lever",))
    said = capsys.readouterr()
    assert "900 events" in said.out
    assert "--updates 30 --seed 3" in said.out
    assert said.err == ""


def test_smaller_weights_are_told(sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "my.tflite"
    assert main(["mdrnn", str(sessions), "--out", str(out), "--weights", "int8", *QUICK]) == 0
    assert lite.Model(out).card.scores["weight_bits"] == 8
    assert re.search(r"With int8 weights it predicts them .* nats worse", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "nothing was recorded"),
        ("# a diary\n", "not a session"),
        ("# foretone session 1\n", "nothing was played"),
        ("# foretone session 1\n# sources: lever\ntime,origin,lever\n0,lever,0.5\n", "too few"),
        ("# foretone session 1\n# sources: lever\ntime,origin,lever\n0,lever,nan\n", "line 4"),
    ],
)
def test_bad_data_ends_in_one_sentence(
    content: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    assert main(["mdrnn", str(path), "--out", str(tmp_path / "m.tflite"), *QUICK]) == 65
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1
    assert not (tmp_path / "m.tflite").exists()


def test_a_gap_and_an_axis_at_rest_are_learned(
    tmp_path: Path,
    strokes: Callable[..., np.ndarray],
    write_session: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """764 seconds away from the lever are a pause, and the knob stays where it is."""
    rows = np.column_stack([strokes(300), np.full(300, 0.5, np.float32)])
    rows[150, 0] = 764.0
    path = write_session(tmp_path / "gap.csv", rows, ("lever", "knob"))
    assert main(["mdrnn", str(path), "--out", str(tmp_path / "m.tflite"), *QUICK]) == 0
    said = capsys.readouterr().out
    assert "1 silence of more than 5 s" in said
    assert "Never moved: knob" in said
    mixture, _ = lite.Model(tmp_path / "m.tflite").step(
        [0.02, 0.5, 0.5], lite.Model(tmp_path / "m.tflite").start()
    )
    assert max(mixture[0:15:3]) < 10.0


def test_all_faulty_sessions_of_a_folder_are_named_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("# foretone session 1\ntime,origin,lever\n0,lever,inf\n")
    assert main(["mdrnn", str(tmp_path), "--out", str(tmp_path / "m.tflite"), *QUICK]) == 65
    said = capsys.readouterr().err
    assert "a.csv, line 3" in said
    assert "b.csv, line 3" in said


def test_a_place_that_cannot_be_written_is_said(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["mdrnn", str(sessions), "--out", str(tmp_path / "file" / "m.tflite"), *QUICK]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [["--units", "0"], ["--seconds", "nan"], ["--layers", "two"], ["--seed", "-1"]]
)
def test_an_option_out_of_its_range_is_refused(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["mdrnn", "a.csv", *option])
    assert f"argument {option[0]}" in capsys.readouterr().err


def test_the_installed_command_prints_its_help() -> None:
    command = Path(sys.executable).with_name("foretone-train")
    done = subprocess.run(
        [command, "mdrnn", "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    assert "--seconds" in done.stdout


def test_another_process_writes_the_same_bytes(
    tmp_path: Path, strokes: Callable[..., np.ndarray], write_session: Callable[..., Path]
) -> None:
    """And an IMPSY log trains like a session."""
    start = np.datetime64("2024-05-01T20:15:00")
    rows = strokes(200)
    moments = start + (np.cumsum(rows[:, 0]) * 1e6).astype("timedelta64[us]")
    log = tmp_path / "2024-05-01T20-15-00-2d-mdrnn.log"
    log.write_text(
        "".join(f"{moment},interface,{row[1]:.5f}\n" for moment, row in zip(moments, rows, strict=True))
    )
    arguments = ["mdrnn", str(log), *QUICK]
    command = Path(sys.executable).with_name("foretone-train")
    for name in ("a", "b"):
        subprocess.run(
            [command, *arguments, "--out", tmp_path / name], check=True, timeout=60, capture_output=True
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert lite.Model(tmp_path / "a").card.hears == ("x1",)


def test_the_plain_model_of_imps_can_be_learned_and_taught_more(sessions: Path, tmp_path: Path) -> None:
    """It takes waits as they are; what learns on from it does too."""
    log, linear, more = (tmp_path / f"{name}.tflite" for name in ("log", "linear", "more"))
    quick = ["mdrnn", str(sessions), *QUICK, "--out"]
    assert main([*quick, str(log)]) == 0
    assert main([*quick, str(linear), "--plain"]) == 0
    assert main([*quick, str(more), "--from", str(linear)]) == 0
    assert [lite.Model(path).card.log_dt for path in (log, linear, more)] == [pytest.approx(1e-3), 0.0, 0.0]


def test_a_report_compares_with_the_plain_model_when_asked(sessions: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.tflite"
    command = ["mdrnn", str(sessions), *QUICK, "--out", str(out)]
    page = out.with_suffix(".report.html")
    assert main(command) == 0
    assert "plain IMPS" not in page.read_text()
    alone = lite.Model(out).card.scores
    assert main([*command, "--compare"]) == 0
    assert "plain IMPS" in page.read_text()
    scores = lite.Model(out).card.scores
    assert scores["held_out_nll"] == alone["held_out_nll"] != scores["plain_nll"]
