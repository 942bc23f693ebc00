"""Learns gestures from takes: the templates themselves, and how near is near enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretone.errors import SessionError
from foretone.gestures import Gestures
from foretone.spotter import FAR, Spotter

POINTS = 40
"""Of a template that is as long as most; more of them take longer, and find nothing more."""

STEPS = (0.01, 0.25)  # s between points
MOST = 300  # points of the longest template
STILL = 0.02  # share of an input's range that is no movement yet
ALONE = 0.5  # the threshold of a single template, in deviations
NEAREST = 0.15  # nobody makes a gesture always with a smaller difference, in deviations
FOLLOWED = 60  # templates

Array = NDArray[Any]
Take = tuple[int, Array]
"""A kind, from 1, and frames [n, 1 + inputs] with the seconds in front."""


def fit(hears: tuple[str, ...], takes: Sequence[Take], kinds: int) -> tuple[Gestures, float]:
    """Gestures of the kinds 1 to `kinds`, and the share of takes that would be taken for another kind.

    A threshold lies between the takes of its kind and those of the others, each held against all the others;
    `near` is how far a take usually is from the nearest of its kind.
    SessionError when a kind has no take.
    """
    for kind in range(1, kinds + 1):
        if not any(made == kind and len(frames) > 1 for made, frames in takes):
            raise SessionError(f"gesture {kind} was never made: record it, once or better several times")
    takes = [(kind, moving(frames)) for kind, frames in takes if len(frames) > 1]
    factor = _factor(np.concatenate([frames[:, 1:] for _, frames in takes]))
    seconds = [frames[-1, 0] - frames[0, 0] for _, frames in takes]
    step = float(np.clip(np.median(seconds) / POINTS, *STEPS))
    step = max(step, max(seconds) / MOST)
    templates: tuple[Array, ...] = tuple(sampled(frames, step) * factor for _, frames in takes)
    made = tuple(kind for kind, _ in takes)
    apart = _apart(hears, step, factor, made, templates)
    thresholds = tuple(_threshold(apart, np.array(made), kind) for kind in range(1, kinds + 1))
    wrong = [made[int(row.argmin())] != kind for row, kind in zip(apart, made, strict=True)]
    gestures = Gestures(
        hears, step, factor, made, templates, thresholds, _near(apart, np.array(made), templates)
    )
    return gestures, float(np.mean(wrong)) if len(made) > kinds else 0.0


def few(gestures: Gestures) -> Gestures:
    """Of many templates as many of each kind as can be followed in time."""
    most, kept, seen = max(FOLLOWED // len(gestures.thresholds), 1), [], dict.fromkeys(gestures.kinds, 0)
    for number, kind in enumerate(gestures.kinds):
        seen[kind] += 1
        if seen[kind] <= most:
            kept.append(number)
    kinds = tuple(gestures.kinds[number] for number in kept)
    return gestures._replace(kinds=kinds, templates=tuple(gestures.templates[number] for number in kept))


def sampled(frames: Array, step: float) -> Array:
    """The positions [points, inputs] every `step` seconds; between two frames the hand is where it was."""
    times = np.arange(frames[0, 0], frames[-1, 0] + 0.5 * step, step)
    return np.asarray(frames[np.searchsorted(frames[:, 0], times + 1e-9, side="right") - 1, 1:])


def moving(frames: Array) -> Array:
    """Without the stillness before and after."""
    x = frames[:, 1:]
    near = STILL * np.maximum(np.ptp(x, axis=0), 1e-9)
    began = int((np.abs(x - x[0]) > near).any(axis=1).argmax())
    ended = int((np.abs(x - x[-1]) > near)[::-1].any(axis=1).argmax())
    kept = frames[max(began - 1, 0) : len(frames) - max(ended - 1, 0)]
    return kept if len(kept) > 1 else frames


def _factor(x: Array) -> Array:
    """Inputs are told in deviations; one that never moves is not listened to."""
    spread = x.std(axis=0)
    factor = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-6)
    return np.asarray(factor / np.sqrt(max(int((factor > 0.0).sum()), 1)))


def _apart(
    hears: tuple[str, ...], step: float, factor: Array, made: tuple[int, ...], templates: tuple[Array, ...]
) -> Array:
    """How near every take comes to every other one as a template, [takes, takes]; to itself endlessly far."""
    each = tuple(range(1, len(templates) + 1))
    spotter = Spotter(Gestures(hears, step, np.ones_like(factor), each, templates, (1.0,) * len(made)))
    apart = np.full((len(made), len(made)), np.inf)
    for number, template in enumerate(templates):
        spotter.forget()
        nearest = np.full(len(made), FAR)
        for x in template:
            spotter.hear(x)
            nearest = np.minimum(nearest, spotter.distances)
        nearest[number] = np.inf
        apart[number] = nearest
    return apart


def _near(apart: Array, made: Array, templates: Sequence[Array]) -> float:
    same = np.where(made == made[:, None], apart, np.inf).min(axis=1)
    same = same[same < FAR]
    # Between two points of a template a hand is as far from them as they are from each other, or half of it.
    steps = np.concatenate([np.linalg.norm(np.diff(template, axis=0), axis=1) for template in templates])
    least = max(NEAREST, float(steps.mean()) if len(steps) else 0.0)
    return max(float(np.median(same)), least) if len(same) else max(0.5 * ALONE, least)


def _threshold(apart: Array, made: Array, kind: int) -> float:
    own, others = made == kind, made != kind
    same = apart[np.ix_(own, own)].min(axis=1)
    same = same[same < FAR]
    foreign = apart[np.ix_(others, own)]
    foreign = foreign[foreign < FAR]
    if not len(same):
        return float(0.5 * foreign.min()) if foreign.size else ALONE
    widest = float(same.max())
    if not foreign.size:
        return 1.5 * widest + 1e-6
    nearest = float(foreign.min())
    between = np.sqrt(widest * nearest) if widest < nearest else nearest
    return float(np.clip(between, 0.5 * widest, 2.0 * widest)) + 1e-6
