"""Drivers and the whole daemon on /dev/i2c-N of the kernel's, with the chips' models behind it."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import modprobe, until
from mcp2221 import MCP2221

from foretone.clock import WallClock
from foretone_hardware.ads1115 import ADS1115
from foretone_hardware.device import DeviceError
from foretone_hardware.fake import FakeBoard
from foretone_hardware.pca9685 import PCA9685
from foretone_hardware.pi import Pi

INSTRUMENT = """
title = "Lever and servo"
axes = ["lever"]

[source.lever]
kind = "ads1115"

[sink.arm]
kind = "pca9685"
plays = ["lever"]
"""
PIN = "import lgpio, sys; lgpio.gpio_claim_output(lgpio.gpiochip_open(0), 2, int(sys.argv[1]))"


@pytest.fixture(scope="module")
def stick():
    """The stick, and at the other end of the kernel's bus a board."""
    modprobe("i2c-dev", "uhid", "hid-mcp2221")
    board = FakeBoard(WallClock(), seed=1)
    board.fit("lever", ADS1115, {})
    board.fit("arm", PCA9685, {})
    stick = MCP2221(board)
    # hid-mcp2221 hears nothing before it has given up, 4 s each, on the speed and on four pins.
    until(lambda: list(Path("/dev").glob("gpiochip*")))
    return stick


@pytest.fixture
def board(stick, monkeypatch):
    [name] = [name for name in Path("/sys/bus/i2c/devices").glob("*/name") if "MCP2221" in name.read_text()]
    monkeypatch.setenv("FORETONE_I2C", name.parent.name.removeprefix("i2c-"))
    return stick.board


@pytest.fixture
def pi(board):
    pi = Pi()
    yield pi
    pi.close()


def test_a_lever_is_read_through_the_kernel(board, pi):
    lever = ADS1115(pi.i2c)
    for position in (0.0, 0.25, 1.0):
        board.hold("lever", [position])
        assert lever.read()[0] == pytest.approx(position, abs=0.01)
    lever.close()


def test_a_servo_gets_the_bytes_that_were_meant_for_it(board, pi):
    arm, chip = PCA9685(pi.i2c, WallClock(), speed=50.0), board.i2c.chips[0x40]
    assert chip.pulse(0) == 0
    for position in (0.0, 0.5, 1.0):
        arm.write([position])
        while not arm.settled:
            arm.write([position])
        assert chip.pulse(0) == pytest.approx(600 + 1800 * position, abs=5)
    arm.close()
    assert chip.pulse(0) == 0


def test_a_chip_that_is_not_there_is_told_in_a_sentence(board):
    board.unplug("lever")
    pi = Pi()
    with pytest.raises(DeviceError, match="no ADS1115 answers at 0x48"):
        ADS1115(pi.i2c)
    board.plug("lever")


def test_the_daemon_plays_a_servo_from_a_lever(board, foretone, instrument):
    process = foretone("run", instrument(INSTRUMENT), "--board", "pi", "--headless", "--no-log")

    def hold(position: float) -> None:
        """A hand, which never keeps quite still."""
        board.hold("lever", [random.uniform(position - 0.02, position + 0.02)])

    def follows(position: float) -> None:
        def moves() -> bool:
            hold(position)
            return board.look("arm") == (pytest.approx(position, abs=0.04),)

        process.until(moves)

    follows(0.8)
    follows(0.3)
    board.unplug("lever")
    process.until(lambda: "no ADS1115 answers" in process.said)
    board.plug("lever")
    follows(0.6)
    board.unplug("arm")
    # That nobody answers is seen when there is something to write.
    process.until(lambda: hold(0.6) or "no PCA9685 answers" in process.said)
    board.plug("arm")
    follows(0.4)
    assert process.stop() == 0
    assert board.look("arm") == ()


def test_a_pin_is_driven(stick):
    for level in (1, 0, 1):
        # In a process of its own: lgpio waits for the kernel, and the kernel for the stick's thread.
        subprocess.run([sys.executable, "-c", PIN, str(level)], check=True)
        assert stick.pins == [0, 0, level, 0]
