"""A card that forgets: of what was written and not flushed, a power cut may take any sector.

Killing QEMU alone loses nothing that the guest has written, so a missing fsync would never be seen. This
stands between QEMU and the card's file, and speaks NBD (doc/proto.md of github.com/NetworkBlockDevice/nbd).
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import threading
from pathlib import Path

SECTOR = 512
"""Bytes that a card writes as a whole."""
OPTION_GO, REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 7, 1, 3, 1 << 31 | 1
READ, WRITE, LEAVE, FLUSH = range(4)
FORCED = 1
"""A write that is on the disk before it is answered."""
ABILITIES = 1 | 1 << 2 | 1 << 3
"""It has such abilities; it flushes; it forces."""


class Card:
    """Serves `file` at the socket `address` to one machine at a time. `lose` after the machine is dead.

    cut
        Set when the write came at which the card was to stop.
    """

    def __init__(self, file: Path, address: Path, chance: random.Random) -> None:
        self.address = address
        self._chance = chance
        self._file = os.open(file, os.O_RDWR)
        self._size = os.fstat(self._file).st_size
        self._before: dict[int, bytes] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen()
        self._serving: threading.Thread | None = None
        self._left: int | None = None
        self.cut = threading.Event()

    def serve(self) -> None:
        """Serve the next machine that comes, in a thread."""
        self._left = None
        self.cut.clear()
        self._serving = threading.Thread(target=self._serve, name="card", daemon=True)
        self._serving.start()

    def stop_at(self, writes: int) -> None:
        """Answer nothing any more once so many more writes have come."""
        self._left = writes

    def lose(self) -> tuple[int, int]:
        """Take back sectors that were not flushed: none, all or any. How many, and of how many."""
        if self._serving is not None:
            self._serving.join()
        kept = self._chance.choice((0.0, 0.5, 0.9, 1.0))
        lost = [place for place in sorted(self._before) if self._chance.random() >= kept]
        for place in lost:
            os.pwrite(self._file, self._before[place], place * SECTOR)
        written = len(self._before)
        self._before.clear()
        return len(lost), written

    def close(self) -> None:
        """Serve no machine again."""
        self._listener.close()
        os.close(self._file)

    def _serve(self) -> None:
        machine, _ = self._listener.accept()
        with machine, contextlib.suppress(ConnectionError):
            _Conversation(machine).greet(self._size)
            while self._answer(_Conversation(machine)):
                pass

    def _answer(self, machine: _Conversation) -> bool:
        _, flags, kind, handle, place, length = machine.hear(">IHHQQI")
        if kind == LEAVE:
            return False
        data = b""
        if kind == WRITE:
            self._write(machine.take(length), place, forced=bool(flags & FORCED))
            if self._left is not None:
                self._left -= 1
                if self._left <= 0:
                    self.cut.set()
                    return False
        elif kind == FLUSH:
            self._before.clear()
        else:
            data = os.pread(self._file, length, place)
        machine.say(">IIQ", 0x67446698, 0, handle, data=data)
        return True

    def _write(self, data: bytes, place: int, *, forced: bool) -> None:
        first, count = place // SECTOR, len(data) // SECTOR
        old = b"" if forced else os.pread(self._file, len(data), place)
        for number in range(count):
            if forced:
                self._before.pop(first + number, None)
            else:
                self._before.setdefault(first + number, old[number * SECTOR : (number + 1) * SECTOR])
        os.pwrite(self._file, data, place)


class _Conversation:
    """NBD with one machine."""

    def __init__(self, machine: socket.socket) -> None:
        self._machine = machine

    def greet(self, size: int) -> None:
        """Refuse every option until the machine asks for the disk."""
        self.say(">8s8sH", b"NBDMAGIC", b"IHAVEOPT", 3)
        self.hear(">I")
        while True:
            _, option, length = self.hear(">8sII")
            self.take(length)
            if option == OPTION_GO:
                break
            self._reply(option, REPLY_UNSUPPORTED)
        self._reply(option, REPLY_INFO, struct.pack(">HQH", 0, size, ABILITIES))
        self._reply(option, REPLY_ACK)

    def _reply(self, option: int, kind: int, data: bytes = b"") -> None:
        self.say(">QIII", 0x3E889045565A9, option, kind, len(data), data=data)

    def say(self, shape: str, *words: int | bytes, data: bytes = b"") -> None:
        """Send words, and data after them."""
        self._machine.sendall(struct.pack(shape, *words) + data)

    def hear(self, shape: str) -> tuple[int, ...]:
        """Words of that shape; ConnectionError when the machine is gone."""
        return struct.unpack(shape, self.take(struct.calcsize(shape)))

    def take(self, length: int) -> bytes:
        """So many bytes, all of them, or ConnectionError."""
        data = bytearray()
        while len(data) < length:
            more = self._machine.recv(min(length - len(data), 1 << 20))
            if not more:
                raise ConnectionError("the machine is gone")
            data += more
        return bytes(data)
