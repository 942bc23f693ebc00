"""Data sets in numpy's archives, IMPSY's with a pickle in them: they are read, and nothing in them is run."""

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
from foretone_training.dataset import load
from foretone_training.impsy import read_npz

Say = pytest.CaptureFixture[str]


def data(*arguments: object) -> int:
    return main(["data", *map(str, arguments)])


def times(path: Path) -> list[float]:
    return [event.time for event in session.read(path).events]


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
