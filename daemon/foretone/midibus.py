"""The bus of everything that is spoken to in MIDI: one thread for all ports.

The ports' own thread only puts what arrives, with its time, on the queue. This thread gives each message to
the drivers of its port, sends what they show, and calls their `tick`. A port that is not plugged in is no
fault: its drivers wait, and are painted when it comes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from foretone.bus import Bus, Device
from foretone.clock import Clock
from foretone.event import Event
from foretone.instrument import Part
from foretone.parts import Emit, Midi
from foretone_hardware.message import is_whole

log = logging.getLogger("foretone")

QUEUE = 1024
"""Messages that may wait: a second of a USB cable kept busy. Beyond that the newest is dropped, counted."""


class _Heard(NamedTuple):
    port: str
    message: bytes
    time: float


class _Plugged(NamedTuple):
    port: str
    there: bool
    time: float


class Console(Device):
    """A controller's seat: the port that it is plugged into, and what it shows of each origin."""

    def __init__(self, made_from: Part, make: Callable[..., Any], bus: MidiBus) -> None:
        super().__init__(made_from, make, bus)
        self.port = ""
        """The name of its port; empty while it is not plugged in."""
        self.missed = False
        """Whether it was said that the port is not there."""
        self.newest: dict[str, Event] = {}
        self.unshown: dict[str, Event] = {}
        """What came since the last write: the newest of each origin, in the order in which they came."""
        self._places = {origin: place for place, origin in enumerate(self.wires)}
        self._midi = bus

    @property
    def waits(self) -> str:
        """For whom, while the port is not there."""
        return f"waiting for {self.driver.port} to be plugged in" if self.driver and not self.port else ""

    @property
    def malformed(self) -> int:
        """Messages that its driver could make nothing of."""
        return getattr(self.driver, "malformed", 0)

    def open(self) -> None:
        """Make the driver. Raises DeviceError while this machine has no MIDI."""
        self._midi.listen()
        super().open()

    def close(self) -> None:
        """Close the driver, which sends its last messages, and forget its port."""
        super().close()
        self.port = ""

    def show(self, clock: Clock) -> None:
        """Let the driver show what is new."""
        unshown, self.unshown = self.unshown, {}
        for origin, event in unshown.items():
            self._show(origin, event)
            self.lateness.add(clock.now() - event.time)

    def repaint(self) -> None:
        """Let the driver show everything again."""
        self.unshown.clear()
        for origin, event in self.newest.items():
            self._show(origin, event)

    def _show(self, origin: str, event: Event) -> None:
        if not event.lets_go:
            self.driver.write(event.values, self._places[origin])
        else:
            # Its own name stands for all that it plays: the instrument comes to rest.
            for place in [self._places[origin]] if origin in self._places else self._places.values():
                self.driver.rest(place)


class MidiBus(Bus):
    """The owner of the MIDI ports, which `ports()` opens: DeviceError while there are none to be had."""

    def __init__(self, clock: Clock, emit: Emit, ports: Callable[[], Midi]) -> None:
        super().__init__("midi", clock, emit)
        self.consoles: list[Console] = []
        self._lost = 0
        self._flooded: set[str] = set()
        self._open = ports
        self._ports: Midi | None = None
        self._there: list[str] = []
        """The ports that are plugged in, in the order in which they came."""

    @property
    def malformed(self) -> int:
        """Bytes that belonged to no message."""
        return self._ports.malformed if self._ports is not None else 0

    @property
    def overflowed(self) -> int:
        """Messages that came, or were sent, faster than they could be taken."""
        return self._lost + (self._ports.overflowed if self._ports is not None else 0)

    def device(self, part: Part, make: Callable[..., Any]) -> Device:
        """A seat for a controller."""
        console = Console(part, make, self)
        self.consoles.append(console)
        self.devices.append(console)
        return console

    def sender(self, name: str) -> Callable[[bytes], None]:
        """How the driver of the part `name` sends."""
        [console] = [console for console in self.consoles if console.name == name]
        return lambda message: self._send(console.port, message)

    def listen(self) -> None:
        """Open the ports, unless they are."""
        if self._ports is None:
            ports = self._open()
            ports.listen(self._hear, self._plug)
            self._ports = ports

    def open(self) -> None:
        """As for every bus; says which ports are not there yet."""
        super().open()
        self._collect(None)
        for console in self.consoles:
            if console.waits:
                self._miss(console)

    def wake(self) -> float:
        """When a driver wants its tick, a closed one its next try, or the ports theirs."""
        if not self._queue.empty():
            return -math.inf
        wanted = [max(c.driver.wake, c.again) if c.driver else c.again for c in self.consoles]
        return min([*wanted, self._ports.wake if self._ports is not None else math.inf])

    def step(self, first: Any = None) -> None:
        """One turn: what was heard and plugged in its order, then what is shown, then ticks."""
        self._collect(first)
        now = self.clock.now()
        for console in self.consoles:
            if console.driver is None and console.again <= now and self._try(console, console.open):
                console.heal()
                self._connect(console, now)
            if console.driver is not None:
                self._try(console, self._write, console)
            if console.driver is not None and console.driver.wake <= now:
                self._ask(console, console.driver.tick, now)
        if self._ports is not None and self._ports.wake <= now:
            self._ports.tick(now)

    def _hear(self, port: str, message: bytes) -> None:
        """One message came; from the ports' thread."""
        if self._queue.qsize() < QUEUE:
            self._queue.put(_Heard(port, message, self.clock.now()))
            return
        self._lost += 1
        if port not in self._flooded:
            # The end of a note may be among what is lost: begin again, as with a new device.
            self._flooded.add(port)
            self._plug(port, False)
            self._plug(port, True)

    def _plug(self, port: str, there: bool) -> None:
        """A port came or went; from the ports' thread."""
        self._queue.put(_Plugged(port, there, self.clock.now()))

    def _collect(self, first: Any) -> None:
        items = [first] if first is not None else []
        items += [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        for item in items:
            if isinstance(item, _Heard):
                self._deliver(item)
            elif isinstance(item, _Plugged):
                self._notice(item)
            elif item is not None:
                console, event = item
                console.superseded += console.unshown.pop(event.origin, None) is not None
                console.unshown[event.origin] = console.newest[event.origin] = event

    def _deliver(self, heard: _Heard) -> None:
        for console in self.consoles:
            if console.driver is not None and console.port == heard.port:
                self._ask(console, console.driver.receive, heard.message, heard.time)

    def _notice(self, plugged: _Plugged) -> None:
        port, there, now = plugged
        if there and port not in self._there:
            self._there.append(port)
            self._flooded.discard(port)
            for console in self.consoles:
                if console.waits and matches(console.driver.port, port):
                    if console.missed:
                        log.info("%s is plugged in", console.name)
                        console.missed = False
                    self._connect(console, now)
        elif not there and port in self._there:
            self._there.remove(port)
            for console in self.consoles:
                if console.driver is not None and console.port == port:
                    console.port = ""
                    if port in self._flooded:
                        console.complain("is sent more than it can take", now)
                    else:
                        self._miss(console)
                    self._ask(console, console.driver.unplug, now)

    def _miss(self, console: Console) -> None:
        console.missed = True
        log.warning("%s is %s", console.name, console.waits)

    def _connect(self, console: Console, now: float) -> None:
        wanted = console.driver.port
        found = [port for port in self._there if matches(wanted, port)]
        console.port = wanted if wanted in found else next(iter(found), "")
        if console.port and self._try(console, console.driver.plug, now):
            self._try(console, console.repaint)

    def _ask(self, console: Console, method: Callable[..., Any], *given: Any) -> None:
        """Call a driver, the time last; what a source answers with is an event of that time."""
        try:
            values = method(*given)
        except Exception as error:  # noqa: BLE001 -- as in Bus._try
            self._fail(console, error)
            return
        if values is not None and console.role == "source":
            self._emit(Event(given[-1], console.name, values))

    def _send(self, port: str, message: bytes) -> None:
        if not is_whole(message):
            raise ValueError(f"it sent '{message.hex(' ')}', which is no whole MIDI message")
        if not port or self._ports is None:
            return
        self._ports.send(port, message)
        now = self.clock.now()
        for console in self.consoles:
            if console.port == port and hasattr(console.driver, "sent"):
                self._try(console, console.driver.sent, message, now)

    def _write(self, device: Device) -> None:
        if isinstance(device, Console) and device.port:
            device.show(self.clock)

    def _fail(self, device: Device, error: Exception) -> None:
        super()._fail(device, error)
        if device.role == "source":
            self._emit(Event(self.clock.now(), device.name, ()))


def matches(wanted: str, port: str) -> bool:
    """Whether a driver that wants the port `wanted` means the one called `port`.

    Capitals do not count. A number such as ` #2` at the end does: it tells equal devices apart.
    """
    wanted, _, its_number = wanted.partition(" #")
    port, _, number = port.partition(" #")
    return wanted.casefold() in port.casefold() and its_number == number
