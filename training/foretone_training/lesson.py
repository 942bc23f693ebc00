"""What a mapping is to learn: outputs that may each be learned in their own way, and what was shown.

Outputs that are learned in the same way, from the same inputs and the same examples, are learned together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone_training import mapping, warping

Array = NDArray[Any]

SPOTTED, FOLLOWED = ("dtw", "class-dtw"), ("follow", "class-follow", "phase", "speed")
"""Ways to learn from gestures over time, as in the daemon's `mapping/project.py`."""

OVER_TIME = SPOTTED + FOLLOWED


@dataclass(frozen=True)
class Output:
    """How one output is learned; the keys are those of the daemon's `mapping/project.py`."""

    axis: str
    learn: str = "mlp"
    classes: int = 0
    inputs: tuple[int, ...] = ()
    neighbours: int = 3
    degree: int = 2

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns in the mapping: one for a number, one for each class."""
        if self.learn.startswith("class"):
            return tuple(f"{self.axis}={number}" for number in range(1, self.classes + 1))
        return (self.axis,)


@dataclass(frozen=True)
class Lesson:
    """What is to be learned: x [n, inputs], y [n, outputs] with NaN where an output was not recorded.

    A class is its number divided by the count of its classes.
    """

    hears: tuple[str, ...]
    outputs: tuple[Output, ...]
    x: Array
    y: Array
    settings: mapping.Settings
    takes: tuple[warping.Take, ...] = ()
    """Gestures that are learned by outputs of `SPOTTED` and `FOLLOWED`."""

    @property
    def gestures(self) -> int:
        """How many kinds of gestures there are: as outputs of `dtw` or `follow`, or as their classes."""
        each = [sum(output.learn == learn for output in self.outputs) for learn in ("dtw", "follow")]
        named = [max(output.classes, 1) for output in self.outputs if output.learn in OVER_TIME]
        return max([*each, *named], default=0)


@dataclass(frozen=True)
class Group:
    """Outputs that are learned together, and the rows of the examples that they have."""

    outputs: tuple[Output, ...]
    places: tuple[int, ...]
    inputs: tuple[int, ...]
    rows: Array

    @property
    def columns(self) -> tuple[str, ...]:
        """Of all its outputs, side by side."""
        return tuple(column for output in self.outputs for column in output.columns)


def read(told: dict[str, Any], rows: Sequence[Any]) -> Lesson:
    """A lesson as `serve.py` describes it: its first line, then its examples and gestures.

    ValueError, TypeError or LookupError when it is not one.
    """
    hears = tuple(told["hears"])
    outputs = tuple(
        Output(
            axis=output["axis"],
            learn=output.get("learn", "mlp"),
            classes=output.get("classes", 0),
            inputs=tuple(hears.index(name) for name in output.get("inputs") or ()),
            neighbours=output.get("neighbours", 3),
            degree=output.get("degree", 2),
        )
        for output in told["outputs"]
    )
    shown = [row for row in rows if isinstance(row, list)]
    x = np.array([row[0] for row in shown], np.float64).reshape(len(shown), len(hears))
    y = np.array([row[1] for row in shown], np.float64).reshape(len(shown), len(outputs))
    for output, column in zip(outputs, y.T, strict=True):
        if len(output.columns) > 1:
            column[column < 0.5 / output.classes] = np.nan  # none of the classes is no example of one
    takes = tuple(
        (int(row["gesture"]), np.array(row["frames"], np.float64).reshape(-1, 1 + len(hears)))
        for row in rows
        if isinstance(row, dict)
    )
    chosen = {key: told[key] for key in ("layers", "units", "joint", "seed") if key in told}
    return Lesson(hears, outputs, x, y, replace(mapping.Settings(), **chosen), takes)


def groups(lesson: Lesson) -> Iterator[Group]:
    """The outputs that have examples, in groups; those of gestures are left out."""
    found: dict[Any, list[int]] = {}
    for number, output in enumerate(lesson.outputs):
        rows = np.flatnonzero(np.isfinite(lesson.y[:, number]))
        if not len(rows) or output.learn in OVER_TIME:
            continue
        inputs = output.inputs or tuple(range(len(lesson.hears)))
        alone = number if len(output.columns) > 1 else -1
        same = (output.learn, inputs, output.neighbours, output.degree, alone, rows.tobytes())
        found.setdefault(same, []).append(number)
    for places in found.values():
        outputs = tuple(lesson.outputs[place] for place in places)
        rows = np.flatnonzero(np.isfinite(lesson.y[:, places[0]]))
        inputs = outputs[0].inputs or tuple(range(len(lesson.hears)))
        yield Group(outputs, tuple(places), inputs, rows)


def wanted(lesson: Lesson, group: Group, rows: Array) -> Array:
    """What is to be played: the number, or 1 for the class of an example and 0 for the others."""
    y: Array = lesson.y[rows][:, list(group.places)]
    if len(group.outputs) == 1 and len(group.columns) > 1:
        classes = np.rint(y[:, 0] * len(group.columns)).astype(int)
        return np.asarray(np.eye(len(group.columns))[classes - 1])
    return y
