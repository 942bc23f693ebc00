"""Recordings that sound, read and mixed: in the kernel, or in numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foretone.synth import kernel
from foretone.synth.kernel import Address, address
from foretone.synth.slots import END, GAIN, LOOP, PAN, RATE, START
from foretone.synth.voice import Samples

Numbers = npt.NDArray[np.float64]

_LOUDEST = 2.0
"""What a gain of 1 multiplies by, so that a recording is itself at the usual 0.5."""

_EDGE = 48
"""Frames over which a recording fades at an end that was cut."""


def piece(knob: Numbers, frames: float) -> tuple[float, float]:
    """The first frame of a recording of so many that is played, and the one before which it ends.

    `knob` is its slot's. It is asked when a recording is struck, and when it goes round: what is turned in
    between waits, because to end where it sounds would click.
    """
    start = min(float(knob[START]), 0.999) * frames
    return start, max(float(knob[END]) * frames, start + 1.0)


class Reels:
    """Rows of recordings, whose `states` are the sampler's, float64 [14, rows]. Audio thread only.

    pool
        All recordings, complex64, left + right i.
    """

    def __init__(
        self, rate: int, period: int, states: Numbers, pool: npt.NDArray[np.complex64], voices: int
    ) -> None:
        (self._voice, self._slot, _, _, self._base, self._length, self._at_frame, self._speed,
         self._level, self._fade, self._hurry, self._late, self._start, self._end) = states  # fmt: skip
        rows = states.shape[1]
        self._rate, self._period, self._rows, self._pool = rate, period, rows, pool
        self._step = np.arange(period, dtype=np.float64)
        self._ramp = (np.arange(1, period + 1) / period).astype(np.float32)
        self._where = np.zeros((rows, period))
        self._index = np.zeros((rows, period), np.int64)
        self._sound = np.zeros((rows, period), np.complex64)
        self._next = np.zeros((rows, period), np.complex64)
        self._line = np.zeros((rows, period), np.float32)
        self._gains = np.zeros((2 * voices, rows), np.float32)
        self._places = np.arange(rows)
        self._sums = np.zeros((2 * voices, 2 * period), np.float32)
        self._kernel = kernel.library
        self._lie = address(self._pool), address(states)
        self._from, self._to, self._buses = Address(), Address(), Address()

    def draw(self, count: int, last: Numbers, now: Numbers, buses: Samples) -> bool:
        """The next block of the first `count` rows into `buses`, float32 [voices, 2, period]; they go on.

        `last` and `now` are the knobs of the slots where the block begins and ends, float64 [slots,
        parameters]. Whether any is over; its fade is 0.
        """
        if self._kernel is not None:
            pool, states = self._lie
            buses.fill(0.0)
            over: int = self._kernel.samples(
                count, self._rows, self._period, len(self._pool), _LOUDEST, _EDGE,
                pool, self._from(last), self._to(now), states, self._buses(buses),
            )  # fmt: skip
            return over > 0
        slot = self._slot[:count].astype(np.intp)
        knob = now[slot]
        loops, speed = knob[:, LOOP] > 0.5, self._speed[:count] * knob[:, RATE]
        where = self._walk(count, speed, knob, loops)
        self._read(count, where)
        self._draw_levels(count, where, speed, loops)
        self._mix_down(count, last[slot], knob, buses)
        fade = self._fade[:count]
        fade[~loops & (self._at_frame[:count] >= self._end[:count])] = 0.0
        return not fade.all()

    def _mix_down(self, count: int, last: Numbers, now: Numbers, buses: Samples) -> None:
        """Add what sounds to each voice. What is panned away from a side is softer there; the other stays."""
        both = self._sound.view(np.float32).reshape(self._rows, self._period, 2)[:count]
        np.multiply(both, self._line[:count, :, None], out=both)
        for side, (begin, end) in enumerate(zip(_sides(last), _sides(now), strict=True)):
            line = self._line[:count]
            np.multiply((end - begin)[:, None].astype(np.float32), self._ramp, out=line)
            np.add(line, begin[:, None].astype(np.float32), out=line)
            np.multiply(both[:, :, side], line, out=both[:, :, side])
        place, row = 2 * self._voice[:count].astype(np.intp), self._places[:count]
        gains = self._gains[:, :count]
        gains.fill(0.0)
        gains[place, row] = gains[place + 1, row] = 1.0
        # Each row of gains meets both sides of the recordings; of that, the left is for the left.
        np.matmul(gains, both.reshape(count, -1), out=self._sums)
        sums = self._sums.reshape(-1, 2, self._period, 2)
        np.copyto(buses[:, 0], sums[:, 0, :, 0])
        np.copyto(buses[:, 1], sums[:, 1, :, 1])

    def _walk(self, count: int, speed: Numbers, knob: Numbers, loops: npt.NDArray[np.bool_]) -> Numbers:
        """Where in its recording each frame of the block lies, float64 [count, period]; go on from there."""
        start, end = self._start, self._end
        where, at = self._where[:count], self._at_frame[:count]
        late = self._late[:count]
        first = late >= 0.0
        at[first] = start[:count][first] - late[first] * speed[first]
        np.multiply(speed[:, None], self._step, out=where)
        np.add(where, at[:, None], out=where)
        at += speed * self._period
        for row in np.flatnonzero(loops & (at >= end[:count])):
            turn = end[row]
            start[row], end[row] = piece(knob[row], self._length[row])
            again, size = where[row] >= turn, end[row] - start[row]
            where[row][again] = start[row] + (where[row][again] - turn) % size
            at[row] = start[row] + (at[row] - turn) % size
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

    def _draw_levels(self, count: int, where: Numbers, speed: Numbers, loops: npt.NDArray[np.bool_]) -> None:
        """The level of each frame: how hard it was struck, how it ends, and edges that were cut."""
        start, end = self._start[:count], self._end[:count]
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


def _sides(knob: Numbers) -> tuple[Numbers, Numbers]:
    """What each row's slot gives to the left and to the right."""
    gain = _LOUDEST * knob[:, GAIN]
    return gain * np.minimum(2.0 - 2.0 * knob[:, PAN], 1.0), gain * np.minimum(2.0 * knob[:, PAN], 1.0)
