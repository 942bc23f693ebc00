"""The MIDI ports of this machine: ALSA's sequencer, where USB, Bluetooth and other programs' ports meet.

One client called Foretone, with one port that is subscribed to all others as they come. The kernel announces
them, so nothing is polled. Source: alsa-lib's "MIDI sequencer", and alsa-midi 1.0.4.
"""

from __future__ import annotations

import errno
import itertools
import os
import select
import threading
from pathlib import Path
from typing import Any

from foretone_hardware.device import DeviceError, Heard, Plugged
from foretone_hardware.message import Joiner

DEVICE = Path("/dev/snd/seq")
CLIENTS = 192
"""The kernel numbers its clients below this (SNDRV_SEQ_MAX_CLIENTS)."""
BATCH = 64
"""Events that are read before others may send."""
POOL = 2000
"""Events that the kernel keeps for us, 28 bytes each; its own 200 are one picture for a LightPad."""


class Sequencer:
    """The ports, called `CLIENT:PORT` as `aconnect -l` shows them, with ` #2` behind the second of a name.

    Any thread may send. Raises DeviceError when this machine has no sequencer.
    """

    wake = float("inf")

    def __init__(self) -> None:
        if not DEVICE.exists():
            raise DeviceError(f"there is no {DEVICE}, so no MIDI: load it with `sudo modprobe snd-seq`")
        if not os.access(DEVICE, os.R_OK | os.W_OK):
            raise DeviceError(f"{DEVICE} is not ours to open: `sudo usermod -aG audio $USER`, log in again")
        try:
            import alsa_midi
            from alsa_midi.client import SequencerClientBase
        except (ImportError, OSError) as error:
            raise DeviceError(f"MIDI needs alsa-midi and libasound2 ({error}): install both") from error
        self.unsent = self.overruns = 0
        """Messages that a device did not take, and how often the kernel had to throw away what we did not."""
        self._alsa = alsa_midi
        self._lock = threading.Lock()
        """The library's client is not for two threads at once."""
        self._names: dict[Any, str] = {}
        self._addresses: dict[str, Any] = {}
        self._joiners: dict[Any, Joiner] = {}
        self._malformed = 0
        try:
            # Its subclass would wait by itself, where no other thread could send or close meanwhile.
            self._client: Any = SequencerClientBase("Foretone")
        except alsa_midi.ALSAError as error:
            raise DeviceError(f"{DEVICE} cannot be opened: {error}") from error
        # Not for others to connect: what we hear and play is what the instrument file says.
        caps = alsa_midi.RW_PORT | alsa_midi.PortCaps.NO_EXPORT
        self._port = self._client.create_port("Foretone", caps)
        self._client.set_client_pool_input(POOL)
        self._heard: Heard = _nobody
        self._plugged: Plugged = _nobody
        self._waker, self._wakes = os.pipe()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="midi ports", daemon=True)

    @property
    def malformed(self) -> int:
        """Bytes that belonged to no message."""
        return self._malformed + sum(joiner.malformed for joiner in list(self._joiners.values()))

    @property
    def overflowed(self) -> int:
        """What came, or was sent, faster than it could be taken."""
        return self.unsent + self.overruns

    def listen(self, heard: Heard, plugged: Plugged) -> None:
        """Tell of every port that is there, then of everything that happens, from a thread of our own."""
        self._heard, self._plugged = heard, plugged
        self._port.connect_from(self._alsa.SYSTEM_ANNOUNCE)
        for client in range(1, CLIENTS):
            for address in self._ports_of(client):
                self._come(address)
        self._thread.start()

    def send(self, port: str, message: bytes) -> None:
        """Send one message to the port of that name. What it cannot take is counted in `unsent`."""
        address = self._addresses.get(port)
        if address is None:
            return
        with self._lock:
            try:
                self._client.event_output(self._alsa.MidiBytesEvent(message), port=self._port, dest=address)
                self._client.drain_output()
            except self._alsa.ALSAError:
                self.unsent += 1
                # What the kernel refuses would be tried again before all that follows.
                self._client.drop_output_buffer()

    def tick(self, _now: float) -> None:
        """It has a thread of its own."""

    def close(self) -> None:
        """Leave the sequencer; the thread has ended when this returns."""
        self._closing = True
        os.write(self._wakes, b".")
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self._client.close()
        os.close(self._waker)
        os.close(self._wakes)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._client._fd, select.POLLIN)  # the library keeps it to itself
        poll.register(self._waker, select.POLLIN)
        while not self._closing:
            poll.poll()
            before = self.overruns
            # The library reads ahead: what it holds back is not on the descriptor any more.
            while events := self._arrived():
                for event in events:
                    self._take(event)
            if self.overruns > before:
                # The kernel threw everything away, the ends of notes as well: begin again.
                for name in self._names.values():
                    self._plugged(name, False)
                    self._plugged(name, True)
        for address in list(self._names):
            self._go(address)

    def _arrived(self) -> list[Any]:
        """The next events that wait, not too many at once; none when there are no more."""
        events: list[Any] = []
        with self._lock:
            while len(events) < BATCH and not self._closing:
                try:
                    events.append(self._client.event_input(prefer_bytes=True))
                except self._alsa.ALSAError as error:
                    if error.errnum == -errno.EAGAIN:
                        break
                    self.overruns += 1
                    # We were too slow, or that was no MIDI; after anything else nothing more will come.
                    self._closing = error.errnum not in (-errno.ENOSPC, -errno.ENOENT, -errno.EINVAL)
        return events

    def _take(self, event: Any) -> None:
        kinds = self._alsa.EventType
        if isinstance(event, self._alsa.MidiBytesEvent):
            name, joiner = self._names.get(event.source), self._joiners.get(event.source)
            if name is not None and joiner is not None:
                for message in joiner.take(event.midi_bytes):
                    self._heard(name, message)
        elif event.type in (kinds.PORT_START, kinds.PORT_CHANGE):
            self._come(event.addr)
        elif event.type == kinds.PORT_EXIT:
            self._go(event.addr)

    def _come(self, address: Any) -> None:
        """Subscribe to a port, if it is one that music can come from or go to."""
        if address in self._names or address.client_id in (0, self._client.client_id):
            return
        caps = self._alsa.PortCaps
        try:
            port = self._client.get_port_info(address)
            client = self._client.get_client_info(address.client_id)
            if port.capability & caps.NO_EXPORT:
                return
            ways = 0
            if _has(port.capability, self._alsa.READ_PORT):
                self._port.connect_from(address)
                ways += 1
            if _has(port.capability, self._alsa.WRITE_PORT):
                self._port.connect_to(address)
                ways += 1
        except (self._alsa.ALSAError, UnicodeDecodeError):
            return  # gone again, taken by another program alone, or called something that nobody can write
        if ways:
            name = self._new_name(f"{client.name}:{port.name}")
            self._names[address], self._joiners[address] = name, Joiner()
            self._addresses[name] = address
            self._plugged(name, True)

    def _go(self, address: Any) -> None:
        name = self._names.pop(address, None)
        if name is not None:
            self._malformed += self._joiners.pop(address).malformed
            del self._addresses[name]
            self._plugged(name, False)

    def _new_name(self, name: str) -> str:
        if name not in self._addresses:
            return name
        return next(other for n in itertools.count(2) if (other := f"{name} #{n}") not in self._addresses)

    def _ports_of(self, client: int) -> list[Any]:
        """One client at a time: the library's own list ends at the first name that is not UTF-8."""
        found: list[Any] = []
        try:
            port = self._client.query_next_port(client)
            while port is not None:
                found.append(self._alsa.Address(client, port.port_id))
                port = self._client.query_next_port(client, port.port_id)
        except (self._alsa.ALSAError, UnicodeDecodeError):
            pass  # no such client, or a name as above
        return found


def _has(capability: int, wanted: int) -> bool:
    return capability & wanted == wanted


def _nobody(_port: str, _what: object) -> None:
    """Nobody listens yet."""
