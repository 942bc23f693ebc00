"""One training of a mapping: outputs that may each be learned in their own way, as one .tflite file.

Outputs that are learned in the same way, from the same inputs and the same examples, are learned together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foretone import lite
from foretone.card import NAME, Card
from foretone.errors import ModelError, SessionError
from foretone_training import committee, hull, machine, mapping, nearest, polynomial, warping
from foretone_training.files import draft
from foretone_training.tflite import Graph

CLOSE = 1e-4
"""The largest difference allowed between file and mapping; outputs are 0..1."""

FOLDS = 5

HELD = 1.0
"""The prior of perceptrons for classes, whose examples overlap."""

MOST_ROWS = 2000
"""Examples that are learned from; with more of them it would take too long."""

Array = NDArray[Any]
Report = Callable[[float], None]


class Learned(Protocol):
    """What an algorithm has learned, and can play or draw as a part of a graph."""

    def play(self, x: Array) -> Array:
        """Outputs [n, outputs] for x [n, inputs]."""

    def draw(self, graph: Graph, x: int) -> int:
        """The tensor that plays them."""


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
    """Gestures that are learned by outputs of `dtw` and `class-dtw`."""

    @property
    def gestures(self) -> int:
        """How many kinds of gestures there are: one for each output of `dtw`, or the classes of another."""
        each = sum(output.learn == "dtw" for output in self.outputs)
        return max([each, *(output.classes for output in self.outputs if output.learn == "class-dtw")])


@dataclass(frozen=True)
class Result:
    """The files that were written, None where there was nothing to learn, and the error of each output."""

    mapping: Path | None
    gestures: Path | None
    scores: dict[str, float]


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
    takes = tuple(
        (int(row["gesture"]), np.array(row["frames"], np.float64).reshape(-1, 1 + len(hears)))
        for row in rows
        if isinstance(row, dict)
    )
    chosen = {key: told[key] for key in ("layers", "units", "joint", "seed") if key in told}
    return Lesson(hears, outputs, x, y, replace(mapping.Settings(), **chosen), takes)


def learn(lesson: Lesson, folder: Path, report: Report = lambda _: None) -> Result:
    """Learn it, and write what was learned into `folder` under the SHA-256 of its content.

    SessionError when there is nothing to learn from, ModelError when the file does not play what was learned.
    `report` is told the share that is done.
    """
    gestures, scores = None, {}
    if lesson.gestures:
        found, wrong = warping.fit(lesson.hears, lesson.takes, lesson.gestures)
        data = found.to_bytes()
        gestures = _write(data, folder, ".json")
        scores = {output.axis: wrong for output in lesson.outputs if output.learn.endswith("dtw")}
    groups = list(_groups(lesson))
    if not groups:
        if gestures is None:
            raise SessionError("there are no examples: record some first")
        return Result(None, gestures, scores)
    path, card = _learn(lesson, groups, folder, report)
    return Result(path, gestures, {**scores, **card.scores})


def _learn(lesson: Lesson, groups: Sequence[Group], folder: Path, report: Report) -> tuple[Path, Card]:
    learned: list[Learned] = []
    for number, group in enumerate(groups):
        learned.append(_fit(lesson, group, group.rows, _share(report, number, len(groups))))
    card = Card(
        kind="mapping",
        hears=lesson.hears,
        plays=tuple(column for group in groups for column in group.columns),
        layers=lesson.settings.layers,
        units=lesson.settings.units,
        seed=lesson.settings.seed,
        trained_on=({"name": "examples", "sha256": _digest(lesson), "events": len(lesson.x)},),
        scores=_missed(
            lesson,
            groups,
            [
                one.play(lesson.x[group.rows][:, list(group.inputs)])
                for group, one in zip(groups, learned, strict=True)
            ],
        ),
        made_by=f"foretone {version('foretone')}",
    )
    around = hull.fit(lesson.x)
    data = _draw(lesson, groups, learned, around, card)
    path = _write(data, folder, ".tflite", lambda place: _prove(place, lesson, groups, learned))
    return path, card


def _write(data: bytes, folder: Path, suffix: str, prove: Callable[[Path], None] = lambda _: None) -> Path:
    path = folder / f"{hashlib.sha256(data).hexdigest()}{suffix}"
    with draft(path) as place:
        place.write_bytes(data)
        prove(place)
    return path


def held_out(lesson: Lesson, report: Report = lambda _: None) -> dict[str, float]:
    """The error of each output on examples that were left out, a fifth at a time, as in a card's scores.

    `report` is called now and then, and may raise to end it.
    """
    groups = list(_groups(lesson))
    random = np.random.default_rng(lesson.settings.seed)
    fold = random.permutation(len(lesson.x)) % FOLDS
    played: list[Array] = [np.zeros((len(lesson.x), len(group.columns))) for group in groups]
    for turn in range(FOLDS):
        for group, out in zip(groups, played, strict=True):
            kept = group.rows[fold[group.rows] != turn]
            left = fold == turn
            if len(kept) and left.any():
                out[left] = _fit(lesson, group, kept, report).play(lesson.x[left][:, group.inputs])
    return _missed(lesson, groups, [out[group.rows] for out, group in zip(played, groups, strict=True)])


def _share(report: Report, number: int, count: int) -> Report:
    return lambda done: report((number + done) / count)


def _groups(lesson: Lesson) -> Iterator[Group]:
    found: dict[Any, list[int]] = {}
    for number, output in enumerate(lesson.outputs):
        rows = np.flatnonzero(np.isfinite(lesson.y[:, number]))
        if not len(rows) or output.learn.endswith("dtw"):
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


def _fit(lesson: Lesson, group: Group, rows: Array, report: Report = lambda _: None) -> Learned:
    rows = _thinned(rows, lesson.settings.seed)
    x, y = lesson.x[rows][:, list(group.inputs)], _wanted(lesson, group, rows)
    first, settings = group.outputs[0], lesson.settings
    if len(np.unique(x, axis=0)) < 3:
        # Two points are no curve and no plane: everything is a glide between them.
        return nearest.fit(x, y, len(x))
    match first.learn:
        case "mlp":
            return committee.fit(x, y, settings, report)
        case "class-mlp":
            return committee.fit(x, y, replace(settings, prior=HELD), report)
        case "linear":
            return polynomial.fit(x, y, 1)
        case "polynomial":
            return polynomial.fit(x, y, first.degree)
        case "knn" | "class-knn":
            return nearest.fit(x, y, first.neighbours, votes=first.learn == "class-knn")
        case "surface":
            return nearest.fit(x, y, len(x))
        case "class-svm":
            return machine.fit(x, y)
    raise SessionError(f"{first.axis}: nobody knows how to learn by {first.learn!r}")


def _thinned(rows: Array, seed: int) -> Array:
    """As many rows as can be learned from in time, any of them being as likely as any other."""
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))


def _wanted(lesson: Lesson, group: Group, rows: Array) -> Array:
    """What is to be played: the number, or 1 for the class of an example and 0 for the others."""
    y: Array = lesson.y[rows][:, list(group.places)]
    if len(group.outputs) == 1 and len(group.columns) > 1:
        classes = np.rint(y[:, 0] * len(group.columns)).astype(int)
        return np.asarray(np.eye(len(group.columns))[classes - 1])
    return y


def _missed(lesson: Lesson, groups: Sequence[Group], played: Sequence[Array]) -> dict[str, float]:
    """For a number the root mean square of what is missed, in 0..1; for a class the share that is wrong.

    `error` is the mean of all outputs.
    """
    scores: dict[str, float] = {}
    for group, y in zip(groups, played, strict=True):
        wanted = _wanted(lesson, group, group.rows)
        if len(group.outputs) == 1 and len(group.columns) > 1:
            scores[group.outputs[0].axis] = float((y.argmax(axis=1) != wanted.argmax(axis=1)).mean())
            continue
        for output, column in zip(group.outputs, np.square(y - wanted).T, strict=True):
            scores[output.axis] = float(np.sqrt(column.mean()))
    return {**scores, "error": float(np.mean(list(scores.values())))}


def _draw(
    lesson: Lesson, groups: Sequence[Group], learned: Sequence[Learned], around: hull.Hull, card: Card
) -> bytes:
    graph, width = Graph(), len(lesson.hears)
    x, distance = around.draw(graph, graph.input("x", width), graph.input("guard", 1))
    played = []
    for group, one in zip(groups, learned, strict=True):
        heard = x
        if group.inputs != tuple(range(width)):
            heard = graph.fully_connected(
                x, np.eye(width)[:, list(group.inputs)], np.zeros(len(group.inputs)), "chosen"
            )
        y = one.draw(graph, heard)
        played.append(
            _chances(graph, y, len(group.columns)) if len(group.columns) > len(group.outputs) else y
        )
    graph.output(graph.concatenate(played) if len(played) > 1 else played[0], "y")
    graph.output(distance, "distance")
    return lite.seal(graph.to_bytes({NAME: card.to_json()}))


def _chances(graph: Graph, y: int, classes: int) -> int:
    """Probabilities: nothing below 0, and 1 in all."""
    positive = graph.add(graph.relu(y), graph.row("tiny", 1e-6))
    return graph.divide(
        positive, graph.fully_connected(positive, np.ones((classes, 1)), np.zeros(1), "total")
    )


def _prove(path: Path, lesson: Lesson, groups: Sequence[Group], learned: Sequence[Learned]) -> None:
    """ModelError unless the file plays the examples as they were learned."""
    model = lite.Mapping(path)
    x = lesson.x[:: max(1, len(lesson.x) // 20)].astype(np.float32)
    played = np.array([model.play(row) for row in x])
    parts = []
    for group, one in zip(groups, learned, strict=True):
        y = one.play(x[:, group.inputs].astype(np.float64))
        if len(group.columns) > len(group.outputs):
            y = np.maximum(y, 0.0) + 1e-6
            y /= y.sum(axis=1, keepdims=True)
        parts.append(y)
    found = float(np.abs(played - np.concatenate(parts, axis=1)).max())
    if not found <= CLOSE:
        raise ModelError(f"the file differs from what was learned by {found:.1e}; nothing was written")


def _digest(lesson: Lesson) -> str:
    return hashlib.sha256(lesson.x.tobytes() + lesson.y.tobytes()).hexdigest()
