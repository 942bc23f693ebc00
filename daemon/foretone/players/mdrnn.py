"""A mixture-density recurrent network that predicts the next gesture, and when it comes.

The four ways to play are those of IMPS: C. P. Martin and J. Torresen, "An Interactive Musical Prediction
System with Mixture Density Recurrent Neural Networks", NIME 2019, section 3.3. The paper calls `observe`
"no predictions".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

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

BEHIND = 0.25
"""Seconds: after a stall longer than this the rhythm goes on from now instead of catching up in a burst."""


class MDRNN:
    """Hears gestures, plays predictions. Conductor thread only; 40 us a step with 64 units.

    axes, name, random, folder
        Given by the house: what it hears, its name, a seeded generator, where `model` is looked for.
    mode
        `observe`: what is heard conditions the memory, nothing is played. `filter`: each gesture's
        prediction is played at once, its dt ignored. `call-response`: after `silence` the model plays on by
        itself, until the player does. `battle`: the model plays all the time and hears only itself.
    silence
        Seconds of stillness before it answers.
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
        self.silence = silence
        self.pi_temperature = pi_temperature
        self.sigma_temperature = sigma_temperature
        self.time_scale = time_scale
        self._name = name
        self._random = random
        self._model = Model(folder / model)
        self._state: Any = self._model.start()
        self._mixture: list[float] | None = None
        self._moment = -math.inf  # when the last event in the memory happened
        self._values: tuple[float, ...] = ()  # and where it was
        self._pending: Event | None = None  # the prediction that waits to be played
        self._dt = 0.0  # its wait as the model meant it, without the time scale
        self._sounding = False
        self.mode = mode

    @staticmethod
    def check(axes: tuple[str, ...], folder: Path, settings: dict[str, Any]) -> list[str]:
        """What is wrong with the model for these wires; for the instrument file's check."""
        if not isinstance(settings.get("model"), str):
            return []
        try:
            _, card = read_model(folder / settings["model"])
        except ModelError as error:
            return [str(error)]
        if card.kind != "mdrnn":
            return [f"{settings['model']} is a {card.kind} model, not an mdrnn"]
        if len(card.hears) != len(axes):
            return [f"the model hears {len(card.hears)} axes ({', '.join(card.hears)}), "
                    f"but is given {len(axes)}: {', '.join(axes)}"]  # fmt: skip
        return []

    @property
    def mode(self) -> Mode:
        """How it plays; assigning takes back what it was about to play."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._withdraw()
        # The next tick releases what sounds and, in a battle, lets the model begin.
        self._turned = True
        self.wake = -math.inf

    def hear(self, event: Event) -> Sequence[Event]:
        """The player moved, or let go."""
        if self._mode == "battle" or event.lets_go:
            return ()
        self._condition(event.time - self._moment, event.values)
        self._moment = event.time
        if self._mode == "observe":
            return ()
        self.wake = event.time + self.silence
        return self._echo(event.time) if self._mode == "filter" else self._release(event.time)

    def tick(self, now: float) -> Sequence[Event]:
        """The silence has lasted long enough, or the prediction was just played: play on."""
        if self._turned:
            self._turned = False
            self.wake = now if self._mode == "battle" else math.inf
            return self._release(now)
        if self._mode not in ("call-response", "battle"):
            self.wake = math.inf
            return self._release(now)
        if self._pending is not None:
            self._condition(self._dt, self._pending.values)
            self._moment = self._pending.time
        else:
            # The silence is an event too: nothing moved for this long.
            self._condition(now - self._moment, self._values or (0.5,) * len(self.axes))
            self._moment = now
        return self._go_on(now)

    def rest(self, now: float) -> Sequence[Event]:
        """Stop playing until it hears something."""
        self.wake = math.inf
        return self._release(now)

    def _echo(self, now: float) -> Sequence[Event]:
        drawn = self._draw()
        if drawn is None:
            return ()
        self._sounding = True
        return (Event(now, self._name, drawn[1]),)

    def _go_on(self, now: float) -> Sequence[Event]:
        drawn = self._draw()
        if drawn is None:
            self._pending, self.wake = None, now + 1.0
            return ()
        self._dt, values = drawn
        start = self._moment if now - self._moment < BEHIND else now
        self._pending = Event(start + self._dt * self.time_scale, self._name, values)
        self._sounding = True
        self.wake = self._pending.time
        return (self._pending,)

    def _release(self, now: float) -> Sequence[Event]:
        self._withdraw()
        if not self._sounding:
            return ()
        self._sounding = False
        return (Event(now, self._name, ()),)

    def _withdraw(self) -> None:
        self._pending = None
        self.epoch += 1

    def _condition(self, dt: float, values: tuple[float, ...]) -> None:
        """Tell the network one event; its output waits in `_mixture`."""
        self._values = values
        wait = min(max(dt, SHORTEST), LONGEST)
        self._mixture, self._state = self._model.step((wait, *values), self._state)
        if not all(map(math.isfinite, self._mixture)):
            self.stumbles += 1
            self._mixture, self._state = None, self._model.start()

    def _draw(self) -> tuple[float, tuple[float, ...]] | None:
        """Sample the mixture: a wait in seconds, and a position for each axis."""
        mixture = self._mixture
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
        return min(max(drawn[0], SHORTEST), LONGEST), tuple(min(max(value, 0.0), 1.0) for value in drawn[1:])
