"""Open Sound Control out: what is played, as it is played.

Each event goes out twice: as `/prediction f ...`, which an IMPS patch understands, and as
`/foretone/ORIGIN f ...`. A letting go is a `/foretone/ORIGIN` without values.
"""

from __future__ import annotations

from typing import Annotated

from foretone.datagrams import Sender
from foretone.event import Event
from foretone.packet import Form
from foretone.parts import Range


class OSC(Sender):
    """What is played, to a patch, over UDP.

    The conductor thread calls it; it waits for nobody.

    host
        Where to send; loopback unless the owner says so.
    port
        5000 is where IMPS' own patches hear predictions.
    address
        What a played event is called for IMPS; empty to send only ours.
    lost
        How many packets the system refused.
    """

    def __init__(
        self,
        axes: tuple[str, ...],
        *,
        host: str = "127.0.0.1",
        port: Annotated[int, Range(1, 65535)] = 5000,
        address: str = "/prediction",
    ) -> None:
        self.axes = axes
        super().__init__(host, port)
        self._address = address
        self._forms: dict[tuple[str, int], Form] = {}

    def play(self, event: Event) -> None:
        """Send one event."""
        if self._address and event.values:
            self._send(self._address, event.values)
        self._send(f"/foretone/{event.origin}", event.values)

    def rest(self) -> None:
        """Nothing is held at this end: every letting go was sent as it was played."""

    def _send(self, address: str, values: tuple[float, ...]) -> None:
        form = self._forms.get((address, len(values)))
        if form is None:
            form = self._forms[address, len(values)] = Form(address, "f" * len(values))
        self.send(form.fill(*values))
