"""Learner.js' examples: a JSON list of {"input": [...], "output": [...], "recordingRound": 1}."""

from __future__ import annotations

import json
from typing import Any

from foretone.errors import SessionError
from foretone.sheet import Table, made, names


def read(text: str, name: str) -> Table:
    """The examples of a text; SessionError says what is wrong with it."""
    try:
        told: Any = json.loads(text)
        rows = [([float(v) for v in row["input"]], [float(v) for v in row["output"]]) for row in told]
        takes = [int(row.get("recordingRound") or 0) for row in told]
    except (ValueError, OverflowError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise SessionError(f"{name} has no examples of Learner.js' ({error})") from error
    if not rows:
        raise SessionError(f"{name} has no examples")
    inputs, outputs = names("inputs", len(rows[0][0])), names("outputs", len(rows[0][1]))
    return made(inputs, outputs, rows, takes, where=name)


def write(table: Table) -> str:
    """The text of a table. SessionError for an example without one of its outputs."""
    rows = []
    for take, x, y in zip(table.takes, table.x, table.y, strict=True):
        if None in y:
            raise SessionError("an output that was not recorded has no place in Learner.js' examples")
        rows.append({"input": x, "output": y, "recordingRound": take})
    return json.dumps(rows, indent=1) + "\n"
