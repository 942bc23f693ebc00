"""What the trainers learn from: session logs, and IMPSY's logs, as streams of gestures.

A stream is a float32 array of shape [n, 1 + axes]: dt, the seconds since the event before, and then each
axis in 0..1. Only what a person played is in it. A knob that rests keeps its last value; before it is first
moved it stands where it was first seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretone.errors import SessionError, UnplayedError
from foretone.session import FIRST_LINE, read, whole

PAUSE = 5.0
"""Seconds. A longer silence counts as one of this length, whether the player thought or had lunch."""

STILLNESS = 0.5
"""Seconds without an event that end a gesture, where gestures are counted for a person."""

DT_STEP = (1e-3, 5e-3)
AXIS_STEP = (1 / 1024, 1 / 64)
"""The finest and coarsest resolution that is believed, in seconds and in 0..1. Nobody hears finer than a
1 kHz loop and a 10-bit sensor; two positions of a switch must not be blurred into one.
"""

SUFFIXES = (".csv", ".log")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Stream:
    """One session as a trainer sees it: its rows, and what a person may want to know of it."""

    name: str
    sha256: str
    axes: tuple[str, ...]
    rows: Floats
    long_silences: int
    torn: int
    longest: float = 0.0
    """Seconds of the longest silence, as it was before it counted as a pause."""

    def split(self, held_out: float) -> tuple[Floats, Floats]:
        """The rows to learn from, and the last part in time, `held_out` of all, to be judged by."""
        border = len(self.rows) - round(len(self.rows) * held_out)
        return self.rows[:border], self.rows[border:]


def load(paths: Iterable[Path], axes: Sequence[str] = (), left_out: list[Path] | None = None) -> list[Stream]:
    """Read sessions, and all sessions in folders, in the order of their names.

    `axes` chooses and orders what is learned; without it every axis that a person played. Sessions in
    which nobody played are added to `left_out`. SessionError names every faulty file, or says that nothing
    is found, nobody played in any, or the sessions do not have the same axes.
    """
    streams: list[Stream] = []
    faults: list[str] = []
    for path in find(paths):
        try:
            streams.append(read_stream(path, axes))
        except UnplayedError as error:
            unplayed = error
            if left_out is not None:
                left_out.append(path)
        except SessionError as error:
            faults.append(str(error))
    refuse(faults)
    if not streams:
        raise unplayed
    seen: dict[str, Stream] = {}
    for stream in streams:
        other = seen.setdefault(stream.sha256, stream)
        if other is not stream:
            raise SessionError(f"{stream.name} and {other.name} are the same session; leave one out")
        if stream.axes != streams[0].axes:
            raise SessionError(
                f"{streams[0].name} has the axes {', '.join(streams[0].axes)}, {stream.name} has "
                f"{', '.join(stream.axes)}; choose some that both have with --axes"
            )
    return streams


def refuse(faults: Sequence[str]) -> None:
    """SessionError with all the faults, one line each; nothing happens when there is none."""
    if len(faults) > 1:
        raise SessionError("\n  ".join([f"{len(faults)} files cannot be read:", *faults]))
    if faults:
        raise SessionError(faults[0])


def find(paths: Iterable[Path], suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """The files among paths, and those in the folders among them that end in one of the suffixes."""
    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.suffix in suffixes and one.is_file())
            if not inside:
                raise SessionError(f"there is no session in {path}: no file ends in {' or '.join(suffixes)}")
        found += inside
    return found


def read_stream(path: Path, axes: Sequence[str] = ()) -> Stream:
    """Read one session log or IMPSY log; SessionError names the file and the line that is wrong."""
    if path.suffix == ".npz":
        raise SessionError(f"{path} is not a session; make some of it with foretone-train data import")
    try:
        content = path.read_bytes()
        lines, torn = whole(content)
        text = lines.decode()
    except FileNotFoundError as error:
        raise SessionError(f"there is no session at {path}") from error
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SessionError(f"{path} is not a session: it is not text") from error
    if path.suffix == ".log" and not text.startswith(FIRST_LINE):
        times, names, values = _impsy(path, text, axes)
    else:
        times, names, values = _session(path, text)
    wanted = tuple(axes) or names
    missing = [axis for axis in wanted if axis not in names]
    if missing:
        raise SessionError(f"nobody plays {', '.join(missing)} in {path}; it has {', '.join(names)}")
    # Two bus threads may log an event slightly late, and a wall clock may be set back: dt is never negative.
    dt = np.diff(np.maximum.accumulate(times), prepend=times[0] - PAUSE)
    rows = np.column_stack([np.minimum(dt, PAUSE), values[:, [names.index(axis) for axis in wanted]]])
    return Stream(
        name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        axes=wanted,
        rows=rows.astype(np.float32),
        long_silences=int((dt[1:] > PAUSE + 1e-5).sum()),  # the file has microseconds
        torn=torn,
        longest=float(dt[1:].max(initial=0.0)),
    )


def resolution(rows: Floats) -> Floats:
    """The step of each column, shape [D]: the smallest difference between two of its values.

    Recordings have levels (128 on MIDI, 1024 of a 10-bit converter), and a density that narrows on a level
    scores without end. Knowing the step, a trainer can blur by it.
    """
    limits = [DT_STEP] + [AXIS_STEP] * (rows.shape[1] - 1)
    smallest = [np.diff(np.unique(column)).min(initial=1.0) for column in rows.T]
    finest, coarsest = np.transpose(limits)
    return np.asarray(np.clip(smallest, finest, coarsest), np.float32)


def describe(streams: Sequence[Stream]) -> str:
    """What there is to learn from, in words for a person."""
    dt = np.concatenate([stream.rows[:, 0] for stream in streams])
    minutes = sum(float(stream.rows[1:, 0].sum()) for stream in streams) / 60
    gestures = int((dt > STILLNESS).sum())
    sessions = "1 session" if len(streams) == 1 else f"{len(streams)} sessions"
    told = [
        f"{sessions}, {minutes:.1f} minutes of playing: {len(dt)} events in {gestures} gestures.",
        f"Axes: {', '.join(streams[0].axes)}. "
        f"Between events: half below {1e3 * np.median(dt):.0f} ms, 1 % above {np.quantile(dt, 0.99):.2g} s.",
    ]
    silences = sum(stream.long_silences for stream in streams)
    if silences:
        many = "1 silence" if silences == 1 else f"{silences} silences"
        told.append(f"{many} of more than {PAUSE:g} s; each counts as a pause of {PAUSE:g} s.")
    told += [f"{stream.name} {say_torn(stream.torn)}." for stream in streams if stream.torn]
    still = [
        axis for k, axis in enumerate(streams[0].axes, 1) if not any(np.ptp(s.rows[:, k]) for s in streams)
    ]
    if still:
        told.append(f"Never moved: {', '.join(still)}.")
    return "\n".join(told)


def say_torn(lines: int) -> str:
    """What a person is told of a session with so many torn lines, from its name on."""
    many = "a line" if lines == 1 else f"{lines} lines"
    return f"has {many} that a power cut tore, left out; the others are whole"


Table = tuple[NDArray[np.float64], tuple[str, ...], NDArray[np.float64]]
"""Times [n], the names of the axes, and their values [n, axes]."""


def _session(path: Path, text: str) -> Table:
    session = read(path)
    lines = text.split("\n")
    first = next(number for number, line in enumerate(lines) if not line.startswith("#")) + 1
    axes = session.header.axes
    held = np.full(len(axes), np.nan)
    times, rows = [], []
    for number, (event, line) in enumerate(zip(session.events, lines[first:], strict=False), first + 1):
        if event.lets_go or event.origin not in session.header.sources:
            continue
        for column, cell in enumerate(line.rstrip("\r").split(",")[2:]):
            if cell:
                held[column] = _position(cell, path, number)
        times.append(event.time)
        rows.append(held.copy())
    if not rows:
        raise UnplayedError(
            f"{path} has no event of its sources ({' '.join(session.header.sources) or 'none'})"
        )
    values = np.array(rows)
    played = [column for column in range(len(axes)) if isfinite(held[column])]
    for column in played:
        seen = np.isfinite(values[:, column])
        values[~seen, column] = values[seen.argmax(), column]
    return np.array(times), tuple(axes[column] for column in played), values[:, played]


def _impsy(path: Path, text: str, axes: Sequence[str]) -> Table:
    """IMPSY writes `2024-05-01T20:15:00.123456,interface,0.5,0.25`; its own answers are called `rnn`."""
    times, rows, width = [], [], 0
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.strip().split(",")
        width = width or len(cells)
        if len(cells) < 3 or len(cells) != width:
            raise SessionError(f"{path}, line {number}: {len(cells)} columns, expected {max(width, 3)}")
        try:
            moment = datetime.fromisoformat(cells[0]).timestamp()
        except ValueError as error:
            raise SessionError(f"{path}, line {number}: {cells[0]!r} is not a date and time") from error
        if cells[1] not in ("interface", "rnn"):
            raise SessionError(f"{path}, line {number}: {cells[1]!r} is neither interface nor rnn")
        values = [_position(cell, path, number) for cell in cells[2:]]
        if cells[1] == "interface":
            times.append(moment)
            rows.append(values)
    if not rows:
        raise SessionError(f"{path} has no row of the interface: nobody played")
    names = tuple(f"x{number}" for number in range(1, width - 1))
    # The columns of an IMPSY log have no names; as many names as there are columns name them.
    if len(axes) == len(names) and not set(axes) & set(names):
        names = tuple(axes)
    return np.array(times), names, np.array(rows)


def _position(cell: str, path: Path, number: int) -> float:
    try:
        value = float(cell)
    except ValueError as error:
        raise SessionError(f"{path}, line {number}: {cell!r} is not a number") from error
    if not 0.0 <= value <= 1.0:
        raise SessionError(f"{path}, line {number}: {cell} is not in 0..1")
    return value
