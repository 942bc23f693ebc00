"""Writes the session log while playing. The disk is slow, full or gone; the instrument plays on."""

from __future__ import annotations

import contextlib
import errno
import itertools
import logging
import os
import threading
from collections import deque
from pathlib import Path

from foretone.event import Event
from foretone.instrument import Instrument
from foretone.session import Header, row

log = logging.getLogger("foretone")

EVERY = 0.5
"""Seconds between writes to the disk; a power cut loses at most this and the write itself."""

_GONE = {errno.ESTALE, errno.EIO, errno.ENODEV, errno.EBADF}

WAITING = 100_000
"""Rows that may wait for a disk that does not answer; beyond that the oldest go, counted in `lost`."""


class Recorder:
    """`note` is for the conductor thread and only appends; a thread of its own writes and syncs.

    lost
        Events that are in no file, because the disk was full for too long.
    """

    def __init__(self, path: Path, instrument: Instrument, start: float, started: str) -> None:
        self.path = path
        self.lost = 0
        self.fault = ""
        """Why nothing is being recorded just now; empty while it is."""
        self._stem = path.stem
        self._start = start
        played = {part.name: part.axes for part in instrument.parts.values() if part.role != "sink"}
        # A player may have axes of its own; they stand after the instrument's.
        axes = tuple(dict.fromkeys([*instrument.axes, *itertools.chain(*played.values())]))
        self._width = len(axes)
        self._columns = {name: [axes.index(axis) for axis in its] for name, its in played.items()}
        self._header = Header(
            instrument=instrument.title,
            axes=axes,
            sources=tuple(part.name for part in instrument.of("source")),
            players=tuple(part.name for part in instrument.of("player")),
            started=started,
        )
        self._events: deque[Event] = deque(maxlen=WAITING)
        self._rows: list[str] = []
        self._closing = threading.Event()
        self._full = False
        self._file: int | None = None
        self._thread: threading.Thread | None = None

    def note(self, event: Event) -> None:
        """Remember an event for the log. Conductor thread; never waits for the disk."""
        if len(self._events) == WAITING:
            self.lost += 1
        self._events.append(event)

    def start(self) -> None:
        """Create the log, and write to it from a thread of its own."""
        self.write()
        self._thread = threading.Thread(target=self._run, name="session log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        self.write()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def write(self) -> None:
        """Write what waits. What a disk refuses is told once, kept, and tried again at the next turn."""
        for _ in range(len(self._events)):
            event = self._events.popleft()
            self._rows.append(row(event, self._columns.get(event.origin, ()), self._width, self._start))
        if len(self._rows) > WAITING:
            self.lost += len(self._rows) - WAITING
            del self._rows[:-WAITING]
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._create()
            if os.fstat(self._file).st_nlink == 0:
                raise OSError(errno.ESTALE, "its file was removed")
            if os.fstat(self._file).st_size == 0:
                self._append(self._header.text())
            if self._rows:
                self._append("".join(self._rows))
                self._rows.clear()
        except OSError as error:
            if error.errno in _GONE and self._file is not None:
                os.close(self._file)
                self._file = None
            self.fault = f"the session is not being recorded: {error.strerror}"
            if not self._full:
                log.warning(
                    "the session is not being recorded: %s (%s); playing on", error.strerror, self.path
                )
            self._full = True
        else:
            if self._full:
                log.info("the session is being recorded again; %d events are missing", self.lost)
            self._full = False
            self.fault = ""

    def _create(self) -> int:
        """A file that nobody else writes to: a Pi without a clock may start twice in the same second."""
        for number in range(2, 1000):
            try:
                return os.open(
                    self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
                )
            except FileExistsError:
                self.path = self.path.with_name(f"{self._stem}-{number}{self.path.suffix}")
        raise FileExistsError(errno.EEXIST, "there are a thousand sessions of that name")

    def _append(self, text: str) -> None:
        """All of the text, safe on the disk, or none of it: a full disk leaves no half line."""
        if self._file is None:
            return
        data = text.encode()
        before = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            raise

    def _run(self) -> None:
        while not self._closing.wait(EVERY):
            self.write()
