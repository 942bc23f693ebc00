"""What a builder calls a MIDI control, and what it is on the wire.

    cc 1 ch 11                      a controller, 7 bits
    cc 1 ch 11 from 20 to 100       a part of its range; the wrong way round turns it round
    cc 16 ch 1 sign                 an encoder that says how far it was turned: `twos` (1 is 0x01, -1 is
                                    0x7F), `offset` (0x41, 0x3F) or `sign` (0x01, 0x41)
    cc14 1 ch 1                     controllers 1 and 33 together, 14 bits
    bend ch 1                       14 bits, 0.5 in the middle
    pressure ch 1                   of the channel
    poly 60 ch 1                    the pressure on one key
    note 60 ch 1                    one key or pad: how hard it is struck, 0 when it is let go
    note ch 1                       which key, of them all or `from 36 to 84`; `velocity 100` strikes so hard
    velocity ch 1                   how hard that key is struck

Source: MIDI 1.0 Detailed Specification 4.2.1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from foretone_hardware.message import BEND, CONTROL, POLY, PRESSURE

STEP = 0.008
"""How far a click of an encoder goes, unless it is said otherwise."""
STRUCK = 127
"""The velocity of a note that nothing else says."""

JUMP = 8 / 127
"""A control that comes back this far from where it was left is somewhere else: another layer was on it."""
LEFT = 1.0
"""Seconds without a message after which a control counts as left."""
NEAR = 1.5 / 127
"""How near to the held value a control has to come to be taken up."""

_WORDS = re.compile(
    r"(cc14|cc|note|velocity|bend|pressure|poly)(?: (\d+))? ch (\d+)"
    r"(?: from (\d+) to (\d+))?(?: velocity (\d+))?(?: (twos|offset|sign))?"
)
_STATUS = {"cc": CONTROL, "cc14": CONTROL, "poly": POLY, "bend": BEND, "pressure": PRESSURE}
_HIGHEST = {"cc": 127, "cc14": 31, "poly": 127, "note": 127}


class Control(NamedTuple):
    """One control as it was written. `channel` is 0 to 15; `low` and `high` are the numbers at 0 and at 1."""

    word: str
    number: int | None
    channel: int
    low: int
    high: int
    velocity: int
    relative: str

    @classmethod
    def parse(cls, text: str) -> Control:
        """ValueError with a sentence when it is not one."""
        found = _WORDS.fullmatch(" ".join(text.split()))
        if found is None:
            raise ValueError(f'\'{text}\' is no control: write for example "cc 1 ch 11" or "note ch 1"')
        word, *numbers, relative = found.groups()
        number, channel, low, high, velocity = (None if n is None else int(n) for n in numbers)
        full = 16383 if word in ("cc14", "bend") else 127
        low, high = low or 0, full if high is None else high
        if number is None and word in ("cc", "cc14", "poly"):
            raise ValueError(f"'{text}' needs a number: {word} 0 to {_HIGHEST[word]}")
        if number is not None and number > _HIGHEST.get(word, -1):
            highest = _HIGHEST.get(word)
            raise ValueError(f"'{text}': {word} has {f'0 to {highest}' if highest else 'no number'}")
        if channel is None or not 1 <= channel <= 16:
            raise ValueError(f"'{text}': channels are 1 to 16")
        if low == high or max(low, high) > full:
            raise ValueError(f"'{text}': from and to must differ, and be 0 to {full}")
        if velocity is not None and not (word == "note" and number is None and 1 <= velocity <= 127):
            raise ValueError(f"'{text}': only \"note ch {channel}\" has a velocity, 1 to 127")
        if relative and word != "cc":
            raise ValueError(f"'{text}': only a cc can be relative")
        return cls(word, number, channel - 1, low, high, velocity or STRUCK, relative or "")

    def value(self, number: int) -> float:
        """Where a number is on the axis, 0..1."""
        return min(1.0, max(0.0, (number - self.low) / (self.high - self.low)))

    def on_wire(self, value: float) -> int:
        """The number for a value of 0..1."""
        return round(self.low + min(1.0, max(0.0, value)) * (self.high - self.low))


class Knob:
    """A control that stays where it is: controller, bend or pressure; both ways."""

    def __init__(self, control: Control, pickup: bool = False) -> None:
        self.control = control
        self.at = 0.5
        """Where the axis is, 0..1; for an encoder, where it was turned to."""
        self._pickup = pickup
        self._status = _STATUS[control.word] | control.channel
        self._high: int | None = None
        self._fine = False
        self._hand: float | None = None
        self._taken = True
        self._heard: float | None = None
        self._sent: int | None = None

    @property
    def keys(self) -> list[bytes]:
        """What its messages begin with."""
        number = self.control.number
        if number is None:
            return [bytes([self._status])]
        numbers = [number, number + 32] if self.control.word == "cc14" else [number]
        return [bytes([self._status, number]) for number in numbers]

    def plug(self) -> None:
        """The device is new: what it was told is forgotten, and where it stands is not known."""
        self._sent = self._high = None
        self._fine = False
        self._taken, self._hand = self._heard is None or not self._pickup, None

    def hear(self, message: bytes, now: float, step: float) -> bool:
        """Whether this message moved it; one click of an encoder moves it by `step`."""
        control = self.control
        if control.relative:
            before = self.at
            self.at = min(1.0, max(0.0, before + step * clicks(control.relative, message[2])))
            return self.at != before
        number = self._number(message)
        if number is None:
            return False
        value = control.value(number)
        if self._pickup and not self._pick_up(value, now):
            return False
        self.at, self._heard = value, now
        return True

    def say(self, value: float) -> list[bytes]:
        """What shows this value on the device; nothing when it does already."""
        number = self.control.on_wire(value)
        before, self._sent = self._sent, number
        if number == before:
            return []
        status, word = self._status, self.control.word
        if word == "cc14":
            coarse, fine = self.keys
            low = fine + bytes([number & 0x7F])
            if before is not None and before >> 7 == number >> 7:
                return [low]
            return [coarse + bytes([number >> 7]), low]
        if word == "bend":
            return [bytes([status, number & 0x7F, number >> 7])]
        return [self.keys[0] + bytes([number])]

    def _number(self, message: bytes) -> int | None:
        """The number in a message; None for the first half of one of 14 bits."""
        word = self.control.word
        if word == "bend":
            return message[1] | message[2] << 7
        if word != "cc14":
            return message[-1]
        if message[1] == self.control.number:
            # Some devices never send the fine half. Those that do send it last, and again by itself.
            self._high = message[2]
            return None if self._fine else message[2] << 7
        self._fine = True
        return None if self._high is None else self._high << 7 | message[2]

    def _pick_up(self, value: float, now: float) -> bool:
        """Whether it is heard: a control that is not where it is held is, from when it passes through."""
        if self._heard is not None and self._taken and now - self._heard > LEFT:
            self._taken = abs(value - self.at) < JUMP
            self._hand = value
        if not self._taken:
            crossed = self._hand is not None and (self._hand - self.at) * (value - self.at) <= 0
            self._taken = crossed or abs(value - self.at) <= NEAR
            self._hand = value
        return self._taken


def clicks(relative: str, number: int) -> int:
    """How far an encoder was turned, by the way in which it says so."""
    if relative == "twos":
        return number - 128 if number & 0x40 else number
    if relative == "offset":
        return number - 64
    return -(number & 0x3F) if number & 0x40 else number


def turned(relative: str, count: int) -> int:
    """The number that says `count` clicks, -63 to 63: the other way round."""
    if relative == "twos":
        return count & 0x7F
    if relative == "offset":
        return count + 64
    return 0x40 | -count if count < 0 else count
