"""Open Sound Control in: gestures from a patch, and settings from anywhere.

`/interface f ...` is a gesture, as an IMPS patch sends it. `/foretone/PART/KEY value` turns a knob while
playing: `/foretone/duet/mode filter`, `/foretone/duet/pi_temperature 0.7`. `/foretone/PART/do/VERB ...` tells
a part to do something: `/foretone/teach/do/record`, `/foretone/teach/do/delete take 3`.
"""

from __future__ import annotations

import math
from typing import Annotated

from pythonosc.osc_message import OscMessage

from foretone.clock import Clock
from foretone.datagrams import Datagrams
from foretone.errors import PacketError
from foretone.event import Command, Event, Message, Setting
from foretone.packet import messages
from foretone.parts import Emit, Range


class OSC(Datagrams):
    """Gestures and settings from a patch, over UDP.

    It listens in a thread of its own, which only parses and emits.

    host
        Loopback unless the owner says so: whoever can reach the port can play.
    port
        5001 is where IMPS listens.
    address
        What a gesture is called.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        name: str,
        clock: Clock,
        emit: Emit,
        *,
        host: str = "127.0.0.1",
        port: Annotated[int, Range(1, 65535)] = 5001,
        address: str = "/interface",
    ) -> None:
        self.axes = axes
        self._name, self._emit, self._address = name, emit, address
        super().__init__(name, host, port, clock, self._hear)

    def _hear(self, packet: bytes, stamp: float) -> None:
        for message in [self._understood(message, stamp) for message in messages(packet)]:
            self._emit(message)

    def _understood(self, message: OscMessage, stamp: float) -> Message:
        values = message.params
        if message.address == self._address:
            if len(values) != len(self.axes):
                raise PacketError(f"{self._address} has {len(values)} values, expected {len(self.axes)}")
            if not all(type(value) in (float, int) and math.isfinite(value) for value in values):
                raise PacketError(f"{self._address} has values that are not finite numbers")
            return Event(stamp, self._name, tuple(min(max(float(value), 0.0), 1.0) for value in values))
        match message.address.split("/"):
            case ["", "foretone", part, key] if len(values) == 1:
                return Setting(part, key, values[0])
            case ["", "foretone", part, "do", verb] if not verb.startswith("_"):
                return Command(part, verb, tuple(values))
        raise PacketError(f"{message.address} is not understood")
