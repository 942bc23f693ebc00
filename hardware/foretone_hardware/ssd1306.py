"""A small display on an SSD1306: 128 by 64 or 32 dots, on I2C. It shows what the instrument is doing.

Source: Solomon Systech, "SSD1306, 128 x 64 Dot Matrix OLED/PLED Segment/Common Driver", Rev. 1.1.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import adafruit_ssd1306

from foretone_hardware.device import I2C, Clock, DeviceError, Range, Status
from foretone_hardware.glyphs import drawn

WIDTH = 128
DRAW, ASK = 0.05, 0.25
"""Seconds between two pictures at least, and between two looks at how the instrument is."""
LABEL = 40
"""Columns of an axis' name, before its bar."""
FULL, EMPTY = 0x7E, (0x18, 0, 0, 0)
"""A column of a bar up to its value; the four columns that repeat beyond it."""


class SSD1306:
    """The instrument's title and lateness, a bar for each axis, and how it plays or what is out of order.

    The lateness is told in milliseconds: 99 % of what was due was played within so many.
    `height` is that of the display in dots: 64 has room for six bars, 32 for two. A `write` sends at most one
    line of the picture, and of that only what changed: 3 ms of the bus at most. It is never `settled`, so
    that it is written to every 20 ms: pictures follow each other 20 times a second at most, and the state is
    looked at four times a second. The bus's thread calls every method. Raises DeviceError when the chip does
    not answer.

    status
        Given by the house: how the instrument is.
    """

    settled = False

    def __init__(
        self,
        i2c: I2C,
        clock: Clock,
        axes: tuple[str, ...],
        status: Callable[[], Status],
        *,
        address: Annotated[int, Range(0x3C, 0x3D)] = 0x3C,
        height: Literal[64, 32] = 64,
    ) -> None:
        self.axes = axes
        self._clock, self._address, self._ask = clock, address, status
        self._lines = height // 8
        self._status = Status("", "", 0.0, "")
        self._values: tuple[float, ...] = ()
        self._drew = self._asked = -math.inf
        self._wanted = [bytes(WIDTH)] * self._lines
        self._shown = [bytes(WIDTH)] * self._lines
        try:
            self._display = adafruit_ssd1306.SSD1306_I2C(WIDTH, height, i2c, addr=address)
        except (OSError, ValueError) as error:
            raise self._absent() from error

    def write(self, values: Sequence[float]) -> None:
        """Show these values, 0..1, one for each axis."""
        self._values = tuple(values)
        self._refresh()

    def rest(self) -> None:
        """Show that nothing is played."""
        self._values = ()
        self._refresh()

    def close(self) -> None:
        """Dark, unless the chip is gone."""
        with contextlib.suppress(OSError):
            self._display.poweroff()

    def _refresh(self) -> None:
        now = self._clock.now()
        if now - self._asked >= ASK:
            self._asked, self._status = now, self._ask()
        if now - self._drew >= DRAW:
            self._drew, self._wanted = now, self._picture()
        for number, (wanted, shown) in enumerate(zip(self._wanted, self._shown, strict=True)):
            if wanted != shown:
                self._send(number, wanted, shown)
                return

    def _picture(self) -> list[bytes]:
        title, mode, late, fault = self._status
        lateness = f" {late:.0f} ms" if late >= 0.5 else ""
        room = WIDTH // 6 - len(lateness)
        bars = [self._bar(place) for place in range(min(self._lines - 2, len(self.axes)))]
        blank = [bytes(WIDTH)] * (self._lines - 2 - len(bars))
        return [_line(f"{title[:room]:{room}}{lateness}"), *bars, *blank, _line(fault or mode)]

    def _bar(self, place: int) -> bytes:
        value = min(1.0, max(0.0, self._values[place])) if self._values else 0.0
        long = WIDTH - LABEL
        full = round(value * long)
        beyond = bytes(EMPTY) * (long // len(EMPTY))
        return _line(self.axes[place])[: LABEL - 2] + b"\0\0" + bytes([FULL]) * full + beyond[full:]

    def _send(self, number: int, wanted: bytes, shown: bytes) -> None:
        """One line of dots, from its first column that changed to its last."""
        changed = [column for column in range(WIDTH) if wanted[column] != shown[column]]
        first, last = changed[0], changed[-1]
        try:
            for command in (COLUMNS, first, last, PAGES, number, number):
                self._display.write_cmd(command)
            with self._display.i2c_device as chip:
                chip.write(bytes([DATA]) + wanted[first : last + 1])
        except OSError as error:
            raise self._absent() from error
        self._shown[number] = wanted

    def _absent(self) -> DeviceError:
        return DeviceError(
            f"no SSD1306 answers at {self._address:#x} on the I2C bus: check its cable, its 3.3 V and the"
            " resistor or switch on its back that says 0x3c or 0x3d; `i2cdetect -y 1` shows who answers"
        )


def _line(text: str) -> bytes:
    return drawn(text[: WIDTH // 6]).ljust(WIDTH, b"\0")


COMMAND, DATA = 0x80, 0x40
"""The control byte before one byte of command, and before bytes of dots until the end."""
MODE, COLUMNS, PAGES, OFF, ON = 0x20, 0x21, 0x22, 0xAE, 0xAF
ARGUMENTS = {MODE: 1, COLUMNS: 2, PAGES: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xAD: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1,
             0xDA: 1, 0xDB: 1}  # fmt: skip
"""How many bytes follow a command; none follow the others."""


class Chip:
    """The chip's memory of dots, for the fake board.

        80 xx     a byte of command; 40 xx ...  bytes of dots
        20 00     horizontal addressing: the column counts up, and at its end the page
        21 a b    columns a to b;  22 a b  pages a to b: the window that the dots are written into
        AE, AF    display off, on

    A page is eight lines of dots; a byte is a column of it, its lowest bit the top dot. Everything else
    (multiplex, contrast, charge pump ...) is taken and has no effect. After power-on the display is off, and
    its memory is noise; here it is dark.
    """

    at = "address"

    def __init__(self) -> None:
        self.memory = bytearray(8 * WIDTH)
        self.on = False
        self._command: list[int] = []
        self._window = {COLUMNS: (0, WIDTH - 1), PAGES: (0, 7)}
        self._column = self._page = 0

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """How far each bar reaches, 0..1; nothing when it is dark."""
        lines = [
            self.memory[at : at + WIDTH] for at in range(WIDTH, WIDTH * (settings["height"] // 8 - 1), WIDTH)
        ]
        return tuple(line[LABEL:].count(FULL) / (WIDTH - LABEL) for line in lines if self.on and any(line))

    def rows(self) -> Iterator[str]:
        """The picture, a line of text for each line of dots."""
        for y in range(64):
            page = self.memory[y // 8 * WIDTH : (y // 8 + 1) * WIDTH]
            yield "".join("#" if column >> y % 8 & 1 else "." for column in page)

    def write(self, data: bytes) -> None:
        """A write from the bus: control bytes, and what they announce."""
        while data:
            if data[0] == DATA:
                for byte in data[1:]:
                    self._put(byte)
                return
            if data[0] != COMMAND:
                return
            for byte in data[1:2]:
                self._told(byte)
            data = data[2:]

    def read(self, count: int) -> bytes:
        """A read from the bus: bit 6 says that the display is off."""
        return bytes([0x00 if self.on else 0x40] * count)

    def _told(self, byte: int) -> None:
        self._command.append(byte)
        command, *arguments = self._command
        if len(arguments) < ARGUMENTS.get(command, 0):
            return
        self._command = []
        if command in (ON, OFF):
            self.on = command == ON
        elif command in self._window:
            self._window[command] = (arguments[0] % WIDTH, arguments[1] % WIDTH)
            self._column, self._page = self._window[COLUMNS][0], self._window[PAGES][0]

    def _put(self, byte: int) -> None:
        self.memory[self._page % 8 * WIDTH + self._column] = byte
        (left, right), (top, bottom) = self._window[COLUMNS], self._window[PAGES]
        self._column += 1
        if self._column > right or self._column >= WIDTH:
            self._column = left
            self._page = self._page + 1 if self._page < bottom else top
