"""A sampler: recordings in slots, struck by keys or by the axes of a gesture.

    [drums]
    kind = "sampler"
    [[drums.slots]]
    name = "kick"                   # its parameters are kick/gain, kick/rate, ...
    file = "samples/kick.flac"      # beside the file of sounds
    key = 36                        # or a range, [48, 72], in which the pitch follows the key
    choke = 1                       # a slot of the same number, but 0, ends when this one is struck

A slot without a key answers to its number, counted from 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from foretone.synth.knobs import Knobs
from foretone.synth.pool import Pool
from foretone.synth.slots import END, GAIN, LOOP, PAN, RATE, SLOT, START, notes_of, slot_of, tables_of
from foretone.synth.voice import Parameter, Samples, Sound

Numbers = npt.NDArray[np.float64]

_LOUDEST = 2.0
"""What a gain of 1 multiplies by, so that a recording is itself at the usual 0.5."""

_ENDING, _STOLEN = 0.03, 0.008
"""Seconds in which a recording ends that is released, and one that is choked or whose place is taken."""

_EDGE = 48
"""Frames over which a recording fades at an end that was cut."""

_RISE = 0.04
"""How far an axis rises, from where it last turned, to strike its slot."""


class Sampler:
    """A sampler of recordings.

    A gesture strikes slots: an axis that rises strikes the one that is its name, as hard as it is high.
    Without `controls` the axes are the slots, in order.

    Settings of a sound: `slots`, and `notes` (1 to 64, default 16; one more takes the place of the oldest).
    """

    PARAMETERS = SLOT

    def __init__(self, rate: int, period: int, sounds: Sequence[Sound]) -> None:
        tables = [tables_of(sound) for sound in sounds]
        pool = Pool([sound.folder / table["file"] for sound, rows in zip(sounds, tables, strict=True)
                     for table in rows])  # fmt: skip
        self.complaints: Sequence[str] = pool.complaints
        self._pool = pool.frames
        found = iter(pool.recordings)
        self._slots = [
            [slot_of(table, number, next(found)) for number, table in enumerate(rows)] for rows in tables
        ]
        self._first = np.cumsum([0, *map(len, tables)]).tolist()
        given = [{p.name: p.read(table[p.name]) for p in SLOT if p.name in table}
                 for rows in tables for table in rows]  # fmt: skip
        self._knobs = Knobs(SLOT, given, period / rate)
        self._names = [{slot.name: number for number, slot in enumerate(slots)} for slots in self._slots]
        self._axes = [sound.controls or tuple(n) for sound, n in zip(sounds, self._names, strict=True)]
        self._turned: list[list[float]] = [[1.0] * len(axes) for axes in self._axes]
        self._most = [notes_of(sound) for sound in sounds]
        rows = 2 * sum(self._most) + 4
        self._rate, self._period, self._rows = rate, period, rows
        self.count = 0
        """Recordings that sound."""
        self._states = np.zeros((12, rows))
        (self._voice, self._slot, self._key, self._serial, self._base, self._length, self._at_frame,
         self._speed, self._level, self._fade, self._hurry, self._late) = self._states  # fmt: skip
        self._serials = 0.0
        self._step = np.arange(period, dtype=np.float64)
        self._ramp = (np.arange(1, period + 1) / period).astype(np.float32)
        self._where = np.zeros((rows, period))
        self._index = np.zeros((rows, period), np.int64)
        self._sound = np.zeros((rows, period), np.complex64)
        self._next = np.zeros((rows, period), np.complex64)
        self._line = np.zeros((rows, period), np.float32)
        self._gains = np.zeros((2 * len(sounds), rows), np.float32)
        self._sums = np.zeros((2 * len(sounds), 2 * period), np.float32)

    @property
    def awake(self) -> bool:
        """Whether any recording sounds."""
        return self.count > 0

    def parameters(self, voice: int) -> Sequence[Parameter]:
        """What may be turned: gain, rate, pan, start, end and loop of each slot."""
        return [p._replace(name=f"{slot.name}/{p.name}") for slot in self._slots[voice] for p in SLOT]

    def controls(self, voice: int) -> Sequence[str]:
        """The slots."""
        return tuple(self._names[voice])

    def turn(self, voice: int, name: str, value: float) -> None:
        """Send a parameter of a slot on its way."""
        slot, _, parameter = name.partition("/")
        self._knobs.turn(self._first[voice] + self._names[voice][slot], parameter, value)

    def play(self, voice: int, values: Sequence[float]) -> None:
        """Strike the slots whose axes rise."""
        turned = self._turned[voice]
        for axis, (name, value) in enumerate(zip(self._axes[voice], values, strict=False)):
            slot = self._names[voice].get(name)
            if value < turned[axis]:
                turned[axis] = value
            elif value > turned[axis] + _RISE:
                turned[axis] = 2.0  # it goes on rising; until it falls it strikes no more
                if slot is not None:
                    self._strike(voice, slot, -1.0, 1.0, min(value, 1.0), 0)

    def note(self, voice: int, key: float, velocity: float, at: int) -> None:
        """Strike every slot of a key, `at` frames into the next block; a release ends those that loop."""
        for number, slot in enumerate(self._slots[voice]):
            if slot.low <= key <= slot.high:
                if velocity > 0.0:
                    speed = 2.0 ** ((key - slot.root) / 12.0) if slot.low < slot.high else 1.0
                    self._strike(voice, number, key, speed, velocity, at)
                elif self._knobs.target[self._first[voice] + number, LOOP]:
                    held = self._mine(voice) & (self._key[: self.count] == key)
                    self._end(held & (self._slot[: self.count] == self._first[voice] + number), _ENDING)

    def let_go(self, voice: int) -> None:
        """End whatever sounds."""
        self._turned[voice] = [1.0] * len(self._axes[voice])
        self._end(self._mine(voice), _ENDING)

    def clear(self) -> None:
        """Silence at once."""
        self.count = 0

    def render(self, buses: Samples) -> None:
        """Draw the next block into `buses`, float32 [voices, 2, period]."""
        count = self.count
        self._knobs.step()
        slot = self._slot[:count].astype(np.intp)
        knob = self._knobs.now[slot]
        length, loops = self._length[:count], knob[:, LOOP] > 0.5
        start = np.minimum(knob[:, START], 0.999) * length
        end = np.maximum(knob[:, END] * length, start + 1.0)
        speed = self._speed[:count] * knob[:, RATE]
        where = self._walk(count, start, end, speed, loops)
        self._read(count, where)
        self._draw_levels(count, where, start, end, speed, loops)
        self._mix_down(count, knob, buses)
        over = (self._fade[:count] == 0.0) | (~loops & (self._at_frame[:count] >= end))
        for row in np.flatnonzero(over)[::-1]:
            self._remove(int(row))

    def _mix_down(self, count: int, knob: Numbers, buses: Samples) -> None:
        """Add what sounds to each voice. What is panned away from a side is softer there; the other stays."""
        both = self._sound.view(np.float32).reshape(self._rows, self._period, 2)[:count]
        np.multiply(both, self._line[:count, :, None], out=both)
        gain = _LOUDEST * knob[:, GAIN]
        place, row = 2 * self._voice[:count].astype(np.intp), np.arange(count)
        gains = self._gains[:, :count]
        gains.fill(0.0)
        gains[place, row] = gain * np.minimum(2.0 - 2.0 * knob[:, PAN], 1.0)
        gains[place + 1, row] = gain * np.minimum(2.0 * knob[:, PAN], 1.0)
        # Each row of gains meets both sides of the recordings; of that, the left is for the left.
        np.matmul(gains, both.reshape(count, -1), out=self._sums)
        sums = self._sums.reshape(-1, 2, self._period, 2)
        np.copyto(buses[:, 0], sums[:, 0, :, 0])
        np.copyto(buses[:, 1], sums[:, 1, :, 1])

    def _walk(
        self, count: int, start: Numbers, end: Numbers, speed: Numbers, loops: npt.NDArray[np.bool_]
    ) -> Numbers:
        """Where in its recording each frame of the block lies, float64 [count, period]; go on from there."""
        where, at = self._where[:count], self._at_frame[:count]
        late = self._late[:count]
        first = late >= 0.0
        at[first] = start[first] - late[first] * speed[first]
        np.multiply(speed[:, None], self._step, out=where)
        np.add(where, at[:, None], out=where)
        at += speed * self._period
        size = end - start
        for row in np.flatnonzero(loops & (at >= end)):
            np.remainder(where[row] - start[row], size[row], out=where[row])
            where[row] += start[row]
            at[row] = start[row] + (at[row] - start[row]) % size[row]
        return where

    def _read(self, count: int, where: Numbers) -> None:
        """The sound there, in a straight line between frames; outside the recording it is silence."""
        index, sound, following = self._index[:count], self._sound[:count], self._next[:count]
        length = self._length[:count, None]
        np.clip(where, 0.0, length, out=where)
        np.copyto(index, where, casting="unsafe")
        part = (where - index).astype(np.float32)
        np.add(index, self._base[:count, None].astype(np.int64), out=index)
        np.take(self._pool, index, out=sound, mode="clip")
        np.add(index, 1, out=index)
        np.take(self._pool, index, out=following, mode="clip")
        np.subtract(following, sound, out=following)
        np.multiply(following, part, out=following)
        np.add(sound, following, out=sound)

    def _draw_levels(
        self,
        count: int,
        where: Numbers,
        start: Numbers,
        end: Numbers,
        speed: Numbers,
        loops: npt.NDArray[np.bool_],
    ) -> None:
        """The level of each frame: how hard it was struck, how it ends, and edges that were cut."""
        line, fade = self._line[:count], self._fade[:count]
        level, hurry = self._level[:count], self._hurry[:count]
        np.copyto(line, (level * fade)[:, None], casting="same_kind")
        if hurry.any():
            after = np.maximum(fade - hurry, 0.0)
            for row in np.flatnonzero(hurry):
                line[row] += level[row] * (after[row] - fade[row]) * self._ramp
            fade[:] = after
        edge = _EDGE * np.maximum(speed, 1e-3)
        for row in np.flatnonzero(~loops & (end < self._length[:count]) & (where[:, -1] > end - edge)):
            line[row] *= np.clip((end[row] - where[row]) / edge[row], 0.0, 1.0)
        for row in np.flatnonzero(~loops & (start > 0.0) & (where[:, 0] < start + edge)):
            line[row] *= np.clip((where[row] - start[row]) / edge[row], 0.0, 1.0)
        late = self._late[:count]
        for row in np.flatnonzero(late >= 0.0):
            line[row, : int(late[row])] = 0.0
            late[row] = -1.0

    def _strike(self, voice: int, number: int, key: float, speed: float, velocity: float, at: int) -> None:
        slot = self._slots[voice][number]
        if slot.recording is None:
            return
        count, mine = self.count, self._mine(voice)
        if slot.choke:
            group = [
                self._first[voice] + n for n, s in enumerate(self._slots[voice]) if s.choke == slot.choke
            ]
            self._end(mine & np.isin(self._slot[:count], group), _STOLEN)
        playing = np.flatnonzero(self._mine(voice) & (self._hurry[:count] == 0.0))
        if len(playing) >= self._most[voice]:
            oldest = playing[self._serial[playing].argmin()]
            self._end(np.arange(count) == oldest, _STOLEN)
        if count == self._rows:
            # Every row sounds: most are ending, and the one that is nearest to its end is cut off.
            self._remove(int(self._fade[:count].argmin()))
        row = self.count
        self.count += 1
        self._serials += 1.0
        first, frames, rate = slot.recording
        self._states[:, row] = (voice, self._first[voice] + number, key, self._serials, first, frames, 0.0,
                                speed * rate / self._rate, velocity, 1.0, 0.0, at)  # fmt: skip

    def _mine(self, voice: int) -> npt.NDArray[np.bool_]:
        mine: npt.NDArray[np.bool_] = self._voice[: self.count] == voice
        return mine

    def _end(self, rows: npt.NDArray[np.bool_], seconds: float) -> None:
        hurry = self._hurry[: self.count]
        hurry[rows] = np.maximum(hurry[rows], self._period / self._rate / seconds)

    def _remove(self, row: int) -> None:
        self.count -= 1
        self._states[:, row] = self._states[:, self.count]
