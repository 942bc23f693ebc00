"""What a driver promises, and what a board gives it.

A driver is an ordinary class for a REPL. What it needs of the board comes first and by position, under one
of four names: `i2c`, `spi`, `pins` or `midi`. That name also says which bus, and so which thread, it lives
on. What a builder may choose comes after, by keyword, with its range:

    class ADS1115:
        axes = ("position",)
        def __init__(self, i2c: I2C, *, channel: Annotated[int, Range(0, 3)] = 0) -> None: ...
        def read(self) -> tuple[float, ...]: ...      # a sensor: floats in 0..1, one for each axis
        def close(self) -> None: ...

An actuator has `write(values)` and `rest()` instead of `read()`. Drivers have no locks and no threads: the
wire has one owner, and it is the owner's thread that calls every method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True)
class Range:
    """The numbers a setting may take, both ends included, and their unit."""

    low: float
    high: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{' ' if self.unit else ''}{self.unit}"


class Live:
    """Marks a setting that may change while playing: the attribute of the same name can be assigned."""

    def __repr__(self) -> str:
        return "LIVE"


LIVE = Live()


class DeviceError(OSError):
    """A chip does not answer, or not as its data sheet says. The message says what to check."""


class Status(NamedTuple):
    """How an instrument is, for a display: what it is called, how it plays, how late 99 % of what was due
    was played at most (ms), and what is out of order. A text is empty when there is nothing to say.
    """

    title: str
    mode: str
    late: float
    fault: str


class Clock(Protocol):
    """Anything that tells monotonic seconds."""

    def now(self) -> float:
        """Seconds since some fixed moment."""


class I2C(Protocol):
    """The part of CircuitPython's `busio.I2C` that the Adafruit drivers use."""

    def try_lock(self) -> bool:
        """Take the bus."""

    def unlock(self) -> None:
        """Give it back."""

    def writeto(self, address: int, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        """Write bytes to the chip at `address`; OSError when nobody answers."""

    def readfrom_into(self, address: int, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        """Read bytes from the chip at `address`."""

    def writeto_then_readfrom(
        self,
        address: int,
        out_buffer: Any,
        in_buffer: Any,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
    ) -> None:
        """Write, then read without releasing the bus."""


class SPI(Protocol):
    """The part of CircuitPython's `busio.SPI` that the Adafruit drivers use."""

    def try_lock(self) -> bool:
        """Take the bus."""

    def unlock(self) -> None:
        """Give it back."""

    def configure(self, *, baudrate: int = 100000, polarity: int = 0, phase: int = 0, bits: int = 8) -> None:
        """Speed (Hz) and mode of what follows."""

    def write(self, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        """Shift bytes out."""


class Midi(Protocol):
    """The MIDI ports that are plugged in just now, each both ways, known by their names."""

    wake: float
    """When it wants its next `tick`; `inf` for ports that have a thread of their own."""

    @property
    def malformed(self) -> int:
        """How many bytes arrived that belong to no message; they are dropped."""

    @property
    def overflowed(self) -> int:
        """How many messages were lost because they came, or were sent, faster than they could be taken."""

    def listen(self, heard: Heard, plugged: Plugged) -> None:
        """Call `heard(port, message)` for each message that arrives, and `plugged(port, there)` when a port
        comes or goes. Those that are there already are told before it returns, everything else from a
        thread of the ports' own or from `tick`.

        A message is whole: status byte first, running status undone, SysEx from F0 to F7.
        """

    def send(self, port: str, message: bytes) -> None:
        """Send one whole message to the port of exactly this name; dropped when it is gone."""

    def tick(self, now: float, /) -> None:
        """It is `wake` or later."""


Heard = Callable[[str, bytes], None]
Plugged = Callable[[str, bool], None]
Send = Callable[[bytes], None]
"""Sends one whole message to a driver's own port; drops it while that is unplugged."""


class Board(Protocol):
    """The wires that drivers hang on: a real board, or a fake one that behaves like it."""

    name: str

    @property
    def i2c(self) -> I2C:
        """The I2C bus on the header; opened at first use."""

    @property
    def spi(self) -> SPI:
        """The first SPI bus on the header; opened at first use."""

    @property
    def midi(self) -> Midi:
        """The MIDI ports; opened at first use."""

    @property
    def pins(self) -> Any:
        """A gpiozero pin factory; opened at first use."""

    def fit(self, name: str, driver: type, settings: Mapping[str, Any], role: str = "source") -> None:
        """A part called `name` will be opened here, as a source or a sink; a fake board puts a model of its
        chip on the bus.
        """

    def close(self) -> None:
        """Give every wire back."""


class Sensor(Protocol):
    """A driver that reads."""

    @property
    def axes(self) -> tuple[str, ...]:
        """What moves, one name for each value."""

    def read(self) -> tuple[float, ...]:
        """The position of each axis now, 0..1. Raw units are kept in the driver's `raw`."""

    def close(self) -> None:
        """Release the chip."""


class Actuator(Protocol):
    """A driver that moves or shines.

    An actuator that cannot get there in one write (a slewed servo) also has `settled: bool`; while it is
    False the bus thread writes the same values again every 20 ms. One with a place to be left at has
    `park()`, which is called every 20 ms before it is closed, until it is settled.
    """

    @property
    def axes(self) -> tuple[str, ...]:
        """What it moves, one name for each value."""

    def write(self, values: Sequence[float]) -> None:
        """Go to these positions, 0..1, one for each axis."""

    def rest(self) -> None:
        """Let go: no force, no light."""

    def close(self) -> None:
        """Rest, then release the chip."""


class Controller(Protocol):
    """A driver that is spoken to in MIDI. One object serves a source, which hears it, or a sink, which shows
    on it; both get every message of their port, so that a ring is painted again after it was turned.

    Its `midi` argument is a `Send`. The bus's thread calls every method; `now` is seconds of the clock. A
    driver that also has `sent(message, now)` is told of every message to its port, whoever sends it.
    """

    port: str
    """Its port is the one whose name contains this, whatever its number. Of several devices with one name
    the second is found by ` #2` at the end, the third by ` #3`, in the order in which they appeared.
    """

    @property
    def wake(self) -> float:
        """When it wants its next `tick`, in seconds of the clock; `inf` for never."""

    @property
    def axes(self) -> tuple[str, ...]:
        """What moves, one name for each value."""

    def plug(self, now: float, /) -> None:
        """Its port is there, or there again: set its mode, paint everything. A sink is then told again what
        it shows.
        """

    def unplug(self, now: float, /) -> tuple[float, ...] | None:
        """Its port is gone; what it held is released. Returns as `receive`."""

    def receive(self, message: bytes, now: float, /) -> tuple[float, ...] | None:
        """One message came. Returns the position of all axes when that moved one, nothing at all `()` when
        the player let go, else None. Never raises, whatever the bytes.
        """

    def tick(self, now: float, /) -> tuple[float, ...] | None:
        """It is `wake` or later: send what is due, such as a ping. Returns as `receive`, for what it gathered
        from several messages.
        """

    def write(self, values: Sequence[float], place: int = 0, /) -> None:
        """Show these positions, 0..1; `place` counts the parts that the sink plays, in the file's order."""

    def rest(self, place: int = 0, /) -> None:
        """Show that this one let go."""

    def close(self) -> None:
        """Everything dark and every note off."""
