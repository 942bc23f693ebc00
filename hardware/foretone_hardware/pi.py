"""The Raspberry Pi that this runs on: its buses, its pins and its MIDI ports, each opened at first use."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from foretone_hardware.device import I2C, SPI, DeviceError, Midi

BUS = "1"
"""The I2C bus on GPIO 2 and 3, on every model; FORETONE_I2C in the environment names another."""
SPI_BUS, SELECT = 0, 0
"""The SPI bus on GPIO 9 to 11, on every model, and its CE0."""


class Pi:
    """A real board, any model from the Zero to the 5.

    The thread that first uses a bus owns it. Raises DeviceError, with what to switch on, when it cannot
    be opened.
    """

    name = "pi"

    @cached_property
    def i2c(self) -> I2C:
        """The I2C bus on GPIO 2 (SDA) and 3 (SCL), or the one that FORETONE_I2C names."""
        number = os.environ.get("FORETONE_I2C", BUS)
        # Without a frequency: it is Linux's to choose, and Blinka would warn.
        bus: I2C = _opened("i2c", f"/dev/i2c-{number}", "ExtendedI2C", number, None)
        return bus

    @cached_property
    def spi(self) -> SPI:
        """The SPI bus on GPIO 10 (MOSI), 9 (MISO) and 11 (SCLK)."""
        bus: SPI = _opened("spi", f"/dev/spidev{SPI_BUS}.{SELECT}", "ExtendedSPI", SPI_BUS, SELECT)
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
        for name in ("i2c", "spi"):
            if name in self.__dict__:
                self.__dict__.pop(name).deinit()
        if "midi" in self.__dict__:
            self.__dict__.pop("midi").close()
        if "pins" in self.__dict__:
            self.pins.close()
            del self.pins


def _opened(name: str, device: str, maker: str, *which: object) -> Any:
    """A bus of the kernel's, by its number: whatever board this is, it need not be known to Blinka."""
    if not Path(device).exists():
        raise DeviceError(
            f"there is no {device}: switch {name.upper()} on with `sudo raspi-config nonint do_{name} 0`,"
            " and start the Pi again"
        )
    try:
        import adafruit_extended_bus

        return getattr(adafruit_extended_bus, maker)(*which)
    except ImportError as error:
        raise DeviceError(
            f"{name.upper()} needs adafruit-extended-bus ({error}): install foretone[pi]"
        ) from error
    except PermissionError as error:
        raise DeviceError(
            f"{device} is not ours to open: `sudo usermod -aG {name} $USER`, log in again"
        ) from error
    except OSError as error:
        raise DeviceError(f"{device} cannot be opened: {error.strerror}") from error
