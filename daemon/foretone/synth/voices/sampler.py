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
from foretone.synth.reels import Reels, piece
from foretone.synth.slots import LOOP, SLOT, notes_of, slot_of, tables_of
from foretone.synth.voice import Parameter, Samples, Sound

Numbers = npt.NDArray[np.float64]

_ENDING, _STOLEN = 0.03, 0.008
"""Seconds in which a recording ends that is released, and one that is choked or whose place is taken."""

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
        self._states = np.zeros((14, rows))
        (self._voice, self._slot, self._key, self._serial, *_,
         self._fade, self._hurry, _, _, _) = self._states  # fmt: skip
        self._serials = 0.0
        self._reels = Reels(rate, period, self._states, pool.frames, len(sounds))

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
        if self._reels.draw(count, self._knobs.last, self._knobs.now, buses):
            for row in np.flatnonzero(self._fade[:count] == 0.0)[::-1]:
                self._remove(int(row))

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
        start, end = piece(self._knobs.target[self._first[voice] + number], frames)
        self._states[:, row] = (voice, self._first[voice] + number, key, self._serials, first, frames, 0.0,
                                speed * rate / self._rate, velocity, 1.0, 0.0, at, start, end)  # fmt: skip

    def _mine(self, voice: int) -> npt.NDArray[np.bool_]:
        mine: npt.NDArray[np.bool_] = self._voice[: self.count] == voice
        return mine

    def _end(self, rows: npt.NDArray[np.bool_], seconds: float) -> None:
        hurry = self._hurry[: self.count]
        hurry[rows] = np.maximum(hurry[rows], self._period / self._rate / seconds)

    def _remove(self, row: int) -> None:
        self.count -= 1
        self._states[:, row] = self._states[:, self.count]
