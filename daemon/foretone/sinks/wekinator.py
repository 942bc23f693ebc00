"""Wekinator's outputs: `/wek/outputs f ...` to port 12000, as its clients expect them."""

from __future__ import annotations

from typing import Annotated

from foretone.datagrams import Sender
from foretone.event import Event
from foretone.packet import Form
from foretone.parts import Range


class Wekinator(Sender):
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
        super().__init__(host, port)
        self._classes = [*(classes or []), *[0] * len(axes)][: len(axes)]
        self._form = Form(address, "f" * len(axes))

    def play(self, event: Event) -> None:
        """Send one frame; Wekinator has no message for letting go."""
        if not event.values:
            return
        values = (
            float(round(value * count)) if count else value
            for value, count in zip(event.values, self._classes, strict=True)
        )
        self.send(self._form.fill(*values))

    def rest(self) -> None:
        """Nothing is held at this end."""
