"""The inertial sensors on an arm, against their registers. What both must do is tested on both."""

import errno
import struct
from pathlib import Path

import numpy as np
import pytest

from foretone_hardware import icm20948, lsm6dsox
from foretone_hardware.device import DeviceError
from foretone_hardware.icm20948 import ICM20948
from foretone_hardware.lsm6dsox import LSM6DSOX

DATA = Path("/work/shared/data/gesture/seglearn_watch_imu6_50hz.npz")


class Posed:
    """A body that feels what it is told, without noise."""

    def __init__(self, force=(0.0, 0.0, 1.0), rates=(0.0, 0.0, 0.0)):
        self.felt = (list(force), list(rates))

    def sense(self):
        return self.felt


def ask(chip, register, count=1):
    chip.write(bytes([register]))
    return chip.read(count)


# The models, against the data sheets' tables.


def test_lsm6dsox_power_on_registers(clock):
    chip = lsm6dsox.Chip(clock)
    assert ask(chip, 0x0F) == b"\x6c"
    assert ask(chip, 0x10, 3) == b"\x00\x00\x04"
    chip.write(b"\x0f\x00")
    assert ask(chip, 0x0F) == b"\x6c"


@pytest.mark.parametrize(("code", "dps"), [(0x60, 250), (0x64, 500), (0x68, 1000), (0x6C, 2000), (0x62, 125)])
def test_lsm6dsox_gyroscope_ranges(clock, code, dps):
    chip = lsm6dsox.Chip(clock)
    chip.body = Posed(rates=(dps / 2, -dps, 0.0))
    chip.write(bytes([0x11, code]))
    x, y, z = struct.unpack("<hhh", ask(chip, 0x22, 6))
    lsb = dps * 0.035  # mdps: 8.75 at 250
    assert (x, y, z) == (pytest.approx(500 * dps / lsb, abs=1), pytest.approx(-1000 * dps / lsb, abs=1), 0)


@pytest.mark.parametrize(("code", "lsb"), [(0x60, 0.061), (0x64, 0.488), (0x68, 0.122), (0x6C, 0.244)])
def test_lsm6dsox_accelerometer_ranges(clock, code, lsb):
    chip = lsm6dsox.Chip(clock)
    chip.body = Posed(force=(0.5, -1.0, 40.0))
    chip.write(bytes([0x10, code]))
    assert struct.unpack("<hhh", ask(chip, 0x28, 6)) == (round(500 / lsb), round(-1000 / lsb), 32767)


def test_lsm6dsox_in_power_down_measures_nothing_and_a_reset_clears_itself(clock):
    chip = lsm6dsox.Chip(clock)
    chip.body = Posed((1.0, 1.0, 1.0), (100.0, 100.0, 100.0))
    assert ask(chip, 0x22, 12) == bytes(12)
    chip.write(b"\x10\x60\x60")
    assert ask(chip, 0x22, 12) != bytes(12)
    chip.write(b"\x12\x05")
    assert ask(chip, 0x10, 3) == b"\x00\x00\x04"


def test_icm20948_power_on_registers_and_banks(clock):
    chip = icm20948.Chip(clock)
    assert ask(chip, 0x00) == b"\xea"
    assert ask(chip, 0x06) == b"\x41"
    chip.write(b"\x7f\x20")
    assert ask(chip, 0x01) == b"\x01"
    chip.write(b"\x01\x07")
    chip.write(b"\x7f\x00")
    assert ask(chip, 0x00) == b"\xea"
    chip.write(b"\x06\x80")
    assert ask(chip, 0x06) == b"\x41"
    chip.write(b"\x7f\x20")
    assert ask(chip, 0x01) == b"\x01"


@pytest.mark.parametrize(("code", "per_dps", "per_g"), [(0, 131, 16384), (2, 65.5, 8192), (4, 32.8, 4096)])
def test_icm20948_ranges(clock, code, per_dps, per_g):
    chip = icm20948.Chip(clock)
    chip.body = Posed((0.5, -1.0, 100.0), (10.0, -20.0, 0.0))
    chip.write(b"\x06\x01")
    chip.write(b"\x7f\x20")
    chip.write(bytes([0x01, code]))
    chip.write(bytes([0x14, code]))
    chip.write(b"\x7f\x00")
    assert struct.unpack(">hhh", ask(chip, 0x2D, 6)) == (round(per_g / 2), round(-per_g), 32767)
    assert struct.unpack(">hhh", ask(chip, 0x33, 6)) == (round(10 * per_dps), round(-20 * per_dps), 0)


# Both drivers.

both = pytest.mark.parametrize("driver", [LSM6DSOX, ICM20948])


def wear(board, clock, driver, seconds=4.0, **settings):
    board.fit("arm", driver, settings)
    sensor = driver(board.i2c, clock, **settings)
    follow(sensor, clock, seconds)
    return sensor


def follow(sensor, clock, seconds):
    """Read it 100 times a second; the readings."""
    readings = []
    for _ in range(round(100 * seconds)):
        clock.move_to(clock.now() + 0.01)
        readings.append(sensor.read())
    return readings


@both
def test_what_is_read_is_what_was_felt(board, clock, driver):
    board.fit("arm", driver, {})
    sensor = driver(board.i2c, clock)
    board.i2c.chips[sensor._address].body = Posed((0.25, -0.5, 0.75), (100.0, -200.0, 50.0))
    axes = sensor.read()
    assert sensor.raw == pytest.approx((0.25, -0.5, 0.75, 100, -200, 50), abs=0.05)
    assert axes[3:] == pytest.approx((0.55, 0.4, 0.525), abs=1e-4)


@both
@pytest.mark.parametrize(("dps", "g"), [(250, 2), (500, 4), (2000, 16)])
def test_its_ranges_are_set(board, clock, driver, dps, g):
    board.fit("arm", driver, {"dps": dps, "g": g})
    sensor = driver(board.i2c, clock, dps=dps, g=g)
    board.i2c.chips[sensor._address].body = Posed((0.99 * g, 2.0 * g, 0.0), (0.99 * dps, -2.0 * dps, 0.0))
    axes = sensor.read()
    assert sensor.raw == pytest.approx((0.99 * g, g, 0, 0.99 * dps, -dps, 0), rel=0.15, abs=0.01 * g)
    assert axes[3] == pytest.approx(0.995, abs=0.002)


@both
def test_an_arm_that_turns_is_followed_in_angle_and_in_rate(board, clock, driver):
    sensor = wear(board, clock, driver)
    board.hold("arm", [0.75, 0.6, 0.5, 0.5, 0.5, 0.5])
    readings = follow(sensor, clock, 2.0)
    assert max(axes[3] for axes in readings) > 0.6, "it turns about x ..."
    assert readings[-1][3] == pytest.approx(0.5, abs=0.005), "... and comes to rest"
    assert readings[-1][:2] == pytest.approx((0.75, 0.6), abs=0.01)
    turned = sum((axes[3] - 0.5) * 2000 * 0.01 for axes in readings)
    assert turned == pytest.approx(90, abs=3), "the rate adds up to the angle"


@both
def test_an_arm_is_seen_on_its_way(board, clock, driver):
    wear(board, clock, driver, 0.1)
    board.hold("arm", [0.75, 0.5, 0.5, 0.5, 0.5, 0.5])
    board.look("arm")
    clock.move_to(clock.now() + 0.1)
    assert 0.5 < board.look("arm")[0] < 0.75
    clock.move_to(clock.now() + 2.0)
    assert board.look("arm")[0] == pytest.approx(0.75, abs=1e-3)
    assert all(0.0 <= value <= 1.0 for value in board.look("arm"))


@both
def test_at_rest_it_is_level_and_still_and_learns_its_bias(board, clock, driver):
    sensor = wear(board, clock, driver, 15.0)
    readings = follow(sensor, clock, 2.0)
    assert readings[-1][:2] == pytest.approx((0.5, 0.5), abs=0.002)
    assert np.mean(readings, axis=0)[3:] == pytest.approx([0.5] * 3, abs=1e-4)
    assert np.std(readings, axis=0)[3:].max() < 2e-4


@both
def test_no_chip_is_a_sentence_with_its_address(board, clock, driver):
    with pytest.raises(DeviceError, match=r"answers at 0x6\w on the I2C bus: check its cable.*i2cdetect"):
        driver(board.i2c, clock)


@both
def test_a_pulled_cable_and_back(board, clock, driver):
    sensor = wear(board, clock, driver, 0.1)
    board.unplug("arm")
    with pytest.raises(DeviceError, match="check its cable"):
        sensor.read()
    sensor.close()
    board.plug("arm")
    assert all(0.0 <= value <= 1.0 for value in driver(board.i2c, clock).read())


@both
def test_a_chip_that_lost_its_power_unnoticed_is_a_fault(board, clock, driver):
    sensor = wear(board, clock, driver, 0.1)
    board.unplug("arm")
    board.plug("arm")
    with pytest.raises(DeviceError) as caught:
        sensor.read()
    assert caught.value.__cause__.errno == errno.ENODEV


@both
def test_a_reset_that_never_ends_is_a_fault_and_not_a_hang(board, clock, driver):
    board.fit("arm", driver, {})
    chip = next(iter(board.i2c.chips.values()))
    register, bit = {LSM6DSOX: (0x12, 0x05), ICM20948: (0x06, 0x80)}[driver]
    read = chip.read
    chip.read = lambda count: bytes([bit]) if chip._pointer == register else read(count)
    with pytest.raises(DeviceError, match="check its cable"):
        driver(board.i2c, clock)


@both
def test_another_chip_at_its_address_is_not_taken_for_it(board, clock, driver):
    board.fit("arm", driver, {})
    chip = next(iter(board.i2c.chips.values()))
    chip.read = bytes
    with pytest.raises(DeviceError, match="i2cdetect"):
        driver(board.i2c, clock)


@pytest.mark.skipif(not DATA.exists(), reason="the recording is not here")
def test_a_recorded_arm_goes_through_the_registers(board, clock):
    """A watch on ten arms at 50 Hz: what the driver reads is what was recorded, within a count."""
    with np.load(DATA) as file:
        ends = np.cumsum(file["lengths"])
        recording = file["X"][ends[3] : ends[4]].astype(float)
    force, rates = recording[:, :3], np.degrees(recording[:, 3:])
    board.fit("arm", LSM6DSOX, {})
    watch = LSM6DSOX(board.i2c, clock)
    body = board.i2c.chips[0x6A].body = Posed()
    axes, raw = [], []
    for row_force, row_rates in zip(force, rates, strict=True):
        body.felt = (list(row_force), list(row_rates))
        clock.move_to(clock.now() + 0.02)
        axes.append(watch.read())
        raw.append(watch.raw)
    assert np.abs(np.array(raw)[:, :3] - force).max() < 0.000244
    assert np.abs(np.array(raw)[:, 3:] - rates).max() < 0.035
    axes = np.array(axes)
    assert np.isfinite(axes).all()
    assert axes.min() >= 0.0
    assert axes.max() <= 1.0
    # Where the arm is slow, gravity is where the pose says it is.
    slow = (np.abs(rates).max(axis=1) < 40) & (np.abs(np.linalg.norm(force, axis=1) - 1) < 0.1)
    roll, pitch = np.pi * (2 * axes[slow, 0] - 1), np.pi * (axes[slow, 1] - 0.5)
    up = np.column_stack([-np.sin(pitch), np.sin(roll) * np.cos(pitch), np.cos(roll) * np.cos(pitch)])
    felt = force[slow] / np.linalg.norm(force[slow], axis=1, keepdims=True)
    assert slow.sum() > 100
    assert np.degrees(np.arccos(np.clip((up * felt).sum(axis=1), -1, 1))).mean() < 15
