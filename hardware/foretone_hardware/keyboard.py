"""The keys of a MIDI keyboard, as many at once as there are fingers: each stroke and each release by itself.

Source: MIDI 1.0 Detailed Specification 4.2.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from foretone_hardware.device import Range, Send
from foretone_hardware.message import CONTROL, NOTE_OFF, NOTE_ON, is_whole
from foretone_hardware.surface import ALL_OFF

HIGHEST = 127
"""The number of the last key, and the velocity of the hardest stroke: both are 1."""

PEDAL, RESET = 64, 121
"""The controllers of the sustain pedal, which is down from 64 on, and of all controllers as they were."""


class Keyboard:
    """A keyboard: a stroke is its key and its velocity, a release is its key and 0.

    While the sustain pedal is down releases wait; they come one after the other when it goes up.

    port
        Part of its name: `foretone learn` lists the ports.
    channel
        1 to 16; 0 hears all of them.
    """

    axes = ("key", "velocity")

    def __init__(self, midi: Send, *, port: str, channel: Annotated[int, Range(0, 16)] = 0) -> None:
        del midi  # it is only heard
        self.port = port
        self.wake = math.inf
        self._channel = channel
        self._held: set[tuple[int, int]] = set()
        self._pedals: set[int] = set()
        self._sustained: dict[tuple[int, int], None] = {}
        """Keys that the pedal alone holds, in the order of their release."""
        self._lifted: list[int] = []
        """Keys whose release is to be told."""

    def plug(self, _now: float) -> None:
        """Nothing is shown on it."""

    def unplug(self, _now: float) -> tuple[float, ...] | None:
        """Whatever was held on it is let go."""
        return self._let_go()

    def receive(self, message: bytes, _now: float) -> tuple[float, ...] | None:
        """Key and velocity of a stroke, key and 0 of a release, nothing when it says that all is off."""
        if not is_whole(message) or (self._channel and message[0] & 0x0F != self._channel - 1):
            return None
        kind, place = message[0] & 0xF0, (message[0] & 0x0F, message[1] if len(message) > 1 else 0)
        if kind == NOTE_ON and message[2]:
            self._held.add(place)
            self._sustained.pop(place, None)
            # Its own release, which lets go of both strokes, is yet to come.
            self._lifted = [key for key in self._lifted if key != message[1]]
            return message[1] / HIGHEST, message[2] / HIGHEST
        if kind in (NOTE_ON, NOTE_OFF) and place in self._held:
            self._held.discard(place)
            if place[0] not in self._pedals:
                return message[1] / HIGHEST, 0.0
            self._sustained[place] = None
        if kind != CONTROL:
            return None
        if message[1] in (PEDAL, RESET):
            self._press(place[0], message[1] == PEDAL and message[2] >= 64)
        return self._let_go() if message[1] in ALL_OFF else None

    def tick(self, _now: float) -> tuple[float, ...] | None:
        """The release of a key that the pedal has let go."""
        key = self._lifted.pop(0) if self._lifted else None
        self.wake = -math.inf if self._lifted else math.inf
        return None if key is None else (key / HIGHEST, 0.0)

    def close(self) -> None:
        """Nothing is held here."""

    def _press(self, channel: int, down: bool) -> None:
        """The pedal of a channel goes down, or up."""
        if down:
            self._pedals.add(channel)
            return
        self._pedals.discard(channel)
        for place in [place for place in self._sustained if place[0] == channel]:
            del self._sustained[place]
            self._lifted.append(place[1])
        self.wake = -math.inf if self._lifted else math.inf

    def _let_go(self) -> tuple[float, ...] | None:
        sounded = self._held or self._sustained or self._lifted
        self._held, self._sustained, self._lifted = set(), {}, []
        self._pedals.clear()
        self.wake = math.inf
        return () if sounded else None


class Chip:
    """A keyboard, for the fake board: a hand on a key, which strikes it as hard as its second axis says."""

    at = "port"

    def __init__(self, say: Send) -> None:
        self._say = say
        self._hand: Any = None
        self._channel = 0
        self._key: int | None = None

    def wire(self, settings: Mapping[str, Any], hand: Any) -> None:
        """A person's hand on it."""
        self._hand, self._channel = hand, max(settings["channel"] - 1, 0)

    def scan(self) -> None:
        """Say which key the hand has struck or released since the last look."""
        if self._hand is None:
            return
        place, strength = self._hand.at()
        key = round(HIGHEST * place) if strength > 0.0 else None
        if key == self._key:
            return
        if self._key is not None:
            self._say(bytes([NOTE_OFF | self._channel, self._key, 0]))
        if key is not None:
            self._say(bytes([NOTE_ON | self._channel, key, max(1, round(HIGHEST * strength))]))
        self._key = key

    def write(self, _message: bytes) -> None:
        """It shows nothing."""

    def look(self, _settings: Mapping[str, Any]) -> tuple[float, ...]:
        """The key that is down."""
        return () if self._key is None else (self._key / HIGHEST, 1.0)
