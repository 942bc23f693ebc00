"""Sessions and IMPSY logs become streams, and what is wrong with them is told by line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foretone.errors import SessionError
from foretone_training.dataset import PAUSE, describe, load, read_stream, resolution

HEADER = (
    "# foretone session 1\n# instrument: test\n# started: \n# sources: {}\n# players: duet\ntime,origin,{}\n"
)


def session(
    folder: Path, rows: str, sources: str = "lever", axes: str = "lever", name: str = "a.csv"
) -> Path:
    path = folder / name
    path.write_text(HEADER.format(sources, axes) + rows)
    return path


def test_dt_and_axes_of_the_sources_only(tmp_path: Path) -> None:
    """What the model answered is not learned from, and neither is letting go."""
    path = session(tmp_path, "1.0,lever,0.25\n1.1,duet,0.9\n1.5,lever,0.5\n1.6,lever,\n1.75,lever,1.0\n")
    stream = read_stream(path)
    assert stream.axes == ("lever",)
    assert stream.rows == pytest.approx(np.array([[PAUSE, 0.25], [0.5, 0.5], [0.25, 1.0]]))
    assert stream.rows.dtype == np.float32
    assert stream.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_long_silence_is_a_pause_of_the_stated_maximum(tmp_path: Path) -> None:
    stream = read_stream(session(tmp_path, "0,lever,0\n764.7,lever,0.5\n765,lever,1\n"))
    assert stream.rows[:, 0] == pytest.approx([PAUSE, PAUSE, 0.3], abs=1e-4)
    assert stream.long_silences == 1


def test_sparse_sources_hold_their_last_value(tmp_path: Path) -> None:
    """A knob stands where it was first seen; axes that only a player has are left out."""
    rows = "0,left,0.1,,\n0.1,right,,0.7,\n0.15,duet,,,0.9\n0.2,left,0.3,,\n0.3,right,,0.8,\n"
    stream = read_stream(session(tmp_path, rows, sources="left right", axes="a,b,c"))
    assert stream.axes == ("a", "b")
    assert stream.rows[:, 1:] == pytest.approx(np.array([[0.1, 0.7], [0.1, 0.7], [0.3, 0.7], [0.3, 0.8]]))


def test_dt_is_never_negative(tmp_path: Path) -> None:
    """Two bus threads may log in another order than they read."""
    stream = read_stream(session(tmp_path, "1.0,lever,0\n0.998,lever,0.1\n1.5,lever,0.2\n"))
    assert stream.rows[1:, 0] == pytest.approx([0.0, 0.5])


def test_axes_are_chosen_and_ordered(tmp_path: Path) -> None:
    path = session(tmp_path, "0,imu,0.1,0.2,0.3\n1,imu,0.4,0.5,0.6\n", sources="imu", axes="x,y,z")
    stream = read_stream(path, ["z", "x"])
    assert stream.axes == ("z", "x")
    assert stream.rows[1, 1:] == pytest.approx([0.6, 0.4])
    with pytest.raises(SessionError, match=r"nobody plays w in .*a\.csv; it has x, y, z"):
        read_stream(path, ["w"])


def test_what_a_power_cut_tore_is_left_out_and_told(tmp_path: Path) -> None:
    path = session(tmp_path, "0,lever,0.1\n1,lever,0.2\n2,lev")
    stream = read_stream(path)
    assert len(stream.rows) == 2
    assert "a.csv has a line that a power cut tore, left out" in describe([stream])
    path = session(tmp_path, "0,lever,0.1\n1,le" + "\0" * 90 + "ver,0.2\n2,lever,0.3\n3,lever,0.4\n4,le")
    stream = read_stream(path)
    assert stream.rows[:, 1] == pytest.approx([0.1, 0.3, 0.4])
    assert "a.csv has 2 lines that a power cut tore, left out; the others are whole" in describe([stream])


def test_a_session_that_a_power_cut_left_empty_keeps_no_other_from_being_learned(tmp_path: Path) -> None:
    played = session(tmp_path, "0,lever,0.1\n1,lever,0.2\n")
    empty, torn, header = (tmp_path / name for name in ("b.csv", "c.csv", "d.csv"))
    empty.touch()
    torn.write_text("# foretone ses")
    header.write_bytes("# foretone session 1\n# instrument: Größe".encode()[:-3])
    left_out: list[Path] = []
    assert [stream.name for stream in load([tmp_path], left_out=left_out)] == [played.name]
    assert left_out == [empty, torn, header]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("0,lever,0.1\n1,lever,nan\n", 8),
        ("0,lever,0.1\n1,lever,inf\n", 8),
        ("0,lever,abc\n", 7),
        ("0,lever,0.1,0.2\n", 7),
        ("0,lever,0.1\n0.5,lever,0.2\n1,lever,1.5\n", 9),
        ("0,lever,0.1\nx,lever,0.2\n", 8),
        ("0,lever,0.1\n\n1,lever,0.2\n", 8),
    ],
)
def test_a_fault_in_a_session_names_file_and_line(rows: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=rf"a\.csv, line {line}\b"):
        read_stream(session(tmp_path, rows))


def impsy(folder: Path, text: str) -> Path:
    path = folder / "2024-05-01T20-15-00-3d-mdrnn.log"
    path.write_text(text)
    return path


def test_impsy_logs_are_read(tmp_path: Path) -> None:
    """Times with and without microseconds; the network's own rows are left out; columns may be named."""
    text = (
        "2024-05-01T20:15:00,interface,0.5,0.25\n"
        "2024-05-01T20:15:00.100000,rnn,0.9,0.9\n"
        "2024-05-01T20:15:00.250000,interface,0.6,0.25\n"
        "2024-05-01T20:15:0"
    )
    stream = read_stream(impsy(tmp_path, text))
    assert (stream.axes, stream.torn) == (("x1", "x2"), 1)
    assert stream.rows == pytest.approx(np.array([[PAUSE, 0.5, 0.25], [0.25, 0.6, 0.25]]))
    assert read_stream(impsy(tmp_path, text), ["x2"]).rows[0, 1:] == pytest.approx([0.25])
    assert read_stream(impsy(tmp_path, text), ["lever", "knob"]).axes == ("lever", "knob")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("yesterday,interface,0.5,0.5", "not a date"),
        ("2024-05-01T20:15:01,somebody,0.5,0.5", "neither interface nor rnn"),
        ("2024-05-01T20:15:01,interface,0.5", "3 columns, expected 4"),
        ("2024-05-01T20:15:01,interface,0.5,nan", "not in 0..1"),
        ("2024-05-01T20:15:01,interface,0.5,", "not a number"),
    ],
)
def test_a_fault_in_an_impsy_log_names_file_and_line(row: str, reason: str, tmp_path: Path) -> None:
    text = f"2024-05-01T20:15:00,interface,0.5,0.5\n{row}\n"
    with pytest.raises(SessionError, match=rf"mdrnn\.log, line 2: .*{reason}"):
        read_stream(impsy(tmp_path, text))


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 300, b"\xff\xfe\n", b"time,origin,lever\n", b"# foretone session 1\n"]
)
@pytest.mark.parametrize("name", ["a.csv", "a.log"])
def test_what_is_not_a_session_is_said(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SessionError, match=rf"a\.{name[2:]}"):
        load([tmp_path])


def test_a_session_in_which_nobody_played_is_said(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no event of its sources"):
        read_stream(session(tmp_path, "0,duet,0.5\n"))


def test_folders_are_searched_and_must_agree(tmp_path: Path, sessions: Path) -> None:
    with pytest.raises(SessionError, match="there is no session in"):
        load([tmp_path])
    with pytest.raises(SessionError, match="there is no session at"):
        load([tmp_path / "nothing.csv"])
    other = session(tmp_path, "0,imu,0.1,0.2\n", sources="imu", axes="x,y")
    assert [stream.name for stream in load([sessions])] == ["one.csv", "two.csv"]
    with pytest.raises(SessionError, match=r"one\.csv has the axes lever, a\.csv has x, y"):
        load([sessions, other])
    with pytest.raises(SessionError, match="the same session"):
        load([sessions, sessions / "one.csv"])


def test_the_last_part_in_time_is_held_out(sessions: Path) -> None:
    stream = load([sessions])[0]
    learned, held_out = stream.split(0.1)
    assert len(held_out) == 50
    assert np.array_equal(np.concatenate([learned, held_out]), stream.rows)


def test_the_resolution_is_that_of_the_recording(strokes: Callable[..., np.ndarray]) -> None:
    """128 levels are seen as such; 1 ms and 10 bits are the finest; a switch has two positions."""
    random = np.random.default_rng(0)
    rows = np.column_stack([strokes(2000), random.random(2000), random.integers(2, size=2000), np.ones(2000)])
    steps = resolution(rows.astype(np.float32))
    assert steps == pytest.approx([1e-3, 1 / 127, 1 / 1024, 1 / 64, 1 / 64], rel=1e-3)


def test_a_person_is_told_what_there_is_to_learn_from(sessions: Path) -> None:
    told = describe(load([sessions]))
    assert "2 sessions" in told
    assert "900 events in 23 gestures" in told
    assert "Axes: lever" in told
