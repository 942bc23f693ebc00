"""Delay and reverb of the voices, in blocks: no line is shorter than a block, so none needs a frame alone."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from foretone.synth import kernel
from foretone.synth.kernel import Address, address
from foretone.synth.voice import Samples

Numbers = npt.NDArray[np.float64]

_LINES = (29.7, 37.1, 41.1, 43.7, 53.3, 59.9, 67.7, 73.1)
"""Milliseconds of the reverb's lines; no two of them meet within hearing."""

_DAMPING = 0.3
"""How much of a frame that goes round is the one before it: the highs fade sooner, as in a room."""

_SHORTEST, _STEP = 0.3, 0.9
"""Seconds until a room of size 0 is 60 dB down, and how many tenfolds more one of size 1 takes."""

_SILENT = 1e-4
"""What an echo is, of what it was, when it is over."""

_DRY = 1e-3
"""A share of echo or room that is none: 60 dB below the sound."""

LONGEST = 1.0
"""Seconds of the longest delay."""


class Delay:
    """An echo of each voice, fed back. Audio thread only."""

    def __init__(self, voices: int, rate: int, period: int) -> None:
        self._rate, self._period = rate, period
        # A multiple of the block, so that no block is written across the seam.
        self._length = period * (2 + math.ceil(LONGEST * rate / period))
        self._lines = np.zeros((voices, 2, self._length), np.float32)
        self._ramp = np.arange(1, period + 1, dtype=np.float32) / period
        self._at = 0
        self._from = [period] * voices
        self._left = [0] * voices
        self._known = [(0, 0.0)] * voices
        self._line = np.zeros(period, np.float32)
        self._echo = np.zeros((2, period), np.float32)
        self._older = np.zeros((2, period), np.float32)
        self._kernel = kernel.library
        self._places = [address(line) for line in self._lines]
        self._buses = Address()

    @property
    def rings(self) -> bool:
        """Whether an echo is still to come."""
        return any(self._left)

    def clear(self) -> None:
        """Forget everything."""
        self._lines.fill(0.0)
        self._left = [0] * len(self._left)

    def add(
        self, buses: Samples, sounding: list[bool], mix: Numbers, seconds: Numbers, feedback: Numbers
    ) -> None:
        """Add the echoes to float32 [voices, 2, period], in place; one value for each voice.

        `mix` is float64 [voices, 2]: at the beginning of the block, and at its end.
        """
        # To read one number out of an array costs as much as to make a list of all.
        wets, times, backs = mix.tolist(), seconds.tolist(), feedback.tolist()
        for voice, (wet, time, back) in enumerate(zip(wets, times, backs, strict=True)):
            if max(wet) < _DRY:
                if self._left[voice]:
                    self._lines[voice].fill(0.0)
                    self._left[voice] = 0
                continue
            frames = min(max(round(time * self._rate), self._period), self._length - self._period)
            # What rings may be turned longer, and is then not over when it would have been.
            if sounding[voice] or (self._left[voice] and (frames, back) != self._known[voice]):
                rounds = 1 + math.log(_SILENT) / math.log(min(max(back, 1e-4), 0.98))
                lasts = 1 + math.ceil(rounds * frames / self._period)
                self._left[voice] = lasts if sounding[voice] else max(self._left[voice], lasts)
                self._known[voice] = frames, back
            if not self._left[voice]:
                continue
            self._left[voice] -= 1
            self._repeat(voice, buses, frames, wet, back)
            if not self._left[voice]:
                self._lines[voice].fill(0.0)
        self._at = (self._at + self._period) % self._length

    def _repeat(self, voice: int, buses: Samples, frames: int, mix: list[float], feedback: float) -> None:
        if self._kernel is not None:
            self._kernel.echo(
                self._period, self._length, self._at, frames, self._from[voice], feedback, mix[0], mix[1],
                self._places[voice], self._buses(buses) + voice * 8 * self._period,
            )  # fmt: skip
            self._from[voice] = frames
            return
        bus = buses[voice]
        line, echo, older = self._lines[voice], self._echo, self._older
        self._read(line, frames, echo)
        if frames != self._from[voice]:
            # Another length is another place to read: go over from one to the other.
            self._read(line, self._from[voice], older)
            self._from[voice] = frames
            np.subtract(echo, older, out=echo)
            np.multiply(echo, self._ramp, out=echo)
            np.add(echo, older, out=echo)
        np.multiply(echo, feedback, out=older)
        np.add(older, bus, out=line[:, self._at : self._at + self._period])
        np.multiply(self._ramp, mix[1] - mix[0], out=self._line)
        np.add(self._line, mix[0], out=self._line)
        np.multiply(echo, self._line, out=echo)
        np.add(bus, echo, out=bus)

    def _read(self, line: Samples, frames: int, out: Samples) -> None:
        start = (self._at - frames) % self._length
        if start + self._period <= self._length:
            np.copyto(out, line[:, start : start + self._period])
        else:
            seam = self._length - start
            out[:, :seam] = line[:, start:]
            out[:, seam:] = line[:, : self._period - seam]


class Reverb:
    """A room for each voice: eight lines that feed each other, losing nothing but what the room takes.

    Jot and Chaigne, "Digital delay networks for designing artificial reverberators", AES 90th convention,
    1991; the matrix is a Householder reflection, which is lossless. Audio thread only.
    """

    def __init__(self, voices: int, rate: int, period: int) -> None:
        frames = np.array([max(round(ms * rate / 1000), period) for ms in _LINES])
        count = len(_LINES)
        self._rate, self._period = rate, period
        self._length = period * (2 + math.ceil(frames.max() / period))
        self._lines = np.zeros((voices, count * self._length), np.float32)
        self._three = self._lines.reshape(voices, count, self._length)
        # Each line is read with the frame before, for the damping.
        self._offsets = np.arange(-1, period)[None, :] - frames[:, None]
        self._rows = (np.arange(count) * self._length)[:, None]
        self._index = np.zeros((count, period + 1), np.int64)
        self._seconds = frames / rate
        self._read = np.zeros((voices, count, period + 1), np.float32)
        self._round = np.zeros((voices, count, period), np.float32)
        self._sum = np.zeros((voices, period), np.float32)
        self._send = np.zeros((voices, 2), np.float32)
        self._basis = np.stack((np.ones(period), np.arange(1, period + 1) / period)).astype(np.float32)
        self._line = np.zeros((voices, period), np.float32)
        self._side = np.array([[1, 0, -1, 0, 1, 0, -1, 0], [0, 1, 0, -1, 0, 1, 0, -1]], np.float32) * 0.5
        self._wet = np.zeros((voices, 2, period), np.float32)
        self._at = 0
        self._left = 0
        self._kernel = kernel.for_blocks(period)
        self._frames, self._mix = frames.astype(np.int64), np.zeros((voices, 2))
        self._gains, self._rooms, self._lasts = np.zeros((voices, count)), [math.nan], 0
        self._buses = Address()
        self._places = [address(array) for array in (self._frames, self._gains, self._mix, self._lines)]

    @property
    def rings(self) -> bool:
        """Whether a room still sounds."""
        return self._left > 0

    def clear(self) -> None:
        """Forget everything."""
        self._lines.fill(0.0)
        self._left = 0

    def add(self, buses: Samples, sounding: list[bool], mix: Numbers, room: Numbers) -> None:
        """Add the rooms to float32 [voices, 2, period], in place; `mix` as for `Delay.add`."""
        if (rooms := room.tolist()) != self._rooms:
            self._rooms = rooms
            seconds = _SHORTEST * 10 ** (_STEP * room)
            np.power(10.0, -3.0 * self._seconds / seconds[:, None], out=self._gains)
            self._lasts = 1 + math.ceil(1.4 * float(seconds.max()) * self._rate / self._period)
            self._left = max(self._left, self._lasts) if self._left else 0
        if any(sounds and max(wet) > _DRY for sounds, wet in zip(sounding, mix.tolist(), strict=True)):
            self._left = self._lasts
        if not self._left:
            return
        self._left -= 1
        if not self._left:
            self.clear()
            return
        if self._kernel is not None:
            np.copyto(self._mix, mix)
            *numbers, lines = self._places
            self._kernel.reverb(
                len(mix), self._period, self._length, self._at, *numbers, _DAMPING, lines, self._buses(buses)
            )
        else:
            self._sound(buses, mix, self._gains)
        self._at = (self._at + self._period) % self._length

    def _sound(self, buses: Samples, mix: Numbers, gain: Numbers) -> None:
        read, around = self._read, self._round
        np.add(self._offsets, self._at, out=self._index)
        np.remainder(self._index, self._length, out=self._index)
        np.add(self._index, self._rows, out=self._index)
        np.take(self._lines, self._index, axis=1, out=read, mode="clip")
        np.multiply(read[..., 1:], (1 - _DAMPING), out=around)
        np.multiply(read[..., :-1], _DAMPING, out=read[..., :-1])
        np.add(around, read[..., :-1], out=around)
        np.multiply(around, gain[..., None].astype(np.float32), out=around)
        np.matmul(self._side, around, out=self._wet)
        # What goes in is what came round, reflected, and the voice.
        np.add.reduce(around, axis=1, out=self._sum)
        np.multiply(self._sum, 2.0 / len(_LINES), out=self._sum)
        np.subtract(around, self._sum[:, None], out=around)
        np.add(buses[:, 0], buses[:, 1], out=self._sum)
        self._send[:, 0], self._send[:, 1] = mix[:, 0] / 2, (mix[:, 1] - mix[:, 0]) / 2
        np.matmul(self._send, self._basis, out=self._line)
        np.multiply(self._sum, self._line, out=self._sum)
        np.add(around, self._sum[:, None], out=self._three[..., self._at : self._at + self._period])
        np.add(buses, self._wet, out=buses)
