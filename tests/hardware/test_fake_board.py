"""The board that is not there: hands, eyes, performers and cables."""

import errno
import statistics
import subprocess
import sys

import gpiozero
import pytest

from foretone_hardware.ads1115 import ADS1115
from foretone_hardware.device import Board, DeviceError
from foretone_hardware.fake import FakeBoard
from foretone_hardware.fake.i2c import FakeI2C
from foretone_hardware.mcp3008 import MCP3008
from foretone_hardware.pca9685 import PCA9685
from foretone_hardware.pwmled import PWMLED


@pytest.fixture
def lever(board):
    board.fit("lever", ADS1115, {})
    return ADS1115(board.i2c)


def test_it_is_a_board(board):
    checked: Board = board
    assert checked.name == "fake"


def test_a_sensor_is_seen_where_it_is_held(board, lever):
    board.hold("lever", [0.3])
    assert board.look("lever") == (0.3,)
    board.hold("lever", [2.0])
    assert board.look("lever") == (1.0,)


def test_readings_have_a_little_noise(board, lever):
    readings = [lever.read()[0] for _ in range(2000)]
    assert statistics.fmean(readings) == pytest.approx(0.5, abs=1e-4)
    assert statistics.stdev(readings) == pytest.approx(0.0005, rel=0.1)


def test_the_noise_follows_the_seed_and_the_name(clock):
    def readings(seed, name):
        board = FakeBoard(clock, seed)
        board.fit(name, ADS1115, {})
        lever = ADS1115(board.i2c)
        return [lever.read() for _ in range(20)]

    assert readings(1, "a") == readings(1, "a")
    assert readings(1, "a") != readings(2, "a")
    assert readings(1, "a") != readings(1, "b")


def test_a_performer_is_asked_for_the_time_of_the_reading(board, clock, lever):
    board.perform("lever", lambda now: [now - 100.0])
    for moment in (0.1, 0.4, 0.9):
        clock.move_to(100.0 + moment)
        assert lever.read() == pytest.approx((moment,), abs=0.002)
        assert board.look("lever") == pytest.approx((moment,))


def test_a_lifted_hand_leaves_it_where_it_was(board, clock, lever):
    board.perform("lever", lambda now: [0.8] if now < 101.0 else None)
    lever.read()
    clock.move_to(102.0)
    assert lever.read() == pytest.approx((0.8,), abs=0.002)
    board.hold("lever", [0.1])
    assert lever.read() == pytest.approx((0.1,), abs=0.002)


def test_a_performer_can_be_stopped(board, lever):
    board.perform("lever", lambda now: [0.8])
    lever.read()
    board.perform("lever", None)
    board.hold("lever", [0.2])
    assert lever.read() == pytest.approx((0.2,), abs=0.002)


def test_an_absent_chip_is_the_error_of_a_pi(board):
    with pytest.raises(OSError) as caught:
        board.i2c.writeto(0x48, b"")
    assert caught.value.errno == errno.EREMOTEIO
    assert board.i2c.scan() == []


def test_scan_shows_who_answers(board, lever):
    board.fit("arm", PCA9685, {})
    assert board.i2c.scan() == [0x40, 0x48]
    board.unplug("arm")
    assert board.i2c.scan() == [0x48]


def test_unplugging_takes_every_part_on_the_chip(board, clock):
    board.fit("arm", PCA9685, {"channel": 0})
    board.fit("head", PCA9685, {"channel": 1})
    arm, head = PCA9685(board.i2c, clock), PCA9685(board.i2c, clock, channel=1)
    arm.write([0.5])
    head.write([0.5])
    board.unplug("head")
    assert board.look("arm") + board.look("head") == ()
    board.plug("arm")
    assert board.look("arm") + board.look("head") == ()  # it is back, and has forgotten its pulses


def test_unplugging_twice_and_plugging_twice_is_quiet(board, lever):
    for _ in range(2):
        board.unplug("lever")
    for _ in range(2):
        board.plug("lever")
    board.hold("lever", [0.5])
    lever.close()
    assert ADS1115(board.i2c).read() == pytest.approx((0.5,), abs=0.002)


def test_an_unknown_part_is_named_with_those_that_are_there(board, lever):
    with pytest.raises(KeyError, match=r"no part called 'arm' .* fitted: lever"):
        board.look("arm")


def test_the_hand_needs_every_axis(board, lever):
    with pytest.raises(ValueError, match="hold 1 values"):
        board.hold("lever", [0.1, 0.2])


def test_two_kinds_of_chip_at_one_address_are_refused(board):
    board.fit("arm", PCA9685, {"address": 0x48})
    with pytest.raises(DeviceError, match=r"'lever' cannot be at 0x48"):
        board.fit("lever", ADS1115, {})


def test_a_driver_without_a_model_is_told_what_to_write(board):
    with pytest.raises(DeviceError, match=r"cannot fit 'x': foretone_hardware.fake.i2c has no class Chip"):
        board.fit("x", FakeI2C, {})


def test_any_module_with_a_chip_can_be_fitted(board):
    """The convention, not a list: this module's own driver and chip."""
    board.fit("bell", Bell, {"address": 0x20})
    Bell(board.i2c, address=0x20).write([1.0])
    assert board.look("bell") == (1.0,)


class Bell:
    """A driver of one register, made up for the test."""

    axes = ("force",)

    def __init__(self, i2c, *, address=0x21):
        self.i2c, self.address = i2c, address

    def write(self, values):
        self.i2c.writeto(self.address, bytes([0, round(255 * values[0])]))


class Chip:
    """Its chip."""

    at = "address"

    def __init__(self):
        self.force = 0

    def write(self, data):
        self.force = data[1]

    def look(self, settings):
        return (self.force / 255,)


def test_gpiozeros_default_factory_is_left_alone(board):
    assert gpiozero.Device.pin_factory is None
    board.fit("glow", PWMLED, {})
    board.fit("pot", MCP3008, {})
    PWMLED(board.pins).write([1.0])
    MCP3008(board.pins).read()
    assert gpiozero.Device.pin_factory is None


FORGETFUL = """
from foretone_hardware.fake import FakeBoard
from foretone_hardware.ads1115 import ADS1115
from foretone_hardware.fake.i2c import FakeI2C
from foretone_hardware.mcp3008 import MCP3008
from foretone_hardware.pca9685 import PCA9685
from foretone_hardware.pwmled import PWMLED
import time

class Clock:
    now = staticmethod(time.monotonic)

board = FakeBoard(Clock())
parts = {"lever": ADS1115, "pot": MCP3008, "arm": PCA9685, "glow": PWMLED}
for name, driver in parts.items():
    board.fit(name, driver, {})
lever, pot, arm, glow = (
    ADS1115(board.i2c), MCP3008(board.pins), PCA9685(board.i2c, Clock()), PWMLED(board.pins)
)
arm.write(lever.read())
glow.write(pot.read())
"""


def test_a_script_that_closes_nothing_ends_quietly():
    """gpiozero closes devices when the interpreter ends; nothing of ours may stumble over that."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORGETFUL], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
