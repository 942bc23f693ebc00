"""The sixteen pulse outputs of a PCA9685, shared by the servos on it, and a model of the chip itself.

Source: NXP PCA9685, "16-channel, 12-bit PWM Fm+ I2C-bus LED controller", Rev. 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol
from weakref import WeakValueDictionary

from foretone_hardware.device import I2C, Clock, DeviceError
from foretone_hardware.fake.motion import Weight

OSCILLATOR = 25.0
"""MHz, of the chip's own oscillator; a few percent off on a real one."""
PRESCALE = 121
"""Divides the oscillator for 50 pulses a second: 25 MHz / 4096 / 122 = 50.03 Hz."""
COUNT = (PRESCALE + 1) / OSCILLATOR
"""Microseconds of one of the 4096 counts of a pulse: 4.88."""
CHECK = 1.0
"""Seconds after which a write first asks whether the chip was without power meanwhile."""


class Servo(Protocol):
    """What an output must know of the servo on it."""

    channel: int
    low_pulse: float
    high_pulse: float


class Pulses:
    """One chip, and what was last sent to each of its channels."""

    _all: ClassVar[WeakValueDictionary[tuple[int, int], Pulses]] = WeakValueDictionary()

    @classmethod
    def at(cls, i2c: I2C, address: int) -> Pulses:
        """The chip at an address, the same for every servo on it as long as one is open."""
        kit = cls._all.get((id(i2c), address))
        if kit is None:
            kit = cls._all[id(i2c), address] = cls(i2c, address)
        return kit

    def __init__(self, i2c: I2C, address: int) -> None:
        self._i2c, self._address = i2c, address
        self._servos: WeakValueDictionary[int, Servo] = WeakValueDictionary()
        self._kit: Any = None
        self._sent: dict[int, int] = {}
        self._checked = -math.inf
        self._glitched = False
        """Whether it worked before: then the other servos' pulses must not be switched off."""

    def join(self, servo: Servo) -> None:
        if servo.channel in self._servos:
            raise DeviceError(
                f"channel {servo.channel} of the PCA9685 at {self._address:#x} already moves another servo:"
                " close that one, or choose another channel"
            )
        self._servos[servo.channel] = servo
        self._sent.pop(servo.channel, None)

    def leave(self, servo: Servo) -> None:
        del self._servos[servo.channel]

    def moves(self, servo: Servo) -> bool:
        """Whether the channel is this servo's."""
        return self._servos.get(servo.channel) is servo

    def send(self, servo: Servo, count: int, fraction: float | None, now: float) -> bool:
        """Send a pulse, or with None no pulse; False when the channel gives that already."""
        channel = servo.channel
        try:
            if self._kit is not None and now - self._checked >= CHECK:
                self._checked = now
                if self._sleeps():
                    self._forget()
            if self._sent.get(channel) == count:
                return False
            if self._kit is None:
                self._open()
                self._checked = now
            output = self._kit.servo[channel]
            if channel not in self._sent:
                output.set_pulse_width_range(servo.low_pulse, servo.high_pulse)
            output.fraction = fraction
        except DeviceError:
            raise  # it says already what is missing
        except (OSError, ValueError) as error:
            self._forget()
            raise DeviceError(
                f"no PCA9685 answers at {self._address:#x} on the I2C bus: check its cable, its 3.3 V"
                " on VCC (the servos' V+ is another supply) and its address bridges;"
                " `i2cdetect -y 1` shows who answers"
            ) from error
        self._sent[channel] = count
        return True

    def _sleeps(self) -> bool:
        """Whether the chip lost its power, unnoticed, since it was set up: then it woke up asleep."""
        mode = bytearray(1)
        self._i2c.try_lock()  # it is free: the bus has one owner
        try:
            self._i2c.writeto_then_readfrom(self._address, bytes([MODE1]), mode)
        finally:
            self._i2c.unlock()
        return bool(mode[0] & SLEEP)

    def _write(self, register: int, value: int) -> None:
        self._i2c.try_lock()  # it is free: the bus has one owner
        try:
            self._i2c.writeto(self._address, bytes([register, value]))
        finally:
            self._i2c.unlock()

    def _forget(self) -> None:
        """Its registers may be as after power-on: the next write sets it up from the beginning."""
        self._glitched = self._glitched or self._kit is not None
        self._kit = None
        self._sent.clear()

    def _open(self) -> None:
        try:
            # Imported here because it looks for a board, and on a machine it does not know, raises.
            from adafruit_servokit import ServoKit
        except (ImportError, NotImplementedError) as error:
            raise DeviceError(
                f"adafruit-circuitpython-servokit does not run on this machine: {error}"
            ) from error
        if not self._sent and not self._glitched:
            # Whoever was here before us may have been killed and left a servo driven.
            self._write(ALL_LED_OFF_H, FULL)
        self._glitched = False
        self._kit = ServoKit(channels=16, i2c=self._i2c, address=self._address)


MODE1, LED0, ALL_LED_OFF_H, PRE_SCALE = 0x00, 0x06, 0xFD, 0xFE
RESTART, AUTO_INCREMENT, SLEEP = 0x80, 0x20, 0x10
MIDDLE, QUICKNESS, FASTEST = 1500.0, 40.0, 6700.0
"""A hobby servo, in the us of its pulse: where its horn stands at first, how it comes to a place (rad/s), and
its speed (us/s): 0.1 s for 60 of its 180 degrees.
"""
FULL = 0x10
"""Bit 4 of an ON_H or OFF_H register: the output is always on, or always off, which wins."""


class Chip:
    """The chip's registers, for the fake board.

        00      MODE1    7 RESTART   6 EXTCLK   5 AI   4 SLEEP   3..1 SUB   0 ALLCALL
        01      MODE2    kept, and without effect
        06..45  for each of 16 outputs: ON_L, ON_H, OFF_L, OFF_H: counts 0..4095 where the pulse begins
                and ends; bit 4 of ON_H is always on, of OFF_H always off
        FD      OFF_H of all 16 outputs at once
        FE      PRE_SCALE = oscillator / (4096 x frequency) - 1; takes a write in SLEEP only

    After power-on it sleeps, and every output is off. Going to sleep while an output is on sets RESTART:
    then there are no pulses until a 1 is written to it, or a pulse is. Sub-addresses, the all-call address
    and the other registers for all outputs at once are left out.
    """

    at = "address"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._horns: dict[int, Weight] = {}
        """Where the horns of the servos stand, as the pulse that would send them there."""
        self._turned = clock.now()
        self._pointer = 0
        self._registers = bytearray(256)
        self._registers[MODE1] = 0x11
        self._registers[0x01] = 0x04
        self._registers[PRE_SCALE] = 0x1E
        for channel in range(16):
            self._registers[LED0 + 4 * channel + 3] = FULL

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """Where the horn of the servo on `channel` is, 0..1; empty when it gets no pulse, and is limp."""
        channel = settings["channel"]
        if self.pulse(channel) == 0.0:
            return ()
        self._turn()
        low, high = settings["low_pulse"], settings["high_pulse"]
        return (min(1.0, max(0.0, (self._horns[channel].position - low) / (high - low))),)

    def pulse(self, channel: int) -> float:
        """How long the output is high in each period, in microseconds; 0 for never."""
        if self._registers[MODE1] & (SLEEP | RESTART):
            return 0.0
        first = LED0 + 4 * channel
        on_low, on_high, off_low, off_high = self._registers[first : first + 4]
        if off_high & FULL:
            return 0.0
        width = 4096 if on_high & FULL else (off_low - on_low + 256 * (off_high - on_high)) % 4096
        return width * (self._registers[PRE_SCALE] + 1) / OSCILLATOR

    def write(self, data: bytes) -> None:
        """A write from the bus: the register's number, then bytes for it and, with AI, for the next ones."""
        if data:
            self._pointer = data[0]
        self._turn()
        for value in data[1:]:
            self._set(self._pointer, value)
            self._advance()

    def read(self, count: int) -> bytes:
        """A read from the bus, from the register that was last named."""
        data = bytearray()
        for _ in range(count):
            data.append(self._registers[self._pointer])
            self._advance()
        return bytes(data)

    def _turn(self) -> None:
        """Every horn goes where its pulse sends it, for as long as the chip was left alone."""
        now = self._clock.now()
        for channel in range(16):
            if pulse := self.pulse(channel):
                horn = self._horns.setdefault(channel, Weight(MIDDLE, QUICKNESS, FASTEST))
                horn.pull(pulse, min(now - self._turned, 2.0))
        self._turned = now

    def _advance(self) -> None:
        if self._registers[MODE1] & AUTO_INCREMENT:
            self._pointer = (self._pointer + 1) % 256

    def _set(self, register: int, value: int) -> None:
        mode = self._registers[MODE1]
        if register == MODE1:
            restart = mode & RESTART & ~value  # writing 1 clears it, writing 0 does nothing
            if value & SLEEP and not mode & SLEEP and any(self.pulse(channel) for channel in range(16)):
                restart = RESTART
            self._registers[MODE1] = value & ~RESTART | restart
        elif register == ALL_LED_OFF_H:
            for channel in range(16):
                self._registers[LED0 + 4 * channel + 3] = value
        elif register != PRE_SCALE or mode & SLEEP:
            self._registers[register] = value
            if LED0 <= register < LED0 + 64:
                self._registers[MODE1] &= ~RESTART
