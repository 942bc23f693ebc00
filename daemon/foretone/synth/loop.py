"""The notes of a track while it is played: in order, where it is in them, and what is recorded into them."""

from __future__ import annotations

from bisect import insort

from foretone.synth.score import Note, Track

SHORTEST = 0.25
"""Beats of the shortest loop."""

MOST = 2000
"""Notes of a track; what is recorded beyond is only heard."""

_LEAST = 0.02
"""Beats of the shortest note that is recorded."""


class Loop:
    """A track's events, over and over. Positions are beats of the song. Audio thread only."""

    def __init__(self, track: Track, values: dict[str, float]) -> None:
        self.track, self.values = track, values
        self.notes = list(track.notes)
        self.events: list[tuple[float, int, int]] = []
        """Beat of the loop, whether a note starts or ends there, and its number."""
        for number, note in enumerate(self.notes):
            self.events += [(note.start, 1, number), (note.end, 0, number)]
        self.events.sort()
        self.next = 0
        self.passed = 0.0
        """Beats in the passes that are over."""
        self.sounding: dict[int, float] = {}
        self.moved = False
        """Whether it goes on elsewhere, and what sounds is to be released."""
        self._held: dict[float, tuple[float, float, float]] = {}
        self._hushed: dict[int, float] = {}

    @property
    def length(self) -> float:
        """Beats of a pass; 0 when it plays once."""
        loop = self.values["loop"]
        return max(loop, SHORTEST) if loop else 0.0

    def seek(self, position: float) -> None:
        """Go on from a position; what sounds is released by the next block."""
        length = self.length
        self.passed = position // length * length if length else 0.0
        within = position - self.passed
        self.next = sum(1 for beat, _, _ in self.events if beat < within)
        self.moved = True
        self._held.clear()
        self._hushed.clear()

    def hushed(self, number: int, position: float) -> bool:
        """Whether a note was played by hand just now, and is not to be struck again."""
        if position < self._hushed.get(number, position):
            return True
        self._hushed.pop(number, None)
        return False

    def strike(self, key: float, velocity: float, position: float, beat: float) -> None:
        """A key is played by hand, at a position, which is at that beat of the loop where it is straight."""
        if key in self._held:  # a key that a pedal holds is struck again without a release
            self._keep(key, position)
        if velocity:
            self._held[key] = (position, beat, velocity)

    def lift(self, position: float) -> None:
        """All keys are let go."""
        for key in list(self._held):
            self._keep(key, position)

    def erase(self) -> None:
        """Forget every note; what sounds is released by the next block."""
        self.notes.clear()
        self.events.clear()
        self._held.clear()
        self._hushed.clear()
        self.next, self.moved = 0, True

    def _keep(self, key: float, position: float) -> None:
        """A key was let go: it is a note of the loop now."""
        begun, start, velocity = self._held.pop(key)
        if len(self.notes) >= MOST:
            return
        length, grid = self.length, self.values["quantize"]
        if grid:
            start = round(start / grid) * grid
        if length:
            start %= length
        number = len(self.notes)
        note = Note(start, start + max(position - begun, _LEAST), key, velocity)
        self.notes.append(note)
        self._hushed[number] = begun + 0.5 * length
        within = position - self.passed
        for event in ((note.start, 1, number), (note.end, 0, number)):
            insort(self.events, event)
            self.next += event[0] < within
