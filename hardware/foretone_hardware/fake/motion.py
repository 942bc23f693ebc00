"""How things move that have weight: the horn of a servo, an arm with a sensor on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from foretone_hardware.device import Clock

LIMB = 8.0
"""rad/s: how quickly an arm follows what it wants to do; half a second for a movement from end to end."""
JITTER = 0.06
"""deg/s, standard deviation of a gyroscope's reading: 3.8 mdps/sqrt(Hz) over 200 Hz (LSM6DSOX)."""
GRAIN = 0.001
"""g, standard deviation of an accelerometer's reading: 70 ug/sqrt(Hz) over 200 Hz (LSM6DSOX)."""
BIAS = (0.8, -0.5, 0.3)
"""deg/s that a gyroscope says while nothing turns; the data sheets allow 1 (LSM6DSOX) to 5 (ICM-20948)."""


class Weight:
    """Something on a spring that does not overshoot: it comes to a target with inertia.

    quickness
        rad/s of the critically damped spring: it is within 2 % after 6 / quickness seconds.
    fastest
        Units a second that it never exceeds.
    """

    def __init__(self, position: float, quickness: float, fastest: float = math.inf) -> None:
        self.position, self.speed = position, 0.0
        self._quickness, self._fastest = quickness, fastest

    def pull(self, target: float, seconds: float) -> None:
        """It is pulled towards `target` for so long."""
        while seconds > 0.0:
            step = min(seconds, 0.1 / self._quickness)
            seconds -= step
            away, decay = self.position - target, math.exp(-self._quickness * step)
            push = self.speed + self._quickness * away
            speed = (self.speed - self._quickness * push * step) * decay
            if abs(speed) <= self._fastest:
                self.position, self.speed = target + (away + push * step) * decay, speed
            else:
                self.speed = math.copysign(self._fastest, speed)
                self.position += self.speed * step


class Limb:
    """An arm that wears an inertial sensor: it follows a hand's roll, pitch and yaw, with inertia.

    `sense` says what the sensor feels, its noise and bias included; the same noise every time.
    """

    def __init__(self, clock: Clock) -> None:
        self.hand: Callable[[], Sequence[float]] = lambda: (0.5, 0.5, 0.5)
        """Where it is held: the first three of `imu.AXES`, 0..1. What follows them follows from them."""
        self._clock, self._random = clock, Random(1)
        self._moved = -math.inf
        self._joints = [Weight(0.0, LIMB) for _ in range(3)]

    def turn(self) -> tuple[list[float], list[float]]:
        """Roll, pitch and yaw (rad), and the rates about its own x, y and z (rad/s), now."""
        now = self._clock.now()
        spans = (math.tau, math.pi, math.tau)
        for joint, place, span in zip(self._joints, self.hand(), spans, strict=False):
            joint.pull((place - 0.5) * span, min(now - self._moved, 3.0))
        self._moved = now
        roll, pitch, yaw = self._joints
        cosine, sine = math.cos(roll.position), math.sin(roll.position)
        level, slope = math.cos(pitch.position), math.sin(pitch.position)
        rates = [
            roll.speed - yaw.speed * slope,
            pitch.speed * cosine + yaw.speed * sine * level,
            yaw.speed * cosine * level - pitch.speed * sine,
        ]
        return [joint.position for joint in self._joints], rates

    def sense(self) -> tuple[list[float], list[float]]:
        """Force in g and rates in deg/s, each about x, y and z, as a sensor feels them now."""
        (roll, pitch, _), rates = self.turn()
        gauss = self._random.gauss
        up = (-math.sin(pitch), math.sin(roll) * math.cos(pitch), math.cos(roll) * math.cos(pitch))
        return (
            [part + gauss(0.0, GRAIN) for part in up],
            [math.degrees(rate) + bias + gauss(0.0, JITTER) for rate, bias in zip(rates, BIAS, strict=True)],
        )

    def look(self, fastest: float) -> tuple[float, ...]:
        """The six of `imu.AXES` as a person sees them, 0..1, with `fastest` deg/s at the ends."""
        (roll, pitch, yaw), rates = self.turn()
        return (
            (0.5 + roll / math.tau) % 1.0,
            0.5 + pitch / math.pi,
            (0.5 + yaw / math.tau) % 1.0,
            *[min(1.0, max(0.0, 0.5 + math.degrees(rate) / (2.0 * fastest))) for rate in rates],
        )
