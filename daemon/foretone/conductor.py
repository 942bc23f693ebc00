"""The one loop: it takes what was played, lets players answer, and plays predictions when they are due.

One queue that any thread may put into, one heap of predictions, one thread that does everything else. It
waits in the kernel for the next message or the next due time, whichever comes first, and never spins.
"""

from __future__ import annotations

import gc
import heapq
import logging
import math
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from foretone.clock import Clock
from foretone.errors import SettingError
from foretone.event import Command, Event, Handover, Message, Setting
from foretone.seat import Seat, Teller
from foretone.watch import Histogram, Late

log = logging.getLogger("foretone")

QUEUE = 1024
"""Messages that may wait: a second of a 1 kHz controller. Beyond that the oldest is dropped, counted."""

IDLE = 0.5
"""Seconds after which the loop completes an idle step, so that the watchdog knows it lives."""


class Conductor:
    """Wires parts to each other and keeps time. Everything but `emit` and `stop` is for its own thread."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.counts = dict.fromkeys(
            ("events_in", "predictions", "played", "dropped", "cancelled", "malformed"), 0
        )
        self.latency = {"input_to_prediction": Histogram(), "due_to_played": Histogram()}
        self.late = Late()
        self.seats: dict[str, Seat] = {}
        self.listeners: list[Callable[[Event], None]] = []
        """Told of every event after it was played: the session log, the page."""
        self.chores: list[Callable[[float], float]] = []
        """Called after a step with the time, all when any is due; return when they next want to be called."""
        self._queue: SimpleQueue[Message | None] = SimpleQueue()
        self._heap: list[tuple[float, int, int, Event]] = []
        self._number = 0
        self._players: dict[str, list[Seat]] = {}
        self._sinks: dict[str, list[Seat]] = {}
        self._ticked: list[Seat] = []
        self._chore_due = -math.inf
        self._told = Teller()
        self._stopped = False

    def seat(self, seat: Seat) -> None:
        """Give a part its place; `seat.wires` says whose events reach it."""
        self.seats[seat.name] = seat
        heard_by = self._players if seat.role == "player" else self._sinks
        for wire in seat.wires:
            heard_by.setdefault(wire, []).append(seat)
        self.follow(seat)

    def follow(self, seat: Seat) -> None:
        """A seat's part is here: tick it, if it wants that."""
        if hasattr(seat.part, "tick"):
            self._ticked.append(seat)

    def emit(self, message: Message) -> None:
        """Hand in an event or a setting. Any thread; never blocks. When the queue is full the oldest goes."""
        if self._queue.qsize() >= QUEUE:
            try:
                self._queue.get_nowait()
                self.counts["dropped"] += 1
            except Empty:
                pass
        self._queue.put(message)

    def stop(self) -> None:
        """End `run` after the step it is in. Any thread, and signal handlers."""
        self._stopped = True
        self._queue.put(None)

    def run(self, until: float = math.inf) -> None:
        """Play until `stop`, or until the clock says so. Freezes the garbage collector while it does."""
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            while not self._stopped and self.clock.now() < until:
                now = self.clock.now()
                wake = min(self.wake(), now + IDLE, until)
                if wake - now > 0.02 and self._queue.empty():
                    gc.collect(0)
                self.step(self.clock.wait(self._queue, wake))
        finally:
            gc.enable()
            gc.unfreeze()

    def step(self, message: Message | None) -> None:
        """Take one message, if there is one, then play what is due."""
        if isinstance(message, Event):
            # What was due before the gesture is played before it: the player may have told its memory so.
            self.play_due()
            self.take(message)
        elif isinstance(message, Handover):
            self._call(self.seats[message.part], "take", message.thing, self.clock.now())
        elif isinstance(message, Command):
            self.obey(message)
        elif message is not None:
            self.turn(message)
        self.play_due()
        now = self.clock.now()
        if now >= self._chore_due:
            self._chore_due = min((self._do(chore, now) for chore in self.chores), default=-math.inf)

    def wake(self) -> float:
        """When the next prediction, tick or chore is due, in seconds of the clock."""
        due = self._heap[0][0] if self._heap else math.inf
        for seat in self._ticked:
            due = min(due, max(seat.part.wake, seat.again))
        return min(due, self._chore_due if self.chores else math.inf)

    def take(self, event: Event) -> None:
        """Deliver what a source heard. One that is not as its source promised is counted and named."""
        seat = self.seats.get(event.origin)
        if seat is None or not _well_formed(event, len(seat.axes)):
            self.counts["malformed"] += 1
            if seat is not None:
                sentence = f"sent {event.values!r}, expected {len(seat.axes)} finite numbers in 0..1"
                seat.complain(sentence, self.clock.now())
            return
        self.counts["events_in"] += 1
        self._deliver(event)

    def show(self, event: Event) -> None:
        """Let sinks play what was played some other time; nobody answers it, and nothing records it."""
        for seat in self._sinks.get(event.origin, ()):
            self._call(seat, "play", seat.picked(event))

    def turn(self, setting: Setting) -> None:
        """A person turned a knob; one that does not exist or is out of range is told and changes nothing."""
        seat = self.seats.get(setting.part)
        if seat is None:
            self.counts["malformed"] += 1
            self._told.say(f"there is no part called '{setting.part}'", self.clock.now())
            return
        try:
            sentence = seat.turn(setting)
        except Exception as error:  # noqa: BLE001 -- a part that cannot take its own setting has a fault
            self._fail(seat, error)
            return
        if sentence:
            self.counts["malformed"] += 1
            seat.complain(f"{setting.key} {sentence}", self.clock.now())

    def obey(self, command: Command) -> None:
        """A part does what its verb says, and plays what follows; the reply tells what came of it."""
        seat, now = self.seats.get(command.part), self.clock.now()
        try:
            if seat is None or not hasattr(seat.part, "obey"):
                raise SettingError(f"there is no part called '{command.part}' that takes commands")
            answer, events = seat.part.obey(command.verb, command.words, now)
            self.late.took(seat.name, self.clock.now() - now)
        except SettingError as error:
            self.counts["malformed"] += 1
            answer, events = error, ()
            (seat.complain if seat else self._told.say)(f"{command.verb}: {error}", now)
        except Exception as error:  # noqa: BLE001 -- as for every call of a part
            answer, events = SettingError(f"{command.verb} failed: {error}"), ()
            if seat is not None:
                self._fail(seat, error)
        for event in events:
            if seat is not None:
                self._schedule(seat, event)
        if command.reply is not None:
            self._do(command.reply, answer)

    def play_due(self) -> None:
        """Play every prediction that is due, then tick the players and sources that asked for it."""
        now = self.clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, _, epoch, event = heapq.heappop(self._heap)
            if epoch != self.seats[event.origin].epoch:
                self.counts["cancelled"] += 1
                continue
            self.counts["played"] += 1
            self._deliver(event)
            now = self.clock.now()
        for seat in self._ticked:
            if seat.part.wake <= now and seat.again <= now:
                for event in self._call(seat, "tick", now) or ():
                    if seat.role == "source":
                        self.take(event)
                    else:
                        self._schedule(seat, event)

    def ahead(self) -> list[Event]:
        """The predictions that wait to be played, soonest first."""
        return [event for _, _, epoch, event in sorted(self._heap) if epoch == self.seats[event.origin].epoch]

    def run_waiting(self) -> None:
        """Take every message that waits, then play what is due; for a clock that is moved by hand."""
        while not self._queue.empty():
            self.step(self._queue.get_nowait())
        self.step(None)

    def shut(self, seat: Seat) -> None:
        """Close a part. Never raises."""
        seat.again = -math.inf
        self._call(seat, "close")

    def rest(self) -> None:
        """Everything comes to rest: predictions are dropped, players release, sinks let go. Never raises."""
        self._heap.clear()
        now = self.clock.now()
        for seat in self.seats.values():
            seat.again = -math.inf
            if seat.role == "player":
                for event in self._call(seat, "rest", now) or ():
                    self._deliver(event)
        for seat in reversed(self.seats.values()):
            if seat.role == "sink":
                self._call(seat, "rest")

    def _deliver(self, event: Event) -> None:
        for seat in self._sinks.get(event.origin, ()):
            if self._call(seat, "play", seat.picked(event)) is not None and not seat.timed:
                self.latency["due_to_played"].add(self.clock.now() - event.time)
        for seat in self._players.get(event.origin, ()):
            answers = self._call(seat, "hear", event)
            if answers is not None and self.seats[event.origin].role == "source":
                self.latency["input_to_prediction"].add(self.clock.now() - event.time)
            for answer in answers or ():
                self._schedule(seat, answer)
        for listener in self.listeners:
            self._do(listener, event)

    def _schedule(self, seat: Seat, event: Event) -> None:
        if event.lets_go:
            self._deliver(event)
            return
        self.counts["predictions"] += 1
        self._number += 1
        heapq.heappush(self._heap, (event.time, self._number, seat.epoch, event))

    def _call(self, seat: Seat, method: str, *arguments: Any) -> Sequence[Event] | None:
        """Call a part: what it answers, or None when it is out. Its fault is its own."""
        before = self.clock.now()
        # A device is handed the newest event even while it is out, so that it comes back where it should be.
        if seat.part is None or (before < seat.again and not seat.timed):
            return None
        try:
            answers = tuple(getattr(seat.part, method)(*arguments) or ())
        except Exception as error:  # noqa: BLE001 -- one part's fault, of whatever kind, never stops the instrument
            self._fail(seat, error)
            return None
        for answer in answers:
            if answer.origin != seat.name or not _well_formed(answer, len(seat.axes)):
                self._fail(seat, ValueError(f"it answered {answer!r}, which is not an event of its own"))
                return None
        self.late.took(seat.name, self.clock.now() - before)
        if seat.fault and not seat.timed:
            seat.heal()
        return answers

    def _fail(self, seat: Seat, error: Exception) -> None:
        """A part is out: it sits out a growing pause, and what it holds is released."""
        now = self.clock.now()
        seat.fail(error, now)
        if seat.role == "player":
            self._heap = [item for item in self._heap if item[3].origin != seat.name]
            heapq.heapify(self._heap)
            self._deliver(Event(now, seat.name, ()))

    def _do(self, chore: Callable[[Any], float | None], argument: Any) -> float:
        """A chore, or a listener that is told of an event; one that raises is named, and the loop goes on."""
        try:
            return chore(argument) or 0.0
        except Exception as error:  # noqa: BLE001 -- looking at the instrument must not stop it
            now = self.clock.now()
            self._told.say(f"{getattr(chore, '__qualname__', chore)} failed: {error!r}", now)
            return now + IDLE


def _well_formed(event: Event, width: int) -> bool:
    """Whether it has as many numbers as its origin has axes, or none, and all are in 0..1."""
    return math.isfinite(event.time) and (
        not event.values
        or (
            len(event.values) == width
            and all(
                isinstance(value, float | int) and -1e-9 <= value <= 1.000000001 for value in event.values
            )
        )
    )
