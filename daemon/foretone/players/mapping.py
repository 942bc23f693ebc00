"""Mapping by example: show a gesture and a sound, train, and play everything in between.

While it runs, every gesture that is heard is played through what was learned. It can be shown more, and learn
again, without a gap: what sounded glides to what the new mapping plays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from pathlib import Path
from random import Random
from typing import Annotated, Any

from foretone.event import Event
from foretone.mapping import learning, takes, verbs, written
from foretone.mapping.features import Features
from foretone.mapping.history import History
from foretone.mapping.project import Project
from foretone.mapping.shaping import Shaper
from foretone.mapping.stream import CAUGHT_UP
from foretone.mapping.voice import Voice
from foretone.parts import LIVE, Range

FRAME = 0.01
"""Seconds between what it plays by itself, while something still glides to its place."""


class Mapping:
    """Hears axes, from parts that may have some of them each, and plays outputs, as it was shown.

    Conductor thread only. It is told what to do by commands; `mapping/verbs.py` has them.

    axes, name, random
        Given by the house: what it hears, its name, and a seeded generator for `randomise`.
    outputs
        The names of what it plays, each an axis of 0..1.
    output
        How each one is learned and played, where that is not as usual: a table for each name, with the keys
        of `mapping/project.py`'s `Output`.
    features
        What it hears of each axis: value, mean, minimum, maximum, rms, velocity or acceleration; `x.mean` is
        for the axis x alone.
    window
        Seconds that features other than the value look back.
    distance
        Whether it plays one axis more, `distance`: 0 among the examples, towards 1 the further the hand
        leaves them.
    guard
        How much of the way it is kept from leaving the examples: 0 not at all, 1 all of it.
    fade
        Milliseconds in which what sounds glides to what a new mapping plays.
    morph
        0 plays the mapping that was trained last, 1 the other one that was chosen; between, a mixture.
    sure
        The probability below which a class is none of them.
    count_in, limit
        Seconds before a take begins, and seconds after which it ends by itself; 0 is never.
    joint
        Whether one model of all outputs is trained, not one of each.
    layers, units
        Of the perceptrons that are trained.
    deadline
        Seconds after which a training is given up.
    seed
        The same examples and seed give the same mapping.
    """

    gathers = True

    def __init__(
        self,
        axes: tuple[str, ...],
        name: str,
        random: Random,
        *,
        outputs: list[str],
        output: dict[str, Any] | None = None,
        features: list[str] | None = None,
        window: Annotated[float, Range(0.01, 10, "s")] = 0.25,
        distance: bool = False,
        guard: Annotated[float, Range(0, 1), LIVE] = 0.0,
        fade: Annotated[float, Range(0, 5000, "ms"), LIVE] = 50.0,
        morph: Annotated[float, Range(0, 1), LIVE] = 0.0,
        sure: Annotated[float, Range(0, 1), LIVE] = 0.5,
        count_in: Annotated[float, Range(0, 60, "s"), LIVE] = 0.0,
        limit: Annotated[float, Range(0, 3600, "s"), LIVE] = 0.0,
        joint: Annotated[bool, LIVE] = False,
        layers: Annotated[int, Range(1, 2), LIVE] = 1,
        units: Annotated[int, Range(2, 32), LIVE] = 16,
        deadline: Annotated[float, Range(0.1, 3600, "s"), LIVE] = 30.0,
        seed: Annotated[int, Range(0, 2**31), LIVE] = 1,
    ) -> None:
        self.name, self.guard, self.fade, self._morph, self.sure = name, guard, fade, morph, sure
        self.count_in, self.limit, self.deadline = count_in, limit, deadline
        self.joint, self.layers, self.units, self.seed = joint, layers, units, seed
        self.names = tuple(outputs)
        self.heard = axes
        self.distance = distance
        self.features = Features(axes, features or ["value"], window)
        self._project = Project(
            axes, written.outputs(outputs, output, self.features.names), self.features.names
        )
        self.history = self.begin_again()
        self.voice = Voice()
        self.helper: verbs.Helper = verbs.Nobody()
        """Whoever keeps the journal and trains; the house gives one."""
        self.watchers: list[Callable[[dict[str, Any]], None]] = []
        """Told what happens: trained, failed, a take that ended."""
        self.doubters: list[Callable[[Table[str, list[float]]], None]] = []
        """Told with each frame how likely the classes are."""
        self.random = random
        self.training: dict[str, Any] = {}
        """How far the training is, and how the last one ended."""
        self.labels = [0.0 if shaped.width > 1 else 0.5 for shaped in self._project.outputs]
        """What is recorded with the next example, and played by outputs that do not run; 0..1."""
        self.x: tuple[float, ...] | None = None
        """What was heard last."""
        self.places: Table[str, tuple[int, ...]] = {}
        """For whoever has not all of the axes, where its own are among them."""
        self.gesture = 0
        """The gesture that is being recorded; 0 for examples."""
        self.begins = self.ends = math.inf
        """When a take begins or ends by itself, in seconds of the clock."""
        self.wake = math.inf
        self.epoch = 0
        self._shapers = [
            Shaper(shaped, label) for shaped, label in zip(self._project.outputs, self.labels, strict=True)
        ]
        self._faded = -math.inf
        self._moved = -math.inf
        self._shown = 0.0
        self._heard: list[float] = []
        self._far = 0.0

    @property
    def axes(self) -> tuple[str, ...]:
        """The outputs, and the distance where it is asked for."""
        return self.names + ("distance",) * self.distance

    @property
    def morph(self) -> float:
        """How far it is from the mapping that was trained last to the other one, 0..1."""
        return self._morph

    @morph.setter
    def morph(self, share: float) -> None:
        self._morph = share
        if self.history.running and self._heard:
            # Heard at once, also while the hand is still.
            self.wake = -math.inf

    @staticmethod
    def plays(_: tuple[str, ...], settings: Table[str, Any]) -> tuple[str, ...]:
        """The axes that it would play."""
        names = settings.get("outputs")
        names = names if isinstance(names, list) else ()
        return tuple(map(str, names)) + ("distance",) * (settings.get("distance") is True)

    @staticmethod
    def check(axes: tuple[str, ...], _: Path, settings: dict[str, Any]) -> list[str]:
        """What is wrong with the settings, a sentence each."""
        return written.faults(axes, settings)

    def hear(self, event: Event) -> Sequence[Event]:
        """A gesture: record it, if a take is open, and play what was learned, if it runs."""
        if event.lets_go:
            return ()
        x = event.values
        if (places := self.places.get(event.origin)) is not None:
            # The axes of the others stay where they were.
            whole = list(self.x or (0.0,) * len(self.heard))
            for place, value in zip(places, x, strict=True):
                whole[place] = value
            x = tuple(whole)
        # What was read before the last tick, and is heard after it, must not be played before it.
        self.x, self._moved = x, max(event.time, self._shown)
        return self._frame(self._moved, x)

    def tick(self, now: float) -> Sequence[Event]:
        """A take begins or ends by itself, or something still glides to its place."""
        if now >= self.begins:
            takes.begin(self, now)
        if now >= self.ends:
            takes.stop(self, now)
        if self.x is not None and self._settling(now):
            self._listen(now, self.x)
        return self.show(now)

    def rest(self, now: float) -> Sequence[Event]:
        """Stop running; what it played is released."""
        takes.stop(self, now)
        return (Event(now, self.name, ()),)

    def obey(self, verb: str, words: Sequence[Any], now: float) -> tuple[Any, Sequence[Event]]:
        """Do what a command says; SettingError says why not."""
        return verbs.obey(self, verb, words, now)

    def tell(self, **news: Any) -> None:
        """Tell whoever watches. One that cannot be told is forgotten."""
        for watcher in list(self.watchers):
            try:
                watcher(news)
            except OSError:
                self.watchers.remove(watcher)

    def glance(self) -> dict[str, Any]:
        """What a page shows all the time; the verb `state` tells the rest."""
        history, kept = self.history, self.history.project.takes
        return {
            "recording": history.recording or self.begins < math.inf,
            "recorded": history.recorded,
            "begins": self.begins if self.begins < math.inf else None,
            "examples": history.project.examples,
            "takes": len(kept),
            "last": kept[-1].number if kept else 0,
            "undo": history.steps[0],
            "redo": history.steps[1],
            "running": history.running,
            "x": list(self.x or ()),
            "labels": list(self.labels),
            "shown": [round(shaper.shown, 3) for shaper in self._shapers],
            "distance": self._far,
            "chances": dict(self.voice.chances),
            "training": dict(self.training),
        }

    def begin_again(self) -> History:
        """A project without examples, as the instrument file has it. Any thread."""
        return History(self._project)

    def restore(self) -> None:
        """The project was brought back; nothing sounds before something is heard."""
        for shaper, output in zip(self._shapers, self.history.project.outputs, strict=True):
            shaper.output = output

    def adopt(self, now: float) -> None:
        """The project or its mappings have changed: glide from what is shown to what is to be shown."""
        goals = self._goals()
        for shaper, output, goal in zip(self._shapers, self.history.project.outputs, goals, strict=True):
            shaper.output = output
            shaper.fade(goal)
        self._faded = now + self.fade / 1000.0
        self._shown = now
        self._plan(now, settled=False)

    def show(self, now: float) -> Sequence[Event]:
        """What is played now."""
        # After a pause nothing was on its way: what moves now began to move a moment ago.
        seconds, self._shown = min(max(now - self._shown, 0.0), FRAME), now
        left = min(max(self._faded - now, 0.0) / (self.fade / 1000.0), 1.0) if self.fade > 0.0 else 0.0
        settled = True
        for shaper, goal in zip(self._shapers, self._goals(), strict=True):
            settled &= shaper.step(goal, seconds, left)
        self._plan(now, settled)
        if self.voice.chances:
            for doubter in self.doubters:
                doubter(self.voice.chances)
        values = [shaper.shown for shaper in self._shapers]
        if self.distance:
            values.append(self._far)
        return (Event(now, self.name, tuple(values)),)

    def _frame(self, time: float, x: tuple[float, ...]) -> Sequence[Event]:
        self._listen(time, x)
        if self.history.recording:
            takes.record(self, round(time, 6), x)
        return self.show(time) if self.history.running else ()

    def _listen(self, now: float, x: tuple[float, ...]) -> None:
        self._heard = self.features.hear(round(now, 6), x)
        if self.history.running and self.voice.step:
            made = self.voice.listen(now, self._heard, self.history.project.outputs)
            if made:
                learning.made(self, made)

    def _goals(self) -> list[float]:
        """Where every output is to go: what was learned, or its label."""
        outputs = self.history.project.outputs
        goals = list(self.labels)
        self.voice.chances = {}
        if self.history.running and self._heard:
            self._far = self.voice.play(
                self._shown, self._heard, outputs, goals, self.guard, self.morph, self.sure
            )
        return goals

    def _settling(self, now: float) -> bool:
        if not self.history.running:
            return False
        window = self.features.window + FRAME if self.features.settles else 0.0
        return now < self._moved + max(window, CAUGHT_UP if self.voice.step else 0.0)

    def _plan(self, now: float, settled: bool) -> None:
        glides = now + FRAME if not settled or self._settling(now) else math.inf
        self.wake = min(glides, self.begins, self.ends)
