"""FluCoMa's data: sets of points as JSON, one for the inputs and one for the outputs.

`{"cols": 2, "data": {"id": [0.1, 0.2]}}`; the points of one example have the same identifier in both.
FluidJSON.hpp of flucoma-core has the format.
"""

from __future__ import annotations

import json
from typing import Any

from foretone.errors import SessionError
from foretone.sheet import Table, made, names


def read(inputs: str, outputs: str, name: str) -> Table:
    """The examples of two texts; SessionError says what is wrong, such as a point that is in one of them."""
    heard, played = (_points(text, name) for text in (inputs, outputs))
    if lonely := heard.keys() ^ played.keys():
        raise SessionError(f"{name}: the point {sorted(lonely)[0]!r} is in one data set and not in the other")
    rows = [(heard[point], played[point]) for point in heard]
    if not rows:
        raise SessionError(f"{name} has no points")
    return made(names("inputs", len(rows[0][0])), names("outputs", len(rows[0][1])), rows, where=name)


def write(table: Table) -> tuple[str, str]:
    """The two texts of a table. SessionError for an example without one of its outputs."""
    if any(None in y for y in table.y):
        raise SessionError("an output that was not recorded has no place in FluCoMa's data sets")
    return _text(table.x, len(table.inputs)), _text(table.y, len(table.outputs))


def _points(text: str, name: str) -> dict[str, list[float]]:
    try:
        told: Any = json.loads(text)
        points = {str(point): [float(value) for value in row] for point, row in told["data"].items()}
        if any(len(row) != told["cols"] for row in points.values()):
            raise ValueError("a point has another number of columns than cols")
    except (ValueError, OverflowError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise SessionError(f"{name} is no data set of FluCoMa's ({error})") from error
    return points


def _text(rows: Any, columns: int) -> str:
    data = {str(number): list(row) for number, row in enumerate(rows)}
    return json.dumps({"cols": columns, "data": data}, indent=1) + "\n"
