"""A lever on an MCP3008: eight analogue inputs of 10 bits, on SPI.

Source: Microchip DS21295, "MCP3004/3008 2.7V 4-Channel/8-Channel 10-Bit A/D Converters with SPI".
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import gpiozero
from gpiozero.pins.mock import MockSPIDevice

from foretone_hardware.device import DeviceError, Range

REFERENCE = 3.3
"""Volts of the largest code: VREF is wired to the board's 3.3 V."""
CLOCK, MOSI, MISO = 11, 10, 9
"""The GPIO numbers of SPI0."""


class MCP3008:
    """A potentiometer between 3.3 V and ground, its wiper on input `channel` (CH0 to CH7).

    `select` is the GPIO that its CS pin is wired to: 8 (CE0) or 7 (CE1), so that the hardware does the
    clocking. Levers on one chip share it freely. `low` and `high` are the volts at both ends of the lever's
    travel; the wrong way round turns it round.

    The bus's thread calls every method. Raises DeviceError when a pin is taken. SPI has no acknowledge: a
    chip that is not there reads as 0 V, or as noise.
    """

    axes = ("position",)

    def __init__(
        self,
        pins: Any,
        *,
        channel: Annotated[int, Range(0, 7)] = 0,
        select: Literal[8, 7] = 8,
        low: Annotated[float, Range(0, REFERENCE, "V")] = 0.0,
        high: Annotated[float, Range(0, REFERENCE, "V")] = REFERENCE,
    ) -> None:
        if low == high:
            raise ValueError(f"low and high are both {low:g} V: measure the lever at both ends of its travel")
        self.raw = low
        """Volts, as last read."""
        self._low, self._travel = low, high - low
        wires = {"clock_pin": CLOCK, "mosi_pin": MOSI, "miso_pin": MISO, "select_pin": select}
        try:
            with warnings.catch_warnings():
                # Without its hardware gpiozero would clock SPI by hand, at a hundredth of the speed.
                warnings.simplefilter("error", gpiozero.SPISoftwareFallback)
                self._input = gpiozero.MCP3008(channel, **wires, pin_factory=pins)
        except (gpiozero.GPIOZeroError, gpiozero.SPISoftwareFallback) as error:
            raise DeviceError(
                f"an MCP3008 needs SPI on GPIO {CLOCK}, {MOSI}, {MISO} and {select} ({error}):"
                f" switch SPI on with raspi-config, and move whatever else uses these pins"
            ) from error

    def read(self) -> tuple[float, ...]:
        """Where the lever is now, 0..1, in steps of 1/1023."""
        self.raw = self._input.raw_value * REFERENCE / 1023
        position = (self.raw - self._low) / self._travel
        return (0.0 if position < 0.0 else 1.0 if position > 1.0 else position,)

    def close(self) -> None:
        """Give the pins back."""
        self._input.close()


class Chip(MockSPIDevice):  # type: ignore[misc]  # gpiozero has no type information
    """The chip's bits, for the fake board: single-ended inputs only.

        clock   1 .. 7   8      9      10 11 12   13      14    15 .. 24
        MOSI    0        1      1      D2 D1 D0   -       -     -
                         start  single channel    sample
        MISO    -        -      -      -          -       0     B9 .. B0
                                                          null  the code, full scale = 1023

    Any number of zeros may come before the start bit. A bit that is queued on one rising clock edge is on
    MISO at the next.
    """

    at = "select"

    def __init__(self, pins: Any, select: int) -> None:
        super().__init__(CLOCK, MOSI, MISO, select, pin_factory=pins)
        if self.select_pin.function == "input":
            self.select_pin.pull = "up"  # as GPIO 7 and 8 are when a Pi starts: not selected
        self._inputs: dict[int, Callable[[], float]] = {}

    def wire(self, settings: Mapping[str, Any], hand: Callable[[], tuple[float, ...]]) -> None:
        """Put a lever on an input: the hand's 0..1 is a voltage from `low` to `high`."""
        low, high = settings["low"], settings["high"]
        self._inputs[settings["channel"]] = lambda: low + hand()[0] * (high - low)

    def on_bit(self) -> None:
        """A rising clock edge: when the fifth bit from the start bit is in, the answer is queued."""
        if True not in self.rx_buf or len(self.rx_buf) - self.rx_buf.index(True) != 5:
            return
        single, *channel = map(int, self.rx_buf[-4:])
        wiper = self._inputs.get(channel[0] << 2 | channel[1] << 1 | channel[2])
        volts = wiper() if wiper and single else 0.0
        self.tx_word(min(1023, max(0, round(volts / REFERENCE * 1023))), 12)
