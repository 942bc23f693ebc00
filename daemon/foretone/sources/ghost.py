"""A performer that is not there: gestures as a hand makes them, for an instrument without one.

Phrases of one to three gestures, then a silence that leaves room for an answer. A gesture is a sweep, a
wiggle, a row of steps or a swell; sweeps follow the minimum-jerk profile of human reaching (T. Flash and
N. Hogan, "The coordination of arm movements", J. Neurosci. 5(7), 1985).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Annotated

from foretone.clock import Clock
from foretone.parts import Range

Curve = Callable[[float], float]

PRESSURE = "pressure"
"""An axis of this name is nought while the finger is lifted, and at least `LIGHTEST` while it touches."""
LIGHTEST = 0.2
STRIKE = 0.06
"""Seconds in which a finger comes down."""
MANY = 8
"""As many axes are knobs side by side, for two hands; fewer are one thing that is played at once."""


class Ghost:
    """A performer that is not there: phrases and silences, the same for the same seed.

    It plays all axes at once; of eight and more, one with each hand, another one in each phrase. An axis
    called `pressure` is touched in the phrases of the first axis, and let go in its silences.

    rest
        Mean silence between phrases, in seconds.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        clock: Clock,
        random: Random,
        *,
        rest: Annotated[float, Range(0, 60, "s")] = 3.0,
    ) -> None:
        self.axes = axes
        self._clock = clock
        self._places = [0.5] * len(axes)
        numbers, half = [*range(len(axes))], len(axes) // 2
        reaches = [[n] for n in numbers] if len(axes) < MANY else [numbers[:half], numbers[half:]]
        self._hands = [
            _Hand(Random(random.random()), rest, clock.now(), reach, self._places) for reach in reaches
        ]
        self._finger = axes.index(PRESSURE) if PRESSURE in axes and len(axes) < MANY else None

    def read(self) -> tuple[float, ...]:
        """Where the hand is now, 0..1 on each axis."""
        return self.at(self._clock.now())

    def at(self, now: float) -> tuple[float, ...]:
        """Where the hand is at `now`, seconds of the clock; not to be asked about the past."""
        played = [hand.at(now) for hand in self._hands]
        values = list(self._places)
        for hand, value in zip(self._hands, played, strict=True):
            values[hand.axis] = value
        if self._finger is not None:
            touched = min(1.0, self._hands[0].playing(now) / STRIKE)
            values[self._finger] = touched * (LIGHTEST + (1.0 - LIGHTEST) * values[self._finger])
        return tuple(values)

    def close(self) -> None:
        """It fades."""


class _Hand:
    """One axis after another of those in its reach: a row of segments, made as time reaches them.

    `places` is where every axis of the ghost was left.
    """

    def __init__(
        self, random: Random, rest: float, start: float, reach: list[int], places: list[float]
    ) -> None:
        self.axis = reach[0]
        self._random, self._rest = random, rest
        self._reach, self._places = reach, places
        self._position = random.uniform(0.2, 0.8)
        self._rests = True
        self._since = start
        self._segments = self._perform()
        self._begin, self._length = start, 0.3
        self._curve: Curve = lambda _: self._position

    @property
    def _position(self) -> float:
        """Where its axis will be at the end of the segment."""
        return self._places[self.axis]

    @_position.setter
    def _position(self, place: float) -> None:
        self._places[self.axis] = place

    def playing(self, now: float) -> float:
        """For how long, in seconds; 0 in a silence."""
        return 0.0 if self._rests else now - self._since

    def at(self, now: float) -> float:
        # After a long time away it goes on where it was, instead of making up what it did meanwhile.
        self._begin = max(self._begin, now - 60.0)
        while now >= self._begin + self._length:
            self._begin += self._length
            self._length, self._curve = next(self._segments)
        return min(max(self._curve((now - self._begin) / self._length), 0.0), 1.0)

    def _perform(self) -> Iterator[tuple[float, Curve]]:
        """Endless pairs of seconds and a curve over 0..1."""
        choose = self._random
        # A short call first, so that whoever starts the instrument soon hears it answered.
        self._begin_phrase()
        yield from self._sweep(1.0)
        yield self._silence(self._rest)
        while True:
            self._begin_phrase()
            energy = choose.uniform(0.2, 1.0)
            for _ in range(choose.randint(1, 3)):
                gesture = choose.choices((self._sweep, self._wiggle, self._steps, self._swell), (4, 3, 3, 2))[
                    0
                ]
                yield from gesture(energy)
                if choose.random() < 0.5:
                    yield self._hold(choose.uniform(0.08, 0.4))
            yield self._silence(self._rest * choose.uniform(0.4, 1.6))

    def _begin_phrase(self) -> None:
        self._rests, self._since = False, self._begin
        if len(self._reach) > 1:
            self.axis = self._random.choice(self._reach)

    def _silence(self, seconds: float) -> tuple[float, Curve]:
        self._rests = True
        return self._hold(seconds)

    def _hold(self, seconds: float) -> tuple[float, Curve]:
        here = self._position
        return max(seconds, 0.01), lambda _: here

    def _move(self, target: float, seconds: float) -> tuple[float, Curve]:
        start, self._position = self._position, target
        return seconds, lambda t: start + (target - start) * t**3 * (10 - 15 * t + 6 * t * t)

    def _elsewhere(self, least: float) -> float:
        place = self._random.random()
        return place if abs(place - self._position) > least else self._elsewhere(least * 0.9)

    def _sweep(self, energy: float) -> Iterator[tuple[float, Curve]]:
        for _ in range(self._random.randint(1, 3)):
            target = self._elsewhere(0.3)
            yield self._move(
                target, abs(target - self._position) * self._random.uniform(0.6, 1.6) / energy**0.5
            )

    def _wiggle(self, energy: float) -> Iterator[tuple[float, Curve]]:
        turns, rate = self._random.randint(2, 6), self._random.uniform(1.2, 4.5) * (0.6 + 0.4 * energy)
        width, centre = self._random.uniform(0.04, 0.25) * energy, self._position
        grow = self._random.choice((-0.7, 0.0, 0.7))

        def curve(t: float) -> float:
            return centre + width * (1 + grow * (2 * t - 1)) * math.sin(math.tau * turns * t) * min(
                1.0, 6 * t
            )

        yield turns / rate, curve

    def _steps(self, energy: float) -> Iterator[tuple[float, Curve]]:
        places = [self._random.uniform(0.05, 0.95) for _ in range(self._random.randint(2, 4))]
        beat = self._random.choice((0.2, 0.25, 0.33, 0.4)) / (0.7 + 0.3 * energy)
        for step in range(self._random.randint(3, 9)):
            travel = self._random.uniform(0.06, 0.11)
            yield self._move(places[step % len(places)] + self._random.gauss(0, 0.01), travel)
            yield self._hold(beat * self._random.choice((1, 1, 1, 2)) - travel)

    def _swell(self, energy: float) -> Iterator[tuple[float, Curve]]:
        yield self._move(self._elsewhere(0.2), self._random.uniform(1.5, 3.5) / (0.5 + 0.5 * energy))
