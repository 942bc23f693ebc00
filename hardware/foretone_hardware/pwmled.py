"""A light on a pin: one LED, dimmed by pulses.

Source of the brightness curve: CIE 15, "Colorimetry", lightness L* as a function of luminance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import gpiozero

from foretone_hardware.device import DeviceError, Range

FREQUENCY = 200
"""Pulses per second: above what an eye sees flicker, below what software keeps even."""


class PWMLED:
    """An LED and its resistor from `pin` (a GPIO number) to ground; to 3.3 V with active_high = false.

    Values are lightness as an eye sees it: 0.5 looks half as bright as 1, with 18 % of the light. The bus's
    thread calls every method. Raises DeviceError when the pin is taken or cannot do it.
    """

    axes = ("lightness",)

    def __init__(
        self, pins: Any, *, pin: Annotated[int, Range(0, 27)] = 17, active_high: bool = True
    ) -> None:
        try:
            self._led = gpiozero.PWMLED(pin, active_high=active_high, frequency=FREQUENCY, pin_factory=pins)
        except gpiozero.GPIOZeroError as error:
            raise DeviceError(f"GPIO {pin} cannot drive a light ({error}): choose a free pin") from error

    def write(self, values: Sequence[float]) -> None:
        """Shine with lightness values[0], 0..1."""
        self._led.value = luminance(min(1.0, max(0.0, values[0])))

    def rest(self) -> None:
        """No light."""
        self._led.off()

    def close(self) -> None:
        """Rest, and give the pin back."""
        if not self._led.closed:
            self._led.off()
        self._led.close()


def luminance(lightness: float) -> float:
    """Light that looks as bright as `lightness`, both 0..1. It is a straight line in the darkest 8 %."""
    level = 100.0 * lightness
    return level / 903.3 if level <= 8.0 else float(((level + 16.0) / 116.0) ** 3)


def lightness(luminance: float) -> float:
    """How bright that much light looks, both 0..1: the other way round."""
    return 9.033 * luminance if luminance <= 8.0 / 903.3 else 1.16 * luminance ** (1 / 3) - 0.16


class Chip:
    """The LED itself, for the fake board: it shines as its pin is driven."""

    at = "pin"

    def __init__(self, pins: Any, pin: int) -> None:
        self._pin = pins.pin(pin)

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """How bright the light looks, 0..1, from the part of the time that its pin is driven."""
        if self._pin.function != "output":
            return (0.0,)
        duty = float(self._pin.state)
        return (lightness(duty if settings["active_high"] else 1.0 - duty),)

    def close(self) -> None:
        """Pulled off its pin; nothing else changes."""
