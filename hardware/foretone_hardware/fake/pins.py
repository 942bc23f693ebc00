"""Pins and SPI in memory, on gpiozero's own mock pins."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from gpiozero import SPI
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin


class FakePins(MockFactory):  # type: ignore[misc]  # gpiozero has no type information
    """gpiozero's mock factory, with pins that can be dimmed and an SPI port. It is nobody's default factory.

    A pin keeps its last 1000 states, so that a box may run on it for weeks.
    """

    def __init__(self) -> None:
        super().__init__(pin_class=MockPWMPin)

    def pin(self, name: object, pin_class: type[MockPin] | None = None, **settings: Any) -> MockPin:
        """The pin of that name. The first who asks decides its class: a chip comes before its driver."""
        for _, info in self.board_info.find_pin(name):
            if info in self.pins:
                return self.pins[info]
        pin = super().pin(name, pin_class, **settings)
        pin.states = deque(pin.states, maxlen=1000)
        return pin

    def taken(self, number: int) -> bool:
        """Whether somebody has the pin of that GPIO number."""
        return any(info in self.pins for _, info in self.board_info.find_pin(number))

    def _get_spi_class(self, shared: bool, hardware: bool) -> type[SPI]:  # noqa: ARG002 -- one does for all
        return _FakeSPI


class _FakeSPI(SPI):  # type: ignore[misc]  # gpiozero has no type information
    """SPI's four pins moved by hand, mode 0, most significant bit first.

    gpiozero's own software SPI is not used: it makes a default pin factory, which fails off a Pi, and
    shares its pins with every other mock factory of the process.
    """

    def __init__(
        self, clock_pin: int, mosi_pin: int, miso_pin: int, select_pin: int, pin_factory: Any
    ) -> None:
        self._wires: Any = None
        super().__init__(pin_factory=pin_factory)
        numbers = (select_pin, clock_pin, mosi_pin, miso_pin)
        pin_factory.reserve_pins(self, *numbers)
        self._wires = [pin_factory.pin(number) for number in numbers]
        for wire, level in zip(self._wires, (1, 0, 0), strict=False):
            wire.output_with_state(level)

    def _conflicts_with(self, other: object) -> bool:
        return not isinstance(other, _FakeSPI)

    def _get_clock_mode(self) -> int:
        return 0

    @property
    def closed(self) -> bool:
        return self._wires is None

    def close(self) -> None:
        if not self.closed:
            self.pin_factory.release_all(self)
            self._wires = None
        super().close()

    def transfer(self, data: Sequence[int]) -> list[int]:
        select, clock, mosi, miso = self._wires
        select.state = 0
        words = []
        for sent in data:
            word = 0
            for bit in range(7, -1, -1):
                mosi.state = sent >> bit & 1
                clock.state = 1
                word = word << 1 | int(miso.state)
                clock.state = 0
            words.append(word)
        select.state = 1
        return words
