"""Any MIDI device: its controls one by one, as `control.py` writes them; to hear it, or to play it.

Source: MIDI 1.0 Detailed Specification 4.2.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from foretone_hardware.control import STEP, Control, turned
from foretone_hardware.device import LIVE, Range, Send
from foretone_hardware.message import CONTROL, NOTE_OFF, NOTE_ON, POLY, is_whole
from foretone_hardware.surface import Surface


class MIDI:
    """Any MIDI device, one control for each axis: controls = ["cc 1 ch 11", "note ch 1"].

    port
        Part of its name: `foretone learn` lists the ports.
    pickup
        Whether a control that is not where its axis is, is heard only once it passes through there.
    echo
        A message that comes back from the device within this time of being sent to it is not heard.
    step
        How far one click of a relative encoder goes.

    As a source it holds every axis, and gives them all when one moves; when the last key is let go, so does
    it. As a sink it sends what changed, and releases the notes that it struck.
    """

    def __init__(
        self,
        midi: Send,
        axes: tuple[str, ...],
        *,
        port: str,
        controls: list[str],
        pickup: bool = False,
        echo: Annotated[float, Range(0, 1000, "ms"), LIVE] = 20.0,
        step: Annotated[float, Range(0.001, 0.25), LIVE] = STEP,
    ) -> None:
        for sentence in self.check(axes, None, {"port": port, "controls": controls}):
            raise ValueError(sentence)
        self.axes, self.port = axes, port
        self.echo, self.step = echo, step
        self.wake = math.inf
        self._midi = midi
        self._surface = Surface(controls, pickup)
        self._sent: dict[bytes, tuple[bytes, float]] = {}

    @staticmethod
    def check(axes: Sequence[str], _folder: object, settings: Mapping[str, Any]) -> Iterator[str]:
        """A sentence for every control that is none, and for a number of them that does not fit the axes."""
        controls = settings.get("controls")
        if not isinstance(controls, list):
            return
        seen = []
        for text in controls:
            try:
                seen.append(Control.parse(str(text))[:3])
            except ValueError as error:
                yield str(error)
        if len(set(seen)) < len(seen):
            yield "controls has one twice"
        if len(controls) != len(axes):
            yield f"controls has {len(controls)}, but there are {len(axes)} axes: {', '.join(axes)}"
        if not settings.get("port"):
            yield 'port must be a part of the device\'s name: port = "X-TOUCH MINI"'

    def plug(self, _now: float) -> None:
        """It may have slept: it is told everything again, and where its knobs stand is not known."""
        for message in self._surface.plug():
            self._midi(message)

    def unplug(self, _now: float) -> tuple[float, ...] | None:
        """Whatever was held on it is let go."""
        return () if self._surface.let_go() else None

    def receive(self, message: bytes, now: float) -> tuple[float, ...] | None:
        """The position of every axis when this moved one, nothing when the last key was let go."""
        if not is_whole(message) or self._came_back(message, now):
            return None
        return self._surface.hear(message, now, self.step)

    def sent(self, message: bytes, now: float) -> None:
        """Someone sent this to the device: it may come back."""
        self._sent[_key(message)] = (message, now)

    def tick(self, _now: float) -> None:
        """It never asks for one."""

    def write(self, values: Sequence[float], place: int = 0) -> None:
        """Play these values, 0..1: what is new of them."""
        for message in self._surface.say(values, place):
            self._midi(message)

    def rest(self, place: int = 0) -> None:
        """The notes that were struck for this one are let go. Controls stay: they sound by themselves."""
        for message in self._surface.hush(place):
            self._midi(message)

    def close(self) -> None:
        """Every note off."""
        for message in self._surface.hush():
            self._midi(message)

    def _came_back(self, message: bytes, now: float) -> bool:
        sent, moment = self._sent.get(_key(message), (b"", -math.inf))
        same = sent == message or message[0] & 0xE0 == NOTE_OFF
        return bool(sent) and same and now - moment <= self.echo / 1000.0


def _key(message: bytes) -> bytes:
    """What two messages to the same control share; a note's end is not its beginning."""
    kind = message[0] & 0xF0
    if kind == NOTE_ON and message[2] == 0:
        return bytes([message[0] & 0x8F, message[1]])
    return message[:2] if kind in (NOTE_ON, NOTE_OFF, POLY, CONTROL) else message[:1]


class Chip:
    """A device with the controls that its parts name, for the fake board.

    A hand on a source turns its knobs and plays its keys; what a sink shows is worked out from the messages
    that came, each the last to its control.
    """

    at = "port"

    def __init__(self, say: Send) -> None:
        self._say = say
        self._hands: dict[Any, _Hand] = {}
        self._came: dict[bytes, bytes] = {}

    @staticmethod
    def width(settings: Mapping[str, Any]) -> int:
        """One axis for each control."""
        return len(settings["controls"])

    def wire(self, settings: Mapping[str, Any], hand: Any) -> None:
        """A person's hand on these controls."""
        if hand not in self._hands:
            self._hands[hand] = _Hand(settings["controls"], settings["step"], hand)

    def scan(self) -> None:
        """Say what the hands moved since the last look."""
        for hand in self._hands.values():
            for message in hand.moved():
                self._say(message)

    def write(self, message: bytes) -> None:
        """A message from the computer."""
        kind = message[0] & 0xF0
        key = bytes([message[0] | 0x10, message[1]]) if kind == NOTE_OFF else _key(message)
        self._came.pop(key, None)
        self._came[key] = message

    def look(self, settings: Mapping[str, Any]) -> tuple[float, ...]:
        """Where the controls stand and which key sounds; nothing before anything came, or when none does."""
        surface = Surface(settings["controls"])
        heard = [surface.hear(message, 0.0, STEP) for message in self._came.values()]
        if all(values is None for values in heard) or not surface.sounds:
            return ()
        return tuple(surface.values)


class _Hand:
    """A hand on some controls: what they say when it moves."""

    def __init__(self, controls: Sequence[str], step: float, hand: Any) -> None:
        self._hand = hand
        self._surface = Surface(controls)
        self._encoders = {
            axis: control for axis, control in enumerate(map(Control.parse, controls)) if control.relative
        }
        self._step = step
        self._at: tuple[float, ...] = hand.at()
        self._surface.say(self._at)

    def moved(self) -> list[bytes]:
        values = self._hand.at()
        if values == self._at:
            return []
        messages = []
        turned_to = list(values)
        for axis, control in self._encoders.items():
            count = max(-63, min(63, round((values[axis] - self._at[axis]) / self._step)))
            turned_to[axis] = self._at[axis] + count * self._step
            if count:
                number = turned(control.relative, count)
                messages.append(bytes([CONTROL | control.channel, control.number or 0, number]))
        self._at = tuple(turned_to)
        return messages + self._surface.say(values, without=self._encoders)
