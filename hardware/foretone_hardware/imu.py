"""What an inertial sensor feels, as the pose and the turning of what it is strapped to.

The sensor's x axis points along the forearm to the hand, z away from the back of it. Angles are those of
aircraft, in the order yaw, pitch, roll: roll turns the forearm, pitch lowers the hand, yaw swings it
to the left. Source of the fusion: S. O. H. Madgwick, "AHRS algorithms and calibration solutions to
facilitate new applications using low-cost MEMS", PhD thesis, University of Bristol, 2014, chapter 7, in
its author's own library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import imufusion
import numpy as np

AXES = ("roll", "pitch", "yaw", "roll_rate", "pitch_rate", "yaw_rate")
"""Of every sensor that is worn. The three rates are those about the sensor's own x, y and z."""
GRAVITY = 9.80665
"""m/s^2 in one g."""
LONGEST = 0.25
"""Seconds: after a longer pause between two readings nobody knows how it turned meanwhile."""


def scaled(quaternion: Sequence[float], rates: Sequence[float], fastest: float) -> tuple[float, ...]:
    """A pose (w, x, y, z of a unit quaternion, from sensor to world) and rates (deg/s) as the six axes, 0..1.

    0.5 is level, straight ahead and still. Roll and yaw are -180 to 180 degrees, and meet there: upside
    down, roll leaps between 0 and 1. Pitch is -90 to 90 degrees; with the hand straight up or down, roll and
    yaw are the same thing. The rates are -`fastest` to `fastest`, held at both ends.
    """
    w, x, y, z = quaternion
    roll = math.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    pitch = math.asin(min(1.0, max(-1.0, 2.0 * (w * y - z * x))))
    yaw = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    turning = [min(1.0, max(0.0, 0.5 + rate / (2.0 * fastest))) for rate in rates]
    return (0.5 + roll / math.tau, 0.5 + pitch / math.pi, 0.5 + yaw / math.tau, *turning)


class Fusion:
    """Keeps the pose from reading to reading. One for each sensor; its owner's thread calls it.

    Gravity corrects roll and pitch; an acceleration that points elsewhere is left out for up to 5 s. Nothing
    corrects yaw, which drifts by some degrees a minute. The gyroscope's bias is learned whenever the sensor
    lies still for about 3 s, so put it down once after switching on.

    fastest
        deg/s at which the gyroscope is at the end of its range.
    """

    def __init__(self, fastest: float) -> None:
        self._fastest = fastest
        self._ahrs = imufusion.Ahrs()
        # The gain and the angle (degrees) at which a shove is told from gravity did best on recorded arms.
        settings = imufusion.AhrsSettings(
            gain=1.0, gyroscope_range=fastest, acceleration_rejection=20.0, rejection_timeout=5.0
        )
        self._ahrs.set_settings(settings)
        self._bias = imufusion.Bias()
        self._last: float | None = None

    def update(self, now: float, force: Sequence[float], rates: Sequence[float]) -> tuple[float, ...]:
        """The six axes after a reading at `now` (s): force in g, rates in deg/s, each about x, y and z."""
        if self._last is None:
            self._ahrs.set_quaternion(np.array(_hanging(force))).skip_startup()
            self._last = now
        period = min(LONGEST, max(1e-4, now - self._last))
        self._last = now
        still = self._bias.update(np.array(rates))
        self._ahrs.set_sample_period(period)
        self._ahrs.update_no_magnetometer(still, np.array(force))
        return scaled(self._ahrs.get_quaternion().tolist(), still.tolist(), self._fastest)


def _hanging(force: Sequence[float]) -> tuple[float, float, float, float]:
    """The pose (w, x, y, z) without yaw in which gravity is felt as this force."""
    roll = math.atan2(force[1], force[2]) / 2.0
    pitch = math.atan2(-force[0], math.hypot(force[1], force[2])) / 2.0
    return (
        math.cos(roll) * math.cos(pitch),
        math.sin(roll) * math.cos(pitch),
        math.cos(roll) * math.sin(pitch),
        -math.sin(roll) * math.sin(pitch),
    )
