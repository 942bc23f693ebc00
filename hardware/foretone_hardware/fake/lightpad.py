"""A Lightpad Block in memory: fingers on it make its bytes, what is sent to it lights its lights."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from foretone_hardware.device import Send
from foretone_hardware.fake.littlefoot import Machine

SIDE = 15
SERIAL = b"LPB0123456789ABC"
MEMORY = 7200
PATIENCE = 500
"""Scans, a hundredth of a second each, without a ping until API mode ends."""
GREEN = (0, 255, 0)


class Chip:
    """The block as its messages show it, for the fake board.

        mpe     Note Grid: a channel from 2 to 16 for each finger; bend, CC 74, pressure, note on; when it
                moves pressure, CC 74, bend, those that changed; note off
        xyz     CC 113, 114, 115 of the first finger, on channel 1; sent to it, they light a green spot
        SysEx   serial number, topology, API mode with its pings, ACKs, changes of its memory, and touches

    A program that was written to its memory runs instead of the block's own as soon as its checksum is right:
    then there is no MIDI for touches. API mode ends 5 s after the last ping, and the memory is cleared.
    """

    at = "port"

    def __init__(self, say: Send) -> None:
        self.program, self.grid = "mpe", 5
        self.pixels = [(0, 0, 0)] * SIDE**2
        self.silent = False
        """Whether it answers no SysEx, as one that has another program or no time."""
        self.lost = 0
        """Packets that were not as their checksum says."""
        self.complaint = ""
        """What the machine inside said of the program."""
        self._say = say
        self._hand: Any = None
        self._fingers: dict[int, _Finger] = {}
        self._xyz = [0, 0, 0]
        self._memory = bytearray(MEMORY)
        self._machine = self._screen()
        self._pings = 0
        """Scans until API mode ends; 0 outside of it."""
        self._counter = 0
        self._ours = False
        """Whether a program from the host runs."""

    # What hands do.

    def wire(self, settings: Mapping[str, Any], hand: Any) -> None:
        """From now on this hand plays with one finger, which touches while its third axis is above 0."""
        self.program, self.grid, self._hand = settings["program"], settings["grid"], hand

    def scan(self) -> None:
        """Look where the hand is by now, and how long ago the last ping was."""
        if self._pings:
            self._pings -= 1
            if not self._pings:
                self._reset()
        for place in self._hand.moves() if self._hand is not None else ():
            if place and place[2] > 0.0:
                self.touch(*place)
            else:
                self.lift()

    def touch(self, x: float, y: float, pressure: float, finger: int = 1) -> None:
        """Put a finger there, or move it there: from the left, from the bottom, into it, 0..1."""
        there = self._fingers.get(finger)
        begins = there is None
        if there is None:
            used = [other.channel for other in self._fingers.values()]
            channel = next((channel for channel in range(1, 15) if channel not in used), 15)
            there = self._fingers[finger] = _Finger(channel, self._pad(x, y), x)
        elif (x, y, pressure) == there.last:
            return
        there.last = (x, y, pressure)
        if self._pings:
            self._packet(0x10 if begins else 0x11, finger, there)
        if not self._ours:
            self._play(there, begins)

    def lift(self, finger: int = 1) -> None:
        """Take a finger away."""
        there = self._fingers.pop(finger, None)
        if there is None:
            return
        if self._pings:
            self._packet(0x12, finger, there)
        if self._ours:
            return
        if self.program == "mpe":
            self._say(bytes((0x80 | there.channel, there.note, 64)))
        elif finger == 1:  # it has no message for this; but a finger that leaves presses less and less
            self._say_xyz((*there.last[:2], 0.0))

    # What a person sees.

    def look(self, _settings: Mapping[str, Any]) -> tuple[float, ...]:
        """Where what is sent to it is lit, and how bright at most; empty when all is dark.

        Of a program from the host it takes for granted that it paints the picture behind it: to run it takes
        10 ms, and this is asked for 30 times a second. `repaint` runs it.
        """
        if not self._ours:
            return tuple(value / 127 for value in self._xyz) if self.program == "xyz" and self._xyz[2] else ()
        size = int.from_bytes(self._memory[2:4], "little")
        lights = [
            (n % SIDE, n // SIDE, max((word & 31) / 31, (word >> 5 & 63) / 63, (word >> 11) / 31))
            for n, word in enumerate(struct.unpack_from(f"<{SIDE**2}H", self._memory, size))
            if word
        ]
        if not lights:
            return ()
        total = sum(light for _, _, light in lights)
        x = sum(column * light for column, _, light in lights) / total
        y = sum(row * light for _, row, light in lights) / total
        return x / (SIDE - 1), 1.0 - y / (SIDE - 1), max(light for _, _, light in lights)

    def repaint(self) -> None:
        """What the block does 25 times a second."""
        self.pixels = [(0, 0, 0)] * SIDE**2
        if self._ours:
            self.complaint = self._machine.run("repaint/v") or self.complaint
        elif self.program == "xyz" and self._xyz[2]:
            x, y, _ = (round(value / 127 * (SIDE - 1)) for value in self._xyz)
            self.pixels[x + SIDE * (SIDE - 1 - y)] = GREEN

    # What the host sends.

    def write(self, message: bytes) -> None:
        """A message from the host; what the block does not know it ignores."""
        if message.startswith(b"\xf0\x00\x21\x10\x78\x3f"):
            if not self.silent:
                self._say(b"\xf0\x00\x21\x10\x78\x3e48:B6:20:01:02:03" + SERIAL + b"\xf7")
        elif message.startswith(b"\xf0\x00\x21\x10\x77"):
            if _checksum(message[6:-2]) == message[-2]:
                self._take(_Stream(message[6:-2]))
            else:
                self.lost += 1
        elif len(message) == 3 and message[0] == 0xB0 and 113 <= message[1] <= 115:
            self._xyz[message[1] - 113] = message[2]

    def _take(self, stream: _Stream) -> None:
        kind = stream.take(7)
        if kind == 0x02 and self._pings:
            self._counter = stream.take(16) % 1024
            self._change(stream)
            self._tell((0x02, 7), (self._counter, 10))
        elif kind == 0x01:
            number = stream.take(9)
            if number == 0:
                self._pings = PATIENCE
            elif number == 1 and not self.silent:
                letters = [(letter, 7) for letter in SERIAL]
                self._tell((0x01, 7), (1, 8), (1, 7), (0, 8), *letters, (0, 7), (31, 5), (0, 1))
            elif number == 2:
                self._reset()
            elif number == 3 and self._pings:
                self._pings = PATIENCE
                self._tell((0x02, 7), (self._counter, 10))

    def _change(self, stream: _Stream) -> None:
        """Changes of the memory: 0 and 1 end them, 2 and 3 skip, 4 a sequence, 5 to 7 one value."""
        was, at, last = self._ours, 0, 0
        while (do := stream.take(3)) > 1:
            if do in (2, 3):
                at += stream.take(4 if do == 2 else 8)
            elif do == 4:
                more = 1
                while more:
                    self._memory[at] = last = stream.take(8)
                    at, more = at + 1, stream.take(1)
            else:
                count = stream.take(8 if do == 7 else 4)
                last = last if do == 6 else stream.take(8)
                self._memory[at : at + count] = bytes((last,)) * count
                at += count
        self._ours = self._machine.valid
        if self._ours and not was:
            self.complaint = self._machine.run("initialise/v")

    def _reset(self) -> None:
        """The block's own program runs, and API mode is over."""
        self._pings, self._counter, self._ours = 0, 0, False
        self._memory[:] = bytes(MEMORY)

    def _screen(self) -> Machine:
        """The machine that runs programs, with the functions of the block that ours calls."""
        return Machine(
            self._memory,
            {
                "setStatusOverlayActive/vb": (1, lambda _on: None),
                "makeARGB/iiiii": (4, lambda _alpha, red, green, blue: red << 16 | green << 8 | blue),
                "fillPixel/viii": (3, self._fill),
            },
        )

    def _fill(self, colour: int, x: int, y: int) -> None:
        self.pixels[x + SIDE * y] = (colour >> 16 & 255, colour >> 8 & 255, colour & 255)

    # What it says.

    def _play(self, finger: _Finger, begins: bool) -> None:
        x, y, pressure = finger.last
        if self.program == "xyz":
            if finger is self._fingers.get(1):
                self._say_xyz(finger.last)
            return
        semitones = 24 * (x - 0.5) if self.grid == 1 else (x - finger.begin) * self.grid / 1.05
        bend = min(16383, max(0, 8192 + round(semitones / 48 * 8192)))
        turns = [
            bytes((0xE0 | finger.channel, bend & 127, bend >> 7)),
            bytes((0xB0 | finger.channel, 74, round(y * 127))),
            bytes((0xD0 | finger.channel, round(pressure * 127))),
        ]
        if begins:
            for message in (*turns, bytes((0x90 | finger.channel, finger.note, 100))):
                self._say(message)
        else:
            for message in reversed(turns):
                if message not in finger.said:
                    self._say(message)
        finger.said = turns

    def _say_xyz(self, place: tuple[float, float, float]) -> None:
        for number, value in enumerate(place, start=113):
            self._say(bytes((0xB0, number, round(value * 127))))

    def _pad(self, x: float, y: float) -> int:
        """The note of the Note Grid's pad there."""
        column, row = (min(self.grid - 1, int(place * self.grid)) for place in (x, y))
        return (48 if self.grid == 5 else 36) + self.grid * row + column

    def _packet(self, kind: int, number: int, finger: _Finger) -> None:
        x, y, pressure = finger.last
        places = ((round(x * 4095), 12), (round((1.0 - y) * 4095), 12), (round(pressure * 255), 8))
        self._tell((kind, 7), (0, 5), (number, 5), *places)

    def _tell(self, *fields: tuple[int, int]) -> None:
        value = width = 0
        for field, bits in ((0, 32), *fields):
            value, width = value | field << width, width + bits
        payload = bytes(value >> at & 127 for at in range(0, width, 7))
        self._say(b"\xf0\x00\x21\x10\x77\x40" + payload + bytes((_checksum(payload), 0xF7)))


class _Finger:
    """Where a finger is, and what was said of it."""

    def __init__(self, channel: int, note: int, begin: float) -> None:
        self.channel, self.note, self.begin = channel, note, begin
        self.last: tuple[float, float, float] = (-1.0, -1.0, -1.0)
        self.said: list[bytes] = []


class _Stream:
    """Integers out of seven bits a byte, least significant bit first."""

    def __init__(self, payload: bytes) -> None:
        self._bits = [byte >> n & 1 for byte in payload for n in range(7)]
        self._at = 0

    def take(self, width: int) -> int:
        bits = self._bits[self._at : self._at + width]
        self._at += width
        return sum(bit << n for n, bit in enumerate(bits))


def _checksum(payload: bytes) -> int:
    total = len(payload)
    for byte in payload:
        total = (3 * total + byte) % 256
    return total % 128
