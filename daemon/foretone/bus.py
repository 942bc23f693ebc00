"""One thread per bus: it alone touches the wire, so drivers need no locks.

Each turn writes the newest value of every actuator, then reads the sensors that are due, and stamps the
time beside the read. A driver that fails is closed, sits out a growing pause, and is opened again: a cable
may be pulled and put back while the others play on. `midibus.py` is the bus of what is spoken to in MIDI.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from foretone.clock import Clock
from foretone.event import Event, Setting
from foretone.instrument import Part
from foretone.parts import Emit
from foretone.seat import Seat
from foretone.watch import Histogram

FRAME = 0.02
"""Seconds between writes to an actuator that is still on its way: one frame of a hobby servo."""
PARKING = 1.5
"""Seconds that actuators get, together, to go where they are parked before they are closed."""


class Device(Seat):
    """A driver's seat. The conductor plays to it; its bus's thread opens, moves, reads and closes it."""

    timed = True

    def __init__(self, made_from: Part, make: Callable[..., Any], bus: Bus) -> None:
        super().__init__(made_from, self)
        self.lateness = Histogram()
        """From the event's own time to the return of the write."""
        self.driver: Any = None
        self._written = 0
        self.superseded = 0
        """Events that were followed by a newer one before they could be written."""
        self.position: tuple[float, ...] | None = None
        """A sensor's last emitted reading."""
        self.deadband = made_from.polled.get("deadband", 0.0)
        self.period = 1.0 / made_from.polled["rate"] if made_from.polled else math.inf
        self.due = -math.inf if made_from.polled else math.inf
        """When it next wants the bus: to be read, or to move on."""
        self.wanted: Event | None = None
        self._make, self._chosen, self._bus = make, dict(made_from.settings), bus

    @property
    def target(self) -> Any:
        """The driver; None while it is out."""
        return self.driver

    @property
    def writes(self) -> int:
        """How often a servo was really commanded, by all the drivers there were; 0 for other devices."""
        return self._written + getattr(self.driver, "writes", 0)

    def turn(self, setting: Setting) -> str:
        """As for every seat; a driver that is opened again keeps what was chosen."""
        sentence = super().turn(setting)
        if not sentence:
            self._chosen[setting.key] = setting.value
        return sentence

    def play(self, event: Event) -> None:
        """Hand the event to the bus; from the conductor thread."""
        self._bus.put(self, event)

    def rest(self) -> None:
        """Hand a letting go to the bus; from the conductor thread."""
        self._bus.put(self, Event(self._bus.clock.now(), self.name, ()))

    def open(self) -> None:
        """Make the driver. One that is not settled at first, such as a display, is written to now."""
        self.driver = self._make(**self._chosen)
        if self.wanted is None and not getattr(self.driver, "settled", True):
            self.wanted, self.due = Event(self._bus.clock.now(), self.name, ()), -math.inf

    def close(self) -> None:
        """Close the driver; one that fails even at that is gone anyway."""
        self._written, driver, self.driver = self.writes, self.driver, None
        if driver is not None:
            with contextlib.suppress(Exception):
                driver.close()


class Bus:
    """The owner of one wire. `put` is for the conductor; everything else for the bus's own thread."""

    def __init__(self, name: str, clock: Clock, emit: Emit) -> None:
        self.name = name
        self.clock = clock
        self.devices: list[Device] = []
        self._emit = emit
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def device(self, part: Part, make: Callable[..., Any]) -> Device:
        """A seat on this bus for a driver, which `make(**settings)` makes."""
        device = Device(part, make, self)
        self.devices.append(device)
        return device

    def put(self, device: Device, event: Event) -> None:
        """The newest event that `device` should show; older ones it has not shown yet are forgotten."""
        self._queue.put((device, event))

    def open(self) -> None:
        """Open every driver, in order; one that fails is out, and the rest open all the same."""
        for device in self.devices:
            self._try(device, device.open)

    def start(self) -> None:
        """Run in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name=f"bus {self.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Bring every actuator to rest, park those that can, and close every driver, actuators first.

        Never raises.
        """
        self._stopping = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout=5.0)
        # Only what moves: a sensor that hangs must not keep an actuator from coming to rest.
        self._collect(None)
        for device in self.devices:
            if device.driver is not None:
                self._try(device, self._write, device)
        self._park()
        for role in ("sink", "source"):
            for device in reversed(self.devices):
                if device.role == role:
                    device.close()

    def wake(self) -> float:
        """When the next device wants the wire, in seconds of the clock."""
        if not self._queue.empty():
            return -math.inf
        wanted = (max(d.due, d.again) if d.driver else d.again for d in self.devices)
        return min(wanted, default=math.inf)

    def step(self, first: Any = None) -> None:
        """One turn: newest writes, then movements under way, then reads."""
        self._collect(first)
        now = self.clock.now()
        for device in self.devices:
            if device.driver is None and device.again <= now:
                device.heal() if self._try(device, device.open) else None
            if device.driver is None:
                continue
            if device.wanted is not None:
                self._try(device, self._write, device)
            if device.due <= now and device.role == "source":
                self._try(device, self._read, device)

    def _park(self) -> None:
        until = self.clock.now() + PARKING
        parking = [device for device in self.devices if hasattr(device.driver, "park")]
        while parking and self.clock.now() < until:
            for device in parking:
                self._try(device, device.driver.park)
            parking = [device for device in parking if device.driver and not device.driver.settled]
            if parking:
                self.clock.wait(SimpleQueue(), self.clock.now() + FRAME)

    def _run(self) -> None:
        while not self._stopping:
            self.step(self.clock.wait(self._queue, self.wake()))

    def _collect(self, first: Any) -> None:
        items = [first]
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        for device, event in filter(None, items):
            device.superseded += device.wanted is not None and device.due == -math.inf
            device.wanted, device.due = event, -math.inf

    def _write(self, device: Device) -> None:
        event = device.wanted
        if event is None or device.due > self.clock.now():
            return
        if event.lets_go:
            device.driver.rest()
        else:
            device.driver.write(event.values)
        now = self.clock.now()
        if device.due == -math.inf:
            device.lateness.add(now - event.time)
        if getattr(device.driver, "settled", True):
            device.wanted, device.due = None, math.inf
        else:
            device.due = now + FRAME

    def _read(self, device: Device) -> None:
        values: Sequence[float] = device.driver.read()
        now = self.clock.now()
        if not all(map(math.isfinite, values)):
            raise ValueError(f"it read {values!r}, which is no position: check low, high and the wiring")
        device.due = max(device.due + device.period, now) if device.due > -math.inf else now + device.period
        before = device.position
        if before is None:
            device.position = tuple(values)
        elif any(abs(a - b) >= device.deadband for a, b in zip(values, before, strict=True)):
            device.position = tuple(values)
            self._emit(Event(now, device.name, device.position))

    def _try(self, device: Device, action: Callable[..., None], *arguments: Any) -> bool:
        try:
            action(*arguments)
        except Exception as error:  # noqa: BLE001 -- whatever a driver raises, the other parts play on
            self._fail(device, error)
            return False
        return True

    def _fail(self, device: Device, error: Exception) -> None:
        device.fail(error, self.clock.now())
        device.close()
