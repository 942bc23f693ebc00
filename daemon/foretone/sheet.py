"""Examples as a table that people and spreadsheets can read, and as every exchange of them passes.

Comma-separated: a header of take, time, in:NAME and out:NAME, and an example a line. An empty cell was not
recorded. The first two columns may be missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from foretone.errors import SessionError

Row = tuple[float | None, ...]


@dataclass(frozen=True)
class Table:
    """Examples: what was heard, x, and what should be played, y; None where that was not recorded.

    `classes` has for each output the number of its classes, whose values are 1, 2 and so on; 0 is a number.
    `takes` and `times`, in seconds, tell for each example when it was recorded.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    x: tuple[tuple[float, ...], ...]
    y: tuple[Row, ...]
    takes: tuple[int, ...]
    times: tuple[float, ...]
    classes: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", (*self.classes, *(0,) * len(self.outputs))[: len(self.outputs)])


def made(
    inputs: Sequence[str],
    outputs: Sequence[str],
    rows: Sequence[tuple[Sequence[float], Sequence[float | None]]],
    takes: Sequence[int] | None = None,
    times: Sequence[float] | None = None,
    classes: Sequence[int] = (),
    where: str = "",
) -> Table:
    """A table of rows x, y; SessionError names the row that has another width, or no finite numbers."""
    for number, (x, y) in enumerate(rows, 1):
        if len(x) != len(inputs) or len(y) != len(outputs):
            wanted = f"{len(inputs)} inputs and {len(outputs)} outputs"
            raise SessionError(f"{where}: example {number} has {len(x)} and {len(y)} numbers, not {wanted}")
        if not all(math.isfinite(value) for value in (*x, *y) if value is not None):
            raise SessionError(f"{where}: example {number} has a number that is not finite")
    return Table(
        tuple(inputs),
        tuple(outputs),
        tuple(tuple(map(float, x)) for x, _ in rows),
        tuple(tuple(None if value is None else float(value) for value in y) for _, y in rows),
        tuple(takes) if takes is not None else (1,) * len(rows),
        tuple(times) if times is not None else (0.0,) * len(rows),
        tuple(classes),
    )


def names(word: str, count: int) -> list[str]:
    """`inputs-1`, `inputs-2` and so on, as Wekinator calls what has no name."""
    return [f"{word}-{number}" for number in range(1, count + 1)]


def read(text: str, name: str) -> Table:
    """The examples of a text; SessionError names the line that is wrong."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines:
        raise SessionError(f"{name} is empty; its first line names the columns, as in in:x,out:cutoff")
    header = [cell.strip() for cell in lines[0].split(",")]
    heard = [k for k, cell in enumerate(header) if cell.startswith("in:")]
    played = [k for k, cell in enumerate(header) if cell.startswith("out:")]
    for k, cell in enumerate(header):
        if k not in (*heard, *played) and cell not in ("take", "time"):
            raise SessionError(f"{name}, line 1: the column {cell!r} is not take, time, in:NAME or out:NAME")
    if not heard or not played:
        raise SessionError(f"{name}, line 1: no column is {'out' if heard else 'in'}:NAME")
    rows: list[tuple[list[float], Row]] = []
    takes, times = [], []
    for number, line in enumerate(lines[1:], 2):
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(header):
            raise SessionError(f"{name}, line {number}: {len(cells)} columns, expected {len(header)}")
        try:
            x = [_number(cells[k]) for k in heard]
            rows.append((x, tuple(_number(cells[k]) if cells[k] else None for k in played)))
            takes.append(int(cells[header.index("take")]) if "take" in header else 1)
            times.append(_number(cells[header.index("time")]) if "time" in header else 0.0)
        except ValueError as error:
            raise SessionError(f"{name}, line {number}: {error}") from error
    inputs, outputs = [header[k][3:].strip() for k in heard], [header[k][4:].strip() for k in played]
    return made(inputs, outputs, rows, takes, times, where=name)


def write(table: Table) -> str:
    """The text of a table."""
    header = ["take", "time", *(f"in:{name}" for name in table.inputs)]
    lines = [",".join([*header, *(f"out:{name}" for name in table.outputs)])]
    for take, time, x, y in zip(table.takes, table.times, table.x, table.y, strict=True):
        cells = [
            str(take),
            f"{time:.6f}",
            *map(repr, x),
            *("" if value is None else repr(value) for value in y),
        ]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError as error:
        raise ValueError(f"{cell!r} is not a number") from error
    if not math.isfinite(value):
        raise ValueError(f"{cell} is not a finite number")
    return value
