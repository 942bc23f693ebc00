"""One clock for all tracks of a song: it strikes the engine's voices, each note at its frame."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from foretone.synth.score import Song, Track
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
)
"""What each track has, as `<track>/loop`. A loop of 0 plays once."""

_HIGHEST = 127.0

_SHORTEST = 0.25
"""Beats of the shortest loop."""

_MOST = 64
"""Events of a track in a block; what is more comes in the next."""

Strike = Callable[[str, float, float, float], None]
"""A voice, a key, a velocity (0 releases), and a place 0..1 within the block."""


class _Play:
    """A track while it is played: events in order, and where it is in them."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self.values = {p.name: p.read(track.settings.get(p.name, p.default)) for p in TRACK}
        starts = [(note.start, 1, number) for number, note in enumerate(track.notes)]
        ends = [(note.end, 0, number) for number, note in enumerate(track.notes)]
        self.events = sorted(starts + ends)
        self.next = 0
        self.passed = 0.0
        """Beats in the passes that are over."""
        self.sounding: dict[int, float] = {}
        self.moved = False
        """Whether it goes on elsewhere, and what sounds is to be released."""


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
        self._plays = [_Play(track) for track in song.tracks]
        self._random = random.Random(1)
        self._stopped = False

    @property
    def position(self) -> float:
        """Beats since the beginning."""
        return self.values["position"]

    def parameters(self, voice: int) -> Sequence[Parameter]:  # noqa: ARG002 -- there is one
        """The clock's, and each track's."""
        names = [play.track.name for play in self._plays]
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
                for play in self._plays:
                    self._seek(play, value)
            return
        for play in self._plays:
            if play.track.name == track:
                play.values[parameter] = value
                if parameter == "loop":
                    self._seek(play, self.position)

    def advance(self, strike: Strike) -> None:
        """A block is drawn next: strike and release what falls into it."""
        if not self.values["run"]:
            if not self._stopped:
                self._stopped = True
                self._silence(strike)
            return
        self._stopped = False
        begin = self.position
        beats = self.values["tempo"] / 60.0 * self._span
        for play in self._plays:
            if play.moved:
                play.moved = False
                self._release(play, 0.0, strike)
            self._pass(play, begin, beats, strike)
        self.values["position"] = begin + beats

    def _pass(self, play: _Play, begin: float, beats: float, strike: Strike) -> None:
        end, loop = begin + beats, play.values["loop"]
        loop = max(loop, _SHORTEST) if loop else 0.0
        for _ in range(_MOST):
            over = play.passed + loop if loop else math.inf
            if play.next < len(play.events):
                beat, starts, number = play.events[play.next]
                at = play.passed + self._swung(beat)
                if at < min(end, over):
                    play.next += 1
                    self._event(play, starts, number, max(at - begin, 0.0) / beats, strike)
                    continue
            if over >= end:
                return
            self._release(play, max(over - begin, 0.0) / beats, strike)
            play.passed, play.next = over, 0

    def _event(self, play: _Play, starts: int, number: int, at: float, strike: Strike) -> None:
        track = play.track
        if not starts:
            if number in play.sounding:
                strike(track.voice, play.sounding.pop(number), 0.0, at)
        elif not play.values["mute"]:
            note = track.notes[number]
            key = note.key
            if self._random.random() < self.values["shuffle"]:
                key = self._random.choice(track.notes).key
            key = min(max(key + round(play.values["transpose"]), 0.0), _HIGHEST)
            play.sounding[number] = key
            strike(track.voice, key, note.velocity, at)

    def _swung(self, beat: float) -> float:
        swing = self.values["swing"]
        if not swing:
            return beat
        whole = math.floor(beat)
        part = beat - whole
        if part < 0.5:
            return whole + part * (1.0 + swing)
        return whole + 0.5 * (1.0 + swing) + (part - 0.5) * (1.0 - swing)

    def _seek(self, play: _Play, position: float) -> None:
        """Go on from a position; what sounds is released by the next block."""
        loop = max(play.values["loop"], _SHORTEST) if play.values["loop"] else 0.0
        play.passed = math.floor(position / loop) * loop if loop else 0.0
        within = position - play.passed
        play.next = sum(1 for beat, _, _ in play.events if beat < within)
        play.moved = True

    def _silence(self, strike: Strike) -> None:
        for play in self._plays:
            self._release(play, 0.0, strike)

    def _release(self, play: _Play, at: float, strike: Strike) -> None:
        for key in play.sounding.values():
            strike(play.track.voice, key, 0.0, at)
        play.sounding.clear()
