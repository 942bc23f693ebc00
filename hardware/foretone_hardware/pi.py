"""The Raspberry Pi that this runs on: its I2C bus, its pins and its MIDI ports, each opened at first use."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from foretone_hardware.device import I2C, DeviceError, Midi

BUS = 1
"""The I2C bus on GPIO 2 and 3, on every model."""


class Pi:
    """A real board, any model from the Zero to the 5.

    The thread that first uses a bus owns it. Raises DeviceError, with what to switch on, when it cannot
    be opened.
    """

    name = "pi"

    @cached_property
    def i2c(self) -> I2C:
        """The I2C bus on GPIO 2 (SDA) and 3 (SCL)."""
        device = Path(f"/dev/i2c-{BUS}")
        if not device.exists():
            raise DeviceError(
                f"there is no {device}: switch I2C on with `sudo raspi-config nonint do_i2c 0`,"
                " and start the Pi again"
            )
        try:
            from adafruit_extended_bus import ExtendedI2C

            bus: I2C = ExtendedI2C(BUS)
        except ImportError as error:
            raise DeviceError(f"I2C needs adafruit-extended-bus ({error}): install foretone[pi]") from error
        except PermissionError as error:
            raise DeviceError(
                f"{device} is not ours to open: `sudo usermod -aG i2c $USER`, log in again"
            ) from error
        except OSError as error:
            raise DeviceError(f"{device} cannot be opened: {error.strerror}") from error
        return bus

    @cached_property
    def midi(self) -> Midi:
        """The ports of ALSA's sequencer: USB, Bluetooth, and other programs."""
        from foretone_hardware.sequencer import Sequencer

        return Sequencer()

    @cached_property
    def pins(self) -> Any:
        """A gpiozero pin factory on lgpio, the one library for the pins of every model."""
        # lgpio makes a FIFO in this folder when it is imported, by default the working directory.
        os.environ.setdefault("LG_WD", os.environ.get("RUNTIME_DIRECTORY") or tempfile.gettempdir())
        try:
            from gpiozero.pins.lgpio import LGPIOFactory

            return LGPIOFactory()
        except ImportError as error:
            raise DeviceError(
                f"the pins need lgpio ({error}): install foretone[pi],"
                " or from Python 3.13 on the system's python3-lgpio"
            ) from error
        except Exception as error:  # lgpio has one exception class of its own for everything
            raise DeviceError(
                f"the pins cannot be opened ({error}): is this a Raspberry Pi,"
                " and its user in the group gpio?"
            ) from error

    def fit(self, name: str, driver: type, settings: Mapping[str, Any], role: str = "source") -> None:
        """A builder has done that, with solder."""

    def close(self) -> None:
        """Give back the wires that were opened."""
        if "i2c" in self.__dict__:
            self.i2c.deinit()  # type: ignore[attr-defined]  # busio has it, drivers have no use for it
            del self.i2c
        if "midi" in self.__dict__:
            self.midi.close()  # type: ignore[attr-defined]  # the sequencer has it, drivers have no use for it
            del self.midi
        if "pins" in self.__dict__:
            self.pins.close()
            del self.pins
