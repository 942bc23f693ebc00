"""The last five seconds of sound, in a file that other processes map and read.

One process writes (the audio process), any number read (the page, a WAV writer, a bench). A reader never
makes the writer wait: it takes what is there, and is told how much it missed.

The file is a header of one page and then `CAPACITY` frames of interleaved int16, all little-endian:

    0     8s    magic              64    u64   frames written, ever     128   f64  heartbeat, seconds
    8     u32   version            72    u64   blocks                   136   f64  peak, 0..1
    12    u32   rate, Hz           80    u64   underruns                144   f64  cost p50, us
    16    u32   channels           88    u64   packets refused          152   f64  cost p99, us
    20    u32   capacity, frames   96    u64   1 while running          256   128s device name, UTF-8
                                   104   u64   1 when paced by a clock, with no card
                                   112   u64   faults              160   f64  cost of the dearest, us
                                   120   u64   blocks too long
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foretone.errors import SoundError

Frames = npt.NDArray[np.int16]

CAPACITY = 2**18
CHANNELS = 2
MAGIC = b"FTRING\r\n"
VERSION = 1

_HEADER = 4096
_FIXED = struct.Struct("<8sIIII")
_NAME = slice(256, 384)
_WRITTEN, _BLOCKS, _XRUNS, _REFUSED, _RUNNING, _PACED, _FAULTS, _LONG = range(8)
_HEARTBEAT, _PEAK, _P50, _P99, _WORST = range(5)

LONGEST = 8192
"""Frames in the longest block that may be written."""

MARGIN = 2 * LONGEST
"""Frames that a reader keeps clear of the writer: room for the block that is being written."""


class Status(NamedTuple):
    """How the sound is doing."""

    device: str
    rate: int
    """Frames per second."""
    written: int
    """Frames since the file was made; where a new reader begins."""
    blocks: int
    xruns: int
    """How often the card ran dry."""
    refused: int
    """Packets that were not understood, or came too early to hold."""
    peak: float
    """The loudest sample lately, 0..1; falls by 20 dB a second."""
    p50: float
    """Microseconds to make a block, median of the last 512."""
    p99: float
    running: bool
    """False once the writer has stopped in good order. A writer that was killed only stops its heartbeat."""
    paced: bool
    """True where there is no card and a clock takes its place."""
    heartbeat: float
    """CLOCK_MONOTONIC seconds of the newest block."""
    faults: int = 0
    """How often a voice failed, or drew what is no sound; silence took its place."""
    long: int = 0
    """Blocks that took longer to make than they last."""
    worst: float = 0.0
    """Microseconds that the dearest block took."""

    @property
    def span(self) -> float:
        """Seconds that a block lasts; 0 before the first."""
        return self.written / self.blocks / self.rate if self.blocks else 0.0


class Ring:
    """A ring of sound in a file. `create` makes the writer's end, `open` a reader's.

    Put the file on a tmpfs (/run, /dev/shm): on a disk the kernel's writeback would hold up the audio thread.
    """

    def __init__(self, path: Path, memory: mmap.mmap, identity: tuple[int, int]) -> None:
        self._path = path
        self._identity = identity
        _, _, self.rate, self.channels, self.capacity = _FIXED.unpack_from(memory, 0)
        self._memory = memory
        self._counts = np.frombuffer(memory, "<u8", 8, 64)
        self._levels = np.frombuffer(memory, "<f8", 5, 128)
        self._frames = np.frombuffer(memory, "<i2", offset=_HEADER).reshape(self.capacity, self.channels)
        self._next = int(self._counts[_WRITTEN])

    @classmethod
    def create(cls, path: Path, rate: int, device: str = "", *, paced: bool = False) -> Ring:
        """The writer's end: a new file in the place of an older one. SoundError if it cannot be made."""
        if sys.byteorder != "little":  # pragma: no cover
            raise SoundError("a ring of sound needs a little-endian machine")
        size = _HEADER + CAPACITY * CHANNELS * 2
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with unfinished.open("wb+") as file:
                file.write(_FIXED.pack(MAGIC, VERSION, rate, CHANNELS, CAPACITY))
                file.seek(_NAME.start)
                file.write(device.encode()[:127])
                file.seek(_HEADER)
                # Written here, page by page, so that the audio thread meets no page fault and no full disk.
                file.write(bytes(size - _HEADER))
                file.flush()
                memory = mmap.mmap(file.fileno(), size)
                found = os.fstat(file.fileno())
            ring = cls(path, memory, (found.st_dev, found.st_ino))
            ring._counts[_RUNNING] = 1
            ring._counts[_PACED] = paced
            ring._levels[_HEARTBEAT] = time.monotonic()
            unfinished.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise SoundError(f"the sound ring {path} cannot be made: {error.strerror}") from error
        return ring

    @classmethod
    def open(cls, path: Path) -> Ring:
        """A reader's end. SoundError when there is none, or the file is something else."""
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_size < _HEADER:
                    raise SoundError(f"{path} is not a ring of sound")
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise SoundError(f"there is no sound at {path}; start the instrument first") from error
        except SoundError:
            raise
        except OSError as error:
            raise SoundError(f"the sound ring {path} cannot be read: {error.strerror}") from error
        magic, version, _, channels, capacity = _FIXED.unpack_from(memory, 0)
        if magic != MAGIC or len(memory) != _HEADER + 2 * channels * capacity or not capacity:
            raise SoundError(f"{path} is not a ring of sound")
        if version != VERSION:
            raise SoundError(
                f"the ring {path} is of version {version}, this reads {VERSION}; restart the instrument"
            )
        return cls(path, memory, (found.st_dev, found.st_ino))

    def write(self, block: Frames) -> None:
        """Audio thread: add int16 [n, 2], n up to `LONGEST`. No allocation, no wait.

        A block is shown to readers when the next one comes. Between its samples and the count that promises
        them lies a whole period, so that a processor which reorders its stores (ARM) cannot show a block
        before it is there; Python has no memory fence.
        """
        self._counts[_WRITTEN] = self._next
        self._counts[_BLOCKS] += 1
        count = len(block)
        start = self._next % self.capacity
        room = self.capacity - start
        if count <= room:
            self._frames[start : start + count] = block
        else:
            self._frames[start:] = block[:room]
            self._frames[: count - room] = block[room:]
        self._next += count

    def beat(self, now: float, peak: float, xruns: int, refused: int, faults: int = 0) -> None:
        """Audio thread, once a block: how it goes, at `now` seconds of CLOCK_MONOTONIC."""
        self._levels[_HEARTBEAT] = now
        self._levels[_PEAK] = peak
        self._counts[_XRUNS] = xruns
        self._counts[_REFUSED] = refused
        self._counts[_FAULTS] = faults

    def cost(self, p50: float, p99: float, worst: float, long: int) -> None:
        """Audio thread, now and then: what a block costs to make, in microseconds; how many took too long."""
        self._levels[_P50] = p50
        self._levels[_P99] = p99
        self._levels[_WORST] = worst
        self._counts[_LONG] = long

    def finish(self) -> None:
        """Audio thread: show the last block, and say that no more come."""
        self._counts[_WRITTEN] = self._next
        self._counts[_RUNNING] = 0

    def read(self, since: int) -> tuple[Frames, int, int]:
        """The frames after `since`: a copy, int16 [n, 2]; where to read on; how many frames were missed.

        Any process, any thread. Begin with `status().written` for the newest, or 0 for the oldest there is.
        """
        written = int(self._counts[_WRITTEN])
        first = min(max(since, written + MARGIN - self.capacity), written)
        first = max(first, 0)
        start, stop = first % self.capacity, written % self.capacity
        if written == first:
            frames = self._frames[:0].copy()
        elif start < stop:
            frames = self._frames[start:stop].copy()
        else:
            frames = np.concatenate((self._frames[start:], self._frames[:stop]))
        # Whatever the writer came near while we copied may be torn: it counts as missed.
        kept = min(max(first, int(self._counts[_WRITTEN]) + MARGIN - self.capacity), written)
        return frames[kept - first :], written, max(kept - since, 0)

    def status(self) -> Status:
        """How the sound is doing. Any process, any thread."""
        counts, levels = self._counts, self._levels
        return Status(
            device=self._memory[_NAME].split(b"\0", 1)[0].decode(errors="replace"),
            rate=self.rate,
            written=int(counts[_WRITTEN]),
            blocks=int(counts[_BLOCKS]),
            xruns=int(counts[_XRUNS]),
            refused=int(counts[_REFUSED]),
            peak=float(levels[_PEAK]),
            p50=float(levels[_P50]),
            p99=float(levels[_P99]),
            running=bool(counts[_RUNNING]),
            paced=bool(counts[_PACED]),
            heartbeat=float(levels[_HEARTBEAT]),
            faults=int(counts[_FAULTS]),
            long=int(counts[_LONG]),
            worst=float(levels[_WORST]),
        )

    def stale(self) -> bool:
        """Whether the writer started again in a new file, or the file is gone: open it again."""
        try:
            found = self._path.stat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._identity

    def close(self) -> None:
        """Let the memory go; nothing may be called afterwards. The file stays for its readers."""
        del self._counts, self._levels, self._frames
        self._memory.close()
