"""The tones of a polyphonic voice: struck, released, stolen, each with its envelope, in rows side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from foretone.synth.kernel import Address, Kernel, address
from foretone.synth.voice import FULL, Samples
from foretone.synth.wavetables import Wavetables

Numbers = npt.NDArray[np.float64]

_SHORTEST = 0.001
"""Seconds of the shortest attack, decay and release: shorter ones are heard as a click."""

_STOLEN = 0.008
"""Seconds in which a tone ends whose place is taken."""

_TOUCH = 0.007
"""Time constant of a gesture's loudness, in seconds."""

_FALLEN = 5.0
"""Time constants in a decay: then it is 43 dB nearer to the sustain."""

_GONE = 3e-4
"""Level of an envelope, of 1, below which a tone is over."""

_HELD = -1.0
"""Seconds since a release that has not come; one that comes within the next block is a little below 0."""

LOUDEST = 0.25 * FULL
"""Root mean square of a tone that is played as hard as can be, before the level of its voice."""

ROUGH = 256
"""Frames in a period of a noise, whatever the key: its partials flicker so fast that they flow together."""


class Tones:
    """Rows of tones, those that sound first: `count` of them. Audio thread only.

    voice
        int [rows]: whose tone it is.
    ear
        float64 [rows]: -0.5 left, 0.5 right for the two rows of a detuned tone, 0 for a tone of one row.
    gains
        float32 [2 * voices, rows]: what each row gives to each side of each voice.
    """

    def __init__(self, rate: int, period: int, rows: int, tables: Wavetables, notes: Sequence[int]) -> None:
        """With the most `notes` that each voice may hold."""
        self.count = 0
        self.voice = np.zeros(rows, np.intp)
        self.gains = np.zeros((2 * len(notes), rows), np.float32)
        self._rate, self._period, self._span = rate, period, period / rate
        self._rows, self._notes, self._tables = rows, tuple(notes), tables
        self._serial = 0.0
        self._touch_reach = 1.0 - math.exp(-self._span / _TOUCH)
        self._time = np.arange(1, period + 1) / rate
        self._struck = False
        # One array, so that a row is moved at a stroke.
        self._states = np.zeros((12, rows))
        (self._key, self._tone, self._age, self._gone, self._release, self._log2hz, self._to_log2hz,
         self._touch, self._to_touch, self._level, self._at, self.ear) = self._states  # fmt: skip
        self._fade = np.zeros(rows)
        # Of each row at the end of the block; the first five are for whoever draws them.
        self._told = np.zeros((9, rows))
        _, _, _, _, _, self._attack, self._decay, self._sustain, self._envelope = self._told
        constants = self._span, rate, self._touch_reach, _SHORTEST, _FALLEN, rate / ROUGH, LOUDEST, _GONE
        self._constants = np.array(constants, np.float64)
        self._knobs_at, self._lfo_at, self._sound_at = Address(), Address(), Address()
        self._voice_at, self._constants_at, self._states_at, self._told_at = map(
            address, (self.voice, self._constants, self._states, self._told)
        )
        self.filtered = tuple(map(address, self._told[:3]))
        """Where the kernel tells the pitch, the cutoff and the resonance of each row, float64 [rows]."""
        self.lines = address(self._told[3]), address(self._told[4])
        """And where the levels at the begin and at the end of the block."""

    def sounds(self, voice: int, key: float | None) -> bool:
        """Whether a voice holds a key; None for any."""
        return bool(self._held(voice, key).any())

    def strike(
        self, voice: int, key: float, log2hz: float, velocity: float, at: int, *, detuned: bool
    ) -> None:
        """Begin a tone, `at` frames into the next block; a detuned one has a row for each ear."""
        self._end(self._held(voice, key), _STOLEN)
        self._make_room(voice)
        self._serial += 1.0
        for ear in (-0.5, 0.5) if detuned else (0.0,):
            if self.count == self._rows:
                # Every row sounds: most are ending, and the one that is nearest to its end is cut off.
                self._remove(int((self._release - self._gone)[: self.count].argmin()))
            row = self.count
            self.count += 1
            self.voice[row] = voice
            age = -at / self._rate
            self._states[:, row] = (key, self._serial, age, _HELD, 1.0, log2hz, log2hz, velocity, velocity,
                                    0.0, at, ear)  # fmt: skip
            self.gains[:, row] = 0.0
            self.gains[2 * voice, row], self.gains[2 * voice + 1, row] = ear <= 0.0, ear >= 0.0
            self._tables.start(row, 2.0**log2hz / self._rate, at)
        self._struck = True

    def slide(self, voice: int, key: float, log2hz: float, velocity: float) -> bool:
        """Let the tone that a voice holds go to another key; False if it holds none."""
        held = self._held(voice, None)
        if not held.any():
            return False
        for state, value in ((self._key, key), (self._to_log2hz, log2hz), (self._to_touch, velocity)):
            state[: self.count][held] = value
        return True

    def aim(self, voice: int, key: float, log2hz: float, touch: float) -> None:
        """Let a held key go to a pitch and a loudness."""
        held = self._held(voice, key)
        self._to_log2hz[: self.count][held] = log2hz
        self._to_touch[: self.count][held] = touch

    def release(self, voice: int, key: float | None, seconds: float, at: int = 0) -> None:
        """Let a key end in so many seconds, `at` frames into the next block; None for all of the voice."""
        self._end(self._held(voice, key), seconds, at)

    def step(self, library: Kernel, knobs: Numbers, lfo: Numbers, shape: int, turns: int, rough: int) -> bool:
        """All that `envelope`, `pitch` and `levels` do, and what lies between; whether any tone is over.

        `knobs` are float64 [voices, parameters] of an additive voice, `lfo` [voices]; `shape` (int64),
        `turns` and `rough` are the addresses of what else it tells of each row.
        """
        over: int = library.tones(
            self.count, self._rows, self._voice_at, self._knobs_at(knobs), self._lfo_at(lfo),
            self._constants_at, self._states_at, self._told_at, shape, turns, rough,
        )  # fmt: skip
        return over > 0

    def begin(self, library: Kernel, sound: Samples) -> None:
        """Give the tones that were struck before `step` their levels, float32 [rows, period]."""
        if self._struck:
            self._struck = False
            library.begin(
                self.count, self._rows, self._period, self._rate, self._states_at, self._told_at,
                self._sound_at(sound),
            )  # fmt: skip

    def _first(self, row: int, level: float) -> Numbers:
        """The level of a tone in each frame of its first block: it begins where it was told to."""
        shape = self._shape(self._time - self._at[row] / self._rate, row)
        self._at[row] = -1.0
        first: Numbers = shape * (level / (shape[-1] if shape[-1] > 0.0 else 1.0))
        return first

    def envelope(self, attack: Numbers, decay: Numbers, sustain: Numbers) -> Numbers:
        """Where the envelopes are at the end of the next block, before release; times in ms.

        A straight rise, then a fall to the sustain as a capacitor's; in one expression, because before the
        end of the attack the fall has not begun.
        """
        count = self.count
        age, gone = self._age[:count], self._gone[:count]
        held = gone <= _HELD
        age += held * self._span
        gone += ~held * self._span
        self._attack[:count] = np.maximum(attack / 1000, _SHORTEST)
        self._decay[:count] = np.maximum(decay / 1000, _SHORTEST) / _FALLEN
        self._sustain[:count] = sustain
        envelope: Numbers = self._envelope[:count]
        envelope[:] = self._shape(age, slice(count))
        return envelope

    def pitch(self, glide: Numbers) -> Numbers:
        """The pitches at the end of the next block in Hz; `glide` is a time constant in ms."""
        count = self.count
        reach = 1.0 - np.exp(-self._span / np.maximum(glide / 1000, 1e-6))
        log2hz = self._log2hz[:count]
        log2hz += (self._to_log2hz[:count] - log2hz) * reach
        hertz: Numbers = np.exp2(log2hz)
        return hertz

    def levels(self, levels: Numbers, ramp: Samples, lines: Samples) -> None:
        """A line for each row to `levels` times touch and release, float32 [count, period]."""
        count = self.count
        touch, level, gone = self._touch[:count], self._level[:count], self._gone[:count]
        touch += (self._to_touch[:count] - touch) * self._touch_reach
        fade = self._fade[:count]
        np.subtract(1.0, np.maximum(gone, 0.0) / self._release[:count], out=fade)
        np.maximum(fade, 0.0, out=fade)
        np.multiply(fade, fade, out=fade)
        levels *= touch * fade
        np.multiply((levels - level)[:, None].astype(np.float32), ramp, out=lines)
        np.add(lines, level[:, None].astype(np.float32), out=lines)
        if self._struck:
            self._struck = False
            for row in map(int, np.flatnonzero(self._at[:count] >= 0.0)):
                lines[row] = self._first(row, levels[row])
        level[:] = levels

    def bury(self) -> None:
        """Take away the tones that are over."""
        count = self.count
        gone = self._gone[:count]
        over = (gone >= self._release[:count]) | (
            (self._envelope[:count] < _GONE) & (self._age[:count] > self._attack[:count])
        )
        if over.any():
            for row in np.flatnonzero(over)[::-1]:
                self._remove(int(row))

    def _shape(self, age: Numbers, row: int | slice) -> Numbers:
        attack, decay, sustain = (state[row] for state in (self._attack, self._decay, self._sustain))
        rise: Numbers = np.minimum(np.maximum(age / attack, 0.0), 1.0)
        shape: Numbers = rise * (sustain + (1.0 - sustain) * np.exp(-np.maximum(age - attack, 0.0) / decay))
        return shape

    def _held(self, voice: int, key: float | None) -> npt.NDArray[np.bool_]:
        count = self.count
        held: npt.NDArray[np.bool_] = (self.voice[:count] == voice) & (self._gone[:count] <= _HELD)
        if key is not None:
            held &= self._key[:count] == key
        return held

    def _end(self, rows: npt.NDArray[np.bool_], seconds: float, at: int = 0) -> None:
        self._gone[: self.count][rows] = -at / self._rate
        self._release[: self.count][rows] = max(seconds, _SHORTEST)

    def _make_room(self, voice: int) -> None:
        """Let the oldest tone of a voice that sounds with all it may end quickly: a released one first."""
        count = self.count
        # What ends as quickly as can be was stolen before.
        mine = (self.voice[:count] == voice) & (
            (self._gone[:count] <= _HELD) | (self._release[:count] > _STOLEN)
        )
        # Each tone has one row that is no right ear.
        if np.count_nonzero(mine & (self.ear[:count] <= 0.0)) < self._notes[voice]:
            return
        tones = self._tone[:count]
        released = mine & (self._gone[:count] > _HELD)
        rows = mine & (tones == tones[released if released.any() else mine].min())
        # A release that has begun goes on from where it is: (1 - gone / release) squared stays what it was.
        left = 1.0 - np.maximum(self._gone[:count][rows], 0.0) / self._release[:count][rows]
        self._release[:count][rows] = _STOLEN
        self._gone[:count][rows] = (1.0 - left) * _STOLEN

    def _remove(self, row: int) -> None:
        self.count -= 1
        last = self.count
        if row != last:
            self._states[:, row] = self._states[:, last]
            self.voice[row] = self.voice[last]
            self.gains[:, row] = self.gains[:, last]
            self._envelope[row] = self._envelope[last]
            self._tables.move(last, row)
