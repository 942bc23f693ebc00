"""What becomes of a number between a mapping and the sound: limits, curve, steps, smoothing."""

from __future__ import annotations

import math

from foretone.mapping.project import Output

NEAR = 1e-4
"""What is this near to where it goes has arrived."""


KNEE = 0.8
"""Where a soft limit begins to bend, from the middle at 0 to the edge at 1."""


class Shaper:
    """One output on its way out. `shown` is what is heard of it just now, 0..1."""

    def __init__(self, output: Output, shown: float) -> None:
        self.output = output
        self.shown = shown
        self._at = shown
        self._away = 0.0

    def fade(self, value: float) -> None:
        """`value` is wanted from now on; begin to glide there from what is shown."""
        self._away = 0.0 if self.output.width > 1 else self._at - _limited(value, self.output)

    def step(self, value: float, seconds: float, left: float) -> bool:
        """Move towards `value` for some seconds; returns whether it has arrived.

        `left` is how much of a fade is still to come: 1 is all, 0 none.
        """
        output = self.output
        if output.width > 1:
            self.shown = self._at = value
            return True
        goal = min(max(_limited(value, output) + left * self._away, 0.0), 1.0)
        step, at = goal, self._at
        if output.smooth > 0.0 and abs(goal - at) > NEAR:
            step = at + (goal - at) * -math.expm1(-seconds / output.smooth)
        if output.glide > 0.0:
            reach = seconds / output.glide
            step = min(max(step, at - reach), at + reach)
        self._at = step
        self.shown = _stepped(step, output) if output.steps else step
        return left == 0.0 and step == goal


def _limited(value: float, output: Output) -> float:
    low, high = output.low, output.high
    if output.limit == "soft":
        half = 0.5 * (high - low)
        away = (value - low - half) / half
        if abs(away) > KNEE:
            away = math.copysign(KNEE + (1 - KNEE) * math.tanh((abs(away) - KNEE) / (1 - KNEE)), away)
        value = low + half + half * away
    value = min(max(value, low), high)
    if output.curve != 1.0:
        value = low + (high - low) * float(((value - low) / (high - low)) ** output.curve)
    return value


def _stepped(value: float, output: Output) -> float:
    span = output.high - output.low
    return output.low + round((value - output.low) / span * output.steps) / output.steps * span
