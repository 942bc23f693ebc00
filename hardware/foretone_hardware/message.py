"""MIDI messages as bytes: what they are called, and a stream of bytes cut into whole ones.

Source: MIDI 1.0 Detailed Specification 4.2.1, tables 1 to 6.
"""

from __future__ import annotations

NOTE_OFF, NOTE_ON, POLY, CONTROL, PROGRAM, PRESSURE, BEND = range(0x80, 0xF0, 0x10)
"""Statuses of channel messages; the channel, 0 to 15, is added."""
SYSEX, SONG_POSITION, END = 0xF0, 0xF2, 0xF7
CLOCK, START, CONTINUE, STOP, SENSING, RESET = 0xF8, 0xFA, 0xFB, 0xFC, 0xFE, 0xFF

LARGEST = 65536
"""Bytes of the longest SysEx that is kept."""

_LENGTHS = {NOTE_OFF: 3, NOTE_ON: 3, POLY: 3, CONTROL: 3, PROGRAM: 2, PRESSURE: 2, BEND: 3}
_COMMON = {0xF1: 2, SONG_POSITION: 3, 0xF3: 2, 0xF6: 1}
_COMMON |= dict.fromkeys((CLOCK, START, CONTINUE, STOP, SENSING, RESET), 1)


class Joiner:
    """Cuts what one port sends into whole messages, however it was chopped up.

    Running status is undone, clock ticks inside of other messages are taken out, and what belongs to no
    message is dropped and counted in `malformed`.
    """

    def __init__(self) -> None:
        self.malformed = 0
        self._begun = bytearray()
        self._running = 0

    def take(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete."""
        whole = []
        for byte in data:
            if byte >= CLOCK and length(byte):
                whole.append(bytes([byte]))
            elif byte >= CLOCK:
                self.malformed += 1
            elif (message := self._take(byte)) is not None:
                whole.append(message)
        return whole

    def _take(self, byte: int) -> bytes | None:
        begun = self._begun
        if byte >= NOTE_OFF:
            return self._status(byte)
        if not begun:
            if not self._running:
                self.malformed += 1
                return None
            begun.append(self._running)
        begun.append(byte)
        if begun[0] == SYSEX:
            if len(begun) >= LARGEST:
                self._drop()
            return None
        return self._whole() if len(begun) == length(begun[0]) else None

    def _status(self, byte: int) -> bytes | None:
        begun = self._begun
        if byte == END:
            if begun and begun[0] == SYSEX:
                begun.append(byte)
                return self._whole()
            self._drop()
            self._running = 0
            self.malformed += 1
            return None
        self._drop()
        self._running = byte if byte < SYSEX else 0
        if byte != SYSEX and not length(byte):
            self.malformed += 1
            return None
        begun.append(byte)
        return self._whole() if length(byte) == 1 else None

    def _whole(self) -> bytes:
        message = bytes(self._begun)
        self._begun.clear()
        return message

    def _drop(self) -> None:
        self.malformed += len(self._begun)
        self._begun.clear()


def length(status: int) -> int:
    """How many bytes a message has that begins with this one; 0 for SysEx and what is undefined."""
    return _COMMON.get(status, 0) if status >= SYSEX else _LENGTHS.get(status & 0xF0, 0)


def is_whole(message: bytes) -> bool:
    """Whether it is one message, complete, and nothing else."""
    if not message or message[0] < NOTE_OFF:
        return False
    if message[0] == SYSEX:
        return message[-1] == END and max(message[1:-1], default=0) < NOTE_OFF
    return len(message) == length(message[0]) and max(message[1:], default=0) < NOTE_OFF
