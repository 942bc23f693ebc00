"""Harmonic partials in one pass: each row sums its partials into one period, and reads that at its pitch.

A row's table is drawn anew when its spectrum changes, and the sound goes over from the old table to the new
one along a block, so nothing steps. A table has 32 points for a period of its highest partial; between them
it is read in a straight line, which is 46 dB below that partial and more below the others.
"""

from __future__ import annotations

import math

import numpy as np

from foretone.synth import kernel
from foretone.synth.kernel import Address, address
from foretone.synth.voice import Samples

_POINTS = 32
CHANGED = 1e-4
"""Of the strongest amplitude there may be; a spectrum that moved by less is read as it was."""


class Wavetables:
    """Rows of oscillators. Audio thread only; the first `count` rows are drawn, the others cost nothing.

    amplitudes
        float32 [rows, partials], of sines; the caller's to write before `draw`, and to keep band-limited.
    turns
        float64 [rows]: cycles a frame at the end of the next block.
    rough
        bool [rows]: partials that do not begin together, and flicker: a noise.
    drawn
        float32 [rows, partials]: the amplitudes of the tables that are read.
    """

    def __init__(self, period: int, rows: int, partials: int) -> None:
        size = max(256, 1 << math.ceil(math.log2(_POINTS * partials)))
        self.amplitudes = np.zeros((rows, partials), np.float32)
        self.turns = np.zeros(rows)
        self.rough = np.zeros(rows, bool)
        self._period, self._mask = period, size - 1
        point = np.arange(size + 1) * (2.0 * math.pi / size)
        orders = np.arange(1, partials + 1)[:, None]
        random = np.random.default_rng(1)
        self._sines = np.sin(orders * point).astype(np.float32)
        scattered = random.uniform(0, 2 * math.pi, (partials, 1))
        self._scattered = np.sin(orders * point + scattered).astype(np.float32)
        self._random = random
        self._flicker = np.zeros((rows, partials), np.float32)
        self._tables = np.zeros((2, rows, size + 1), np.float32)
        self._newer = 0
        self._noise = np.zeros((rows, size + 1), np.float32)
        self.drawn = np.zeros((rows, partials), np.float32)
        self._fresh, self._started = np.zeros(rows, bool), False
        self._phase = np.zeros(rows)
        self._last = np.zeros(rows)
        step = np.arange(1, period + 1)
        basis = size * np.stack((np.ones(period), step, step * (step + 1) / (2 * period)))
        self._basis = basis.astype(np.float32)
        self._weights = np.zeros((rows, 3), np.float32)
        self._offsets = (np.arange(rows) * (size + 1))[:, None]
        self._ramp = (step / period).astype(np.float32)
        self._places = np.zeros((rows, period), np.float32)
        self._whole = np.zeros((rows, period), np.float32)
        self._index = np.zeros((rows, period), np.int64)
        self._next = np.zeros((rows, period), np.float32)
        self._old = np.zeros((rows, period), np.float32)
        self._kernel = kernel.for_blocks(period)
        self._rows = [address(array) for array in (self._phase, self._last, self.turns)]
        self._lie = [address(table) for table in self._tables]
        self._out = Address()

    def start(self, row: int, turn: float, at: int) -> None:
        """Let a row begin at its phase 0, `at` frames into the next block, at `turn` cycles a frame."""
        self._phase[row] = -turn * at
        self._last[row] = self.turns[row] = turn
        self._fresh[row] = self._started = True

    def move(self, row: int, to: int) -> None:
        """Let row `to` go on as `row` does."""
        for state in (self.amplitudes, self.turns, self.rough, self.drawn, self._fresh, self._phase):
            state[to] = state[row]
        self._last[to] = self._last[row]
        self._tables[:, to] = self._tables[:, row]

    def draw(
        self,
        count: int,
        out: Samples,
        levels: tuple[int | None, int | None] = (None, None),
        *,
        changed: bool | None = None,
    ) -> None:
        """The next block of the first `count` rows, into float32 [rows, period].

        `levels` are the addresses of what each is multiplied with along a line, float64 [rows] at its begin
        and its end; for the kernel. `changed` is whether any spectrum did, where that is known.
        """
        changed = self._redraw(count, changed)
        newer, older = self._newer, 1 - self._newer
        if self._kernel is not None:
            tables = self._lie[newer], self._lie[older] if changed else None
            places = *tables, *self._rows, *levels, self._out(out)
            self._kernel.tables(count, self._period, self._mask + 1, *places)
            return
        out = out[:count]
        self._place(count)
        self._read(self._tables[newer], count, out)
        if changed:
            self._read(self._tables[older], count, self._old[:count])
            np.subtract(out, self._old[:count], out=out)
            np.multiply(out, self._ramp, out=out)
            np.add(out, self._old[:count], out=out)

    def _redraw(self, count: int, changed: bool | None) -> bool:
        """Draw the tables anew, if a spectrum changed; those that were the newer are the older then."""
        wanted, drawn = self.amplitudes[:count], self.drawn[:count]
        rough = self.rough[:count]
        if changed is None:
            flicker = self._flicker[:count]
            np.subtract(wanted, drawn, out=flicker)
            np.abs(flicker, out=flicker)
            changed = bool(flicker.max(initial=0.0) >= CHANGED or rough.any())
        if not (changed or self._started):
            return False
        np.copyto(drawn, wanted)
        old, self._newer = self._tables[self._newer, :count], 1 - self._newer
        new = self._tables[self._newer, :count]
        np.matmul(wanted, self._sines, out=new)
        if rough.any():
            rows = np.flatnonzero(rough)
            flicker, noise = self._flicker[: len(rows)], self._noise[: len(rows)]
            self._random.standard_normal(dtype=np.float32, out=flicker)
            np.multiply(flicker, wanted[rows], out=flicker)
            np.matmul(flicker, self._scattered, out=noise)
            new[rows] = noise
        if self._started:
            fresh = self._fresh[:count]
            for row in np.flatnonzero(fresh):
                np.copyto(old[row], new[row])
            fresh.fill(False)
            self._started = False
        return True

    def _place(self, count: int) -> None:
        """Where each frame of the block lies in its table: whole steps, and what is left."""
        phase, last, turns = self._phase[:count], self._last[:count], self.turns[:count]
        weights, places, whole = self._weights[:count], self._places[:count], self._whole[:count]
        bend = turns - last
        weights[:, 0], weights[:, 1], weights[:, 2] = phase, last, bend
        np.matmul(weights, self._basis, out=places)
        np.floor(places, out=whole)
        np.subtract(places, whole, out=places)
        index = self._index[:count]
        np.copyto(index, whole, casting="unsafe")
        np.bitwise_and(index, self._mask, out=index)
        np.add(index, self._offsets[:count], out=index)
        phase += last * self._period + bend * ((self._period + 1) / 2)
        np.remainder(phase, 1.0, out=phase)
        last[:] = turns

    def _read(self, table: Samples, count: int, out: Samples) -> None:
        index, following = self._index[:count], self._next[:count]
        flat = table.reshape(-1)
        np.take(flat, index, out=out, mode="clip")
        np.add(index, 1, out=index)
        np.take(flat, index, out=following, mode="clip")
        np.subtract(index, 1, out=index)
        np.subtract(following, out, out=following)
        np.multiply(following, self._places[:count], out=following)
        np.add(out, following, out=out)
