"""The trained mappings that sound: each is run once, and every output takes its own column of it."""

from __future__ import annotations

from collections.abc import Sequence

from foretone.follower import Follower
from foretone.lite import Mapping
from foretone.mapping.project import Output
from foretone.mapping.stream import Stream
from foretone.spotter import Spotter

Opened = dict[str, Mapping | Spotter | Follower]
"""What has been trained, by the SHA-256 of its file."""

HOLD = 0.25
"""Seconds that an output plays the gesture that was made."""


class Voice:
    """Plays outputs. The conductor thread calls every method; mappings are opened elsewhere."""

    def __init__(self) -> None:
        self.open: Opened = {}
        self.chances: dict[str, list[float]] = {}
        """How likely each class of an output is just now, by the output's name; 1 in all."""
        self._streams: dict[str, Stream] = {}
        self._made, self._until = 0, 0.0

    def close_but(self, opened: Opened, outputs: Sequence[Output]) -> None:
        """Play these from now on; what no output plays is closed."""
        used = {output.model for output in outputs} | {output.other for output in outputs}
        self.open = {name: model for name, model in opened.items() if name in used}

    def listen(self, now: float, x: list[float], outputs: Sequence[Output]) -> int:
        """The hand is at x, features, from now on; returns the gesture that it has made meanwhile, or 0."""
        found = 0
        for name in {output.model for output in outputs if output.run}:
            model = self.open.get(name)
            if isinstance(model, Spotter | Follower):
                stream = self._streams.get(name)
                if stream is None or stream.model is not model:
                    self._streams = {known: one for known, one in self._streams.items() if known in self.open}
                    stream = self._streams[name] = Stream(model)
                found = stream.hear(now, x) or found
        if found:
            self._made, self._until = found, now + HOLD
        return found

    @property
    def step(self) -> float:
        """Seconds between the steps in which gestures are looked for; 0 when none are."""
        heard = (one for one in self.open.values() if not isinstance(one, Mapping))
        return max((one.gestures.step for one in heard), default=0.0)

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
            if output.over_time:
                goals[number] = self._gesture(now, output, sure)
                continue
            goal = self._one(output.model, output.column, output, x, guard, sure, played)
            if morph > 0.0 and output.other in self.open:
                far = self._one(output.other, output.other_column, output, x, guard, sure, played)
                goal = goal + morph * (far - goal) if output.width == 1 else (goal, far)[morph > 0.5]
            goals[number] = goal
        for name in played:
            model = self.open[name]
            distance = max(distance, model.distance if isinstance(model, Mapping) else 0.0)
        return distance

    def _gesture(self, now: float, output: Output, sure: float) -> float:
        match output.learn, self.open[output.model]:
            case "dtw", Spotter(distances=distances):
                return min(0.5 * distances[output.column], 1.0)
            case "class-dtw", Spotter():
                return self._made / output.classes if now < self._until else 0.0
            case "follow", Follower(chances=chances):
                return chances[output.column]
            case "class-follow", Follower(chances=chances):
                self.chances[output.name] = list(chances)
                best = max(chances)
                return (chances.index(best) + 1) / output.classes if best >= sure else 0.0
            case "phase", Follower(phase=phase):
                return phase
            case "speed", Follower(speed=speed):
                return min(0.5 * speed, 1.0)
        return 0.0

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
        self.chances.setdefault(output.name, chances)
        best = max(chances)
        return (chances.index(best) + 1) / output.classes if best >= sure else 0.0
