"""An SPI bus with a chip's model at its end."""

from __future__ import annotations

from threading import Lock
from typing import Any


class FakeSPI:
    """`busio.SPI` for chips that only listen. A chip that is not there goes unnoticed, as on a Pi."""

    def __init__(self) -> None:
        self.chip: Any = None
        self.frequency = 100_000
        """Hz, as last configured."""
        self._lock = Lock()

    def try_lock(self) -> bool:
        """Take the bus, unless it is taken."""
        return self._lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Give it back."""
        self._lock.release()

    def configure(self, *, baudrate: int = 100000, polarity: int = 0, phase: int = 0, bits: int = 8) -> None:  # noqa: ARG002 -- what no model cares for
        """Speed (Hz) and mode of what follows."""
        self.frequency = baudrate

    def write(self, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        """Shift bytes out: one transfer."""
        if self.chip is not None:
            self.chip.write(bytes(buffer[start:end]), self.frequency)

    def deinit(self) -> None:
        """Nothing to give back."""
