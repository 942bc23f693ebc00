"""One training of a mapping: from a lesson to one .tflite file, and one of gestures where there are any."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foretone import lite
from foretone.card import NAME, Card
from foretone.errors import ModelError, SessionError
from foretone_training import committee, hull, machine, nearest, polynomial, warping
from foretone_training.files import draft
from foretone_training.lesson import FOLLOWED, OVER_TIME, SPOTTED, Group, Lesson, groups, wanted
from foretone_training.tflite import Graph

CLOSE = 1e-3
"""The largest difference allowed between file and mapping; outputs are 0..1. Sums over thousands of examples
come to some 1e-4 in single precision, which is a hundredth of a step of a MIDI control.
"""

FOLDS = 5

HELD = 1.0
"""The prior of perceptrons for classes, whose examples overlap."""

MOST_ROWS = 2000
"""Examples that are learned from; with more of them it would take too long."""

Array = NDArray[Any]
Report = Callable[[float, float], None]
"""Told the share that is done, 0..1, and the root mean square of what is still missed."""


class Learned(Protocol):
    """What an algorithm has learned, and can play or draw as a part of a graph."""

    def play(self, x: Array) -> Array:
        """Outputs [n, outputs] for x [n, inputs]."""

    def draw(self, graph: Graph, x: int) -> int:
        """The tensor that plays them."""


@dataclass(frozen=True)
class Result:
    """The files that were written, none where there was nothing to learn, and the error of each output."""

    mapping: Path | None
    gestures: tuple[Path, ...]
    scores: dict[str, float]

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.mapping, *self.gestures) if self.mapping is not None else self.gestures


def learn(lesson: Lesson, folder: Path, report: Report = lambda *_: None) -> Result:
    """Learn it, and write what was learned into `folder` under the SHA-256 of its content.

    SessionError when there is nothing to learn from, ModelError when the file does not play what was learned.
    `report` is told how it goes. What was written can be played at once; `files.sync` it then.
    """
    gestures: tuple[Path, ...] = ()
    scores: dict[str, float] = {}
    if lesson.gestures:
        found, wrong = warping.fit(lesson.hears, lesson.takes, lesson.gestures)
        ways = {output.learn for output in lesson.outputs}
        made = [found._replace(near=0.0)] if ways & set(SPOTTED) else []
        made += [warping.few(found)] if ways & set(FOLLOWED) else []
        gestures = tuple(_write(each.to_bytes(), folder, ".json") for each in made)
        scores = {output.axis: wrong for output in lesson.outputs if output.learn in OVER_TIME}
    parts = list(groups(lesson))
    if not parts:
        if not gestures:
            raise SessionError("there are no examples: record some first")
        return Result(None, gestures, scores)
    path, card = _learn(lesson, parts, folder, report)
    return Result(path, gestures, {**scores, **card.scores})


def held_out(lesson: Lesson, report: Report = lambda *_: None) -> dict[str, float]:
    """The error of each output on examples that were left out, a fifth at a time, as in a card's scores.

    `report` is called now and then, and may raise to end it.
    """
    parts = list(groups(lesson))
    random = np.random.default_rng(lesson.settings.seed)
    fold = random.permutation(len(lesson.x)) % FOLDS
    played: list[Array] = [np.zeros((len(lesson.x), len(group.columns))) for group in parts]
    for turn in range(FOLDS):
        for group, out in zip(parts, played, strict=True):
            report(turn / FOLDS, 0.0)
            kept = group.rows[fold[group.rows] != turn]
            left = fold == turn
            if len(kept) and left.any():
                out[left] = _fit(lesson, group, kept, report).play(lesson.x[left][:, group.inputs])
    return _missed(lesson, parts, [out[group.rows] for out, group in zip(played, parts, strict=True)])


def _learn(lesson: Lesson, parts: Sequence[Group], folder: Path, report: Report) -> tuple[Path, Card]:
    learned: list[Learned] = []
    for number, group in enumerate(parts):
        learned.append(_fit(lesson, group, group.rows, _share(report, number, len(parts))))
    card = Card(
        kind="mapping",
        hears=lesson.hears,
        plays=tuple(column for group in parts for column in group.columns),
        layers=lesson.settings.layers,
        units=lesson.settings.units,
        seed=lesson.settings.seed,
        trained_on=({"name": "examples", "sha256": _digest(lesson), "events": len(lesson.x)},),
        scores=_missed(
            lesson,
            parts,
            [
                one.play(lesson.x[group.rows][:, list(group.inputs)])
                for group, one in zip(parts, learned, strict=True)
            ],
        ),
        made_by=f"foretone {version('foretone')}",
    )
    around = hull.fit(lesson.x)
    data = _draw(lesson, parts, learned, around, card)
    path = _write(data, folder, ".tflite", lambda place: _prove(place, lesson, parts, learned))
    return path, card


def _write(data: bytes, folder: Path, suffix: str, prove: Callable[[Path], None] = lambda _: None) -> Path:
    path = folder / f"{hashlib.sha256(data).hexdigest()}{suffix}"
    with draft(path, wait=False) as place:
        place.write_bytes(data)
        prove(place)
    return path


def _share(report: Report, number: int, count: int) -> Report:
    return lambda done, loss: report((number + done) / count, loss)


def _fit(lesson: Lesson, group: Group, rows: Array, report: Report = lambda *_: None) -> Learned:
    rows = _thinned(rows, lesson.settings.seed)
    x, y = lesson.x[rows][:, list(group.inputs)], wanted(lesson, group, rows)
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


def _missed(lesson: Lesson, parts: Sequence[Group], played: Sequence[Array]) -> dict[str, float]:
    """For a number the root mean square of what is missed, in 0..1; for a class the share that is wrong.

    `error` is the mean of all outputs.
    """
    scores: dict[str, float] = {}
    for group, y in zip(parts, played, strict=True):
        goal = wanted(lesson, group, group.rows)
        if len(group.outputs) == 1 and len(group.columns) > 1:
            scores[group.outputs[0].axis] = float((y.argmax(axis=1) != goal.argmax(axis=1)).mean())
            continue
        for output, column in zip(group.outputs, np.square(y - goal).T, strict=True):
            scores[output.axis] = float(np.sqrt(column.mean()))
    return {**scores, "error": float(np.mean(list(scores.values())))}


def _draw(
    lesson: Lesson, parts: Sequence[Group], learned: Sequence[Learned], around: hull.Hull, card: Card
) -> bytes:
    graph, width = Graph(), len(lesson.hears)
    x, distance = around.draw(graph, graph.input("x", width), graph.input("guard", 1))
    played = []
    for group, one in zip(parts, learned, strict=True):
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


def _prove(path: Path, lesson: Lesson, parts: Sequence[Group], learned: Sequence[Learned]) -> None:
    """ModelError unless the file plays the examples as they were learned."""
    model = lite.Mapping(path)
    x = lesson.x[:: max(1, len(lesson.x) // 20)].astype(np.float32)
    played = np.array([model.play(row) for row in x])
    goals = []
    for group, one in zip(parts, learned, strict=True):
        y = one.play(x[:, group.inputs].astype(np.float64))
        if len(group.columns) > len(group.outputs):
            y = np.maximum(y, 0.0) + 1e-6
            y /= y.sum(axis=1, keepdims=True)
        goals.append(y)
    found = float(np.abs(played - np.concatenate(goals, axis=1)).max())
    if not found <= CLOSE:
        raise ModelError(f"the file differs from what was learned by {found:.1e}; nothing was written")


def _digest(lesson: Lesson) -> str:
    return hashlib.sha256(lesson.x.tobytes() + lesson.y.tobytes()).hexdigest()
