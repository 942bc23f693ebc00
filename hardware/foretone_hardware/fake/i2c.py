"""An I2C bus whose chips are models."""

from __future__ import annotations

import errno
import os
from threading import Lock
from typing import Any


class FakeI2C:
    """`busio.I2C` with models at the other end. Without one, OSError as Linux gives it on a Pi."""

    def __init__(self) -> None:
        self.chips: dict[int, Any] = {}
        self._lock = Lock()

    def try_lock(self) -> bool:
        """Take the bus, unless it is taken."""
        return self._lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Give it back."""
        self._lock.release()

    def scan(self) -> list[int]:
        """The addresses that answer."""
        return sorted(self.chips)

    def writeto(self, address: int, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        """Write bytes to the chip at `address`."""
        self._chip(address).write(bytes(buffer[start:end]))

    def readfrom_into(self, address: int, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        """Fill the buffer from the chip at `address`; a chip that has no more to say leaves the wire high."""
        count = (len(buffer) if end is None else end) - start
        buffer[start : start + count] = self._chip(address).read(count).ljust(count, b"\xff")

    def writeto_then_readfrom(
        self,
        address: int,
        out_buffer: Any,
        in_buffer: Any,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
    ) -> None:
        """Write, then read."""
        self.writeto(address, out_buffer, start=out_start, end=out_end)
        self.readfrom_into(address, in_buffer, start=in_start, end=in_end)

    def deinit(self) -> None:
        """Nothing to give back."""

    def _chip(self, address: int) -> Any:
        try:
            return self.chips[address]
        except KeyError:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO)) from None
