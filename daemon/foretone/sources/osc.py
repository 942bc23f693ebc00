"""Open Sound Control in: gestures from a patch, and settings from anywhere.

`/interface f ...` is a gesture, as an IMPS patch sends it. `/foretone/PART/KEY value` turns a knob while
playing: `/foretone/duet/mode filter`, `/foretone/duet/pi_temperature 0.7`.
"""

from __future__ import annotations

import math
import socket
import threading
from typing import Annotated

from pythonosc.osc_message import OscMessage

from foretone.clock import Clock
from foretone.errors import PacketError
from foretone.event import Event, Setting
from foretone.packet import messages
from foretone.parts import Emit, Range

LARGEST = 65535


class OSC:
    """Gestures and settings from a patch, over UDP.

    It listens in a thread of its own, which only parses and emits.

    host
        Loopback unless the owner says so: whoever can reach the port can play.
    port
        5001 is where IMPS listens.
    address
        What a gesture is called.
    malformed
        How many packets were not understood; each is dropped whole, and the next one is read.
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
        self.malformed = 0
        self._name, self._clock, self._emit, self._address = name, clock, emit, address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise OSError(
                error.errno, f"cannot listen for OSC on {host}:{port} ({error.strerror}); choose another port"
            ) from error
        self.port: int = self._socket.getsockname()[1]
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"osc {name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; the thread has ended when this returns."""
        self._closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            host = self._socket.getsockname()[0]
            waker.sendto(b"", ("127.0.0.1" if host == "0.0.0.0" else host, self.port))
        self._thread.join(timeout=2.0)
        self._socket.close()

    def _run(self) -> None:
        receive = self._socket.recv
        while not self._closing:
            try:
                packet = receive(LARGEST)
            except OSError:
                continue
            stamp = self._clock.now()
            if packet:
                self._take(packet, stamp)

    def _take(self, packet: bytes, stamp: float) -> None:
        try:
            for message in [self._understood(message, stamp) for message in messages(packet)]:
                self._emit(message)
        except PacketError:
            self.malformed += 1

    def _understood(self, message: OscMessage, stamp: float) -> Event | Setting:
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
        raise PacketError(f"{message.address} is not understood")
