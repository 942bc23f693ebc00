"""The two voices of the EMPI: two operators of frequency modulation each, all drawn in one pass.

Chowning, "The Synthesis of Complex Audio Spectra by Means of Frequency Modulation", JAES 21(7), 1973: the
ratio of modulator to carrier says which partials there are, the index how strong they are. The player has
ratio 1, every harmonic, a reed; the model sounds an octave lower with ratio 2, odd harmonics only, hollow.
The two ears hear the same voice a few cents apart, so a voice has width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from foretone.synth.energy import Energy
from foretone.synth.voice import FULL, Parameter, Samples, Sound


class Timbre(NamedTuple):
    """What makes a voice itself."""

    note: float
    """MIDI note in the middle of the first axis."""
    ratio: int
    """Modulator to carrier. Whole, so that both come round together and one phase serves both."""
    depth: tuple[float, float]
    """Modulation index, in radians, with the brightness at 0 and at 1."""
    glide: float
    """Time constant of the pitch, in seconds."""
    decay: float
    """Time constant with which stillness fades, in seconds."""
    pan: float
    """-1 left to 1 right."""
    width: float
    """Between the ears, in cents."""
    level: float
    """Amplitude when moved as hard as can be, of full scale."""


TIMBRES = {
    "player": Timbre(67, 1, (0.4, 3.6), glide=0.006, decay=0.26, pan=-0.3, width=4.0, level=0.61),
    "model": Timbre(55, 2, (0.9, 2.8), glide=0.014, decay=0.34, pan=0.3, width=6.0, level=0.68),
}
SPAN = 24.0
"""Semitones from one end of the first axis to the other."""

_SMOOTH_LEVEL, _SMOOTH_INDEX = 0.007, 0.022
"""Time constants, in seconds. A release of 7 ms is 62 dB down after 50 ms; brightness blooms behind it."""

_PITCH, _LEVEL, _INDEX = range(3)


class FM:
    """The two voices of the EMPI: a lever's movement excites them, stillness lets them fade.

    Audio thread only; nothing here allocates an array after the constructor. Each event excites its voice
    by how far it moved. Pitch, level and index run to their targets in straight lines over a block, so that
    nothing steps.
    """

    PARAMETERS: Sequence[Parameter] = ()
    complaints: Sequence[str] = ()

    def __init__(self, rate: int, period: int, sounds: Sequence[Sound]) -> None:
        timbres = tuple(_timbre(sound) for sound in sounds)
        count = len(timbres)
        span = period / rate
        self._timbres = timbres
        self._places: list[list[float] | None] = [None] * count
        self._loudness = [1.0] * count
        self._brightness = [0.5] * count
        self._energy = Energy([t.decay for t in timbres], span)
        self._levels = np.array([t.level * FULL for t in timbres])
        self._now = np.zeros((3, count))
        self._last = np.zeros((3, count))
        self._target = np.zeros((3, count))
        self._gap = np.zeros((3, count))
        smooth = [[t.glide for t in timbres], [_SMOOTH_LEVEL] * count, [_SMOOTH_INDEX] * count]
        self._reach = 1.0 - np.exp(-span / np.array(smooth))
        # A lane is one voice in one ear. Lanes stand as [voice, ear], so that a voice is one piece of memory:
        # numpy needs no buffer to add two such.
        cents = np.array([t.width / 2 for t in timbres])
        self._detune = 2.0 ** (np.stack((-cents, cents), axis=1) / 1200.0)
        angle = (np.array([t.pan for t in timbres]) + 1.0) * math.pi / 4
        self._pan = np.stack((np.cos(angle), np.sin(angle)), axis=1)
        self._ratio = np.array([[float(t.ratio)] for t in timbres])
        self._phase = np.zeros((count, 2))
        self._turn = np.zeros((count, 2))
        self._bend = np.zeros((count, 2))
        self._radians = 2.0 * math.pi / rate
        self._period = period
        # Each line of a block is a weighted sum of four: a constant, a ramp, a count, the ramp's integral.
        step = np.arange(1, period + 1)
        self._basis = np.stack((np.ones(period), step / period, step, step * (step + 1) / (2 * period)))
        self._basis = self._basis.astype(np.float32)
        self._weights = np.zeros((4, count, 2, 4), np.float32)
        self._flat = self._weights.reshape(-1, 4)
        self._lines = np.zeros((8 * count, period), np.float32)
        lines = self._lines.reshape(4, count, 2, period)
        self._carrier, self._modulator, self._index, self._level = lines
        self.awake = False

    def parameters(self, voice: int) -> Sequence[Parameter]:  # noqa: ARG002 -- none has any
        """None: a voice is played by its gestures."""
        return self.PARAMETERS

    def controls(self, voice: int) -> Sequence[str]:  # noqa: ARG002 -- the same for each
        """What its axes are."""
        return "pitch", "brightness", "loudness"

    def turn(self, voice: int, name: str, value: float) -> None:
        """There is nothing to turn."""

    def note(self, voice: int, key: float, velocity: float, at: int) -> None:  # noqa: ARG002 -- by the block
        """A key is a gesture at its pitch, and how loud; its release is a letting go."""
        if velocity > 0.0:
            place = (key - self._timbres[voice].note) / SPAN + 0.5
            self._places[voice] = None
            self.play(voice, (place, 0.5, velocity))
        else:
            self.let_go(voice)

    def clear(self) -> None:
        """Silence at once."""
        self._energy.now.fill(0.0)
        self._now.fill(0.0)
        self._phase.fill(0.0)
        self._places = [None] * len(self._timbres)
        self.awake = False

    def play(self, voice: int, values: Sequence[float]) -> None:
        """Move a voice: pitch, and where there are more axes brightness and loudness; each held in 0..1.

        What does not move excites nothing, however often it is said. No number at all moves nothing.
        """
        if not math.isfinite(values[0]):
            return
        here = [_unit(value, 0.5) for value in values]
        place, before = here[0], self._places[voice]
        far = None
        if before is not None:
            far = max(abs(now - then) for now, then in zip(here, before, strict=False))
        self._energy.move(voice, far)
        self._places[voice] = here
        self._brightness[voice] = here[1] if len(here) > 1 else place
        self._loudness[voice] = _unit(values[2], 1.0) if len(values) > 2 else 1.0
        note = self._timbres[voice].note + SPAN * (place - 0.5)
        self._target[_PITCH, voice] = math.log2(440.0) + (note - 69.0) / 12.0
        if self._now[_LEVEL, voice] == 0.0:
            self._now[_PITCH, voice] = self._target[_PITCH, voice]  # it speaks on its note, without a glide
        self.awake = True

    def let_go(self, voice: int) -> None:
        """Release a voice; it is silent within 50 ms."""
        self._energy.now[voice] = 0.0
        self._places[voice] = None

    def render(self, buses: Samples) -> None:
        """Draw the next block into `buses`, float32 [voices, 2, period] in steps of int16."""
        self._move()
        self._weigh()
        np.matmul(self._flat, self._basis, out=self._lines)
        np.sin(self._modulator, out=self._modulator)
        np.multiply(self._modulator, self._index, out=self._modulator)
        np.add(self._carrier, self._modulator, out=self._carrier)
        np.sin(self._carrier, out=self._carrier)
        np.multiply(self._carrier, self._level, out=buses)

    def _move(self) -> None:
        np.copyto(self._last, self._now)
        self._energy.fade()
        energy, target = self._energy.now, self._target
        for voice, timbre in enumerate(self._timbres):
            low, high = timbre.depth
            # A weak movement is darker as well as softer, as in anything that is blown or bowed.
            bright = self._brightness[voice] * (0.35 + 0.65 * energy[voice])
            target[_INDEX, voice] = low + (high - low) * bright
            target[_LEVEL, voice] = energy[voice] * self._loudness[voice] * self._levels[voice]
        np.subtract(target, self._now, out=self._gap)
        np.multiply(self._gap, self._reach, out=self._gap)
        np.add(self._now, self._gap, out=self._now)
        for voice in range(len(self._timbres)):
            if target[_LEVEL, voice] == 0.0 and self._now[_LEVEL, voice] < 0.5:
                self._now[_LEVEL, voice] = (
                    0.0  # less than half a step of int16: the last line ends at nothing
                )
        if not self._last[_LEVEL].any() and not self._now[_LEVEL].any() and not energy.any():
            self.awake = False

    def _weigh(self) -> None:
        turn, bend, weights = self._turn, self._bend, self._weights
        # Radians a frame at the start of the block, and how much that changes until its end.
        np.exp2(self._last[_PITCH], out=turn[:, 0])
        np.exp2(self._now[_PITCH], out=bend[:, 0])
        np.subtract(bend[:, 0], turn[:, 0], out=bend[:, 0])
        turn[:, 1], bend[:, 1] = turn[:, 0], bend[:, 0]
        for line in (turn, bend):
            np.multiply(line, self._detune, out=line)
            np.multiply(line, self._radians, out=line)
        for row, ratio in ((0, 1.0), (1, self._ratio)):
            np.multiply(self._phase, ratio, out=weights[row, ..., 0])
            np.multiply(turn, ratio, out=weights[row, ..., 2])
            np.multiply(bend, ratio, out=weights[row, ..., 3])
        np.subtract(self._now, self._last, out=self._gap)
        weights[2, ..., 0] = self._last[_INDEX, :, None]
        weights[2, ..., 1] = self._gap[_INDEX, :, None]
        np.multiply(self._pan, self._last[_LEVEL, :, None], out=weights[3, ..., 0])
        np.multiply(self._pan, self._gap[_LEVEL, :, None], out=weights[3, ..., 1])
        # Where the carrier stands at the end of the block, kept small so that float32 stays exact.
        np.multiply(turn, self._period, out=turn)
        np.multiply(bend, (self._period + 1) / 2, out=bend)
        np.add(self._phase, turn, out=self._phase)
        np.add(self._phase, bend, out=self._phase)
        np.remainder(self._phase, 2.0 * math.pi, out=self._phase)


def _timbre(sound: Sound) -> Timbre:
    known = ", ".join(TIMBRES)
    if set(sound.settings) != {"timbre"} or sound.settings["timbre"] not in TIMBRES:
        raise ValueError(f"a sound of kind fm has one setting, timbre: one of {known}")
    return TIMBRES[sound.settings["timbre"]]


def _unit(value: float, instead: float) -> float:
    """The value held in 0..1; what is no number becomes `instead`."""
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else instead
