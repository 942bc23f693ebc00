"""MIDI clock: to follow a drum machine that counts, or to make one follow.

Source: MIDI 1.0 Detailed Specification 4.2.1, "System Real Time Messages" and "Song Position Pointer".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from foretone_hardware import message as midi_message
from foretone_hardware.device import LIVE, Range, Send

TICKS = 24
"""Clock messages in a beat, a quarter note."""
LATE = 0.25
"""Seconds behind after which the clock goes on from here, instead of hurrying after."""


class Clock(Protocol):
    """Anything that tells monotonic seconds."""

    def now(self) -> float:
        """Seconds since some fixed moment."""


class MIDIClock:
    """The beat: where in the bar the music is, 0..1; or, as a sink, the tempo that others follow.

    port
        Part of the device's name.
    every
        How often a source is heard: on each beat, or on each of its 24 ticks.
    beats
        In a bar, which goes from 0 to 1.
    follow
        Whether what a sink plays is the tempo, from `slow` at 0 to `fast` at 1; else it is `tempo`.

    A source is heard from the start of the song, or from the first tick if it was on before us, until the
    stop, when it lets go. A sink starts the others when it begins to play, and stops them when it rests.
    """

    axes = ("phase",)

    def __init__(
        self,
        midi: Send,
        clock: Clock,
        *,
        port: str,
        every: Literal["beat", "tick"] = "beat",
        beats: Annotated[int, Range(1, 256)] = 4,
        tempo: Annotated[float, Range(20, 300, "beats/min"), LIVE] = 120.0,
        follow: bool = False,
        slow: Annotated[float, Range(20, 300, "beats/min")] = 60.0,
        fast: Annotated[float, Range(20, 300, "beats/min")] = 180.0,
    ) -> None:
        self.port, self.tempo = port, tempo
        self.wake = math.inf
        self._midi, self._clock = midi, clock
        self._each = TICKS if every == "beat" else 1
        self._bar = TICKS * beats
        self._follow, self._slow, self._fast = follow, slow, fast
        self._tick = -1
        """The last tick heard, counted from the start of the song."""
        self._stopped = self._heard = False

    def plug(self, now: float) -> None:
        """Whoever follows starts again; whoever leads may be anywhere in the song."""
        self._tick, self._stopped = -1, False
        if self.wake < math.inf:
            self._start(now)

    def unplug(self, _now: float) -> tuple[float, ...] | None:
        """The beat is gone."""
        return self._let_go()

    def receive(self, message: bytes, _now: float) -> tuple[float, ...] | None:
        """The phase on a beat or tick, nothing at a stop."""
        match message[:1]:
            case b"\xf8" if not self._stopped:
                self._tick += 1
                if self._tick % self._each == 0:
                    self._heard = True
                    return (self._tick % self._bar / self._bar,)
            case b"\xfa":
                self._tick, self._stopped = -1, False
            case b"\xfb":
                self._stopped = False
            case b"\xfc":
                self._stopped = True
                return self._let_go()
            case b"\xf2" if midi_message.is_whole(message):
                # Counted in sixteenths, six ticks each; the next tick is there.
                self._tick = 6 * (message[1] | message[2] << 7) - 1
        return None

    def tick(self, now: float) -> None:
        """Send a tick of the clock."""
        self._midi(bytes([midi_message.CLOCK]))
        due = self.wake + 60.0 / self.tempo / TICKS
        self.wake = due if due > now - LATE else now

    def write(self, values: Sequence[float], _place: int = 0) -> None:
        """Play, at the tempo that this says."""
        if self._follow:
            self.tempo = self._slow + min(1.0, max(0.0, values[0])) * (self._fast - self._slow)
        if self.wake == math.inf:
            self._start(self._clock.now())

    def rest(self, _place: int = 0) -> None:
        """Stop the others."""
        if self.wake < math.inf:
            self.wake = math.inf
            self._midi(bytes([midi_message.STOP]))

    def close(self) -> None:
        """Stop the others."""
        self.rest()

    def _start(self, now: float) -> None:
        self._midi(bytes([midi_message.START]))
        self.wake = now

    def _let_go(self) -> tuple[float, ...] | None:
        heard, self._heard = self._heard, False
        return () if heard else None


class Chip:
    """A drum machine, for the fake board: it follows a clock, and the hand is its tempo knob, 60 to 180."""

    at = "port"

    def __init__(self, say: Send) -> None:
        self._say = say
        self._hand: Any = None
        self._counted = 0.0
        self._tick: int | None = None

    def wire(self, _settings: Mapping[str, Any], hand: Any) -> None:
        """It begins to play."""
        if self._hand is None:
            self._say(bytes([midi_message.START]))
        self._hand = hand

    def scan(self) -> None:
        """A hundredth of a second of its own clock."""
        if self._hand is None:
            return
        [speed] = self._hand.at()
        self._counted += (60.0 + 120.0 * speed) / 60.0 * TICKS / 100.0
        while self._counted >= 1.0:
            self._counted -= 1.0
            self._say(bytes([midi_message.CLOCK]))

    def write(self, message: bytes) -> None:
        """A message from the computer."""
        match message[0]:
            case midi_message.START:
                self._tick = 0
            case midi_message.STOP:
                self._tick = None
            case midi_message.CLOCK if self._tick is not None:
                self._tick += 1

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """Where in the bar it is; nothing while it does not run."""
        bar = TICKS * settings["beats"]
        return () if self._tick is None else (self._tick % bar / bar,)
