"""The lights of a Lightpad as a picture of 15 by 15, held in its memory over SysEx.

Sources: WeAreROLI/roli_blocks_basics, topology/internal and littlefoot/roli_LittleFootRemoteHeap.h for the
order and the times of the dialogue, littlefoot/roli_LittleFootRunner.h for the program's instructions.
"""

from __future__ import annotations

import math

from foretone_hardware import blocks
from foretone_hardware.blocks import Ack, Topology
from foretone_hardware.device import Send

SIDE = 15
PICTURE = 2 * SIDE * SIDE
"""Bytes of a picture: 16 bits for each light, row by row from the top left; 5 red, 6 green, 5 blue, from
the least significant bit."""
LIGHTPADS = ("LPB", "LPM")
MASTER = 0

ASK, LATER, TRIES = 0.3, 5.0, 10
"""Seconds between the first `TRIES` questions to a block that does not answer, and between later ones."""
PING, PING_BEHIND = 0.4, 1.666
"""Seconds between pings to the block that has the cable, and to those that hang on it."""
PATIENCE = 5.0
"""Seconds without a ping until a block leaves API mode, and without an answer until it is asked anew."""
AGAIN = 0.25
"""Seconds to the second sending of a packet that was not acknowledged."""

_INITIALISE = bytes.fromhex(
    "0b"  # push 0
    "07 8e 7e"  # setStatusOverlayActive
    "05 00"  # return
)
_REPAINT = bytes.fromhex(
    "0e e1 00"  # push 225: n
    "0c 24"  # again: n - 1, which stays below everything else
    "10 0d 0f 26"  # y = n / 15
    "11 0d 0f 28"  # x = n % 15
    "0d 05 13 0d 10 22 0d 0b 20 40 0d 03 2d"  # blue: 5 bits of the heap at 16 n + 11, shifted left by 3
    "0d 06 14 0d 10 22 0d 05 20 40 0d 02 2d"  # green: 6 bits at 16 n + 5, by 2
    "0d 05 15 0d 10 22 40 0d 03 2d"  # red: 5 bits at 16 n, by 3
    "0e ff 00"  # push 255: opaque
    "07 83 3f"  # makeARGB takes four of them
    "07 0b c2"  # fillPixel takes that, x and y
    "10 02 1b 00"  # jump to `again`, byte 27 of the program, unless n is 0
    "08 05 00"  # drop n, return
)
INITIALISE_ID, REPAINT_ID = 0x8C64, 0x6F8D
"""LittleFoot's short names of `initialise/v` and `repaint/v`."""


def _program() -> bytes:
    """The LittleFoot program that paints the picture in the heap behind it: header, functions, code."""
    functions = ((INITIALISE_ID, _INITIALISE), (REPAINT_ID, _REPAINT))
    body, at = b"", 10 + 4 * len(functions)
    for number, code in functions:
        body += number.to_bytes(2, "little") + at.to_bytes(2, "little")
        at += len(code)
    body += _INITIALISE + _REPAINT
    header = b"".join(word.to_bytes(2, "little") for word in (at, len(functions), 0, PICTURE))
    check = at
    for byte in header + body:
        check = (3 * check + byte) & 0xFFFF
    return check.to_bytes(2, "little") + header + body


PROGRAM = _program()


class Bitmap:
    """Gets a Lightpad to run our program, and its picture to be what `show` was told.

    The block is asked for its number, then which blocks there are; each is put into API mode and pinged. The
    first Lightpad among them gets program and picture, one packet at a time, each until it is acknowledged.
    While our program runs, the block sends no MIDI for touches, but packets with `blocks.Touch` in them.

    `wake` is when it wants its next `tick`. One thread calls every method; `now` is seconds of its clock.
    """

    def __init__(self, send: Send) -> None:
        self.wake = math.inf
        self._send = send
        self._wanted = list(PROGRAM + bytes(PICTURE))
        self._ask, self._heard, self._sent = math.inf, -math.inf, -math.inf
        self._forget(math.inf)

    @property
    def shown(self) -> bool:
        """Whether the block has acknowledged the whole of the newest picture."""
        return self._memory == self._wanted

    def plug(self, now: float) -> None:
        """The block is there, and was just switched on for all we know: ask who it is."""
        self._forget(now)

    def unplug(self) -> None:
        """It is gone."""
        self._forget(math.inf)

    def show(self, picture: bytes) -> None:
        """From now on this, PICTURE bytes."""
        self._wanted[len(PROGRAM) :] = picture
        if self._known and self._waiting is None and not self.shown:
            self.wake = -math.inf

    def receive(self, message: bytes, now: float) -> None:
        """Take a SysEx message; whatever is not part of the dialogue is left out."""
        if blocks.serial(message) is not None and self._pad is None:
            self._send(blocks.command(MASTER, blocks.REQUEST_TOPOLOGY))
        opened = blocks.opened(message)
        for told in blocks.said(*opened) if opened is not None else ():
            if isinstance(told, Topology):
                self._join(told, now)
            elif isinstance(told, Ack) and told.device == self._pad:
                self._acknowledge(told, now)

    def tick(self, now: float) -> None:
        """Ask, ping, or send what is due."""
        if self._pad is not None and now - self._heard >= PATIENCE:
            self._forget(now)
        if self._pad is None and self._ask <= now:
            self._send(blocks.SERIAL_REQUEST)
            self._asked += 1
            self._ask = now + (ASK if self._asked < TRIES else LATER)
        for device, due in self._pings.items():
            if due <= now:
                self._send(blocks.command(device, blocks.PING))
                self._pings[device] = now + (PING if device == MASTER else PING_BEHIND)
        if self._waiting is not None and self._sent + AGAIN <= now:
            self._sent = now
            self._send(self._waiting)
        self._write(now)
        self._plan()

    def close(self) -> None:
        """Leave API mode: the block runs its own program again."""
        for device in self._pings:
            self._send(blocks.command(device, blocks.END_API))
        self._forget(math.inf)

    def _forget(self, ask: float) -> None:
        """Nothing is known of any block; ask for one at this time."""
        self.wake = ask
        self._ask, self._asked = ask, 0
        self._pad: int | None = None
        self._pings: dict[int, float] = {}
        self._known: bool = False
        """Whether the Lightpad is in API mode, and which packet it had last."""
        self._counter: int = 0
        self._memory: list[int | None] = [None] * len(self._wanted)
        self._waiting: bytes | None = None
        """The packet that is not acknowledged yet."""
        self._after: list[int | None] = self._memory

    def _join(self, topology: Topology, now: float) -> None:
        places = [place for _, place in topology.blocks]
        pads = [place for name, place in topology.blocks if name.startswith(LIGHTPADS)]
        if not pads or (self._pad in pads and list(self._pings) == places):
            return
        self._forget(math.inf)
        self._pad, self._heard = pads[0], now
        for place in places:
            self._send(blocks.command(place, blocks.END_API))
            self._send(blocks.command(place, blocks.BEGIN_API))
            self._pings[place] = now
        self._plan()

    def _acknowledge(self, ack: Ack, now: float) -> None:
        self._heard = now
        if self._waiting is not None and ack.counter == (self._counter + 1) % blocks.COUNTERS:
            self._memory, self._waiting, self._counter = self._after, None, ack.counter
        elif not self._known or ack.counter != self._counter:
            # It counts otherwise than we do: it was switched off, or another program spoke to it.
            self._memory, self._waiting, self._counter = [None] * len(self._wanted), None, ack.counter
        self._known = True
        self._write(now)
        self._plan()

    def _write(self, now: float) -> None:
        if self._known and self._waiting is None and not self.shown and self._pad is not None:
            index = (self._counter + 1) % blocks.COUNTERS
            payload, self._after = blocks.changes(index, self._memory, bytes(self._wanted))
            self._waiting, self._sent = blocks.packet(self._pad, payload), now
            self._send(self._waiting)

    def _plan(self) -> None:
        self.wake = min(
            self._ask if self._pad is None else self._heard + PATIENCE,
            self._sent + AGAIN if self._waiting is not None else math.inf,
            *self._pings.values(),
        )
