"""Gestures in, blocks of int16 out: voices, volume and a limiter. It knows no clock, file or device."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from foretone.ring import Frames
from foretone.synth.voices import FULL, VOICES, Voices

CEILING = math.floor(FULL * 10 ** (-1 / 20))
"""-1 dBFS: a converter's filter can overshoot between samples."""

_SMOOTH_VOLUME = 0.02
"""Time constant of the volume, in seconds."""

_RECOVER = 0.15
"""Time constant of the limiter's release, in seconds."""


class Engine:
    """The instrument's sound, block by block. Audio thread only.

    Budget: 0.5 periods at p99, on the box, with a full mix; that is 1.33 ms at 128 frames and 48 kHz. While
    nothing sounds a block costs nothing: it is the same silence each time.

    rate
        Frames per second.
    period
        Frames in a block.
    lookahead
        Hold the sound back by one period, so that the limiter turns down before a peak comes. Without it a
        peak is cut where it is too high: less clean, and one period sooner.
    """

    def __init__(self, rate: int, period: int, *, lookahead: bool = True, volume: float = 0.8) -> None:
        span = period / rate
        self._voices = Voices(rate, period)
        self._volume = self._volume_wanted = volume
        self._volume_reach = 1.0 - math.exp(-span / _SMOOTH_VOLUME)
        self._recover = 1.0 - math.exp(-span / _RECOVER)
        self._fall = 10 ** (-span)
        self._mix = np.zeros((2, period), np.float32)
        self._held = np.zeros((2, period), np.float32) if lookahead else None
        self._held_needs = 1.0
        self._work = np.zeros((2, period), np.float32)
        self._samples = self._work.reshape(-1)  # argmax of it needs no memory; max would
        self._ramp = np.tile(np.arange(1, period + 1, dtype=np.float32) / period, (2, 1))
        self._gain = 1.0
        self._line = np.zeros((2, period), np.float32)
        self._block = np.zeros((period, 2), np.int16)
        self._silence = np.zeros((period, 2), np.int16)
        self.peak = 0.0
        """The loudest sample lately, 0..1; falls by 20 dB a second."""

    @property
    def volume(self) -> float:
        """What the volume is going to, 0..1."""
        return self._volume_wanted

    @volume.setter
    def volume(self, value: float) -> None:
        if math.isfinite(value):
            self._volume_wanted = min(max(value, 0.0), 1.0)

    @property
    def silent(self) -> bool:
        """Whether nothing sounds, and what is held back is silence."""
        return not self._voices.awake

    def play(self, voice: str, values: Sequence[float]) -> None:
        """A gesture of "player" or "model": pitch, then brightness and loudness if given, each 0..1.

        What lies outside is held at the edge; what is no number moves nothing.
        """
        if values:
            self._voices.play(VOICES.index(voice), values)

    def let_go(self, voice: str) -> None:
        """Release one voice: silent within 50 ms."""
        self._voices.let_go(VOICES.index(voice))

    def rest(self) -> None:
        """Release every voice."""
        for voice in VOICES:
            self.let_go(voice)

    def render(self) -> Frames:
        """The next block, int16 [period, 2]. It is valid until the next call."""
        self.peak *= self._fall
        if not self._voices.awake:
            self._volume, self._gain = self._volume_wanted, 1.0
            return self._silence
        self._volume += (self._volume_wanted - self._volume) * self._volume_reach
        self._voices.render(self._volume, self._mix)
        loudest = self._limit()
        self.peak = max(self.peak, loudest / FULL)
        np.rint(self._work, out=self._work)
        np.copyto(self._block, self._work.T, casting="unsafe")
        return self._block

    def fade_in(self, block: Frames) -> None:
        """Let a block rise from silence, in place: the sound comes back without a click."""
        np.multiply(block, self._ramp.T, out=block, casting="unsafe")

    def _limit(self) -> float:
        """Bring the block that is due below the ceiling, into `_work`; return its peak."""
        np.abs(self._mix, out=self._work)
        loudest = float(self._samples[self._samples.argmax()])
        needs = CEILING / loudest if loudest > CEILING else 1.0
        due, due_needs = self._mix, needs
        if self._held is not None:
            due, due_needs = self._held, self._held_needs
            self._held, self._mix, self._held_needs = self._mix, self._held, needs
        start = self._gain
        # Both ends of the line are within what this block needs, so all of it is: with look-ahead the line
        # has come down one block before. Without it, what is still too high is cut.
        self._gain = min(needs, due_needs, start + (1.0 - start) * self._recover)
        if start == self._gain == 1.0:
            np.copyto(self._work, due)
        else:
            np.multiply(self._ramp, self._gain - start, out=self._line)
            np.add(self._line, start, out=self._line)
            np.multiply(due, self._line, out=self._work)
        np.clip(self._work, -CEILING, CEILING, out=self._work)
        samples = self._samples
        return max(float(samples[samples.argmax()]), -float(samples[samples.argmin()]))
