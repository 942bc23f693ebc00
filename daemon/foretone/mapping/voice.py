"""The trained mappings that sound: each is run once, and every output takes its own column of it."""

from __future__ import annotations

from collections.abc import Sequence

from foretone.lite import Mapping
from foretone.mapping.project import Output
from foretone.spotter import Spotter

Place = tuple[str, int]
"""A mapping, by the SHA-256 of its file, and a column of it."""

Opened = dict[str, Mapping | Spotter]
"""What has been trained, by the SHA-256 of its file."""

HOLD = 0.25
"""Seconds that an output plays the gesture that was made."""

CAUGHT_UP = 1.0
"""Seconds of stillness after which gestures are not looked for."""


class Voice:
    """Plays outputs. The conductor thread calls every method; mappings are opened elsewhere.

    other
        For each output, the place that `morph` goes to; None stays where it is.
    """

    def __init__(self, outputs: Sequence[str]) -> None:
        self.open: Opened = {}
        self.other: list[Place | None] = [None] * len(outputs)

        self._heard: tuple[float, list[float]] | None = None
        self._made, self._until = 0, 0.0

    def close_but(self, opened: Opened, outputs: Sequence[Output]) -> None:
        """Play these from now on; what no output plays is closed."""
        used = {output.model for output in outputs} | {place[0] for place in self.other if place is not None}
        self.open = {name: model for name, model in opened.items() if name in used}

    def listen(self, now: float, x: list[float], outputs: Sequence[Output]) -> int:
        """The hand is at x, features, from now on; returns the gesture that it has made meanwhile, or 0."""
        found = 0
        for model in {output.model for output in outputs if output.run}:
            spotter = self.open.get(model)
            if isinstance(spotter, Spotter):
                found = self._steps(now, x, spotter) or found
        if found:
            self._made, self._until = found, now + HOLD
        return found

    def _steps(self, now: float, x: list[float], spotter: Spotter) -> int:
        """Gestures are steps of equal length: between two movements the hand is where it was."""
        step, found = spotter.gestures.step, 0
        if self._heard is None or now > self._heard[0] + CAUGHT_UP + step:
            self._heard = (now, x)
            return spotter.hear(x)
        moment, before = self._heard
        while moment + step <= now:
            moment += step
            found = spotter.hear(x if moment + step > now else before) or found
        self._heard = (moment, x)
        return found

    @property
    def step(self) -> float:
        """Seconds between the steps in which gestures are looked for; 0 when none are."""
        return max((one.gestures.step for one in self.open.values() if isinstance(one, Spotter)), default=0.0)

    def play(
        self,
        now: float,
        x: Sequence[float],
        outputs: Sequence[Output],
        goals: list[float],
        guard: float,
        morph: float,
        sure: float,
    ) -> float:
        """Put what was learned into `goals`, for the outputs that run; returns the distance, 0..1.

        An output whose mapping is not open keeps its goal.
        """
        played: dict[str, list[float]] = {}
        distance = 0.0
        for number, output in enumerate(outputs):
            if not output.run or output.model not in self.open:
                continue
            if output.learn.endswith("dtw"):
                goals[number] = self._gesture(now, output)
                continue
            goal = self._one(output.model, output.column, output, x, guard, sure, played)
            other = self.other[number]
            if morph > 0.0 and other is not None and other[0] in self.open:
                far = self._one(*other, output, x, guard, sure, played)
                goal = goal + morph * (far - goal) if output.width == 1 else (goal, far)[morph > 0.5]
            goals[number] = goal
        for name in played:
            model = self.open[name]
            distance = max(distance, model.distance if isinstance(model, Mapping) else 0.0)
        return distance

    def _gesture(self, now: float, output: Output) -> float:
        spotter = self.open[output.model]
        if not isinstance(spotter, Spotter):
            return 0.0
        if output.learn == "dtw":
            return min(0.5 * spotter.distances[output.column], 1.0)
        return self._made / output.classes if now < self._until else 0.0

    def _one(
        self,
        model: str,
        column: int,
        output: Output,
        x: Sequence[float],
        guard: float,
        sure: float,
        played: dict[str, list[float]],
    ) -> float:
        y = played.get(model)
        if y is None:
            opened = self.open[model]
            y = played[model] = opened.play(x, guard) if isinstance(opened, Mapping) else [0.0]
        if output.width == 1:
            return y[column]
        chances = y[column : column + output.classes]
        best = max(chances)
        return (chances.index(best) + 1) / output.classes if best >= sure else 0.0
