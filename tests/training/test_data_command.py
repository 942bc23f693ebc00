"""foretone-train data: what is recorded is shown, checked, joined, cut and exchanged, and never lost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from foretone import session
from foretone.errors import SessionError
from foretone_training.cli import main
from foretone_training.dataset import load, read_stream
from foretone_training.editing import merge, split, trim
from foretone_training.take import Take, read_take, shorten, to_text

HEADER = "# foretone session 1\n# instrument: {}\n# started: \n# sources: {}\n# players: {}\ntime,origin,{}\n"

Say = pytest.CaptureFixture[str]


def log(
    folder: Path, rows: str, name: str = "a.csv", sources: str = "lever", players: str = "duet",
    axes: str = "lever",
) -> Path:  # fmt: skip
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER.format("EMPI", sources, players, axes) + rows)
    return path


def data(*arguments: object) -> int:
    return main(["data", *map(str, arguments)])


def times(path: Path) -> list[float]:
    return [event.time for event in session.read(path).events]


def test_a_list_has_every_session_and_all_of_them(sessions: Path, capsys: Say) -> None:
    assert data("list", sessions) == 0
    said = capsys.readouterr()
    one, two, every = (line.split() for line in said.out.splitlines()[1:])
    assert (one[:4], two[:4]) == (["one.csv", "0.3", "500", "13"], ["two.csv", "0.2", "400", "10"])
    assert every[:4] == ["all", "0.5", "900", "23"]
    assert said.err == ""


def test_what_a_person_should_know_is_remarked(tmp_path: Path, capsys: Say) -> None:
    """The long gap, the axis that never moved, half a line, one event, nobody, twice the same, other axes."""
    log(tmp_path, "0,lever,0.1\n764.7,lever,0.2\n765,lev", "gap.csv")
    log(tmp_path, "0,lever,0.5\n1,lever,0.5\n", "still.csv")
    log(tmp_path, "0,lever,0.5\n1,lever,0.5\n", "twice.csv")
    log(tmp_path, "0,lever,0.5\n", "one.csv")
    log(tmp_path, "0,duet,0.5\n", "nobody.csv")
    log(tmp_path, "0,lever,0.5,0.5\n1,lever,0,1\n", "other.csv", axes="lever,knob")
    for verb in ("check", "list"):
        assert data(verb, tmp_path) == 0
        said = capsys.readouterr().out
        assert "gap.csv: has a line that a power cut tore, left out" in said
        assert "gap.csv: a silence of more than 5 s, up to 764.7 s; counts as 5 s." in said
        assert "still.csv: never moved: lever." in said
        assert "twice.csv is the same session as still.csv." in said
        assert "one.csv: has one event only" in said
        assert "nobody.csv has no event of its sources" in said
        assert "  lever, knob: other.csv" in said
        assert ("6 of 6 can be read." in said) == (verb == "check")


@pytest.mark.parametrize("verb", ["list", "check", "merge", "split", "export"])
def test_all_faulty_files_of_a_folder_are_named_at_once(verb: str, tmp_path: Path, capsys: Say) -> None:
    """With their lines; the sound one between them is still shown, and nothing is written."""
    log(tmp_path / "s", "0,lever,0.1\n1,lever,nan\n", "a.csv")
    log(tmp_path / "s", "0,lever,0.1\n1,lever,0.5\n", "b.csv")
    log(tmp_path / "s", "0,lever,0.1\n1,lever,0.5,0.5\n", "c.csv")
    (tmp_path / "s" / "d.log").write_text("yesterday,interface,0.5\n")
    (tmp_path / "s" / "other.csv").write_text("time,lever\n")
    out = [] if verb in ("list", "check") else ["--out", tmp_path / "out.csv"]
    assert data(verb, tmp_path / "s", *out) == 65
    said = capsys.readouterr()
    assert "4 files cannot be read:" in said.err
    for place in ("a.csv, line 8:", "c.csv, line 8:", "d.log, line 1:", "other.csv is not a session"):
        assert said.err.count(place) == 1
    assert "b.csv" not in said.err
    assert ("b.csv" in said.out) == (verb == "list")
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_merging_keeps_every_row_and_shortens_long_silences(tmp_path: Path) -> None:
    a = log(tmp_path, "3,lever,0.1\n3.5,duet,0.33333\n4.5,duet,\n768.2,lever,0.2\n", "a.csv")
    b = log(tmp_path, "100,lever,0.3\n99.998,lever,0.4\n101,lever,0.5\n", "b.csv")
    assert data("merge", a, b, "--pause", "2", "--out", tmp_path / "new" / "all.csv") == 0
    merged = session.read(tmp_path / "new" / "all.csv")
    assert [event.time for event in merged.events] == pytest.approx([0, 0.5, 1.5, 3.5, 5.5, 5.5, 6.5])
    assert [event.values for event in merged.events] == [
        (0.1,),
        (0.33333,),
        (),
        (0.2,),
        (0.3,),
        (0.4,),
        (0.5,),
    ]
    assert (merged.header.sources, merged.header.players) == (("lever",), ("duet",))
    assert merged.header.instrument == "EMPI"


def test_only_sessions_that_fit_are_merged(tmp_path: Path, capsys: Say) -> None:
    a = log(tmp_path, "0,lever,0.1\n", "a.csv")
    for rows, options, reason in [
        ("0,imu,0.1,0.2\n", {"sources": "imu", "axes": "x,y"}, "a has the axes lever, b has x, y"),
        ("0,lever,0.2\n", {"sources": "x", "players": "lever"}, "lever is a source in one session"),
        ("0,lever,0.1\n", {}, "b and a are the same session"),
        ("", {}, "b has no events"),
    ]:
        b = log(tmp_path, rows, "b.csv", **options)
        assert data("merge", a, b, "--out", tmp_path / "all.csv") == 65
        assert reason in capsys.readouterr().err
        assert not (tmp_path / "all.csv").exists()


def test_trimming_keeps_the_times(tmp_path: Path, capsys: Say) -> None:
    path = log(tmp_path, "1,lever,0.1\n2,duet,0.5\n3,lever,0.3\n4,lever,0.4\n5,le")
    assert data("trim", path, "--from", "2", "--to", "4", "--out", tmp_path / "b.csv") == 0
    assert times(tmp_path / "b.csv") == [2.0, 3.0]
    assert "a.csv has a line that a power cut tore" in capsys.readouterr().out
    assert data("trim", path, "--from", "4", "--out", tmp_path / "c.csv") == 0
    assert times(tmp_path / "c.csv") == [4.0]
    assert data("trim", path, "--from", "10", "--out", tmp_path / "d.csv") == 65
    assert "no event from 10 to inf s; its events are from 1.0 to 4.0 s" in capsys.readouterr().err


def test_a_trimmed_session_knows_where_the_knobs_stand(tmp_path: Path) -> None:
    """What is learned of the part is what was learned of it in the whole."""
    rows = "0,left,0.1,,\n1,right,,0.7,\n2,left,0.2,,\n3,left,0.3,,\n4,left,0.4,,\n5,foot,,,0.9\n"
    path = log(tmp_path, rows, sources="left right foot", axes="a,b,c")
    part = trim(read_take(path), 2.5, 4.5)
    (tmp_path / "part.csv").write_text(to_text(part))
    whole, cut = read_stream(path), read_stream(tmp_path / "part.csv")
    assert cut.axes == whole.axes
    assert cut.rows[-2:, 1:] == pytest.approx(whole.rows[3:5, 1:])


def make(name: str, count: int = 100) -> Take:
    header = session.Header("EMPI", ("lever",), ("lever",))
    return Take(name, header, tuple((float(k), "lever", (f"{k / count:.5f}",)) for k in range(count)))


def test_a_split_by_session_is_seeded_and_loses_nothing() -> None:
    takes = [make(f"s{k}") for k in range(10)]
    chosen = set()
    for seed in range(20):
        learned, held_out = split(takes, 0.2, True, seed)
        assert sorted(take.name for take in [*learned, *held_out]) == sorted(take.name for take in takes)
        assert len(held_out) == 2
        assert split(takes, 0.2, True, seed) == (learned, held_out)
        chosen.add(tuple(take.name for take in held_out))
    assert len(chosen) > 5
    with pytest.raises(SessionError, match="one session cannot be split by session"):
        split(takes[:1], 0.2, True, 1)


def test_a_split_by_time_holds_one_stretch_out_and_loses_nothing() -> None:
    begins = set()
    for seed in range(20):
        learned, held_out = split([make("a"), make("b")], 0.2, False, seed)
        for name in ("a", "b"):
            rows = [row for take in [*learned, *held_out] if take.name.startswith(name) for row in take.rows]
            assert sorted(rows) == list(make(name).rows)
        (stretch,) = (take.rows for take in held_out if take.name == "a-2")
        assert len(stretch) == pytest.approx(20, abs=1)
        assert [row[0] for row in stretch] == pytest.approx(stretch[0][0] + np.arange(len(stretch)))
        begins.add(stretch[0][0])
    assert len(begins) > 5
    with pytest.raises(SessionError, match="a is too short to be split by time"):
        split([make("a", 1)], 0.2, False, 1)


def test_split_writes_two_folders(sessions: Path, tmp_path: Path) -> None:
    assert data("split", sessions, "--by", "time", "--seed", "3", "--out", tmp_path) == 0
    held_out = load([tmp_path / "held-out"])
    assert [stream.name for stream in held_out] == ["one-2.csv", "two-2.csv"]
    events = [sum(len(stream.rows) for stream in part) for part in (load([tmp_path / "learn"]), held_out)]
    assert sum(events) == 900
    assert 50 <= events[1] <= 130


def test_recordings_are_never_overwritten(sessions: Path, tmp_path: Path, capsys: Say) -> None:
    before = (sessions / "one.csv").read_bytes()
    assert data("merge", sessions, "--out", sessions / "one.csv") == 65
    assert "not overwritten" in capsys.readouterr().err
    assert (sessions / "one.csv").read_bytes() == before
    for name in ("x", "y"):
        log(tmp_path / name, "0,lever,0.1\n1,lever,0.2\n2,lever,0.3\n", "same.csv")
    assert data("split", tmp_path, "--by", "time", "--share", "0.4", "--out", tmp_path / "out") == 65
    assert "two sessions would be written to" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


IMPSY = (
    "2024-05-01T20:15:00,interface,0.5,0.25\n"
    "2024-05-01T20:15:00.100000,rnn,0.9,0.9\n"
    "2024-05-01T20:15:00.250000,interface,0.6,0.25\n"
    "2024-05-01T20:27:45,interface,0.7,0.123456789\n"
)


def test_an_impsy_log_becomes_a_session(tmp_path: Path, capsys: Say) -> None:
    """Its answers are the player's; the 764 seconds are a pause; the columns may be named."""
    source = tmp_path / "2024-05-01T20-15-00-3d-mdrnn.log"
    source.write_text(IMPSY + "2024-05-01T20:2")
    assert data("import", source, "--axes", "lever", "knob", "--out", tmp_path / "s") == 0
    assert "has a line that a power cut tore" in capsys.readouterr().out
    (path,) = (tmp_path / "s").iterdir()
    read = session.read(path)
    assert (read.header.axes, read.header.sources, read.header.players) == (
        ("lever", "knob"), ("interface",), ("rnn",),
    )  # fmt: skip
    assert read.header.started == "2024-05-01T20:15:00"
    assert times(path) == pytest.approx([0, 0.1, 0.25, 5.25])
    assert read.events[-1].values == (0.7, 0.123456789)
    assert data("import", source, "--axes", "lever", "--out", tmp_path / "t") == 65
    assert "has 2 axes, and 1 names were given" in capsys.readouterr().err


def test_an_impsy_log_that_is_told_its_time_zone_half_way(tmp_path: Path) -> None:
    source, first = tmp_path / "a-3d-mdrnn.log", IMPSY.partition(",")[0]
    source.write_text(IMPSY.replace(first, datetime.fromisoformat(first).astimezone().isoformat(), 1))
    assert data("import", source, "--out", tmp_path / "s") == 0
    assert times(tmp_path / "s" / "a-3d-mdrnn.csv") == pytest.approx([0, 0.1, 0.25, 5.25])


@pytest.mark.parametrize("way", ["npz", "log"])
def test_what_is_exported_comes_back(way: str, sessions: Path, tmp_path: Path) -> None:
    """As it would be learned; the .npz has nothing that numpy must unpickle."""
    out = tmp_path / ("set.npz" if way == "npz" else "logs")
    assert data("export", sessions, "--out", out) == 0
    if way == "npz":
        with np.load(out, allow_pickle=False) as held:
            assert (held["events"].shape, held["lengths"].tolist()) == ((900, 2), [500, 400])
            assert held["events"].dtype == np.float32
    else:
        assert sorted(path.name for path in out.iterdir()) == ["one-2d-mdrnn.log", "two-2d-mdrnn.log"]
    assert data("import", out, "--axes", "lever", "--out", tmp_path / "back") == 0
    for before, after in zip(load([sessions]), load([tmp_path / "back"]), strict=True):
        assert after.axes == before.axes
        assert after.rows == pytest.approx(before.rows, abs=2e-6)


def test_sparse_sources_are_exported_whole(tmp_path: Path) -> None:
    path = log(tmp_path, "0,l,0.1,\n1,r,,0.7\n2,l,0.2,\n", sources="l r", axes="a,b")
    assert data("export", path, "--axes", "b", "a", "--out", tmp_path / "x.npz") == 0
    with np.load(tmp_path / "x.npz") as held:
        assert held["events"] == pytest.approx(np.array([[0, 0.7, 0.1], [1, 0.7, 0.1], [1, 0.7, 0.2]]))


def test_time_never_runs_back() -> None:
    rows = [(time, "lever", ("0.1",)) for time in (5.0, 4.0, 6.0, 100.0)]
    assert [row[0] for row in shorten(rows, 5.0, 1.0)] == [1.0, 1.0, 2.0, 7.0]


@pytest.mark.parametrize(
    "option",
    [["merge", "a", "--out", "all"], ["split", "a", "--out", "b", "--share", "1"],
     ["trim", "a", "--out", "b.csv", "--from", "soon"], ["merge", "a", "--out", "b.csv", "--pause", "0"],
     ["list"], ["sing", "a"]],
)  # fmt: skip
def test_a_wrong_option_is_refused(option: list[str], capsys: Say) -> None:
    with pytest.raises(SystemExit):
        data(*option)
    assert "usage:" in capsys.readouterr().err


def test_merging_is_that_of_takes_in_any_number() -> None:
    merged = merge([make(f"s{k}", 10 + k) for k in range(5)], 5.0)
    assert len(merged.rows) == 60
    assert np.diff([row[0] for row in merged.rows]).max() == pytest.approx(5.0)
