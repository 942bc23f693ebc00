"""A ROLI Lightpad Block: a soft pad that feels where and how hard it is touched, over 15 by 15 lights.

Sources: WeAreROLI/roli_blocks_basics, littlefoot/scripts/Factory Scripts (Note Grid in MPE, XYZ Pad);
cpmpercussion/impsy, examples/midi_controllers (the XYZ program that shows what it is sent); `blocks.py` and
`bitmap.py` for SysEx.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from foretone_hardware import blocks
from foretone_hardware.bitmap import PICTURE, SIDE, Bitmap
from foretone_hardware.device import Send
from foretone_hardware.message import BEND, CONTROL, NOTE_OFF, NOTE_ON, PRESSURE, SYSEX, is_whole

Program = Literal["mpe", "xyz"]
Lights = Literal["off", "xyz", "bitmap"]
Grid = Literal[1, 2, 3, 4, 5]
Position = tuple[float, float, float]

XYZ = (113, 114, 115)
"""Control changes of the XYZ program, on channel 1: x from the left, y from the bottom, pressure."""
SLIDE, SOUND_OFF, NOTES_OFF = 74, 120, 123
MIDDLE, BENT = 8192, 48
"""A pitch bend at rest; semitones of the farthest."""
LOWEST = {5: 48}
"""The Note Grid's lowest note by its size; 36 where it is not 5 by 5."""
GATHER = 0.003
"""Seconds in which the messages of one touch arrive: up to three, of which only those come that changed."""
COLOURS = ["#ff2800", "#00d050"]
FRAME = 0.04
"""Seconds between pictures: a block paints 25 times a second."""
REACH = 2.6
"""Lights from the middle of a spot to where it ends, when pressed as hard as can be."""


class LightPad:
    """x from the left, y from the bottom, and pressure; the newest finger leads, and lets go at last.

    Several fingers are followed, and when the newest is lifted the one before it leads again.

    program
        What the block runs. `mpe` is its own Note Grid, as shipped; `xyz` is ROLI's XYZ Pad or IMPSY's
        XYZ-pad-with-feedback, put on it with ROLI's Dashboard. In XYZ nothing but a pressure of 0 tells that
        the finger was lifted.
    grid
        Pads in a row of the Note Grid. With 1 (the button at the side changes it) x is measured over the
        whole surface; with more it begins in the middle of the pad that is touched, and glides from there.
    lights
        As a sink: `xyz` lights the XYZ program's own spot. `bitmap` puts a program of ours on the block,
        which paints what it is sent and needs no preparation; the block's own comes back when the sink is
        closed. One sink of an instrument may use it, and touches then come by SysEx, to 12 bits.
    colours
        In `bitmap`, of the parts that the sink plays, in their order; `#rrggbb`.

    The bus's thread calls every method. Raises ValueError for a colour that is none.
    """

    axes = ("x", "y", "pressure")

    def __init__(
        self,
        midi: Send,
        *,
        port: str = "Lightpad BLOCK",
        program: Program = "mpe",
        grid: Grid = 5,
        lights: Lights = "off",
        colours: list[str] = COLOURS,
    ) -> None:
        self.port = port
        self.malformed = 0
        """Messages that are not as MIDI or their checksum has them, or too long; each was left out."""
        self._send, self._program, self._grid = midi, program, grid
        self._completes = 2 if program == "xyz" else 0
        """The axis that comes last."""
        self._lights, self._colours = lights, [_colour(text) for text in colours or ["#ffffff"]]
        self._bitmap = Bitmap(midi) if lights == "bitmap" else None
        self._shown: dict[int, Sequence[float]] = {}
        self._paint, self._painted = math.inf, -math.inf
        self._gather = math.inf
        self._forget()

    @property
    def wake(self) -> float:
        """When the rest of a touch, a picture or a word to the block is due."""
        if self._bitmap is None:
            return self._gather
        return min(self._gather, self._paint, self._bitmap.wake)

    def plug(self, now: float) -> None:
        """Begin to talk to the block, if its lights are wanted."""
        if self._bitmap is not None:
            self._bitmap.plug(now)

    def unplug(self, _now: float) -> tuple[float, ...] | None:
        """Every finger is lifted."""
        if self._bitmap is not None:
            self._bitmap.unplug()
        touched = self._last is not None
        self._forget()
        return () if touched else None

    def receive(self, message: bytes, now: float) -> tuple[float, ...] | None:
        """A message of the block: where the leading finger is when that changed, `()` when none is left."""
        if not is_whole(message):
            self.malformed += 1
            return None
        if message[0] == SYSEX:
            return self._take_packet(message, now)
        if message[0] > SYSEX or self._by_packet:
            return None
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        axis = self._axis(kind, channel, message[1])
        # The same axis again begins another gesture: the one before it is whole.
        late = self._moved() if axis in self._fresh else None
        if self._take(kind, channel, message) or axis == self._completes:
            return self._moved()
        if axis is not None:
            self._fresh.add(axis)
            if self._where() != self._last:
                self._gather = min(self._gather, now + GATHER)
        return late

    def tick(self, now: float) -> tuple[float, ...] | None:
        """What is due. Returns as `receive`."""
        if self._bitmap is not None:
            if self._paint <= now:
                self._paint, self._painted = math.inf, now
                self._bitmap.show(self._picture())
            if self._bitmap.wake <= now:
                self._bitmap.tick(now)
        return self._moved() if self._gather <= now else None

    def write(self, values: Sequence[float], place: int = 0) -> None:
        """Show x, y and pressure of the part at `place`."""
        shown = self._shown[place] = tuple(min(1.0, max(0.0, value)) for value in values)
        self._paint = min(self._paint, self._painted + FRAME)
        if self._lights == "xyz":
            for number, value in zip(XYZ, shown, strict=False):
                self._send(bytes((CONTROL, number, round(value * 127))))

    def rest(self, place: int = 0) -> None:
        """The part at `place` lets go: its spot goes out."""
        if self._shown.pop(place, None) is not None:
            self._paint = min(self._paint, self._painted + FRAME)
            if self._lights == "xyz":
                self._send(bytes((CONTROL, XYZ[2], 0)))

    def close(self) -> None:
        """Lights out, and the block is its own again."""
        for place in list(self._shown):
            self.rest(place)
        if self._bitmap is not None:
            self._bitmap.close()
            self._paint = math.inf

    # What is heard.

    def _forget(self) -> None:
        self._fingers: dict[tuple[int, int], Position | None] = {}
        """By packet: place and finger, and where it is; by MPE: channel and note. The newest is the last."""
        self._bends, self._slides, self._pressures = [MIDDLE] * 16, [64] * 16, [0] * 16
        self._xyz = [0.5, 0.5, 0.0]
        self._fresh: set[int | None] = set()
        """The axes that came since the last whole position."""
        self._by_packet = False
        """Whether touches come by SysEx: then those in MIDI are the same ones again."""
        self._last: Position | None = None
        self._gather = math.inf

    def _take_packet(self, message: bytes, now: float) -> tuple[float, ...] | None:
        if self._bitmap is not None:
            self._bitmap.receive(message, now)
        opened = blocks.opened(message)
        if opened is None:
            self.malformed += blocks.serial(message) is None
            return None
        touches = [told for told in blocks.said(*opened) if isinstance(told, blocks.Touch)]
        for touch in touches:
            if not self._by_packet:
                self._by_packet = True
                self._fingers.clear()
            finger = (touch.device, touch.finger)
            if touch.phase == "end":
                self._fingers.pop(finger, None)
            else:
                self._fingers[finger] = (touch.x, 1.0 - touch.y, touch.z)
        return self._moved() if touches else None

    def _axis(self, kind: int, channel: int, number: int) -> int | None:
        """Which axis of the leading finger a message is about: 0 x, 1 y, 2 pressure."""
        if self._program == "xyz":
            return XYZ.index(number) if kind == CONTROL and channel == 0 and number in XYZ else None
        if not self._fingers or next(reversed(self._fingers))[0] != channel:
            return None
        return {BEND: 0, PRESSURE: 2}.get(kind, 1 if kind == CONTROL and number == SLIDE else None)

    def _take(self, kind: int, channel: int, message: bytes) -> bool:
        """Whether a finger came or went."""
        number, value = message[1], message[-1]
        finger = (channel, number)
        if self._program == "xyz":
            if kind == CONTROL and channel == 0 and number in XYZ:
                self._xyz[XYZ.index(number)] = value / 127
        elif kind == NOTE_ON and value:
            self._fingers.pop(finger, None)
            self._fingers[finger] = None
            return True
        elif kind in (NOTE_ON, NOTE_OFF):
            touched = finger in self._fingers
            self._fingers.pop(finger, None)
            return touched
        elif kind == BEND:
            self._bends[channel] = number | value << 7
        elif kind == PRESSURE:
            self._pressures[channel] = value
        elif kind == CONTROL and number == SLIDE:
            self._slides[channel] = value
        elif kind == CONTROL and number in (SOUND_OFF, NOTES_OFF):
            self._fingers = {finger: None for finger in self._fingers if finger[0] != channel}
            return True
        return False

    def _where(self) -> Position | None:
        """Where the leading finger is; None when there is none."""
        if self._program == "xyz" and not self._by_packet:
            x, y, pressure = self._xyz
            return (x, y, pressure) if pressure else None
        if not self._fingers:
            return None
        (channel, note), position = next(reversed(self._fingers.items()))
        if position is not None:
            return position
        semitones = (self._bends[channel] - MIDDLE) / MIDDLE * BENT
        if self._grid == 1:
            x = 0.5 + semitones / 24
        else:
            # A pad is a semitone wide, and a finger must go 1.05 pads for one.
            column = (note - LOWEST.get(self._grid, 36)) % self._grid
            x = (column + 0.5 + 1.05 * semitones) / self._grid
        return min(1.0, max(0.0, x)), self._slides[channel] / 127, self._pressures[channel] / 127

    def _moved(self) -> tuple[float, ...] | None:
        self._gather = math.inf
        self._fresh.clear()
        where, before = self._where(), self._last
        self._last = where
        return None if where == before else where if where is not None else ()

    # What is shown.

    def _picture(self) -> bytes:
        """A spot for each part that plays: the harder it presses, the brighter and wider."""
        lights: dict[int, list[float]] = {}
        for place, (x, y, pressure) in self._shown.items():
            colour = self._colours[min(place, len(self._colours) - 1)]
            column, row = x * (SIDE - 1), (1.0 - y) * (SIDE - 1)
            reach = 1.1 + (REACH - 1.1) * pressure
            for r in range(max(0, math.ceil(row - reach)), min(SIDE, math.floor(row + reach) + 1)):
                for c in range(max(0, math.ceil(column - reach)), min(SIDE, math.floor(column + reach) + 1)):
                    near = 1.0 - math.hypot(c - column, r - row) / reach
                    if near > 0.0:
                        light = lights.setdefault(SIDE * r + c, [0.0, 0.0, 0.0])
                        for n in range(3):
                            light[n] += colour[n] * near * (0.35 + 0.65 * pressure)
        picture = bytearray(PICTURE)
        for n, light in lights.items():
            picture[2 * n : 2 * n + 2] = _rgb565(*light)
        return bytes(picture)


def _rgb565(red: float, green: float, blue: float) -> bytes:
    r, g, b = (min(1.0, part) for part in (red, green, blue))
    return (round(r * 31) | round(g * 63) << 5 | round(b * 31) << 11).to_bytes(2, "little")


def _colour(text: str) -> tuple[float, float, float]:
    digits = text.removeprefix("#")
    if len(digits) != 6 or not all(letter in "0123456789abcdefABCDEF" for letter in digits):
        raise ValueError(f"{text!r} is no colour: write #rrggbb, such as #ff2800")
    red, green, blue = bytes.fromhex(digits)
    return red / 255, green / 255, blue / 255
