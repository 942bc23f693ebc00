"""Examples of a mapping: what the hand does, and what should sound with it.

A table as `foretone.sheet` reads it: its header says of every column whether it is heard or played, and its
name; one example a line. When it was recorded, `take` and `time`, makes no difference.

    in:x,in:y,out:cutoff,out:gain
    0.10,0.95,0.30,0.8
    0.80,0.20,0.75,0.5

Numbers may have any unit; the model hears and plays the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foretone import sheet
from foretone.errors import SessionError
from foretone.sheet import Table
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
    table = sheet.read("".join(lines), str(path))
    _check(table, path)
    count = len(table.x)
    return Examples(
        inputs=table.inputs,
        outputs=table.outputs,
        x=np.array(table.x, np.float64).reshape(count, len(table.inputs)),
        y=np.array(table.y, np.float64).reshape(count, len(table.outputs)),
        sources=({"name": path.name, "sha256": hashlib.sha256(content).hexdigest(), "events": count},),
        cut_off=(path.name,) if cut_off else (),
    )


def _check(table: Table, path: Path) -> None:
    """SessionError for a table that a mapping cannot be learned from."""
    for way, names, most in (("in", table.inputs, MOST_INPUTS), ("out", table.outputs, MOST_OUTPUTS)):
        if len(names) > most:
            raise SessionError(f"{path}, line 1: {len(names)} columns are {way}:NAME, expected 1 to {most}")
        for name in names:
            if not name:
                raise SessionError(f"{path}, line 1: a column {way}: has no name")
            if names.count(name) > 1:
                raise SessionError(f"{path}, line 1: there are two columns {way}:{name}")
    for number, values in enumerate(zip(table.x, table.y, strict=True), 2):
        for value in chain(*values):
            if value is None:
                raise SessionError(f"{path}, line {number}: an example needs all outputs; leave it out")
            if abs(value) > LARGEST:
                raise SessionError(f"{path}, line {number}: {value:g} is not a number below 1e30")
