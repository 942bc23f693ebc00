"""A servo on a PCA9685: sixteen pulse outputs of 12 bits, on I2C.

Source: NXP PCA9685, "16-channel, 12-bit PWM Fm+ I2C-bus LED controller", Rev. 4.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Annotated

from foretone_hardware.device import I2C, LIVE, Clock, DeviceError, Range
from foretone_hardware.pulses import COUNT, Chip, Pulses

__all__ = ["PCA9685", "Chip"]

FRAME = 0.02
"""Seconds between two pulses: a servo takes no order sooner."""
ALL_CALL = 0x70
"""An address at which every chip answers after power-on."""
TRIES = 3
"""How often closing tries to stop the pulses."""
HORN = 0.25
"""Seconds that a horn is given to arrive after its pulse has: it is slower, and it lags."""


class PCA9685:
    """A hobby servo on output `channel`.

    `low_pulse` and `high_pulse` are the pulses at 0 and at 1; none outside them is ever sent. The wrong way
    round turns the servo round. `speed` is the fastest it is asked to move, in full travels a second; while
    it is on its way `settled` is False, and the next `write` of the same values takes it further. An order
    that is less than `deadband` from where it stands is none. `park` is where it goes before it is closed;
    without, it lets go where it is. `writes` counts what was written to the chip: a pulse that it gives
    already is not written again.

    Servos on one chip share it, and opening one does not disturb the others. The bus's thread calls every
    method. Raises DeviceError when the chip does not answer.
    """

    axes = ("position",)

    def __init__(
        self,
        i2c: I2C,
        clock: Clock,
        *,
        channel: Annotated[int, Range(0, 15)] = 0,
        address: Annotated[int, Range(0x40, 0x77)] = 0x40,
        low_pulse: Annotated[float, Range(300, 2700, "us")] = 600.0,
        high_pulse: Annotated[float, Range(300, 2700, "us")] = 2400.0,
        speed: Annotated[float, Range(0.1, 50, "travels/s"), LIVE] = 4.0,
        deadband: Annotated[float, Range(0, 0.2), LIVE] = 0.0,
        park: Annotated[float | None, Range(0, 1)] = None,
    ) -> None:
        if address == ALL_CALL:
            raise ValueError(f"every PCA9685 answers at {ALL_CALL:#x}: bridge this one to another address")
        if abs(high_pulse - low_pulse) < 2 * COUNT:
            raise ValueError(
                f"low_pulse {low_pulse:g} us and high_pulse {high_pulse:g} us leave no way between"
            )
        self.channel, self.low_pulse, self.high_pulse = channel, low_pulse, high_pulse
        self.speed, self.deadband = speed, deadband
        self.settled = True
        self.writes = 0
        self._clock, self._park = clock, park
        self._low, self._travel = low_pulse / COUNT, (high_pulse - low_pulse) / COUNT
        self._position: float | None = None
        """Where it was last sent; kept through a rest, unknown at first."""
        self._moved = -math.inf
        self._parked = math.inf
        """When its pulse has arrived where it is parked."""
        self._pulses = Pulses.at(i2c, address)
        self._pulses.join(self)
        try:
            self.rest()
        except DeviceError:
            self._pulses.leave(self)
            raise

    def write(self, values: Sequence[float]) -> None:
        """Go towards values[0], 0..1, as fast as `speed` allows since the last write.

        The first move goes straight there: nobody knows yet where the arm is.
        """
        target = min(1.0, max(0.0, values[0]))
        now = self._clock.now()
        if self._position is None:
            position = target
        else:
            if self.settled and abs(target - self._position) < self.deadband:
                target = self._position
            # Rested time is no running start, and a late bus no reason to crawl.
            step = self.speed * min(now - self._moved, FRAME if self.settled else 5 * FRAME)
            position = self._position + min(step, max(-step, target - self._position))
        low, high = sorted((self._low, self._low + self._travel))
        count = min(math.floor(high), max(math.ceil(low), round(self._low + position * self._travel)))
        # The library rounds down: aim for the middle of the count.
        self._send(count, min(1.0, max(0.0, (count + 0.5 - self._low) / self._travel)))
        self._position, self._moved, self.settled = position, now, position == target

    def rest(self) -> None:
        """No pulse: most servos then hold with friction only."""
        self.settled = True
        self._send(0, None)

    def park(self) -> None:
        """Towards where it is parked, as `write`; `settled` when its horn has arrived too.

        One that was never moved stays where it is: nobody knows how far the way would be.
        """
        if self._park is None or self._position is None:
            return
        self.write([self._park])
        if self.settled:
            self._parked = min(self._parked, self._moved)
            self.settled = self._moved - self._parked >= HORN

    def close(self) -> None:
        """Rest, and give the channel back. The chip pulses on by itself, so a bad moment is tried again."""
        if self._pulses.moves(self):
            for _ in range(TRIES):
                with contextlib.suppress(DeviceError):
                    self.rest()
                    break
            self._pulses.leave(self)

    def _send(self, count: int, fraction: float | None) -> None:
        if self._pulses.send(self, count, fraction, self._clock.now()):
            self.writes += 1
