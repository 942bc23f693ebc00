"""Wekinator's door: a mapping player is fed and taught by the messages that Wekinator 2.1 understands.

Whatever was written for Wekinator works unchanged: `/wek/inputs f ...` and the 23 messages of
`/wekinator/control/` come in on port 6448, and `/wekinator/status/done-training` goes out to port 12000. The
sink of the same kind sends the outputs. Where Wekinator is silent, whoever sent a message that cannot be
followed gets `/wekinator/status/error s` back. The protocol: https://doc.gold.ac.uk/~mas01rf/Wekinator, and
OSCReceiver.java and OSCControlReceiver.java of its source.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

from pythonosc.osc_message import OscMessage

from foretone.clock import Clock
from foretone.datagrams import Datagrams
from foretone.errors import PacketError
from foretone.event import Command, Event
from foretone.packet import Form, messages, text, words
from foretone.parts import Emit, Range

CONTROL = "/wekinator/control/"
STATUS = "/wekinator/status/"

BUNDLES = 12001
"""The port where Wekinator tells of a bundle of outputs."""

PAUSE = 1.0
"""Seconds between complaints about inputs: they may come a thousand times a second."""

Steps = list[tuple[Any, ...]]
"""Commands to the player: a verb and its words each."""


class Wekinator(Datagrams):
    """A mapping player is fed and taught by Wekinator's messages, over UDP.

    It listens in a thread of its own, which only parses and emits.

    teaches
        The mapping player that is taught.
    host, port
        Where it listens; loopback unless the owner says so: whoever can reach the port can play and teach.
    address
        What a frame of inputs is called.
    low, high
        The range of the inputs; what lies beyond is cut off, and complained of.
    outputs_host, outputs_port
        Where its status goes.
    chances
        Whether how likely each class is goes there too, as `/OUTPUT f ...` with each frame.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        name: str,
        clock: Clock,
        emit: Emit,
        *,
        teaches: str,
        host: str = "127.0.0.1",
        port: Annotated[int, Range(1, 65535)] = 6448,
        address: str = "/wek/inputs",
        low: Annotated[float, Range(-1e6, 1e6)] = 0.0,
        high: Annotated[float, Range(-1e6, 1e6)] = 1.0,
        outputs_host: str = "127.0.0.1",
        outputs_port: Annotated[int, Range(1, 65535)] = 12000,
        chances: bool = False,
    ) -> None:
        if low >= high:
            raise ValueError(f"low must be below high, and {low:g} is not below {high:g}")
        self.axes = axes
        self._name, self._emit, self._teaches, self._address = name, emit, teaches, address
        self._low, self._span = low, high - low
        self._outputs = (socket.gethostbyname(outputs_host), outputs_port)
        self._complained = -math.inf
        super().__init__(name, host, port, clock, self._hear)
        emit(Command(teaches, "_watch", (self._news,)))
        if chances:
            emit(Command(teaches, "_chances", (self._doubts,)))

    def _hear(self, packet: bytes, stamp: float) -> None:
        sender = self.sender
        try:
            for message in messages(packet):
                if message.address == self._address:
                    self._emit(Event(stamp, self._name, self._inputs(message, stamp)))
                else:
                    reply = partial(self._answer, message.address, sender)
                    for verb, *said in self._steps(message):
                        self._emit(Command(self._teaches, verb, tuple(said), reply))
        except PacketError as error:
            self._complain(str(error), sender)
            raise

    def _inputs(self, message: OscMessage, stamp: float) -> tuple[float, ...]:
        values, place = message.params, "{}:{}".format(*self.sender)
        if len(values) != len(self.axes):
            raise PacketError(f"expected {len(self.axes)} floats, got {len(values)} from {place}")
        for number, value in enumerate(values, 1):
            if type(value) not in (float, int) or not math.isfinite(value):
                raise PacketError(f"input {number} is no finite number but {value!r}, from {place}")
        scaled = tuple((value - self._low) / self._span for value in values)
        if not all(-1e-9 <= value <= 1.000000001 for value in scaled) and stamp > self._complained + PAUSE:
            self._complained = stamp
            number = next(k for k, value in enumerate(scaled) if not 0.0 <= value <= 1.0)
            beyond = f"{values[number]:g}, beyond {self._low:g} to {self._low + self._span:g}"
            sentence = f"input {number + 1} is {beyond}: set low and high of the source"
            self._complain(sentence, self.sender)
        return tuple(min(max(value, 0.0), 1.0) for value in scaled)

    def _steps(self, message: OscMessage) -> Steps:
        if message.address.startswith(STATUS):
            # Another one of these, who would answer our complaint with one of its own.
            return []
        if message.address == "/wek/inputs/bundle":
            return [("frames", *_texts(message, 1))]
        known = _CONTROLS.get(message.address.removeprefix(CONTROL))
        if known is None or not message.address.startswith(CONTROL):
            raise PacketError(f"{message.address} is not one of Wekinator's messages")
        return known(message)

    def _answer(self, address: str, sender: tuple[str, int], answer: Any) -> None:
        """What came of a command; from the conductor thread."""
        if isinstance(answer, Exception):
            self._complain(f"{address}: {answer}", sender)

    def _complain(self, sentence: str, sender: tuple[str, int]) -> None:
        self.answer(words(f"{STATUS}error", sentence), sender)

    def _news(self, news: dict[str, Any]) -> None:
        """The player tells what happened; from the conductor thread."""
        if "trained" in news:
            self.answer(text(f"{STATUS}done-training") + text(","), self._outputs)
        elif "failed" in news:
            self._complain(news["failed"], self._outputs)
        elif "frames" in news:
            self.answer(words("/wek/outputs/bundle", news["frames"]), (self._outputs[0], BUNDLES))
        elif "gesture" in news:
            self.answer(text(f"/{news['gesture']}") + text(","), self._outputs)

    def _doubts(self, chances: Mapping[str, list[float]]) -> None:
        """How likely the classes of each output are; from the conductor thread."""
        for name, each in chances.items():
            self.answer(Form(f"/{name}", "f" * len(each)).fill(*each), self._outputs)


def _plain(*steps: tuple[Any, ...]) -> Callable[[OscMessage], Steps]:
    """A message without arguments."""

    def read(message: OscMessage) -> Steps:
        if message.params:
            raise PacketError(f"{message.address}: expected no arguments, got {len(message.params)}")
        return list(steps)

    return read


def _with(read: Callable[[OscMessage], list[Any]], *verb: Any) -> Callable[[OscMessage], Steps]:
    """A message whose arguments are the words of a verb."""
    return lambda message: [(*verb, *read(message))]


def _numbers(message: OscMessage) -> list[float]:
    for value in message.params:
        if type(value) not in (float, int) or not math.isfinite(value):
            raise PacketError(f"{message.address}: {value!r} is no finite number")
    return list(message.params)


def _indices(message: OscMessage, fewest: int = 1, most: int = 1000) -> list[int]:
    numbers = _numbers(message)
    if not fewest <= len(numbers) <= most or any(number != int(number) for number in numbers):
        wanted = f"{fewest} whole numbers" if fewest == most else f"whole numbers, {fewest} or more"
        raise PacketError(f"{message.address}: expected {wanted}, got {message.params}")
    return [int(number) for number in numbers]


def _texts(message: OscMessage, fewest: int, most: int = 1000) -> list[str]:
    said = message.params
    if not fewest <= len(said) <= max(fewest, most) or not all(isinstance(word, str) for word in said):
        raise PacketError(f"{message.address}: expected texts, {fewest} or more, got {said}")
    return list(said)


def _index_and_texts(message: OscMessage) -> list[Any]:
    match message.params:
        case [int() | float() as number, str(path)] if number == int(number):
            return [int(number), path]
        case [int() | float() as number, str(path), "WITHDATA" | "WITHOUTDATA" as data] if number == int(
            number
        ):
            return [int(number), path, data == "WITHDATA"]
    raise PacketError(f"{message.address}: expected the number of an output and a path, got {message.params}")


def _one(message: OscMessage) -> list[int]:
    return _indices(message, 1, 1)


_CONTROLS: dict[str, Callable[[OscMessage], Steps]] = {
    "outputs": _with(_numbers, "set"),
    # While Wekinator records, what is heard are the values that it records.
    "startRecording": _plain(("run", 0), ("record",)),
    "stopRecording": _plain(("stop",)),
    "startDtwRecording": _with(_one, "gesture"),
    "stopDtwRecording": _plain(("stop",)),
    "train": _plain(("train",)),
    "cancelTrain": _plain(("cancel",)),
    "startRunning": _plain(("run", 1)),
    "stopRunning": _plain(("run", 0)),
    "deleteAllExamples": _plain(("delete", "all")),
    "deleteExamplesForOutput": _with(_one, "delete", "output"),
    "enableModelRecording": _with(_indices, "mask", "record", 1),
    "disableModelRecording": _with(_indices, "mask", "record", 0),
    "enableModelRunning": _with(_indices, "mask", "run", 1),
    "disableModelRunning": _with(_indices, "mask", "run", 0),
    "setInputNames": _with(partial(_texts, fewest=1), "names", "inputs"),
    "setOutputNames": _with(partial(_texts, fewest=1), "names", "outputs"),
    "selectInputsForOutput": _with(partial(_indices, fewest=2), "select"),
    "loadModelFromFile": _with(_index_and_texts, "load"),
    "saveModelToFile": _with(_index_and_texts, "save"),
    "runNewProject": _with(partial(_texts, fewest=1, most=2), "project"),
    # Of its window alone, and there is none.
    "enablePerformanceMode": _plain(),
    "disablePerformanceMode": _plain(),
}
