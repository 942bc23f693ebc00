"""From voices to two channels: delay, reverb, level, pan, mute and solo of each, and the volume of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from foretone.synth import kernel
from foretone.synth.effects import LONGEST, Delay, Numbers, Reverb
from foretone.synth.kernel import Address, address
from foretone.synth.knobs import Knobs
from foretone.synth.voice import Parameter, Samples

_OFF_ON = ("off", "on")

STRIP = (
    Parameter("level", 0, 1, 1, "", "square"),
    Parameter("pan", 0, 1, 0.5),
    Parameter("mute", 0, 1, 0, choices=_OFF_ON),
    Parameter("solo", 0, 1, 0, choices=_OFF_ON),
    Parameter("delay", 0, 1000 * LONGEST, 300, "ms"),
    Parameter("delay_mix", 0, 1, 0),
    Parameter("feedback", 0, 0.95, 0.5, smooth=0.1),
    Parameter("reverb", 0, 1, 0),
    Parameter("room", 0, 1.5, 0.7, smooth=0.3),
)
"""What every voice has, whatever its kind. `pan` turns the far side down and leaves the near one alone."""

LEVEL, PAN, MUTE, SOLO, DELAY, DELAY_MIX, FEEDBACK, REVERB, ROOM = range(len(STRIP))

_SMOOTH = 0.02
"""Time constant of levels and volume, in seconds."""


class Mixer:
    """A strip for each voice. Audio thread only; nothing here allocates a block after the constructor."""

    def __init__(self, rate: int, period: int, given: Sequence[Mapping[str, float]], volume: float) -> None:
        """With what each strip was given in place of the defaults."""
        count, span = len(given), period / rate
        self._knobs = Knobs(STRIP, given, span)
        self._delay, self._reverb = Delay(count, rate, period), Reverb(count, rate, period)
        self._reach = 1.0 - math.exp(-span / _SMOOTH)
        self._volume = volume
        self._turned = False
        self._wanted = self._levels().copy()  # row by row, as the kernel has them
        self._gains = self._wanted.copy()
        self._weights = np.zeros((count, 2, 2), np.float32)
        self._basis = np.stack((np.ones(period), np.arange(1, period + 1) / period)).astype(np.float32)
        self._lines = np.zeros((count, 2, period), np.float32)
        self._flat, self._flat_lines = self._weights.reshape(-1, 2), self._lines.reshape(-1, period)
        self._wet = np.zeros((2, count, 2))
        self._all = np.ones((1, count), np.float32)
        self._kernel = kernel.library
        self._lie = address(self._wanted), address(self._gains)
        self._buses, self._out = Address(), Address()

    @property
    def rings(self) -> bool:
        """Whether an echo or a room sounds on."""
        return self._delay.rings or self._reverb.rings

    @property
    def volume(self) -> float:
        """What the volume is going to, 0..1."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = value
        self._turned = True

    def turn(self, voice: int, name: str, value: float) -> None:
        """Send a parameter of a strip on its way."""
        self._knobs.turn(voice, name, value)
        self._turned = True

    def clear(self) -> None:
        """Forget every echo."""
        self._delay.clear()
        self._reverb.clear()

    def settle(self) -> None:
        """Nothing sounds: be where everything goes."""
        self._follow()
        np.copyto(self._gains, self._wanted)

    def mix(self, buses: Samples, sounding: list[bool], out: Samples) -> float:
        """Mix float32 [voices, 2, period], which is changed, into [2, period]; the sum of its squares."""
        knobs = self._knobs
        knobs.step()
        last, now = knobs.last, knobs.now
        for wet, place in zip(self._wet, (DELAY_MIX, REVERB), strict=True):
            wet[:, 0], wet[:, 1] = last[:, place], now[:, place]
        delay, reverb = self._wet
        self._delay.add(buses, sounding, delay, now[:, DELAY] / 1000, now[:, FEEDBACK])
        self._reverb.add(buses, sounding, reverb, now[:, ROOM])
        self._follow()
        gains = self._gains
        if self._kernel is not None:
            power: float = self._kernel.mix(
                len(gains), out.shape[1], self._reach, self._buses(buses), *self._lie, self._out(out)
            )
            return power
        step = (self._wanted - gains) * self._reach
        self._weights[..., 0], self._weights[..., 1] = gains, step
        np.add(gains, step, out=gains)
        np.matmul(self._flat, self._basis, out=self._flat_lines)
        np.multiply(buses, self._lines, out=self._lines)
        # A sum along an axis would need memory of its own; this does not.
        flat = out.reshape(-1)
        np.matmul(self._all, self._lines.reshape(len(gains), -1), out=out.reshape(1, -1))
        return float(np.dot(flat, flat))

    def _follow(self) -> None:
        if self._turned:
            self._turned = False
            np.copyto(self._wanted, self._levels())

    def _levels(self) -> Numbers:
        target = self._knobs.target
        soloed = target[:, SOLO] > 0.5
        heard = (target[:, MUTE] < 0.5) & (soloed | ~soloed.any())
        level = target[:, LEVEL] * heard * self._volume
        sides = np.stack((np.minimum(1.0, 2.0 - 2.0 * target[:, PAN]), np.minimum(1.0, 2.0 * target[:, PAN])))
        wanted: Numbers = (level * sides).T
        return wanted
