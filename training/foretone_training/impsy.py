"""IMPSY's data sets: its .log files, and arrays in an .npz.

IMPSY's own .npz is an array of objects, `perfs`, which numpy writes as a pickle. To unpickle is to run a
program that somebody else wrote, so it is not done: `literal.py` takes the tables out of it as data, or
refuses. No pickle is written. The .npz that is written, and read too, has plain arrays:

    events   float32 [n, 1 + axes]   dt in seconds, then the axes in 0..1, one performance after another
    lengths  int64 [performances]    how many of these rows each performance has
"""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import SessionError
from foretone.session import Header
from foretone_training import literal
from foretone_training.dataset import Stream
from foretone_training.files import draft
from foretone_training.take import IMPSY_SOURCE, Row, Take

LARGEST = 2**30
"""Bytes of one array; a small file may claim to unpack to more than any memory holds."""

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)
"""What the readers of zip and npy raise at a file that is damaged, encrypted or something else."""

Array = NDArray[Any]


def read_npz(path: Path) -> list[Take]:
    """The performances of an .npz, each as a session; SessionError says what is wrong, and in which row."""
    arrays = _arrays(path)
    if not {"events", "lengths"} <= arrays.keys():
        raise SessionError(
            f"{path} has the arrays {', '.join(arrays) or 'of nobody'}; expected events and lengths"
        )
    events, lengths = arrays["events"], arrays["lengths"]
    if events.ndim != 2 or events.shape[1] < 2 or events.dtype.kind not in "fiu":
        raise SessionError(f"{path}: events is not a table of numbers with dt and at least one axis")
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 1).any():
        raise SessionError(f"{path}: lengths is not a list of whole numbers above 0")
    if int(lengths.sum()) != len(events):
        raise SessionError(f"{path}: lengths add up to {lengths.sum()}, and there are {len(events)} events")
    wrong = ~np.isfinite(events) | (events < 0.0)
    wrong[:, 1:] |= events[:, 1:] > 1.0
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        what = "dt" if column == 0 else f"axis {column}"
        wanted = "a number of seconds" if column == 0 else "in 0..1"
        raise SessionError(f"{path}, row {row + 1} of events: {what} is {events[row, column]}, not {wanted}")
    ends = np.cumsum(lengths)
    axes = tuple(f"x{number}" for number in range(1, events.shape[1]))
    header = Header("IMPSY", axes, (IMPSY_SOURCE,))
    many = len(lengths) > 1
    return [
        Take(f"{path.stem}-{number}" if many else path.stem, header, _rows(events[end - length : end]))
        for number, (length, end) in enumerate(zip(lengths, ends, strict=True), 1)
    ]


def write_npz(streams: Sequence[Stream], path: Path) -> None:
    """Write what was played as `events` and `lengths`. The dt of each first event is 0."""
    parts = [stream.rows.copy() for stream in streams]
    for part in parts:
        part[0, 0] = 0.0
    lengths = np.array([len(part) for part in parts], np.int64)
    with draft(path) as place, place.open("wb") as file:
        np.savez_compressed(file, events=np.concatenate(parts), lengths=lengths)


def to_log(stream: Stream, started: datetime) -> str:
    """What was played as a .log of IMPSY, from `started` on."""
    rows = stream.rows.astype(np.float64)
    rows[0, 0] = 0.0
    lines = []
    for seconds, values in zip(np.cumsum(rows[:, 0]), rows[:, 1:], strict=True):
        moment = (started + timedelta(seconds=float(seconds))).isoformat(timespec="microseconds")
        lines.append(f"{moment},{IMPSY_SOURCE},{','.join(f'{value:.7g}' for value in values)}\n")
    return "".join(lines)


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz by name. The header of each says what it is before any of it is read."""
    npy: Any = np.lib.format
    found: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                with archive.open(entry) as file:
                    first = npy.read_magic(file) == (1, 0)
                    read = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
                    shape, _, dtype = read(file)
                    if max(entry.file_size, int(np.prod(shape, dtype=object)) * dtype.itemsize) > LARGEST:
                        raise SessionError(f"{path}: {name} is larger than 1 GiB; make several files of it")
                    if dtype.hasobject:
                        found |= _performances(path, name, file.read())
                        continue
                with archive.open(entry) as file:
                    found[name] = npy.read_array(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise SessionError(f"there is nothing at {path}") from error
    except SessionError:
        raise
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror}") from error
    except BROKEN as error:
        raise SessionError(f"{path} is not a whole .npz file ({error}); copy it again") from error
    return found


def _performances(path: Path, name: str, pickled: bytes) -> dict[str, Array]:
    """A pickle of performances as `events` and `lengths`."""
    try:
        parts = literal.tables(pickled)
    except ValueError as error:
        raise SessionError(
            f"{path}: {name} is a pickle, and {error}; a pickle may run anything when it is read, so "
            "this one is not; import the .log files that it was made from"
        ) from error
    if not parts:
        raise SessionError(f"{path}: {name} holds no performance")
    if len({part.shape[1] for part in parts}) != 1:
        raise SessionError(f"{path}: the performances in {name} do not have the same number of axes")
    lengths = np.array([len(part) for part in parts])
    return {"events": np.concatenate(parts), "lengths": lengths}


def _rows(events: Array) -> tuple[Row, ...]:
    waits = events[:, 0].astype(np.float64)
    waits[0] = 0.0  # how long it was silent before the performance
    return tuple(
        (float(time), IMPSY_SOURCE, tuple(f"{value:.7g}" for value in values))
        for time, values in zip(np.cumsum(waits), events[:, 1:], strict=True)
    )
