"""The process that trains mappings: kept warm, and started again when it dies or is told to stop."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from foretone import punctual

log = logging.getLogger("foretone")

AGAIN = 1.0
"""Seconds before a trainer that died is started again, doubled each time up to a minute."""


class Trainer:
    """`foretone-train serve` on two pipes. A thread of its own only reads, and calls `told` with each answer,
    and with None when the process has died. Any thread may stop it.
    """

    def __init__(self, told: Callable[[dict[str, Any] | None], None]) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: set[int] = set()
        # Standard error as it is here: while a model is opened it is somewhere else for a moment.
        self._errors = subprocess.DEVNULL
        with contextlib.suppress(OSError):
            self._errors = os.dup(2)
        self._closed = False
        self._start_after = 0.0
        self._pause = AGAIN

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start it, unless it runs, or has died a moment ago. OSError when the system cannot."""
        with self._lock:
            if self._closed or self.pid is not None or time.monotonic() < self._start_after:
                return
            self._forget(self._process)
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "foretone_training", "serve"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                )
            except OSError as error:
                self._put_off()
                raise OSError(f"the trainer cannot be started: {error.strerror}") from error
            reading = threading.Thread(target=self._read, args=(self._process,), name="trainer", daemon=True)
            reading.start()

    def send(self, lines: Iterable[Any]) -> None:
        """Send a lesson, each line as JSON. OSError when there is no trainer."""
        process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            raise BrokenPipeError("there is no trainer")
        # On a busy machine it would be told of the lesson too late to hurry by itself.
        punctual.hurry(process.pid)
        try:
            for line in lines:
                process.stdin.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            process.stdin.flush()
        except ValueError as error:  # closed by whoever stopped it
            raise BrokenPipeError("the trainer was stopped") from error

    def stop(self) -> None:
        """End it, whatever it does."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                self._ended.add(process.pid)
                process.kill()
                process.wait()
                self._forget(process)

    def close(self) -> None:
        """End it, and start no other."""
        self._closed = True
        self.stop()
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = subprocess.DEVNULL

    def _put_off(self) -> None:
        self._start_after = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, 60.0)

    def _forget(self, process: subprocess.Popen[bytes] | None) -> None:
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    self._told(json.loads(line))
                    self._pause = AGAIN
        if process.pid in self._ended:
            self._ended.discard(process.pid)
        else:
            self._put_off()
            log.warning("the trainer ended unexpectedly (%s) and is started again", process.wait())
            self._told(None)
