"""Wekinator's outputs: `/wek/outputs f ...` to port 12000, as its clients expect them."""

from __future__ import annotations

import socket
from typing import Annotated

from foretone.event import Event
from foretone.packet import Form
from foretone.parts import Range


class Wekinator:
    """What a mapping plays, as Wekinator sends it, over UDP.

    The conductor thread calls it; it waits for nobody.

    host, port
        Where to send; loopback unless the owner says so.
    address
        What a frame of outputs is called.
    classes
        For each output the number of its classes, which are sent as 1, 2 and so on and 0 for none of them;
        0 for an output that plays a number in 0..1, which is sent as it is. None at all: all are numbers.
    lost
        How many packets the system refused.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        *,
        host: str = "127.0.0.1",
        port: Annotated[int, Range(1, 65535)] = 12000,
        address: str = "/wek/outputs",
        classes: list[int] | None = None,
    ) -> None:
        self.axes = axes
        self.lost = 0
        self._classes = [*(classes or []), *[0] * len(axes)][: len(axes)]
        # Looked up once, here: a name server must not be waited for while playing.
        self._to = (socket.gethostbyname(host), port)
        self._form = Form(address, "f" * len(axes))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def play(self, event: Event) -> None:
        """Send one frame; Wekinator has no message for letting go."""
        if not event.values:
            return
        values = (
            float(round(value * count)) if count else value
            for value, count in zip(event.values, self._classes, strict=True)
        )
        try:
            self._socket.sendto(self._form.fill(*values), self._to)
        except OSError:
            self.lost += 1

    def rest(self) -> None:
        """Nothing is held at this end."""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
