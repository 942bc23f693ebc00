"""Examples of a mapping: what the hand does, and what should sound with it.

A CSV file whose header says of every column whether it is heard or played, and its name; one example a line:

    in:x,in:y,out:cutoff,out:gain
    0.10,0.95,0.30,0.8
    0.80,0.20,0.75,0.5

Numbers may have any unit; the model hears and plays the same ones.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretone.errors import SessionError
from foretone_training.dataset import refuse

FEWEST, MOST = 2, 500
MOST_INPUTS, MOST_OUTPUTS = 64, 256
LARGEST = 1e30
"""Nothing beyond it: the model plays in single precision, whose largest number is 3e38."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Rows of x [n, inputs] and y [n, outputs], and the names of their columns.

    `sources` has the name, the SHA-256 and the number of examples of each file; `cut_off` names the files
    whose last line was left unfinished, which is left out.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    x: Array
    y: Array
    sources: tuple[dict[str, str | int], ...]
    cut_off: tuple[str, ...] = ()


def load(paths: Iterable[Path]) -> Examples:
    """Read files of examples as one; SessionError names every faulty file, and the line."""
    read, faults = [], []
    for path in paths:
        try:
            read.append(read_examples(path))
        except SessionError as error:
            faults.append(str(error))
    refuse(faults)
    first = read[0]
    for other in read[1:]:
        if (other.inputs, other.outputs) != (first.inputs, first.outputs):
            raise SessionError(
                f"{other.sources[0]['name']} and {first.sources[0]['name']} have different columns; "
                "examples of one mapping have the same header"
            )
    x, y = np.concatenate([one.x for one in read]), np.concatenate([one.y for one in read])
    names = ", ".join(str(one.sources[0]["name"]) for one in read)
    if len(x) < FEWEST:
        raise SessionError(f"{names}: {len(x) or 'no'} example is too few; give {FEWEST} or more")
    if len(x) > MOST:
        raise SessionError(f"{names}: {len(x)} examples are too many; choose {MOST} or fewer of them")
    if not np.ptp(x, axis=0).any():
        raise SessionError(f"{names}: no input changes from one example to another; show it two positions")
    cut_off = tuple(name for one in read for name in one.cut_off)
    return Examples(first.inputs, first.outputs, x, y, tuple(one.sources[0] for one in read), cut_off)


def read_examples(path: Path) -> Examples:
    """Read one file; SessionError names the line that is wrong."""
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8-sig").splitlines(keepends=True)
    except FileNotFoundError as error:
        raise SessionError(f"there are no examples at {path}") from error
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SessionError(f"{path} holds no examples: it is not text") from error
    cut_off = bool(lines) and not lines[-1].endswith(("\n", "\r"))
    if cut_off:
        lines.pop()
    if not lines:
        raise SessionError(f"{path} is empty; its first line names the columns, as in in:x,in:y,out:cutoff")
    columns = _header(lines[0], path)
    rows = [_row(line, len(columns), path, number) for number, line in enumerate(lines[1:], 2)]
    table = np.array(rows, np.float64).reshape(len(rows), len(columns))
    heard, played = ([k for k, (way, _) in enumerate(columns) if way == wanted] for wanted in ("in", "out"))
    return Examples(
        inputs=tuple(columns[k][1] for k in heard),
        outputs=tuple(columns[k][1] for k in played),
        x=table[:, heard],
        y=table[:, played],
        sources=({"name": path.name, "sha256": hashlib.sha256(content).hexdigest(), "events": len(table)},),
        cut_off=(path.name,) if cut_off else (),
    )


def _header(line: str, path: Path) -> list[tuple[str, str]]:
    columns: list[tuple[str, str]] = []
    for cell in line.split(","):
        way, colon, name = (part.strip() for part in cell.partition(":"))
        if way not in ("in", "out") or not colon or not name:
            raise SessionError(f"{path}, line 1: the column {cell.strip()!r} is neither in:NAME nor out:NAME")
        if (way, name) in columns:
            raise SessionError(f"{path}, line 1: there are two columns {way}:{name}")
        columns.append((way, name))
    for wanted, most in (("in", MOST_INPUTS), ("out", MOST_OUTPUTS)):
        count = sum(way == wanted for way, _ in columns)
        if not 1 <= count <= most:
            raise SessionError(f"{path}, line 1: {count} columns are {wanted}:NAME, expected 1 to {most}")
    return columns


def _row(line: str, width: int, path: Path, number: int) -> list[float]:
    cells = line.strip().split(",")
    if len(cells) != width:
        raise SessionError(f"{path}, line {number}: {len(cells)} columns, expected {width}")
    values = []
    for cell in cells:
        try:
            value = float(cell)
        except ValueError as error:
            raise SessionError(f"{path}, line {number}: {cell.strip()!r} is not a number") from error
        if not math.isfinite(value) or abs(value) > LARGEST:
            raise SessionError(f"{path}, line {number}: {cell.strip()} is not a finite number below 1e30")
        values.append(value)
    return values
