"""A strip of WS2812 lights on SPI: its one data wire is MOSI, and each bit of it is a byte of SPI.

Source: WorldSemi, "WS2812B Intelligent control LED integrated light source".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import neopixel_spi

from foretone_hardware.device import LIVE, SPI, DeviceError, Range
from foretone_hardware.pwmled import lightness, luminance

CLOCK = 6_400_000
"""Hz: eight SPI bits are the 1.25 us of one bit on the strip."""
LATCH = 300e-6
"""Seconds of quiet after which the strip shows what it was told; the first strips needed 50 us, these 280."""
MOST = 144
"""Lights: a metre of the dense kind, and what fits into the 4096 bytes that Linux sends without a pause."""
BITS = [
    bytes([0b11110000 if byte >> bit & 1 else 0b11000000 for bit in range(7, -1, -1)]) for byte in range(256)
]
"""What each byte looks like on the wire: 0.63 us high is a 1, 0.31 us a 0."""


class WS2812:
    """`count` lights whose data wire hangs on GPIO 10 (MOSI of SPI0), which no other chip may use.

    As a `bar` the strip fills from its first light to the value; as a `glow` all of it is as light as the
    value. Lightness is what an eye sees, as with an LED. `colour` is that of the light, as on a web page;
    `brightness` is the part of its power that is used at most: a light takes 60 mA at full white, so 60 of
    them need a supply of their own from 0.3 on. `order` is that of the strip's colours: wrong if red is
    green.

    The bus's thread calls every method; a write takes 35 us for each light. Raises DeviceError when SPI
    fails; a strip that is not there goes unnoticed. On a Pi 3 and 4 the core's clock must be fixed, or
    colours flicker: `core_freq=250` on a 3, `core_freq=500` and `core_freq_min=500` on a 4, in
    /boot/firmware/config.txt.
    """

    axes = ("level",)

    def __init__(
        self,
        spi: SPI,
        *,
        count: Annotated[int, Range(1, MOST)] = 30,
        shape: Annotated[Literal["bar", "glow"], LIVE] = "bar",
        colour: str = "#ff9020",
        brightness: Annotated[float, Range(0.01, 1), LIVE] = 0.3,
        order: Literal["GRB", "RGB"] = "GRB",
    ) -> None:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            raise ValueError(f"colour '{colour}' is none: write it as on a web page, '#ff9020'")
        self.count, self.shape, self.brightness = count, shape, brightness
        self._colour = bytes.fromhex(colour[1:])
        try:
            self._strip = _Strip(
                spi, count, pixel_order=order, auto_write=False, frequency=CLOCK, reset_time=LATCH
            )
            self.rest()
        except OSError as error:
            raise self._broken(error) from error

    def write(self, values: Sequence[float]) -> None:
        """Show values[0], 0..1."""
        value = min(1.0, max(0.0, values[0]))
        filled = value * self.count
        levels = [
            value if self.shape == "glow" else min(1.0, max(0.0, filled - n)) for n in range(self.count)
        ]
        try:
            self._show(levels)
        except OSError as error:
            raise self._broken(error) from error

    def rest(self) -> None:
        """No light."""
        self.write([0.0])

    def close(self) -> None:
        """Dark, as far as the bus lets it be."""
        with contextlib.suppress(DeviceError):
            self.rest()

    def _show(self, levels: Sequence[float]) -> None:
        for place, level in enumerate(levels):
            light = self.brightness * luminance(level)
            self._strip[place] = tuple([round(light * part) for part in self._colour])
        self._strip.show()

    def _broken(self, error: OSError) -> DeviceError:
        return DeviceError(f"the strip's lights cannot be reached over SPI ({error.strerror or error})")


class _Strip(neopixel_spi.NeoPixel_SPI):  # type: ignore[misc]  # it has no type information
    """The library's driver, whose own making of bits takes Python longer than the wire takes to send them."""

    def _transmit(self, buffer: bytearray) -> None:
        with self._spi as spi:
            spi.write(b"".join([self._reset, *map(BITS.__getitem__, buffer), self._reset]))


class Chip:
    """The strip itself, for the fake board: it reads its data wire as time, not as bytes.

    A high of 0.2 to 0.5 us is a 0, one of 0.55 to 1 us a 1; anything else is noise, and so is all that
    follows it. A low of 280 us ends the frame. Each light takes the first 24 bits it hears, most significant
    first, and hands the rest on.
    """

    def __init__(self) -> None:
        self.colours: list[tuple[int, int, int]] = []
        """The three bytes of each light, in the order of the wire, since the last frame."""

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """How far the bar reaches, or how light the glow is, 0..1."""
        colour = [int(settings["colour"][place : place + 2], 16) for place in (1, 3, 5)]
        full = settings["brightness"] * max(colour)
        lit = [max(told) / full if full else 0.0 for told in self.colours[: settings["count"]]]
        return (min(1.0, sum(map(lightness, lit)) / settings["count"]),)

    def write(self, data: bytes, frequency: int) -> None:
        """The bytes of one transfer, at so many bits a second."""
        wire = "".join(f"{byte:08b}" for byte in data)
        for frame in re.split(f"0{{{round(280e-6 * frequency)},}}", wire):
            bits = "".join(_bit(len(high) / frequency) for high in re.findall("1+", frame)).partition("?")[0]
            if lights := len(bits) // 24:
                told = [int(bits[place : place + 8], 2) for place in range(0, 24 * lights, 8)]
                self.colours = [(told[at], told[at + 1], told[at + 2]) for at in range(0, 3 * lights, 3)]


def _bit(seconds: float) -> str:
    if 0.2e-6 <= seconds <= 0.5e-6:
        return "0"
    return "1" if 0.55e-6 <= seconds <= 1e-6 else "?"
