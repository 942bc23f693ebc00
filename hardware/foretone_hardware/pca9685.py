"""A servo on a PCA9685: sixteen pulse outputs of 12 bits, on I2C.

Source: NXP PCA9685, "16-channel, 12-bit PWM Fm+ I2C-bus LED controller", Rev. 4.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar
from weakref import WeakValueDictionary

from foretone_hardware.device import I2C, LIVE, Clock, DeviceError, Range

OSCILLATOR = 25.0
"""MHz, of the chip's own oscillator; a few percent off on a real one."""
PRESCALE = 121
"""Divides the oscillator for 50 pulses a second: 25 MHz / 4096 / 122 = 50.03 Hz."""
COUNT = (PRESCALE + 1) / OSCILLATOR
"""Microseconds of one of the 4096 counts of a pulse: 4.88."""
FRAME = 0.02
"""Seconds between two pulses: a servo takes no order sooner."""
ALL_CALL = 0x70
"""An address at which every chip answers after power-on."""
TRIES = 3
"""How often closing tries to stop the pulses."""
CHECK = 1.0
"""Seconds after which a write first asks whether the chip was without power meanwhile."""


class PCA9685:
    """A hobby servo on output `channel`.

    `low_pulse` and `high_pulse` are the pulses at 0 and at 1; none outside them is ever sent. The wrong way
    round turns the servo round. `speed` is the fastest it is asked to move, in full travels a second; while
    it is on its way `settled` is False, and the next `write` of the same values takes it further.
    `writes` counts what was written to the chip: a pulse that it gives already is not written again.

    Servos on one chip share it, and opening one does not disturb the others. The bus's thread calls every
    method. Raises DeviceError when the chip does not answer.
    """

    axes = ("position",)

    def __init__(
        self,
        i2c: I2C,
        clock: Clock,
        *,
        channel: Annotated[int, Range(0, 15)] = 0,
        address: Annotated[int, Range(0x40, 0x77)] = 0x40,
        low_pulse: Annotated[float, Range(300, 2700, "us")] = 600.0,
        high_pulse: Annotated[float, Range(300, 2700, "us")] = 2400.0,
        speed: Annotated[float, Range(0.1, 50, "travels/s"), LIVE] = 4.0,
    ) -> None:
        if address == ALL_CALL:
            raise ValueError(f"every PCA9685 answers at {ALL_CALL:#x}: bridge this one to another address")
        if abs(high_pulse - low_pulse) < 2 * COUNT:
            raise ValueError(
                f"low_pulse {low_pulse:g} us and high_pulse {high_pulse:g} us leave no way between"
            )
        self.channel, self.low_pulse, self.high_pulse = channel, low_pulse, high_pulse
        self.speed = speed
        self.settled = True
        self.writes = 0
        self._clock = clock
        self._low, self._travel = low_pulse / COUNT, (high_pulse - low_pulse) / COUNT
        self._position: float | None = None
        """Where it was last sent; kept through a rest, unknown at first."""
        self._moved = -math.inf
        self._kit = _Kit.at(i2c, address)
        self._kit.join(self)
        try:
            self.rest()
        except DeviceError:
            self._kit.leave(self)
            raise

    def write(self, values: Sequence[float]) -> None:
        """Go towards values[0], 0..1, as fast as `speed` allows since the last write.

        The first move goes straight there: nobody knows yet where the arm is.
        """
        target = min(1.0, max(0.0, values[0]))
        now = self._clock.now()
        if self._position is None:
            position = target
        else:
            # Rested time is no running start, and a late bus no reason to crawl.
            step = self.speed * min(now - self._moved, FRAME if self.settled else 5 * FRAME)
            position = self._position + min(step, max(-step, target - self._position))
        low, high = sorted((self._low, self._low + self._travel))
        count = min(math.floor(high), max(math.ceil(low), round(self._low + position * self._travel)))
        # The library rounds down: aim for the middle of the count.
        self._send(count, min(1.0, max(0.0, (count + 0.5 - self._low) / self._travel)))
        self._position, self._moved, self.settled = position, now, position == target

    def rest(self) -> None:
        """No pulse: most servos then hold with friction only."""
        self.settled = True
        self._send(0, None)

    def close(self) -> None:
        """Rest, and give the channel back. The chip pulses on by itself, so a bad moment is tried again."""
        if self._kit.moves(self):
            for _ in range(TRIES):
                with contextlib.suppress(DeviceError):
                    self.rest()
                    break
            self._kit.leave(self)

    def _send(self, count: int, fraction: float | None) -> None:
        if self._kit.send(self, count, fraction, self._clock.now()):
            self.writes += 1


class _Kit:
    """One chip, and what was last sent to each of its channels."""

    _all: ClassVar[WeakValueDictionary[tuple[int, int], _Kit]] = WeakValueDictionary()

    @classmethod
    def at(cls, i2c: I2C, address: int) -> _Kit:
        """The chip at an address, the same for every servo on it as long as one is open."""
        kit = cls._all.get((id(i2c), address))
        if kit is None:
            kit = cls._all[id(i2c), address] = cls(i2c, address)
        return kit

    def __init__(self, i2c: I2C, address: int) -> None:
        self._i2c, self._address = i2c, address
        self._servos: WeakValueDictionary[int, PCA9685] = WeakValueDictionary()
        self._kit: Any = None
        self._sent: dict[int, int] = {}
        self._checked = -math.inf
        self._glitched = False
        """Whether it worked before: then the other servos' pulses must not be switched off."""

    def join(self, servo: PCA9685) -> None:
        if servo.channel in self._servos:
            raise DeviceError(
                f"channel {servo.channel} of the PCA9685 at {self._address:#x} already moves another servo:"
                " close that one, or choose another channel"
            )
        self._servos[servo.channel] = servo
        self._sent.pop(servo.channel, None)

    def leave(self, servo: PCA9685) -> None:
        del self._servos[servo.channel]

    def moves(self, servo: PCA9685) -> bool:
        """Whether the channel is this servo's."""
        return self._servos.get(servo.channel) is servo

    def send(self, servo: PCA9685, count: int, fraction: float | None, now: float) -> bool:
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

    def __init__(self) -> None:
        self._pointer = 0
        self._registers = bytearray(256)
        self._registers[MODE1] = 0x11
        self._registers[0x01] = 0x04
        self._registers[PRE_SCALE] = 0x1E
        for channel in range(16):
            self._registers[LED0 + 4 * channel + 3] = FULL

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """Where the servo on `channel` is sent, 0..1; empty when it gets no pulse."""
        pulse = self.pulse(settings["channel"])
        if pulse == 0.0:
            return ()
        low, high = settings["low_pulse"], settings["high_pulse"]
        return (min(1.0, max(0.0, (pulse - low) / (high - low))),)

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
