"""A mapping seen from above: what one output plays for two inputs, while the others stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from foretone.mapping.features import Features
from foretone.mapping.project import Frame, Output
from foretone.mapping.shaping import Shaper
from foretone.mapping.voice import Voice
from foretone.panel import pointer
from foretone.panel.taught import Taught

SIDE = 24
"""Points along each side of the terrain."""

COARSE = 16
"""Places along each side where one more example might be asked for."""

MOST = 300
"""Examples that a page draws; of more than that, every second, third and so on."""


class View(NamedTuple):
    """What is looked at: two axes and an output by number, from 0; where every axis is, 0..1; three knobs."""

    across: int
    up: int
    output: int
    at: tuple[float, ...]
    guard: float = 0.0
    sure: float = 0.5
    morph: float = 0.0


def draw(taught: Taught, view: View) -> dict[str, Any]:
    """The terrain for a page; 5 to 20 ms.

    `ground` has a row of `side` numbers in 0..1 for each step up, or is null, and then `note` says why;
    `outside` is how far the same points lie from all examples, 0..1. `examples` are [across, up, value, how
    far it lies from this cut], and `taught` is the number of all. `wanted` is the place where one more would
    help the most, and `doubt` how much is not known, 0..1. LookupError when there is no such axis or output.
    """
    project = taught.player.history.project
    if min(view.across, view.up, view.output) < 0 or max(view.across, view.up) >= len(taught.axes):
        raise LookupError(view)
    output = project.outputs[view.output]
    shown = [
        (frame, value)
        for take in project.takes
        for frame in take.frames
        if frame.y is not None and (value := frame.y[view.output]) is not None
    ]
    shown = shown[:: 1 + len(shown) // MOST]
    note = _note(taught, output)
    ground, outside = (None, None) if note else _ground(taught, view, output)
    return {
        "side": SIDE,
        "ground": ground,
        "outside": outside,
        "note": note,
        "taught": project.examples,
        "examples": _seen(shown, view),
        **_wanted([frame.x for frame, _ in shown], view, output),
    }


def _note(taught: Taught, output: Output) -> str:
    """Why there is nothing to draw."""
    if output.over_time:
        return f"{output.name} knows movements, and they have no terrain."
    if not output.model:
        return f"{output.name} was not trained yet."
    if output.model not in taught.opened():
        return f"What {output.name} learned is not here, or of other features: train again."
    return ""


def _ground(taught: Taught, view: View, output: Output) -> tuple[list[float], list[float]]:
    """As it would sound, without smoothing, for a hand that rests at each point."""
    project = taught.player.history.project
    voice = Voice()
    voice.open = taught.opened()
    outputs = [replace(each, run=number == view.output) for number, each in enumerate(project.outputs)]
    shaper = Shaper(replace(output, smooth=0.0, glide=0.0), 0.0)
    goals, ground, outside = [0.0] * len(outputs), [], []
    for x in _cut(view, SIDE).tolist():
        heard = _resting(taught.player.features, tuple(x))
        far = voice.play(0.0, heard, outputs, goals, view.guard, view.morph, view.sure)
        shaper.step(goals[view.output], 1.0, 0.0)
        ground.append(round(shaper.shown, 3))
        outside.append(round(far, 2))
    return ground, outside


def _resting(features: Features, x: tuple[float, ...]) -> list[float]:
    return (features.fresh() if features.settles else features).hear(0.0, x)


def _cut(view: View, side: int) -> pointer.Array:
    """Every point of the terrain [side * side, axes], from below, each row from the left."""
    points = np.tile(np.array(view.at), (side * side, 1))
    steps = np.linspace(0.0, 1.0, side)
    points[:, view.across] = np.tile(steps, side)
    points[:, view.up] = np.repeat(steps, side)
    return points


def _seen(shown: Sequence[tuple[Frame, float]], view: View) -> list[list[float]]:
    others = [axis for axis in range(len(view.at)) if axis not in (view.across, view.up)]
    return [
        [
            round(frame.x[view.across], 3),
            round(frame.x[view.up], 3),
            round(value, 3),
            round(float(np.linalg.norm([frame.x[axis] - view.at[axis] for axis in others])), 3),
        ]
        for frame, value in shown
    ]


def _wanted(shown: Sequence[tuple[float, ...]], view: View, output: Output) -> dict[str, Any]:
    """An axis that no example moved is not listened to, so it does not count; the two that are seen do."""
    if output.over_time:
        return {"wanted": None, "doubt": 0.0}
    x = np.array(shown).reshape(len(shown), len(view.at))
    moved = [
        axis
        for axis in range(len(view.at))
        if axis in (view.across, view.up) or (len(x) and np.ptp(x[:, axis]))
    ]
    places = _cut(view, COARSE)
    place, doubt = pointer.point(places[:, moved], x[:, moved])
    across, up = places[place, [view.across, view.up]].tolist()
    return {"wanted": [round(across, 3), round(up, 3)], "doubt": round(doubt, 3)}
