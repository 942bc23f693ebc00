"""What a mapping hears of each axis: where it is, and how it got there."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

NAMES = ("value", "mean", "minimum", "maximum", "rms", "velocity", "acceleration")
FRAMES = 32
"""Frames that a window holds at most; of a faster source every few are left out."""


def expand(chosen: Sequence[str], axes: Sequence[str]) -> tuple[str, ...]:
    """The features by their full names, `axis.feature` and `axis` for its value, in the order of the axes.

    `chosen` has names of features, which every axis gets, and full names. ValueError names one that is not
    known.
    """
    for name in chosen:
        axis, _, feature = name.rpartition(".")
        if feature not in NAMES or (axis and axis not in axes):
            raise ValueError(f"'{name}' is no feature: write one of {', '.join(NAMES)}, or AXIS.FEATURE")
    return tuple(
        axis if feature == "value" else f"{axis}.{feature}"
        for axis in axes
        for feature in NAMES
        if feature in chosen or f"{axis}.{feature}" in chosen
    )


class Features:
    """Turns frames into features. The same frames give the same numbers, live and from a take.

    axes, chosen
        As for `expand`; `names` are the features.
    window
        Seconds that all but the value look back. Velocity is in 1/s, acceleration in 1/s^2: differences
        across the window, and between its two halves.
    """

    def __init__(self, axes: Sequence[str], chosen: Sequence[str], window: float) -> None:
        self.names = expand(chosen, axes)
        self.window = window
        self._made_of = (tuple(axes), tuple(chosen))
        self._wanted = []
        for name in self.names:
            axis, _, feature = name.rpartition(".")
            self._wanted.append((axes.index(axis or name), feature if axis else "value"))
        self.settles = any(feature != "value" for _, feature in self._wanted)
        """Whether they go on changing for a window after the last movement."""
        self.frames: deque[tuple[float, tuple[float, ...]]] = deque()

    def hear(self, time: float, x: tuple[float, ...]) -> list[float]:
        """The features once the hand is at x, 0..1, at `time` in seconds."""
        if not self.settles:
            return [x[axis] for axis, _ in self._wanted]
        frames = self.frames
        if len(frames) > 1 and time - frames[-2][0] < self.window / FRAMES:
            frames.pop()
        frames.append((time, x))
        while frames[0][0] < time - self.window:
            frames.popleft()
        return [self._feature(axis, feature) for axis, feature in self._wanted]

    def fresh(self) -> Features:
        """The same features, of which nothing was heard yet."""
        return Features(*self._made_of, self.window)

    def _feature(self, axis: int, feature: str) -> float:
        moved = [x[axis] for _, x in self.frames]
        match feature:
            case "mean":
                return math.fsum(moved) / len(moved)
            case "minimum":
                return min(moved)
            case "maximum":
                return max(moved)
            case "rms":
                return math.sqrt(math.fsum(value * value for value in moved) / len(moved))
            case "velocity":
                return self._slope(axis, 0, len(moved) - 1)
            case "acceleration":
                last, half = len(moved) - 1, len(moved) // 2
                early, late = self._slope(axis, 0, half), self._slope(axis, half, last)
                span = self.frames[-1][0] - self.frames[0][0]
                return 2.0 * (late - early) / span if span > 0.0 else 0.0
        return moved[-1]

    def _slope(self, axis: int, begin: int, end: int) -> float:
        (early, before), (late, after) = self.frames[begin], self.frames[end]
        return (after[axis] - before[axis]) / (late - early) if late > early else 0.0
