"""What was played is written as text, and read back; what is wrong with it is told by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretone.errors import SessionError, UnplayedError
from foretone.event import Event
from foretone.session import Header, read, row

HEADER = Header("My EMPI", ("lever", "knob"), ("lever",), ("duet",), "2026-11-21T20:15:00+00:00")


def write(folder: Path, text: str) -> Path:
    path = folder / "s.csv"
    path.write_text(text)
    return path


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    """To 1 µs and 1e-5; a row without values lets go."""
    events = [
        Event(100.512, "lever", (0.412, 1.0)),
        Event(103.920113, "duet", (0.4375, 0.0)),
        Event(105.1, "duet", ()),
    ]
    path = write(tmp_path, HEADER.text() + "".join(row(event, (0, 1), 2, 100.0) for event in events))
    session = read(path)
    assert session.header == HEADER
    assert [event.time for event in session.events] == pytest.approx([0.512, 3.920113, 5.1])
    assert [event[1:] for event in session.events] == [event[1:] for event in events]
    assert session.heard() == session.events[:1]
    assert not session.torn


def test_a_last_line_that_a_power_cut_left_is_dropped_and_told(tmp_path: Path) -> None:
    """Wherever the cut was, every line before it is there."""
    rows = "".join(row(Event(float(n), "lever", (0.25, 0.5)), (0, 1), 2, 0.0) for n in range(3))
    whole, start = HEADER.text() + rows, len(HEADER.text())
    for length in range(start, len(whole)):
        session = read(write(tmp_path, whole[:length]))
        assert len(session.events) == whole[start:length].count("\n")
        assert session.torn == (whole[length - 1] != "\n")


def test_lines_with_zeros_that_a_file_system_left_are_dropped_and_counted(tmp_path: Path) -> None:
    session = read(write(tmp_path, HEADER.text() + "0.5,lever,0.25,0.5\n" + "\0" * 200))
    assert (len(session.events), session.torn) == (1, 1)
    gap = "0.5,lever,0.25,0.5\n0.6,le" + "\0" * 200 + "0.5\n0.7,lever,0.5,0.5\n0.8"
    session = read(write(tmp_path, HEADER.text() + gap))
    assert [event.time for event in session.events] == [0.5, 0.7]
    assert session.torn == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1.0,lever,nan,0.5", "not finite"),
        ("inf,lever,0.5,0.5", "not finite"),
        ("1.0,lever,0.5", "3 columns, expected 4"),
        ("1.0,lever,0.5,0.5,0.5", "5 columns, expected 4"),
        ("", "1 columns, expected 4"),
        ("soon,lever,0.5,0.5", "could not convert"),
        ("1.0,lever,high,0.5", "could not convert"),
    ],
)
def test_a_fault_names_its_line(line: str, reason: str, tmp_path: Path) -> None:
    """Lines are counted as an editor counts them, from 1."""
    path = write(tmp_path, HEADER.text() + f"0.5,lever,0.1,0.2\n{line}\n2.0,lever,0.1,0.2\n")
    with pytest.raises(SessionError, match=rf"s\.csv, line 8: .*{reason}"):
        read(path)


@pytest.mark.parametrize(
    "text", ["\n", "time,origin,lever\n0,lever,0.5\n", "# foretone session 2\n", "\0" * 50 + "\n\n"]
)
def test_what_is_not_a_session_is_said(text: str, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="is not a session"):
        read(write(tmp_path, text))


@pytest.mark.parametrize("text", ["", "# foretone ses", "\0" * 50, "# foretone session 1\n# sour"])
def test_nothing_was_played_where_the_power_was_cut_before_the_first_row(text: str, tmp_path: Path) -> None:
    with pytest.raises(UnplayedError, match="nothing was"):
        read(write(tmp_path, text))


def test_a_letter_that_a_power_cut_halved_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes((HEADER.text() + "0.5,lever,0.25,0.5\n0.6,h").encode() + "ä".encode()[:1])
    assert (len(read(path).events), read(path).torn) == (1, 1)


def test_a_header_alone_and_a_wrong_header_are_said(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="nothing was played"):
        read(write(tmp_path, "# foretone session 1\n# sources: lever\n"))
    with pytest.raises(SessionError, match="line 2: expected 'time,origin,'"):
        read(write(tmp_path, "# foretone session 1\nwhen,who,lever\n"))


def test_files_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="there is no session at"):
        read(tmp_path / "none.csv")
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\xff\xfe\n")
    with pytest.raises(SessionError, match="cannot be read as a session"):
        read(tmp_path / "image.csv")


def test_a_part_without_an_axis_leaves_its_column_empty() -> None:
    assert row(Event(1.5, "knob", (0.5,)), (1,), 2, 1.0) == "0.500000,knob,,0.50000\n"


def test_a_title_of_several_lines_stays_in_the_header(tmp_path: Path) -> None:
    header = Header("two\nlines", ("a",), ("b",))
    assert read(write(tmp_path, header.text() + "0,b,0.5\n")).header.instrument == "two lines"


@pytest.mark.parametrize(
    "content", ['0,lever,"0.5,0.5\n1,lever,0.5,0.5\n', "0,lever," + "9" * 200_000 + ",0.5\n"]
)
def test_quotes_and_endless_cells_are_faults_like_others(content: str, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="line 7"):
        read(write(tmp_path, HEADER.text() + content))
