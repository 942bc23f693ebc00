"""UDP: a port with a thread of its own, for the sources that hear OSC, and a sender that never waits."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
from collections.abc import Callable

from foretone.clock import Clock
from foretone.errors import PacketError

LARGEST = 65535

_SO_RXQ_OVFL = 40  # <asm-generic/socket.h>; Python has no name for it
_COUNT = struct.Struct("=I")


class Datagrams:
    """Calls `take(packet, seconds)` for each datagram, with the time at which it was read.

    host, port
        Where it listens; 0.0.0.0 is everywhere. OSError says so when the port is taken.
    take
        Called in the listening thread. PacketError counts the packet as malformed.
    malformed
        Packets that were not understood; each is dropped whole, and the next one is read.
    overflowed
        Packets that came faster than they were read, and were dropped by the kernel.
    sender
        Who sent the packet that is being taken: host and port.
    """

    def __init__(
        self, name: str, host: str, port: int, clock: Clock, take: Callable[[bytes, float], None]
    ) -> None:
        self.malformed = self.overflowed = 0
        self.sender: tuple[str, int] = ("", 0)
        self._clock, self._take = clock, take
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # An emulated kernel may not count what it drops.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            sentence = f"cannot listen for OSC on {host}:{port} ({error.strerror})"
            cure = "choose another port" if error.errno == errno.EADDRINUSE else "correct host and port"
            raise OSError(error.errno, f"{sentence}; {cure}") from error
        self.port: int = self._socket.getsockname()[1]
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"port {name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; the thread has ended when this returns."""
        self._closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            host = self._socket.getsockname()[0]
            waker.sendto(b"", ("127.0.0.1" if host == "0.0.0.0" else host, self.port))
        self._thread.join(timeout=2.0)
        self._socket.close()

    def answer(self, packet: bytes, to: tuple[str, int]) -> None:
        """Send a packet from this port; one that the system refuses is lost. Any thread."""
        with contextlib.suppress(OSError):
            self._socket.sendto(packet, socket.MSG_DONTWAIT, to)

    def _run(self) -> None:
        buffer = bytearray(LARGEST)
        view, space = memoryview(buffer), socket.CMSG_SPACE(_COUNT.size)
        while not self._closing:
            try:
                size, told, _, self.sender = self._socket.recvmsg_into([buffer], space)
            except OSError:
                continue
            stamp = self._clock.now()
            for level, kind, data in told:
                if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
                    (self.overflowed,) = _COUNT.unpack(data)
            if size:
                try:
                    self._take(bytes(view[:size]), stamp)
                except PacketError:
                    self.malformed += 1


class Sender:
    """Sends datagrams to one place. Any one thread; it waits for nobody.

    host, port
        Where to send. OSError when nobody knows the host.
    lost
        How many packets the system refused.
    """

    def __init__(self, host: str, port: int) -> None:
        self.lost = 0
        # Looked up once, here: a name server must not be waited for while playing.
        self._to = (socket.gethostbyname(host), port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        if self._to[0] == "127.0.0.1":
            # Without this, the system opens a port to every network at the first packet.
            self._socket.bind(("127.0.0.1", 0))

    def send(self, packet: bytes) -> None:
        """Send one packet; one that the system refuses is counted."""
        try:
            self._socket.sendto(packet, self._to)
        except OSError:
            self.lost += 1

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
