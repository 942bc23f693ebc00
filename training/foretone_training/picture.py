"""Small pictures as inline SVG: lines, bands, bars and dots over two axes.

Colours are classes, and belong to the page; everything drawn stays inside its frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEFT, RIGHT, TOP, BOTTOM = 52, 18, 12, 36  # pixels around the frame, for figures and labels
BARE = 3  # pixels around a frame without them

Array = NDArray[Any]


@dataclass(frozen=True)
class Axis:
    """A range with its label; `log` where equal factors are equally far apart."""

    low: float
    high: float
    label: str = ""
    log: bool = False

    def place(self, values: ArrayLike) -> Array:
        """Where values lie, 0 at the low end and 1 at the high one; values outside are put on the edge."""
        low, high, at = self.low, self.high, np.asarray(values, float)
        if self.log:
            low, high, at = math.log(low), math.log(high), np.log(np.maximum(at, self.low))
        return np.asarray(np.clip((at - low) / (high - low or 1.0), 0.0, 1.0))

    def ticks(self) -> list[float]:
        """Round numbers inside: powers of ten, or three to six evenly spaced ones."""
        if self.log:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        span = self.high - self.low
        if not 0.0 < span < math.inf:
            return [self.low]
        rough = 10.0 ** math.floor(math.log10(span / 3))
        step = next(rough * factor for factor in (5, 2, 1) if span / (rough * factor) >= 3)
        first = math.ceil(self.low / step - 1e-9)
        return [step * number for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


class Picture:
    """One frame, drawn from back to front; `svg` gives it. `bare` leaves out ticks and labels."""

    def __init__(
        self, title: str, x: Axis, y: Axis, width: int = 500, height: int = 190, bare: bool = False
    ) -> None:
        self._title, self.x, self.y, self._bare = title, x, y, bare
        self._size = width, height
        left, right, top, bottom = (BARE,) * 4 if bare else (LEFT, RIGHT, TOP, BOTTOM)
        self._corner = left, top
        self._inner = width - left - right, height - top - bottom
        self._drawn: list[str] = []

    def line(self, x: ArrayLike, y: ArrayLike, name: str) -> None:
        """A line through the points, broken where one is not a number; points alone become dots."""
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        gaps = np.flatnonzero(~np.isfinite(x + y))
        path = []
        for part in np.split(np.arange(len(x)), gaps):
            kept = part[np.isfinite(x[part] + y[part])]
            if len(kept) == 1:
                self.dots(x[kept], y[kept], name)
            elif len(kept):
                path.append("M" + "L".join(self._points(x[kept], y[kept])))
        if path:
            self._drawn.append(f'<path class="{name}" d="{"".join(path)}"/>')

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, name: str) -> None:
        """The area between two lines."""
        there, back = self._points(x, low), self._points(np.asarray(x)[::-1], np.asarray(high)[::-1])
        if there:
            self._drawn.append(f'<path class="{name} area" d="M{"L".join(there + back)}Z"/>')

    def bars(self, edges: ArrayLike, heights: ArrayLike, name: str) -> None:
        """A histogram: one outline over len(edges) - 1 bars."""
        edges, heights = np.asarray(edges, float), np.asarray(heights, float)
        x = np.concatenate([np.repeat(edges, 2)])
        y = np.concatenate([[self.y.low], np.repeat(heights, 2), [self.y.low]])
        points = self._points(x, y)
        self._drawn.append(f'<path class="{name} bars" d="M{"L".join(points)}"/>')

    def dots(self, x: ArrayLike, y: ArrayLike, name: str, radius: float = 1.8) -> None:
        """Points."""
        places = (point.split() for point in self._points(x, y))
        self._drawn += [
            f'<circle class="{name} dot" cx="{across}" cy="{down}" r="{radius}"/>' for across, down in places
        ]

    def note(self, x: float, y: float, words: str, name: str = "note", anchor: str = "start") -> None:
        """Words at a place."""
        across, down = self._points([x], [y])[0].split()
        self._drawn.append(
            f'<text class="{name}" x="{across}" y="{down}" text-anchor="{anchor}" '
            f'dx="{-5 if anchor == "end" else 5}" dy="-5">{escape(words)}</text>'
        )

    def svg(self) -> str:
        """The picture as an element of a page."""
        width, height = self._size
        return (
            f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(self._title)}">'
            f"{self._frame()}{''.join(self._drawn)}</svg>"
        )

    def _frame(self) -> str:
        (left, top), (across, down) = self._corner, self._inner
        made = [f'<rect class="frame" x="{left}" y="{top}" width="{across}" height="{down}"/>']
        if self._bare:
            return made[0]
        for value in self.x.ticks():
            at = left + across * float(self.x.place(value))
            made.append(f'<path class="grid" d="M{at:.1f} {top}v{down}"/>')
            made.append(
                f'<text x="{at:.1f}" y="{top + down + 15}" text-anchor="middle">{number(value)}</text>'
            )
        for value in self.y.ticks():
            at = top + down * (1.0 - float(self.y.place(value)))
            made.append(f'<path class="grid" d="M{left} {at:.1f}h{across}"/>')
            made.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{number(value)}</text>')
        middle = top + down / 2
        made.append(
            f'<text class="label" x="{left + across}" y="{top + down + 31}" text-anchor="end">'
            f"{escape(self.x.label)}</text>"
            f'<text class="label" x="13" y="{middle}" text-anchor="middle" '
            f'transform="rotate(-90 13 {middle})">{escape(self.y.label)}</text>'
        )
        return "".join(made)

    def _points(self, x: ArrayLike, y: ArrayLike) -> list[str]:
        (left, top), (across, down) = self._corner, self._inner
        places = zip(left + across * self.x.place(x), top + down * (1.0 - self.y.place(y)), strict=True)
        return [f"{at:.1f} {height:.1f}" for at, height in places]


def number(value: float) -> str:
    """A figure as a person writes it: at most three digits that count, and no exponent."""
    if not math.isfinite(value):
        return "–"
    places = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    text = f"{value:.{places}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def around(*values: Sequence[float] | Array, share: float = 0.06) -> tuple[float, float]:
    """A range that holds all finite values, with some air above and below."""
    found = np.concatenate([np.ravel(np.asarray(each, float)) for each in values])
    found = found[np.isfinite(found)]
    if not len(found):
        return 0.0, 1.0
    low, high = float(found.min()), float(found.max())
    air = share * (high - low or 1.0)
    return low - air, high + air
