"""One clock for all tracks of a song: it strikes the engine's voices, each note at its frame.

It keeps its own tempo, or follows a clock from outside; and it records what is played on a track's voice.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from foretone.synth.follower import Follower
from foretone.synth.loop import Loop
from foretone.synth.score import Song
from foretone.synth.voice import Parameter, Samples

NAME = "clock"
"""Its address among the voices."""

_OFF_ON = ("off", "on")

CLOCK = (
    Parameter("tempo", 20, 300, 120, "beats a minute"),
    Parameter("run", 0, 1, 1, choices=_OFF_ON),
    Parameter("swing", 0, 0.6, 0),
    Parameter("shuffle", 0, 1, 0),
    Parameter("position", 0, 10000, 0, "beats"),
)
"""`swing` makes the first half of a beat longer by that share, and the second half shorter. `shuffle` is how
many notes, of all, sound with the key of another one of their track. `position` goes to that beat.
"""

TRACK = (
    Parameter("loop", 0, 1000, 4, "beats"),
    Parameter("transpose", -48, 48, 0, "semitones"),
    Parameter("mute", 0, 1, 0, choices=_OFF_ON),
    Parameter("record", 0, 1, 0, choices=_OFF_ON),
    Parameter("quantize", 0, 4, 0, "beats"),
    Parameter("erase", 0, 1, 0, choices=_OFF_ON),
)
"""What each track has, as `<track>/loop`. A loop of 0 plays once. While it records, what is played on its
voice is added to it, at the nearest multiple of `quantize`; `erase` forgets all of it, and is off again.
"""

_HIGHEST = 127.0

_MOST = 64
"""Events of a track in a block; what is more comes in the next."""

_PULL = 0.1
"""Share of the tempo by which it is faster or slower at most, to be where the clock that it follows is."""

_ALONE = 2.0
"""Seconds without a tick after which it goes on by itself."""

Strike = Callable[[str, float, float, float], None]
"""A voice, a key, a velocity (0 releases), and a place 0..1 within the block."""


class Sequencer:
    """Plays a song. Audio thread only; a block costs a few microseconds for each track.

    It has the face of a section, so that its parameters have addresses as a voice's have, and is silent.
    """

    PARAMETERS: Sequence[Parameter] = CLOCK
    complaints: Sequence[str] = ()
    awake = False

    def __init__(self, song: Song, span: float) -> None:
        """With a block of `span` seconds. ValueError for a setting out of its range."""
        self._span = span
        self.values = {p.name: p.read(song.settings.get(p.name, p.default)) for p in CLOCK}
        self._loops = [
            Loop(track, {p.name: p.read(track.settings.get(p.name, p.default)) for p in TRACK})
            for track in song.tracks
        ]
        self._runs = self.values["run"]
        self._random = random.Random(1)
        self._stopped = self._striking = False
        self._time = 0.0
        """Seconds of sound so far: when the next block begins."""
        self._follower: Follower | None = None

    @property
    def position(self) -> float:
        """Beats since the beginning."""
        return self.values["position"]

    def parameters(self, voice: int) -> Sequence[Parameter]:  # noqa: ARG002 -- there is one
        """The clock's, and each track's."""
        names = [loop.track.name for loop in self._loops]
        return (*CLOCK, *(p._replace(name=f"{name}/{p.name}") for name in names for p in TRACK))

    def controls(self, voice: int) -> Sequence[str]:  # noqa: ARG002
        """A gesture turns the tempo."""
        return ("tempo",)

    def play(self, voice: int, values: Sequence[float]) -> None:
        """What the axes are has been turned before."""

    def note(self, voice: int, key: float, velocity: float, at: int) -> None:
        """A clock has no notes."""

    def let_go(self, voice: int) -> None:  # noqa: ARG002
        """Stop."""
        self.values["run"] = 0.0

    def clear(self) -> None:
        """There is nothing to forget."""

    def render(self, buses: Samples) -> None:
        """It is silent."""

    def turn(self, voice: int, name: str, value: float) -> None:  # noqa: ARG002
        """Give a parameter a value within its range, from the next block on."""
        track, _, parameter = name.rpartition("/")
        if not track:
            self.values[name] = value
            if name == "position":
                for loop in self._loops:
                    loop.seek(value)
            return
        for loop in self._loops:
            if loop.track.name != track:
                continue
            if parameter == "erase":
                loop.erase() if value else None
                return
            if parameter == "record" and not value:
                loop.lift(self.position)
            loop.values[parameter] = value
            if parameter == "loop":
                loop.seek(self.position)

    def start(self) -> None:
        """The instrument is here: play, if the song is one that plays by itself."""
        self.values["run"] = max(self.values["run"], self._runs)

    def follow(self, position: float, later: float) -> None:
        """Somebody's clock says that the song is at `position`, in beats, `later` seconds after the next
        block begins. It runs from there on, and its tempo is theirs.
        """
        time = self._time + later
        follower = self._follower
        if self.values["run"] and follower is not None and follower.hear(position, time):
            self.values["tempo"] = 60.0 * follower.tempo
            return
        self._follower = Follower(position, time, self.values["tempo"] / 60.0)
        self.values["run"] = 1.0
        # From the beat that was told, and not from where it is by now: no note is left out.
        self.turn(0, "position", max(position, 0.0))

    def struck(self, voice: str, key: float, velocity: float, at: float) -> None:
        """A key of a voice is played by hand, at a place 0..1 within the next block."""
        if self._striking or not self.values["run"]:
            return
        position = self.position + at * self.values["tempo"] / 60.0 * self._span
        for loop in self._loops:
            if loop.track.voice == voice and loop.values["record"]:
                loop.strike(key, velocity, position, self._straight(position - loop.passed))

    def lifted(self, voice: str) -> None:
        """All keys of a voice are let go by hand."""
        for loop in self._loops:
            if loop.track.voice == voice:
                loop.lift(self.position)

    def advance(self, strike: Strike) -> None:
        """A block is drawn next: strike and release what falls into it."""
        self._time += self._span
        self._striking = True
        try:
            self._advance(strike)
        finally:
            self._striking = False

    def _advance(self, strike: Strike) -> None:
        if not self.values["run"]:
            self._follower = None
            if not self._stopped:
                self._stopped = True
                for loop in self._loops:
                    loop.lift(self.position)
                    self._release(loop, 0.0, strike)
            return
        self._stopped = False
        begin = self.position
        beats = self._beats(begin)
        for loop in self._loops:
            if loop.moved:
                loop.moved = False
                self._release(loop, 0.0, strike)
            self._pass(loop, begin, beats, strike)
        self.values["position"] = begin + beats

    def _beats(self, begin: float) -> float:
        """How far the next block goes."""
        beats = self.values["tempo"] / 60.0 * self._span
        follower = self._follower
        if follower is None:
            return beats
        if self._time - follower.time > _ALONE:
            self._follower = None
            return beats
        return min(max(follower.at(self._time) - begin, (1.0 - _PULL) * beats), (1.0 + _PULL) * beats)

    def _pass(self, loop: Loop, begin: float, beats: float, strike: Strike) -> None:
        end, length = begin + beats, loop.length
        for _ in range(_MOST):
            over = loop.passed + length if length else math.inf
            if loop.next < len(loop.events):
                beat, starts, number = loop.events[loop.next]
                at = loop.passed + self._swung(beat)
                if at < min(end, over):
                    loop.next += 1
                    self._event(loop, starts, number, at, max(at - begin, 0.0) / beats, strike)
                    continue
            if over >= end:
                return
            self._release(loop, max(over - begin, 0.0) / beats, strike)
            loop.passed, loop.next = over, 0

    def _event(
        self, loop: Loop, starts: int, number: int, position: float, at: float, strike: Strike
    ) -> None:
        voice = loop.track.voice
        if not starts:
            if number in loop.sounding:
                strike(voice, loop.sounding.pop(number), 0.0, at)
        elif not loop.values["mute"] and not loop.hushed(number, position):
            note = loop.notes[number]
            key = note.key
            if self._random.random() < self.values["shuffle"]:
                key = self._random.choice(loop.notes).key
            key = min(max(key + round(loop.values["transpose"]), 0.0), _HIGHEST)
            loop.sounding[number] = key
            strike(voice, key, note.velocity, at)

    def _swung(self, beat: float) -> float:
        swing = self.values["swing"]
        if not swing:
            return beat
        whole = math.floor(beat)
        part = beat - whole
        if part < 0.5:
            return whole + part * (1.0 + swing)
        return whole + 0.5 * (1.0 + swing) + (part - 0.5) * (1.0 - swing)

    def _straight(self, beat: float) -> float:
        """What `_swung` makes that beat of."""
        swing = self.values["swing"]
        whole = math.floor(beat)
        part, middle = beat - whole, 0.5 * (1.0 + swing)
        if part < middle:
            return whole + part / (1.0 + swing)
        return whole + 0.5 + (part - middle) / (1.0 - swing)

    def _release(self, loop: Loop, at: float, strike: Strike) -> None:
        for key in loop.sounding.values():
            strike(loop.track.voice, key, 0.0, at)
        loop.sounding.clear()
