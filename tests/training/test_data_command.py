"""foretone-train data: what is recorded is shown, checked, joined, cut and exchanged, and never lost."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foretone import session
from foretone.errors import SessionError
from foretone_training import literal
from foretone_training.cli import main
from foretone_training.dataset import load, read_stream
from foretone_training.editing import merge, split, trim
from foretone_training.impsy import read_npz
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


class Ran:
    """What a pickle may do to whoever reads it."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("a pickle ran",)


def npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


GOOD = np.array([[0.1, 0.5], [0.2, 0.6], [764.0, 0.7]], np.float32)


def objects(*things: object) -> np.ndarray:
    """As IMPSY holds its performances."""
    held = np.empty(len(things), object)
    for number, thing in enumerate(things):
        held[number] = thing
    return held


def pickled_npz(path: Path, pickled: bytes, name: str = "perfs", count: int = 1) -> Path:
    head = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(head, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.npy", head.getvalue() + pickled)
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f4"])
def test_a_data_set_of_impsy_is_read_without_unpickling(protocol: int, kind: str, tmp_path: Path) -> None:
    """Rows or columns first, as numpy of any age pickles it."""
    perfs = objects(GOOD.astype(kind), np.asfortranarray(GOOD[:2].astype(kind)), GOOD[1:].astype(kind))
    pickled = pickle.dumps(perfs, protocol)
    takes = read_npz(pickled_npz(tmp_path / "a.npz", pickled, count=3))
    assert [len(take.rows) for take in takes] == [3, 2, 2]
    assert [float(row[2][0]) for row in takes[1].rows] == pytest.approx([0.5, 0.6])
    assert takes[2].rows[1][0] == pytest.approx(764.0)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_performances_of_one_length_are_read(
    count: int, layout: Callable[[np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    """One recorded evening is a data set, too, and numpy then writes every number as an object."""
    perfs = layout(np.array([GOOD] * count, dtype=object))
    np.savez_compressed(tmp_path / "a.npz", perfs=perfs)
    takes = read_npz(tmp_path / "a.npz")
    assert [take.rows for take in takes] == [takes[0].rows] * count
    assert [float(row[2][0]) for row in takes[0].rows] == pytest.approx([0.5, 0.6, 0.7])


def test_what_numpy_itself_saves_is_imported(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "set.npz", perfs=objects(GOOD, GOOD[:2]))
    assert data("import", tmp_path / "set.npz", "--axes", "lever", "--out", tmp_path / "s") == 0
    assert [len(stream.rows) for stream in load([tmp_path / "s"])] == [3, 2]


@pytest.mark.parametrize(
    "thing",
    [
        Ran(),
        [Ran()],
        objects(Ran()),
        objects(GOOD, Ran()),
        objects(GOOD.astype(object)),
        objects([[0.1, 0.5]]),
        objects("text"),
        objects(GOOD[0]),
        objects(GOOD.astype("<i4")),
        objects(GOOD.astype("<c8")),
        {"perfs": GOOD},
        GOOD,
        "text",
        None,
    ],
    ids=lambda thing: type(thing).__name__,
)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_any_other_pickle_is_refused_and_never_run(
    thing: object, protocol: int, tmp_path: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = pickled_npz(tmp_path / "a.npz", pickle.dumps(thing, protocol), "events")
    assert data("import", path, "--out", tmp_path / "s") == 65
    said = capsys.readouterr().err
    assert "events is a pickle" in said
    assert said.count("\n") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a.npz"]


def test_a_damaged_pickle_never_runs_nor_ends_in_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes changed or cut, in one that is good and in one that would do harm."""
    monkeypatch.chdir(tmp_path)
    random, refused = np.random.default_rng(0), 0
    for thing in (objects(GOOD, GOOD[:2]), objects(GOOD, Ran())):
        for trial in range(1500):
            broken = bytearray(pickle.dumps(thing, 2 + trial % 3))
            for _ in range(1 + trial % 4):
                broken[random.integers(len(broken))] = random.integers(256)
            if trial % 5 == 0:
                del broken[random.integers(len(broken)) :]
            try:
                for table in literal.tables(bytes(broken)):
                    assert table.ndim == 2
            except ValueError:
                refused += 1
    assert refused > 2000
    assert not list(tmp_path.iterdir())


def test_performances_of_mixed_dimensions_are_refused(tmp_path: Path) -> None:
    wide = np.zeros((4, 3), np.float32)
    np.savez(tmp_path / "a.npz", perfs=objects(GOOD, wide))
    with pytest.raises(SessionError, match="do not have the same number of axes"):
        read_npz(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", perfs=objects())
    with pytest.raises(SessionError, match="holds no performance"):
        read_npz(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("events.npy", pickle.dumps(Ran()))
    with pytest.raises(SessionError, match="not a whole"):
        read_npz(tmp_path / "b.npz")


def changed(row: int, column: int, value: float) -> np.ndarray:
    events = GOOD.copy()
    events[row, column] = value
    return events


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"events": changed(1, 1, np.nan), "lengths": [3]}, "row 2 of events: axis 1 is nan, not in 0..1"),
        ({"events": changed(2, 1, 1.5), "lengths": [3]}, "row 3 of events: axis 1 is 1.5, not in 0..1"),
        ({"events": changed(2, 0, -1), "lengths": [3]}, "row 3 of events: dt is -1.0, not a number of s"),
        ({"events": GOOD, "lengths": [2]}, "lengths add up to 2, and there are 3 events"),
        ({"events": GOOD, "lengths": [3, 0]}, "lengths is not a list of whole numbers"),
        ({"events": GOOD, "lengths": [3.0]}, "lengths is not a list of whole numbers"),
        ({"events": GOOD[:, :1], "lengths": [3]}, "events is not a table"),
        ({"events": GOOD[0], "lengths": [2]}, "events is not a table"),
        ({"events": GOOD.astype(str), "lengths": [3]}, "events is not a table"),
        ({"X": GOOD, "y": [1]}, "has the arrays X, y; expected events and lengths"),
        ({}, "expected events and lengths"),
    ],
)
def test_a_fault_in_an_npz_is_one_sentence(arrays: dict[str, object], reason: str, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"a\.npz") as raised:
        read_npz(npz(tmp_path / "a.npz", **arrays))
    assert reason in str(raised.value)


def test_performances_of_an_npz_become_sessions(tmp_path: Path) -> None:
    npz(tmp_path / "a.npz", events=np.concatenate([GOOD, GOOD[:2]]), lengths=[3, 2])
    assert data("import", tmp_path, "--out", tmp_path / "s") == 0
    assert times(tmp_path / "s" / "a-1.csv") == pytest.approx([0, 0.2, 5.2])
    assert times(tmp_path / "s" / "a-2.csv") == pytest.approx([0, 0.2])


def test_a_damaged_npz_never_ends_in_a_traceback(tmp_path: Path) -> None:
    """Cut anywhere, or with any byte changed, it is read right or refused."""
    path = npz(tmp_path / "a.npz", events=GOOD, lengths=[3])
    whole, random = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for trial in range(400):
        broken = bytearray(whole)
        if trial % 2:
            broken[random.integers(len(broken))] = random.integers(256)
        else:
            del broken[random.integers(len(broken)) :]
        path.write_bytes(broken)
        try:
            read_npz(path)
        except SessionError:
            refused += 1
    assert refused > 200


def test_an_npz_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    head = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 10**12)}
    np.lib.format.write_array_header_1_0(head, shape)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("events.npy", head.getvalue())
    with pytest.raises(SessionError, match="larger than 1 GiB"):
        read_npz(tmp_path / "a.npz")


def test_training_says_how_an_npz_is_used(tmp_path: Path, capsys: Say) -> None:
    npz(tmp_path / "a.npz", events=GOOD, lengths=[3])
    assert main(["mdrnn", str(tmp_path / "a.npz"), "--out", str(tmp_path / "m.tflite")]) == 65
    assert "foretone-train data import" in capsys.readouterr().err


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
