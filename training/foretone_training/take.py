"""Sessions as people cut and join them: every row as it was written, with the model's answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from foretone import session
from foretone.errors import SessionError, UnplayedError
from foretone.session import FIRST_LINE, Header
from foretone_training.dataset import read_stream
from foretone_training.files import draft

IMPSY_SOURCE, IMPSY_PLAYER = "interface", "rnn"

Row = tuple[float, str, tuple[str, ...]]
"""Seconds since the session started, the part that wrote the row, and a cell for each axis."""


@dataclass(frozen=True)
class Take:
    """A session, or a part of one. `name` is what its file is called, without the suffix.

    `torn` counts the lines that a power cut tore, which are left out.
    """

    name: str
    header: Header
    rows: tuple[Row, ...]
    torn: int = 0

    def named(self, axes: Sequence[str]) -> Take:
        """The same with other names for its axes; SessionError when there are more or fewer."""
        if len(axes) != len(self.header.axes):
            raise SessionError(
                f"{self.name} has {len(self.header.axes)} axes, and {len(axes)} names were given for them"
            )
        return replace(self, header=replace(self.header, axes=tuple(axes)))


def read_take(path: Path) -> Take:
    """Read a session log or an IMPSY log, checked as training checks it.

    SessionError names the file and the line that is wrong.
    """
    with contextlib.suppress(UnplayedError):  # nothing is wrong with it, and it can be cut and joined
        read_stream(path)
    content, torn = session.whole(path.read_bytes())
    text = content.decode()
    lines = [line.rstrip("\r") for line in text.split("\n")[:-1]]
    if path.suffix == ".log" and not text.startswith(FIRST_LINE):
        return replace(_impsy(path, lines), torn=torn)
    header = session.read(path).header
    first = next(number for number, line in enumerate(lines) if not line.startswith("#")) + 1
    cells = [line.split(",") for line in lines[first:]]
    rows = tuple((float(time), origin, tuple(rest)) for time, origin, *rest in cells)
    return Take(path.stem, header, rows, torn)


def _impsy(path: Path, lines: list[str]) -> Take:
    cells = [line.strip().split(",") for line in lines]
    moments = [datetime.fromisoformat(moment) for moment, *_ in cells]
    # As `dataset.py` does: not all of them need to have a time zone.
    seconds = [moment.timestamp() for moment in moments]
    header = Header(
        instrument="IMPSY",
        axes=tuple(f"x{number}" for number in range(1, len(cells[0]) - 1)),
        sources=(IMPSY_SOURCE,),
        players=(IMPSY_PLAYER,),
        started=moments[0].isoformat(),
    )
    rows = tuple(
        (time - seconds[0], origin, tuple(rest))
        for time, (_, origin, *rest) in zip(seconds, cells, strict=True)
    )
    return Take(path.stem, header, rows)


def to_text(take: Take) -> str:
    """The session log."""
    rows = [f"{time:.6f},{origin},{','.join(cells)}\n" for time, origin, cells in take.rows]
    return take.header.text() + "".join(rows)


def write_takes(takes: Iterable[tuple[Path, Take]]) -> None:
    """Write session logs, each at its path. SessionError, before the first, when one would be overwritten."""
    takes = list(takes)
    unused(path for path, _ in takes)
    for path, take in takes:
        with draft(path) as place:
            place.write_text(to_text(take), encoding="utf-8")


def unused(paths: Iterable[Path]) -> None:
    """SessionError unless none of the paths is taken, on the disk or twice among them."""
    seen: set[Path] = set()
    for path in paths:
        if path in seen:
            raise SessionError(f"two sessions would be written to {path}; rename one, or take them apart")
        if path.exists():
            raise SessionError(
                f"{path} exists already, and recordings are not overwritten; choose another --out"
            )
        seen.add(path)


def shorten(rows: Sequence[Row], pause: float, start: float = 0.0) -> tuple[Row, ...]:
    """The rows from `start` s on, with no silence longer than `pause` s, and time that never runs back."""
    times = np.maximum.accumulate([time for time, _, _ in rows])
    shorter = start + np.cumsum(np.minimum(np.diff(times, prepend=times[0]), pause))
    return tuple((float(time), origin, cells) for time, (_, origin, cells) in zip(shorter, rows, strict=True))
