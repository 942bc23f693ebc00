"""A mixture-density recurrent network that predicts the next gesture, and when it comes.

The four ways to play are those of IMPS: C. P. Martin and J. Torresen, "An Interactive Musical Prediction
System with Mixture Density Recurrent Neural Networks", NIME 2019, section 3.3. The paper calls `observe`
"no predictions".
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, NamedTuple

from foretone import shelf
from foretone.card import read_model
from foretone.errors import ModelError
from foretone.event import Event
from foretone.lite import Model
from foretone.parts import LIVE, Range

Mode = Literal["observe", "filter", "call-response", "battle"]

SHORTEST = 0.001
"""Seconds: no two gestures are closer than this."""

LONGEST = 5.0
"""Seconds: a longer silence is told to the model as this long, the longest that it was trained on."""

LOG_LONGEST = 2.0
"""No larger logarithm of a wait is taken: it is of 7.4 s, and longer than any wait already."""

BEHIND = 0.25
"""Seconds: after a stall longer than this the rhythm goes on from now instead of catching up in a burst."""

AHEAD = 1.0
"""Seconds that it plays ahead of now while it goes on by itself, for whoever wants to see what comes."""

MOST = 16
"""Predictions made in one tick: 0.2 ms. The first second of an answer takes a few ticks."""

SOONEST, LATEST = 0.002, 0.05
"""Seconds between ticks while it goes on. A knob that is turned is heard within the longer of them."""


REMEMBERED = 16
"""Events that another model is told when it takes over, so that it does not begin from nothing."""


class Memory(NamedTuple):
    """What the network knows once an event has been heard or played."""

    moment: float
    """When that was, in seconds of the clock."""
    values: tuple[float, ...]
    state: Any
    mixture: list[float] | None
    """What comes next, as the network sees it; None when it stumbled."""


class MDRNN:
    """Hears gestures, and plays what it predicts when it predicts it.

    Conductor thread only; a step has a budget of 40 us with 64 units.

    axes, name, random, folder
        Given by the house: what it hears, its name, a seeded generator, where `model` is looked for
        before it is looked for among those that are shipped.
    mode
        `observe`: what is heard conditions the memory, nothing is played. `filter`: each gesture's
        prediction is played at once, its dt ignored. `call-response`: after `silence` the model plays on by
        itself, until the player does. `battle`: the model plays all the time and hears only itself.
    silence
        Seconds of stillness before it answers; in filter mode, before it lets go.
    pi_temperature
        Divides the logits of the mixture: below 1 it prefers the likeliest component.
    sigma_temperature
        Multiplies the variance of the component drawn: 0 plays its mean.
    time_scale
        Multiplies the predicted waits; the model itself hears its own time.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        name: str,
        random: Random,
        folder: Path,
        *,
        model: str,
        mode: Annotated[Mode, LIVE] = "call-response",
        silence: Annotated[float, Range(0.05, 30, "s"), LIVE] = 0.8,
        pi_temperature: Annotated[float, Range(0.01, 10), LIVE] = 1.0,
        sigma_temperature: Annotated[float, Range(0, 10), LIVE] = 0.3,
        time_scale: Annotated[float, Range(0.1, 10), LIVE] = 1.0,
    ) -> None:
        self.axes = axes
        self.epoch = 0
        self.wake = math.inf
        self.stumbles = 0
        """How often the network's output was not finite, and its memory begun anew."""
        self._silence = silence
        self.pi_temperature = pi_temperature
        self.sigma_temperature = sigma_temperature
        self.time_scale = time_scale
        self._name = name
        self._random = random
        self._model = Model(shelf.model(folder, model))
        self._memory = Memory(-math.inf, (), self._model.start(), None)
        self._lately: deque[Memory] = deque(maxlen=REMEMBERED)
        self._plan: deque[tuple[Event, Memory]] = deque()
        """What it is about to play, and what it will know then."""
        self._planned_with: tuple[float, ...] = ()
        self._going_on = False
        self._sounding = False
        self.mode = mode

    @staticmethod
    def check(axes: tuple[str, ...], folder: Path, settings: dict[str, Any]) -> list[str]:
        """What is wrong with the model for these wires; for the instrument file's check."""
        if not isinstance(settings.get("model"), str):
            return []
        try:
            _, card = read_model(shelf.model(folder, settings["model"]))
        except (ModelError, ValueError) as error:
            return [str(error)]
        if card.kind != "mdrnn":
            return [f"{settings['model']} is a {card.kind} model, not an mdrnn"]
        if len(card.hears) != len(axes):
            return [f"the model hears {len(card.hears)} axes ({', '.join(card.hears)}), "
                    f"but is given {len(axes)}: {', '.join(axes)}"]  # fmt: skip
        return []

    @classmethod
    def prepare(cls, axes: tuple[str, ...], model: Path) -> Model:
        """Make a model ready for `take`; any thread, some milliseconds. ModelError says why it cannot be."""
        for sentence in cls.check(axes, model.parent, {"model": model.name}):
            raise ModelError(sentence)
        return Model(model)

    @property
    def model(self) -> Path:
        """The file of the model that plays."""
        return self._model.path

    @property
    def mode(self) -> Mode:
        """How it plays; another mode is taken up at the next tick, which it asks for at once."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        # The next tick takes back what was to come, releases what sounds and, in a battle, begins.
        self._turned = True
        self.wake = -math.inf

    @property
    def silence(self) -> float:
        """Seconds; a change counts for the silence that is going on."""
        return self._silence

    @silence.setter
    def silence(self, seconds: float) -> None:
        if not self._going_on and self._mode in ("filter", "call-response") and math.isfinite(self.wake):
            self.wake += seconds - self._silence
        self._silence = seconds

    def hear(self, event: Event) -> Sequence[Event]:
        """The player moved, or let go."""
        if self._mode == "battle" or event.lets_go:
            return ()
        released = self._release(event.time) if self._going_on else ()
        self._know(self._told(event.time, event.values, event.time - self._memory.moment, self._memory))
        if self._mode == "observe":
            return released
        self.wake = event.time + self._silence
        return self._echo(event.time) if self._mode == "filter" else released

    def tick(self, now: float) -> Sequence[Event]:
        """The silence has lasted long enough, or it is time to go on with what comes."""
        if self._turned:
            self._turned = False
            released = self._release(now)
            self.wake = {"battle": now, "call-response": self._memory.moment + self._silence}.get(
                self._mode, math.inf
            )
            if self.wake == -math.inf:
                self.wake = math.inf  # nothing was ever heard: there is nothing to answer
            return released
        if self._mode not in ("call-response", "battle"):
            self.wake = math.inf
            return self._release(now)
        self._catch_up(now)
        if not self._going_on:
            # The silence is an event too: nothing moved for this long.
            values = self._memory.values or (0.5,) * len(self.axes)
            self._know(self._told(now, values, now - self._memory.moment, self._memory))
            self._going_on = True
        knobs = (self.pi_temperature, self.sigma_temperature, self.time_scale)
        if knobs != self._planned_with:
            self._planned_with = knobs
            self._withdraw()
        return self._go_on(now)

    def take(self, model: Model, now: float) -> None:
        """Go on with another model of the same axes, from what was heard and played last."""
        self._catch_up(now)
        self._withdraw()
        if self._going_on:
            self.wake = now
        self._model = model
        memory = Memory(-math.inf, (), model.start(), None)
        for moment, values, *_ in tuple(self._lately):
            memory = self._told(moment, values, moment - memory.moment, memory)
        self._memory = memory

    def rest(self, now: float) -> Sequence[Event]:
        """Stop playing until it hears something."""
        self.wake = math.inf
        return self._release(now)

    def _echo(self, now: float) -> Sequence[Event]:
        drawn = self._draw(self._memory.mixture)
        if drawn is None:
            return ()
        self._sounding = True
        return (Event(now, self._name, drawn[1]),)

    def _go_on(self, now: float) -> Sequence[Event]:
        """Play ahead from what is already planned, or from what has just been played."""
        made: list[Event] = []
        last = self._plan[-1][1] if self._plan else self._memory
        while len(made) < MOST and last.moment < now + AHEAD:
            drawn = self._draw(last.mixture)
            if drawn is None:
                # Not even a new memory helps: be silent, and try again with what the player does next.
                self._going_on, self.wake = bool(made), math.inf
                return made or self._release(now)
            dt, values = drawn
            if not self._sounding:
                # Whoever waited for the answer this long need not wait longer for its first gesture.
                dt = min(dt, self._silence)
            start = last.moment if now - last.moment < BEHIND else now
            event = Event(start + dt * self.time_scale, self._name, values)
            last = self._told(event.time, values, dt, last)
            self._plan.append((event, last))
            self._sounding = True
            made.append(event)
        self.wake = now + min(max(last.moment - AHEAD - now, SOONEST), LATEST)
        return made

    def _catch_up(self, now: float) -> None:
        """What was planned and is due has been played: it is what the network knows now."""
        while self._plan and self._plan[0][0].time <= now:
            self._know(self._plan.popleft()[1])

    def _release(self, now: float) -> Sequence[Event]:
        self._catch_up(now)
        self._withdraw()
        self._going_on = False
        if not self._sounding:
            return ()
        self._sounding = False
        return (Event(now, self._name, ()),)

    def _withdraw(self) -> None:
        self._plan.clear()
        self.epoch += 1

    def _know(self, memory: Memory) -> None:
        """Something was heard or played: that is what the network knows now."""
        self._memory = memory
        self._lately.append(memory)

    def _told(self, moment: float, values: tuple[float, ...], dt: float, before: Memory) -> Memory:
        """What the network knows after one more event, `dt` seconds after the last."""
        wait = min(max(dt, SHORTEST), LONGEST)
        mixture, state = self._model.step((wait, *values), before.state)
        if all(map(math.isfinite, mixture)):
            return Memory(moment, values, state, mixture)
        self.stumbles += 1
        mixture, state = self._model.step((wait, *values), self._model.start())
        return Memory(moment, values, state, mixture if all(map(math.isfinite, mixture)) else None)

    def _draw(self, mixture: list[float] | None) -> tuple[float, tuple[float, ...]] | None:
        """Sample a mixture: a wait in seconds, and a position for each axis."""
        if mixture is None:
            return None
        width = len(self.axes) + 1
        count = len(mixture) // (2 * width + 1)
        logits = mixture[2 * width * count :]
        highest = max(logits)
        weights = [math.exp((logit - highest) / self.pi_temperature) for logit in logits]
        left = self._random.random() * sum(weights)
        component = 0
        while component < count - 1 and left > weights[component]:
            left -= weights[component]
            component += 1
        first, spread = component * width, math.sqrt(self.sigma_temperature)
        gauss = self._random.gauss
        drawn = [
            gauss(mixture[first + index], spread * mixture[width * count + first + index])
            for index in range(width)
        ]
        dt, log_dt = drawn[0], self._model.card.log_dt
        if log_dt:
            dt = math.exp(min(dt, LOG_LONGEST)) - log_dt
        return min(max(dt, SHORTEST), LONGEST), tuple(min(max(value, 0.0), 1.0) for value in drawn[1:])
