"""The three contracts of an instrument: what hears, what answers, what plays.

The class of a kind takes what the house gives it first, by position and by name, and what a builder may
choose after, by keyword. The house gives: `i2c`, `spi`, `pins`, `midi` (a driver's bus), `clock`, `axes` (of
what it hears or plays), `name` (of the part), `emit` (into the conductor's queue, from any thread), `random`
(seeded), `folder` (where the instrument file lies), `status` (a call that tells how the instrument is).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

from foretone.event import Event, Message
from foretone_hardware.device import LIVE, Actuator, Board, Controller, Live, Midi, Range, Sensor, Status

__all__ = ["BUSES", "HOUSE", "LIVE", "Actuator", "Board", "Controller", "Emit", "Listener", "Live", "Midi",
           "Player", "Polled", "Range", "Sensor", "Sink", "Status", "Ticked"]  # fmt: skip

BUSES = ("i2c", "spi", "pins", "midi")
HOUSE = (*BUSES, "clock", "axes", "name", "emit", "random", "folder", "status")
Emit = Callable[[Message], None]


class Listener(Protocol):
    """A source with a library's thread of its own: it calls `emit`, and nothing else of ours."""

    @property
    def axes(self) -> tuple[str, ...]:
        """What moves, one name for each value."""

    def close(self) -> None:
        """Stop listening; the thread has ended when this returns."""


class Ticked(Protocol):
    """A source that knows beforehand when it plays; the conductor thread calls it."""

    @property
    def axes(self) -> tuple[str, ...]:
        """What moves, one name for each value."""

    wake: float
    """When it wants its next `tick`, in seconds of the clock; `inf` for never."""

    def tick(self, now: float) -> Sequence[Event]:
        """It is `wake` or later: return what is played, each with its own time."""

    def close(self) -> None:
        """Stop."""


class Player(Protocol):
    """What answers. It owns no thread, clock, file or device; the conductor thread calls every method.

    It plays the axes that it hears, unless its class says otherwise: `takes` names the axes that it must
    hear, and `axes` those that it plays, or `plays(axes, settings)` returns them. One that has `origins`
    finds there whom it hears, in the file's order. One whose class has `gathers = True` may hear parts of
    different axes, and finds in `places` where those of each lie among all of them. One that takes commands
    has `obey(verb, words, now)`, which returns what to reply and what to play.
    """

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of what it plays."""

    wake: float
    """As for `Ticked`."""

    epoch: int
    """Raised to take back every prediction that it has made and that is not due yet."""

    def hear(self, event: Event) -> Sequence[Event]:
        """Something was played. Return what to play, now or ahead of now."""

    def tick(self, now: float) -> Sequence[Event]:
        """It is `wake` or later."""

    def rest(self, now: float) -> Sequence[Event]:
        """Stop playing; return what releases it.

        A player may also have `take(thing, now)`, to go on with something that was made ready elsewhere.
        """


class Sink(Protocol):
    """What plays at once, on the conductor thread. It must not block: 1 ms is already late."""

    def play(self, event: Event) -> None:
        """Sound or send it now; an event that lets go releases what its origin holds."""

    def rest(self) -> None:
        """Release everything."""

    def close(self) -> None:
        """Rest, then release the device or socket."""


class Polled:
    """How often a driver is read, and how far it must move to be heard: keys of every sensor."""

    def __init__(
        self,
        *,
        rate: Annotated[float, Range(1, 1000, "Hz")] = 100.0,
        deadband: Annotated[float, Range(0, 0.5)] = 0.004,
    ) -> None:
        self.rate = rate
        self.deadband = deadband
