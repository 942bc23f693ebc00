"""An arm's movement on an LSM6DSOX: accelerometer and gyroscope of 16 bits, on I2C.

Source: STMicroelectronics DS12814, "LSM6DSOX, always-on 3D accelerometer and 3D gyroscope".
"""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from adafruit_lsm6ds import AccelRange, GyroRange, Rate
from adafruit_lsm6ds import lsm6dsox as adafruit

from foretone_hardware.device import I2C, Clock, DeviceError, Range
from foretone_hardware.fake.motion import Limb
from foretone_hardware.imu import AXES, GRAVITY, Fusion

POLLS = 50
"""Looks for the end of a reset of 50 us; each takes 0.1 ms or more on a bus at 400 kHz."""


class LSM6DSOX:
    """An arm's roll, pitch and yaw, and how fast it turns about each of the sensor's axes.

    Worn with x along the forearm to the hand, z away from the back of it. The six axes are those of
    `imu.scaled`: 0.5 is level and still, an angle of 0 or 1 is half a turn away (pitch a quarter), a rate of
    0 or 1 is `dps` degrees a second. Lay it down for 3 s once, so that it learns what still is.

    `dps` (deg/s) and `g` are the ranges of gyroscope and accelerometer. The chip measures 416 times a
    second; how often it is read is the part's `rate`. The bus's thread calls every method. Raises DeviceError
    when the chip does not answer.
    """

    axes = AXES

    def __init__(
        self,
        i2c: I2C,
        clock: Clock,
        *,
        address: Annotated[int, Range(0x6A, 0x6B)] = 0x6A,
        dps: Literal[250, 500, 1000, 2000] = 1000,
        g: Literal[2, 4, 8, 16] = 8,
    ) -> None:
        self.raw = (0.0,) * 6
        """Force in g, then rates in deg/s with their bias, each about x, y and z, as last read."""
        self._clock, self._address = clock, address
        self._fusion = Fusion(dps)
        try:
            self._chip = _Prompt(i2c, address)
            self._chip.accelerometer_data_rate = self._chip.gyro_data_rate = Rate.RATE_416_HZ
            self._chip.gyro_range = getattr(GyroRange, f"RANGE_{dps}_DPS")
            self._chip.accelerometer_range = getattr(AccelRange, f"RANGE_{g}G")
        except (OSError, ValueError, RuntimeError) as error:
            raise self._absent() from error

    def read(self) -> tuple[float, ...]:
        """The six axes now, each 0..1; 3 ms old at most."""
        try:
            rates, force = self._chip.gyro, self._chip.acceleration
            now = self._clock.now()
            # Asleep it says nought for ever, which no arm on Earth does: it lost its power, unnoticed.
            if not any(force) and not self._chip.accelerometer_data_rate:
                raise OSError(errno.ENODEV, "the chip was without power")
        except OSError as error:
            raise self._absent() from error
        self.raw = (*[part / GRAVITY for part in force], *map(math.degrees, rates))
        return self._fusion.update(now, self.raw[:3], self.raw[3:])

    def close(self) -> None:
        """Stop looking. The chip goes on measuring: that costs 0.6 mA, and asking it to stop may fail."""

    def _absent(self) -> DeviceError:
        return DeviceError(
            f"no LSM6DSOX answers at {self._address:#x} on the I2C bus: check its cable, its 3.3 V and where"
            " its SDO pin goes (ground or open 0x6a, 3.3 V 0x6b); `i2cdetect -y 1` shows who answers"
        )


class _Prompt(adafruit.LSM6DSOX):  # type: ignore[misc]  # it has no type information
    """The library's driver, which would wait 0.2 s after each range, and for ever for a reset that fails.

    Other chips wait for the bus meanwhile.
    """

    def reset(self) -> None:
        self._sw_reset = True
        for _ in range(POLLS):
            if not self._sw_reset:
                return
        raise OSError(errno.ETIMEDOUT, "the reset does not end")

    @property
    def gyro_range(self) -> int:
        return int(self._cached_gyro_range)

    @gyro_range.setter
    def gyro_range(self, value: int) -> None:
        self._set_gyro_range(value)

    @property
    def accelerometer_range(self) -> int:
        return int(self._cached_accel_range)

    @accelerometer_range.setter
    def accelerometer_range(self, value: int) -> None:
        self._accel_range = self._cached_accel_range = value


WHO_AM_I, CTRL1_XL, CTRL2_G, CTRL3_C = 0x0F, 0x10, 0x11, 0x12
OUT_TEMP_L, OUTX_L_G, OUTZ_H_A = 0x20, 0x22, 0x2D
IDENTITY = 0x6C
GYRO_LSB = (8.75, 17.5, 35.0, 70.0)
"""mdps of one count, by FS_G[1:0]; 4.375 with FS_125."""
FORCE_LSB = (0.061, 0.488, 0.122, 0.244)
"""mg of one count, by FS_XL[1:0]."""


class Chip:
    """The chip's registers, for the fake board.

        0F      WHO_AM_I  6C
        10      CTRL1_XL  7..4 ODR (0 is power-down)   3..2 FS (2, 16, 4, 8 g)
        11      CTRL2_G   7..4 ODR (0 is power-down)   3..2 FS (250, 500, 1000, 2000 dps)   1 FS_125
        12      CTRL3_C   6 BDU   2 IF_INC: the register number counts up   0 SW_RESET, which clears itself
        20..21  temperature, 256 counts a degree from 25 C
        22..27  gyroscope X, Y, Z: low byte, high byte
        28..2D  accelerometer X, Y, Z: low byte, high byte

    Measures when it is read: output data rate, filters and FIFO do nothing more than read back. `body` is
    what it is strapped to: an arm, or anything else with a `sense()` that gives force (g) and rates (deg/s).
    """

    at = "address"
    noise = 0.0

    def __init__(self, clock: Clock) -> None:
        self.limb = Limb(clock)
        self.body: Any = self.limb
        self._pointer = 0
        self._reset()

    def wire(self, settings: Mapping[str, Any], hand: Callable[[], tuple[float, ...]]) -> None:  # noqa: ARG002
        """Strap it to an arm that follows the hand's first three axes."""
        self.limb.hand = hand

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """How the arm is held and turns, 0..1 for each axis."""
        return self.limb.look(settings["dps"])

    def write(self, data: bytes) -> None:
        """A write from the bus: the register's number, then bytes for it and the next ones."""
        if data:
            self._pointer = data[0]
        for value in data[1:]:
            if self._pointer == CTRL3_C and value & 0x01:
                self._reset()
            elif self._pointer != WHO_AM_I and not OUT_TEMP_L <= self._pointer <= OUTZ_H_A:
                self._registers[self._pointer] = value
            self._advance()

    def read(self, count: int) -> bytes:
        """A read from the bus, from the register that was last named."""
        if self._pointer <= OUTZ_H_A and self._pointer + count > OUT_TEMP_L:
            self._measure()
        data = bytearray()
        for _ in range(count):
            data.append(self._registers[self._pointer])
            self._advance()
        return bytes(data)

    def _advance(self) -> None:
        if self._registers[CTRL3_C] & 0x04:
            self._pointer = (self._pointer + 1) % 128

    def _reset(self) -> None:
        self._registers = bytearray(128)
        self._registers[WHO_AM_I] = IDENTITY
        self._registers[CTRL3_C] = 0x04

    def _measure(self) -> None:
        force, rates = self.body.sense()
        control, turning = self._registers[CTRL1_XL], self._registers[CTRL2_G]
        gyro_lsb = 4.375 if turning & 0x02 else GYRO_LSB[turning >> 2 & 3]
        counts = [1000.0 * rate / gyro_lsb if turning >> 4 else 0.0 for rate in rates]
        counts += [1000.0 * part / FORCE_LSB[control >> 2 & 3] if control >> 4 else 0.0 for part in force]
        for number, measured in enumerate(counts):
            code = min(32767, max(-32768, round(measured)))
            place = OUTX_L_G + 2 * number
            self._registers[place : place + 2] = code.to_bytes(2, "little", signed=True)
