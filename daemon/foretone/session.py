"""The session log: what was played, as people and pandas read it, and as the trainers learn from it.

    # foretone session 1
    # instrument: EMPI
    # started: 2026-11-21T20:15:00+00:00
    # sources: lever
    # players: duet
    time,origin,lever
    0.512000,lever,0.41200
    3.920113,duet,0.43750
    5.100000,duet,

`time` is in seconds since `started`. A row without values says that its origin let go. A part that lacks
an axis leaves that column empty.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foretone.errors import SessionError, UnplayedError
from foretone.event import Event

FIRST_LINE = "# foretone session 1"

_LONGEST = 4096
"""Bytes in which the last row is looked for."""


@dataclass(frozen=True)
class Header:
    """What stands above the rows."""

    instrument: str
    axes: tuple[str, ...]
    sources: tuple[str, ...]
    players: tuple[str, ...] = ()
    started: str = ""

    def text(self) -> str:
        """The header's lines, newline at the end."""
        lines = [
            FIRST_LINE,
            f"# instrument: {' '.join(self.instrument.split())}",
            f"# started: {self.started}",
            f"# sources: {' '.join(self.sources)}",
            f"# players: {' '.join(self.players)}",
            ",".join(["time", "origin", *self.axes]),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Session:
    """A log that was read: its header, its events in the order written, and how many lines were torn."""

    header: Header
    events: tuple[Event, ...]
    torn: int

    def heard(self) -> tuple[Event, ...]:
        """What the player played: the rows of the sources."""
        return tuple(event for event in self.events if event.origin in self.header.sources)


@dataclass(frozen=True)
class Roll:
    """A log that is read row by row, as the rows are asked for: an hour of it is opened in milliseconds.

    `last` is the time of its last row. `rows` raises SessionError at the first line that is wrong.
    """

    header: Header
    rows: Iterator[Event]
    last: float


def row(event: Event, columns: Sequence[int], width: int, start: float) -> str:
    """One event as a line; value k of the event stands in column `columns[k]` of `width`."""
    cells = [""] * width
    for column, value in zip(columns, event.values, strict=False):
        cells[column] = f"{value:.5f}"
    return f"{event.time - start:.6f},{event.origin},{','.join(cells)}\n"


def whole(content: bytes) -> tuple[bytes, int]:
    """What of a log is whole lines, and how many lines a power cut tore.

    A torn line has no end, or zeros where a file system never wrote what it had room for.
    """
    *lines, rest = content.split(b"\n")
    kept = [line for line in lines if b"\0" not in line]
    return b"".join(line + b"\n" for line in kept), len(lines) - len(kept) + bool(rest)


def read(path: Path) -> Session:
    """Read a session log. Lines that a power cut tore are left out, and counted in `torn`.

    UnplayedError when the power was cut before the first line was whole. SessionError names the file and the
    line of anything else that is wrong.
    """
    content = _content(path)
    rows, torn = whole(content)
    try:
        lines = rows.decode().splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise SessionError(f"{path} cannot be read as a session: {error}") from error
    _check_first(path, lines)
    header, first_row = _header(path, lines)
    return Session(header, tuple(_rows(path, lines[first_row:], first_row, header.axes)), torn)


def unroll(path: Path) -> Roll:
    """Open a session log without reading its rows. Raises as `read`, of the header and the last row."""
    content = _content(path)
    file = io.BytesIO(content)
    lines = _head(line.decode(errors="replace") for line in file)
    _check_first(path, lines)
    header, first_row = _header(path, lines)
    kept = (line.decode(errors="replace") for line in file if line.endswith(b"\n") and b"\0" not in line)
    written = content.rstrip(b"\0")
    tail, _ = whole(written[max(file.tell(), len(written) - _LONGEST) :])
    end = tail.decode(errors="replace").splitlines()[-1:]
    if not end:
        raise UnplayedError(f"{path} has a header and nothing else: nothing was played")
    (last,) = _rows(path, end, first_row, header.axes)
    return Roll(header, _rows(path, kept, first_row, header.axes), last.time)


def read_header(path: Path) -> Header:
    """The header of a session log alone, however long the log is. SessionError as for `read`."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = _head(file)
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"{path} cannot be read as a session: {error}") from error
    _check_first(path, lines)
    return _header(path, lines)[0]


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise SessionError(f"there is no session at {path}") from error
    except OSError as error:
        raise SessionError(f"{path} cannot be read as a session: {error}") from error
    if FIRST_LINE.encode().startswith(content.rstrip(b"\0")):
        raise UnplayedError(f"{path} ends before its first line does: nothing was recorded")
    return content


def _head(file: Iterable[str]) -> list[str]:
    """The lines of a header, and the one after it."""
    lines = []
    for line in file:
        lines.append(line)
        if not line.startswith("#"):
            break
    return lines


def _check_first(path: Path, lines: list[str]) -> None:
    if not lines or lines[0].rstrip("\r\n") != FIRST_LINE:
        raise SessionError(f"{path} is not a session: its first line is not '{FIRST_LINE}'")


def _header(path: Path, lines: list[str]) -> tuple[Header, int]:
    notes: dict[str, str] = {}
    for number, line in enumerate(lines):
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            notes[key.strip()] = value.strip()
            continue
        columns = line.strip().split(",")
        if columns[:2] != ["time", "origin"] or len(columns) < 3:
            raise SessionError(
                f"{path}, line {number + 1}: expected 'time,origin,' and the names of the axes"
            )
        header = Header(
            instrument=notes.get("instrument", ""),
            axes=tuple(columns[2:]),
            sources=tuple(notes.get("sources", "").split()),
            players=tuple(notes.get("players", "").split()),
            started=notes.get("started", ""),
        )
        return header, number + 1
    raise UnplayedError(f"{path} has a header and nothing else: nothing was played")


def _rows(path: Path, lines: Iterable[str], first_row: int, axes: Sequence[str]) -> Iterator[Event]:
    for number, line in enumerate(lines, start=first_row + 1):
        cells = line.rstrip("\r\n").split(",")
        if len(cells) != len(axes) + 2:
            raise SessionError(f"{path}, line {number}: {len(cells)} columns, expected {len(axes) + 2}")
        try:
            time, values = float(cells[0]), tuple(float(cell) for cell in cells[2:] if cell)
        except ValueError as error:
            raise SessionError(f"{path}, line {number}: {error}") from error
        if not all(map(math.isfinite, (time, *values))):
            raise SessionError(f"{path}, line {number}: a number that is not finite")
        yield Event(time, cells[1], values)
