"""An arm's movement on an ICM-20948: accelerometer and gyroscope of 16 bits, on I2C.

Source: InvenSense DS-000189, "ICM-20948 World's Lowest Power 9-Axis MEMS MotionTracking Device", Rev. 1.3.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import adafruit_icm20x as adafruit

from foretone_hardware.device import I2C, Clock, DeviceError, Range
from foretone_hardware.fake.motion import Limb
from foretone_hardware.imu import AXES, GRAVITY, Fusion

POLLS = 50
"""Looks for the end of a reset; each takes 0.1 ms or more on a bus at 400 kHz."""
DIVISOR = 4
"""Of the chip's 1125 Hz (accelerometer) and 1100 Hz (gyroscope): one measurement in 1 + 4."""


class ICM20948:
    """An arm's roll, pitch and yaw, and how fast it turns about each of the sensor's axes.

    Worn and scaled as an LSM6DSOX, so that either can take the other's place in an instrument. Its
    magnetometer is left alone: near servos, loudspeakers and steel, north is anywhere.

    `dps` (deg/s) and `g` are the ranges of gyroscope and accelerometer. The chip measures 220 times a
    second. The bus's thread calls every method; making one takes 0.3 s. Raises DeviceError when the chip does
    not answer.
    """

    axes = AXES

    def __init__(
        self,
        i2c: I2C,
        clock: Clock,
        *,
        address: Annotated[int, Range(0x68, 0x69)] = 0x69,
        dps: Literal[250, 500, 1000, 2000] = 1000,
        g: Literal[2, 4, 8, 16] = 8,
    ) -> None:
        self.raw = (0.0,) * 6
        """Force in g, then rates in deg/s with their bias, each about x, y and z, as last read."""
        self._clock, self._address = clock, address
        self._fusion = Fusion(dps)
        try:
            self._chip = _Inertial(i2c, address)
            self._chip.gyro_range = getattr(adafruit.GyroRange, f"RANGE_{dps}_DPS")
            self._chip.accelerometer_range = getattr(adafruit.AccelRange, f"RANGE_{g}G")
            self._chip.gyro_data_rate_divisor = self._chip.accelerometer_data_rate_divisor = DIVISOR
        except (OSError, ValueError, RuntimeError) as error:
            raise self._absent() from error

    def read(self) -> tuple[float, ...]:
        """The six axes now, each 0..1; 5 ms old at most."""
        try:
            rates, force = self._chip.gyro, self._chip.acceleration
            now = self._clock.now()
            # Asleep it says nought for ever, which no arm on Earth does: it lost its power, unnoticed.
            if not any(force) and self._chip.sleeps:
                raise OSError(errno.ENODEV, "the chip was without power")
        except OSError as error:
            raise self._absent() from error
        self.raw = (*[part / GRAVITY for part in force], *map(math.degrees, rates))
        return self._fusion.update(now, self.raw[:3], self.raw[3:])

    def close(self) -> None:
        """Stop looking. The chip goes on measuring: that costs 3 mA, and asking it to stop may fail."""

    def _absent(self) -> DeviceError:
        return DeviceError(
            f"no ICM-20948 answers at {self._address:#x} on the I2C bus: check its cable, its supply and"
            " where its AD0 pin goes (high or open 0x69, ground 0x68); `i2cdetect -y 1` shows who answers"
        )


class _Inertial(adafruit.ICM20948):  # type: ignore[misc]  # it has no type information
    """The library's driver without its magnetometer, whose setting up takes a second of the bus."""

    def reset(self) -> None:
        self._bank = 0
        self._reset = True
        for _ in range(POLLS):
            if not self._reset:
                return
        raise OSError(errno.ETIMEDOUT, "the reset does not end")

    @property
    def sleeps(self) -> bool:
        """Whether it is as after power-on."""
        return bool(self._sleep_reg)

    def _magnetometer_init(self) -> bool:
        return False


WHO_AM_I, PWR_MGMT_1, ACCEL_XOUT_H, GYRO_ZOUT_L, REG_BANK_SEL = 0x00, 0x06, 0x2D, 0x38, 0x7F
GYRO_CONFIG_1, ACCEL_CONFIG = 0x01, 0x14
IDENTITY = 0xEA
SLEEP = 0x40
GYRO_COUNTS = (131.0, 65.5, 32.8, 16.4)
"""Counts of one deg/s, by GYRO_FS_SEL[1:0]."""
FORCE_COUNTS = (16384.0, 8192.0, 4096.0, 2048.0)
"""Counts of one g, by ACCEL_FS_SEL[1:0]."""


class Chip:
    """The chip's registers, for the fake board.

        7F          REG_BANK_SEL  5..4 which of four banks the other numbers mean
        0: 00       WHO_AM_I      EA
        0: 06       PWR_MGMT_1    7 DEVICE_RESET, which clears itself   6 SLEEP   2..0 CLKSEL
        0: 2D..32   accelerometer X, Y, Z: high byte, low byte
        0: 33..38   gyroscope X, Y, Z: high byte, low byte
        2: 01       GYRO_CONFIG_1  2..1 FS (250, 500, 1000, 2000 dps)
        2: 14       ACCEL_CONFIG   2..1 FS (2, 4, 8, 16 g)

    After power-on it sleeps. Measures when it is read: dividers, filters, FIFO and the master for the
    magnetometer do nothing more than read back. `body` is what it is strapped to: an arm, or anything else
    with a `sense()` that gives force (g) and rates (deg/s).
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
            self._pointer = data[0] & 0x7F
        for value in data[1:]:
            self._set(self._pointer, value)
            self._pointer = (self._pointer + 1) % 128

    def read(self, count: int) -> bytes:
        """A read from the bus, from the register that was last named."""
        outputs = self._pointer <= GYRO_ZOUT_L and self._pointer + count > ACCEL_XOUT_H
        if outputs and self._bank is self._banks[0]:
            self._measure()
        data = bytearray()
        for _ in range(count):
            data.append(self._bank[self._pointer])
            self._pointer = (self._pointer + 1) % 128
        return bytes(data)

    def _set(self, register: int, value: int) -> None:
        if register == REG_BANK_SEL:
            self._bank = self._banks[value >> 4 & 3]
        elif self._bank is self._banks[0] and register == PWR_MGMT_1 and value & 0x80:
            self._reset()
        elif self._bank is not self._banks[0] or register not in (
            WHO_AM_I,
            *range(ACCEL_XOUT_H, GYRO_ZOUT_L + 1),
        ):
            self._bank[register] = value

    def _reset(self) -> None:
        self._banks = [bytearray(128) for _ in range(4)]
        self._bank = self._banks[0]
        self._bank[WHO_AM_I] = IDENTITY
        self._bank[PWR_MGMT_1] = SLEEP | 0x01
        self._banks[2][GYRO_CONFIG_1] = self._banks[2][ACCEL_CONFIG] = 0x01

    def _measure(self) -> None:
        force, rates = self.body.sense()
        awake = not self._bank[PWR_MGMT_1] & SLEEP
        per_g = FORCE_COUNTS[self._banks[2][ACCEL_CONFIG] >> 1 & 3]
        per_dps = GYRO_COUNTS[self._banks[2][GYRO_CONFIG_1] >> 1 & 3]
        counts = [per_g * part for part in force] + [per_dps * rate for rate in rates]
        for number, measured in enumerate(counts):
            code = min(32767, max(-32768, round(measured))) if awake else 0
            place = ACCEL_XOUT_H + 2 * number
            self._bank[place : place + 2] = code.to_bytes(2, "big", signed=True)
