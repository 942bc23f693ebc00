"""A lever on an ADS1115: four analogue inputs of 16 bits, on I2C.

Source: Texas Instruments SBAS444, "ADS111x Ultra-Small, Low-Power, I2C-Compatible, 860-SPS, 16-Bit ADCs".
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar
from weakref import WeakValueDictionary

from adafruit_ads1x15 import ads1115 as adafruit
from adafruit_ads1x15.ads1x15 import Mode

from foretone_hardware.device import I2C, DeviceError, Range

FULL_SCALE = 4.096
"""Volts of the largest code at the library's gain 1, the narrowest range that holds a 3.3 V lever."""
RATE = 860
"""Conversions per second: the chip's limit."""
POLLS = 200
"""Looks for the end of a conversion of 1.2 ms; each takes 0.1 ms or more on a bus at 400 kHz."""
LOOK = 100
"""Reads between looks at whether the chip still does what it was told: a second at 100 Hz."""


class ADS1115:
    """A potentiometer between 3.3 V and ground, its wiper on input `channel` (A0 to A3).

    Alone on its chip, it is measured 860 times a second whether anyone looks or not, and `read` fetches the
    newest result: one register, no waiting. The chip has one converter, so when several levers share it
    each `read` asks for a conversion of its own and waits the 1.2 ms that it takes. Give a lever that must
    be quick a chip of its own; four fit on a bus.

    `low` and `high` are the volts at both ends of the lever's travel; the wrong way round turns it round.
    The bus's thread calls every method. Raises DeviceError when the chip does not answer.
    """

    axes = ("position",)

    def __init__(
        self,
        i2c: I2C,
        *,
        channel: Annotated[int, Range(0, 3)] = 0,
        address: Annotated[int, Range(0x48, 0x4B)] = 0x48,
        low: Annotated[float, Range(0, FULL_SCALE, "V")] = 0.0,
        high: Annotated[float, Range(0, FULL_SCALE, "V")] = 3.3,
    ) -> None:
        if low == high:
            raise ValueError(f"low and high are both {low:g} V: measure the lever at both ends of its travel")
        self.channel = channel
        self.raw = low
        """Volts, as last read."""
        self._low, self._travel = low, high - low
        self._converter = _Converter.at(i2c, address)
        self._converter.join(channel)
        try:
            self.read()
        except DeviceError:
            self.close()
            raise

    def read(self) -> tuple[float, ...]:
        """Where the lever is, 0..1; 1.2 ms old at most."""
        self.raw = self._converter.read(self.channel) * FULL_SCALE / 32768
        position = (self.raw - self._low) / self._travel
        return (0.0 if position < 0.0 else 1.0 if position > 1.0 else position,)

    def close(self) -> None:
        """Stop looking. The chip goes on measuring: that costs 0.15 mA, and asking it to stop may fail."""
        self._converter.leave(self.channel)


class _Patient(adafruit.ADS1115):
    """The library's driver, which would wait for ever for a conversion that never ends."""

    def _write_config(self, pin_config: int | None = None) -> None:
        self._polls = 0
        super()._write_config(pin_config)

    def _conversion_complete(self) -> int:
        self._polls += 1
        if self._polls > POLLS:
            raise OSError(errno.ETIMEDOUT, "the conversion does not end")
        return int(super()._conversion_complete())

    def forgot(self) -> bool:
        """Whether the chip lost its power, unnoticed: then it waits for single shots again."""
        config = self._read_register(CONFIG)
        self.get_last_result()  # the pointer back to the conversion register, for fast reads
        return bool(config & SINGLE_SHOT)


class _Converter:
    """One chip, and the channels that are read through it."""

    _all: ClassVar[WeakValueDictionary[tuple[int, int], _Converter]] = WeakValueDictionary()

    @classmethod
    def at(cls, i2c: I2C, address: int) -> _Converter:
        """The chip at an address, the same for every lever on it as long as one is open."""
        converter = cls._all.get((id(i2c), address))
        if converter is None:
            converter = cls._all[id(i2c), address] = cls(i2c, address)
        return converter

    def __init__(self, i2c: I2C, address: int) -> None:
        self._i2c, self._address = i2c, address
        self._channels: list[int] = []
        self._chip: Any = None
        self._reads = 0
        self._watched: int | None = None
        """The only channel in use, when the chip measures it by itself."""

    def join(self, channel: int) -> None:
        self._channels.append(channel)
        self._watched = None

    def leave(self, channel: int) -> None:
        if channel in self._channels:
            self._channels.remove(channel)

    def read(self, channel: int) -> int:
        """The newest code of a channel, -32768..32767."""
        try:
            if self._watched == channel:
                self._reads += 1
                if self._reads % LOOK or not self._chip.forgot():
                    return int(self._chip.read(4 + channel))
                self._chip = None
            return self._ask(channel)
        except (OSError, ValueError) as error:
            self._chip, self._watched = None, None
            raise DeviceError(
                f"no ADS1115 answers at {self._address:#x} on the I2C bus: check its cable, its 3.3 V"
                " and where its ADDR pin goes (ground 0x48, VDD 0x49, SDA 0x4a, SCL 0x4b);"
                " `i2cdetect -y 1` shows who answers"
            ) from error

    def _ask(self, channel: int) -> int:
        if self._chip is None:
            self._chip = _Patient(self._i2c, gain=1, data_rate=RATE, address=self._address)
        if self._chip.mode != Mode.SINGLE:
            self._chip.mode = Mode.SINGLE
        code = int(self._chip.read(4 + channel))
        if set(self._channels) == {channel}:
            # The library selects an input in single-shot mode only, and keeps it when the mode changes. From
            # then on it reads without writing a register number first, so that number is set once, here.
            self._chip.mode = Mode.CONTINUOUS
            self._chip.get_last_result()
            self._watched = channel
        return code


CONVERSION, CONFIG = 0, 1
SINGLE_SHOT = 0x0100
"""MODE in the config register, set after power-on."""
SCALES = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256)
"""Volts of full scale for each value of PGA[2:0]."""
PAIRS = ((0, 1), (0, 3), (1, 3), (2, 3))
"""The inputs of MUX[2:0] = 0..3; from 4 on it is one input against ground."""


class Chip:
    """The chip's registers, for the fake board.

        pointer  register    15    14..12  11..9   8     7..5  4..0
        0        conversion  a signed code of 16 bits, full scale = 32768
        1        config      OS    MUX     PGA     MODE  DR    comparator
        2, 3     thresholds of the comparator; kept, and without effect

    A single-shot conversion (MODE 1, started by writing OS 1) takes no time, so that a clock moved by hand
    need not move; in continuous mode (MODE 0) every read is of a new one. Data rate and comparator do
    nothing more than read back.
    """

    at = "address"

    def __init__(self) -> None:
        self._pointer = 0
        self._registers = [0x0000, 0x8583, 0x8000, 0x7FFF]
        self._inputs: dict[int, Callable[[], float]] = {}
        self.stuck = False
        """Whether conversions begin and never end, as on a chip that is breaking down."""

    def wire(self, settings: Mapping[str, Any], hand: Callable[[], tuple[float, ...]]) -> None:
        """Put a lever on an input: the hand's 0..1 is a voltage from `low` to `high`."""
        low, high = settings["low"], settings["high"]
        self._inputs[settings["channel"]] = lambda: low + hand()[0] * (high - low)

    def write(self, data: bytes) -> None:
        """A write from the bus: the register's number, then perhaps its two bytes."""
        if not data:
            return
        self._pointer = data[0] & 0x03
        if len(data) < 3 or self._pointer == CONVERSION:
            return
        value = data[1] << 8 | data[2]
        self._registers[self._pointer] = value
        if self._pointer == CONFIG and value & 0x8000:
            self._convert()

    def read(self, count: int) -> bytes:
        """A read from the bus: the register that was last named."""
        continuous = not self._registers[CONFIG] & 0x0100
        if continuous and self._pointer == CONVERSION:
            self._convert()
        value = self._registers[self._pointer]
        if self._pointer == CONFIG:  # OS reads 0 while a conversion is under way: always, or never
            value = value & 0x7FFF | (0 if continuous or self.stuck else 0x8000)
        return value.to_bytes(2, "big")[:count]

    def _convert(self) -> None:
        config = self._registers[CONFIG]
        mux, scale = config >> 12 & 7, SCALES[config >> 9 & 7]
        if mux >= 4:
            volts = self._volts(mux - 4)
        else:
            plus, minus = PAIRS[mux]
            volts = self._volts(plus) - self._volts(minus)
        code = min(32767, max(-32768, round(volts / scale * 32768)))
        self._registers[CONVERSION] = code & 0xFFFF

    def _volts(self, channel: int) -> float:
        wiper = self._inputs.get(channel)
        return wiper() if wiper else 0.0
