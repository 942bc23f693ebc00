"""The real board, as far as a machine without one can tell: its sentences."""

import subprocess
import sys
from pathlib import Path

import pytest

from foretone_hardware.device import Board, DeviceError
from foretone_hardware.pi import Pi


def test_making_and_closing_it_opens_nothing():
    board: Board = Pi()
    board.fit("anything", object, {})
    board.close()
    assert board.name == "pi"


@pytest.mark.skipif(Path("/dev/i2c-1").exists(), reason="this machine has an I2C bus")
def test_no_i2c_bus_says_how_to_switch_it_on():
    with pytest.raises(DeviceError, match=r"there is no /dev/i2c-1: .*raspi-config"):
        _ = Pi().i2c


@pytest.mark.skipif(Path("/dev/spidev0.0").exists(), reason="this machine has an SPI bus")
def test_no_spi_bus_says_how_to_switch_it_on():
    with pytest.raises(DeviceError, match=r"there is no /dev/spidev0.0: switch SPI on .*raspi-config"):
        _ = Pi().spi


def test_another_i2c_bus_can_be_chosen(monkeypatch):
    monkeypatch.setenv("FORETONE_I2C", "99")
    with pytest.raises(DeviceError, match="there is no /dev/i2c-99"):
        _ = Pi().i2c


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins")
def test_no_pins_say_what_to_check_and_leave_no_file_behind(tmp_path):
    """lgpio makes a FIFO where it is imported; the working directory may be read-only."""
    code = (
        "from foretone_hardware.device import DeviceError\n"
        "from foretone_hardware.pi import Pi\n"
        "try:\n    Pi().pins\n"
        "except DeviceError as error:\n    print(error)\n"
    )
    home, runtime = tmp_path / "home", tmp_path / "runtime"
    home.mkdir()
    runtime.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=home,
        env={"RUNTIME_DIRECTORY": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("the pins ")
    assert list(home.iterdir()) == []
