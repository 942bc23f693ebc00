"""The journal of a mapping: every action, on the disk half a second after it was done.

One file of JSON lines that only grows. The first names what the instrument hears and plays; each of the
others is an action of `history.py`. Half a line that a power cut left at the end is cut off, and said, when
the journal is read again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
from collections import deque
from pathlib import Path

from foretone.errors import SessionError, SettingError
from foretone.mapping.history import History

log = logging.getLogger("foretone")

VERSION = 1

_TAKEN = "another instrument that plays writes to this journal; end one of them, and start again"

_GONE = {errno.ESTALE, errno.EIO, errno.ENODEV, errno.EBADF}


class Journal:
    """One journal file. `load` first; after that one thread calls `write`.

    fault
        Why nothing is being kept just now; empty while it is.
    """

    def __init__(self, path: Path, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        self.path = path
        self.fault = ""
        self._header = {"foretone mapping": VERSION, "inputs": list(inputs), "outputs": list(outputs)}
        self._file: int | None = None
        self._waiting = b""

    def load(self, history: History) -> int:
        """Do what the journal holds again; returns how many actions that were.

        A journal of other inputs or outputs is put aside under another name, and a new one begun; it is said.
        SessionError when the file cannot be read, or must be mended and cannot be, or another instrument that
        plays writes to it.
        """
        self._hold()
        try:
            return self._load(history)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise SessionError(f"the journal cannot be read or mended: {error.strerror}") from error

    def write(self, history: History) -> bool:
        """Put on the disk what waits; returns whether all of it is there. What does not fit is kept."""
        while history.unwritten:
            line = json.dumps(history.unwritten.popleft(), separators=(",", ":"))
            self._waiting += line.encode() + b"\n"
        if not self._waiting:
            return True
        try:
            if self._file is None:
                self._file = self._open()
            if os.fstat(self._file).st_nlink == 0:
                raise OSError(errno.ESTALE, "its file was removed")
            self._append(self._waiting)
        except OSError as error:
            if isinstance(error, BlockingIOError):
                # Nor later: what the other one has written is not what was shown here.
                history.unwritten, self._waiting = deque(maxlen=0), b""
            if error.errno in _GONE:
                self.close()
            self.tell(f"examples are not being kept: {error.strerror}")
            return False
        self._waiting = b""
        self.tell("")
        return True

    def close(self) -> None:
        """Close the file; what was not written is lost."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def tell(self, fault: str) -> None:
        """Say why nothing is being kept, or that it is again; once."""
        if fault and not self.fault:
            log.warning("%s (%s); playing on", fault, self.path)
        elif self.fault and not fault:
            log.info("examples are being kept again")
        self.fault = fault

    def _load(self, history: History) -> int:
        lines = self.path.read_bytes().split(b"\n")
        whole = sum(len(line) + 1 for line in lines[:-1])
        if lines == [b""]:
            return 0
        if lines[:-1] and not self._begins(lines[0]):
            self._put_aside()
            return 0
        done = left = 0
        for line in lines[1:-1]:
            try:
                history.repeat(json.loads(line))
                done += 1
            except (SettingError, ValueError, TypeError, LookupError, RecursionError):
                left += 1
        if left:
            log.warning("%s: %d actions cannot be read and are left out", self.path, left)
        if history.recording:
            # The lights went out during a take: what was recorded of it is a take.
            history.do("end")
        if lines[-1]:
            os.truncate(self.path, whole)
            log.warning(
                "%s: the power was cut while its last action was written; that one is gone", self.path
            )
        return done

    def _hold(self) -> None:
        """Keep others from writing to a journal that is there, until `close`."""
        if self._file is None and self.path.is_file():
            try:
                self._file = self._open()
            except BlockingIOError as error:
                raise SessionError(_TAKEN) from error
            except OSError:
                pass  # told when something is to be written

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise BlockingIOError(errno.EWOULDBLOCK, _TAKEN) from None
        except OSError:
            pass  # a file system without locks
        if os.fstat(file).st_size == 0:
            self._waiting = json.dumps(self._header).encode() + b"\n" + self._waiting
            _sync(self.path.parent)
        return file

    def _append(self, data: bytes) -> None:
        """All of it, safe on the disk, or none: a full disk leaves no half line."""
        assert self._file is not None
        before = os.fstat(self._file).st_size
        try:
            rest = data
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            raise

    def _begins(self, line: bytes) -> bool:
        try:
            return bool(json.loads(line) == self._header)
        except (ValueError, RecursionError):
            return False

    def _put_aside(self) -> None:
        for number in range(1, 1000):
            aside = self.path.with_name(f"{self.path.name}.{number}")
            if not aside.exists():
                break
        self.close()
        self.path.rename(aside)
        log.warning("the examples in %s are of other inputs or outputs; they are kept there", aside)


def _sync(folder: Path) -> None:
    """A new file's name is on the disk too."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
