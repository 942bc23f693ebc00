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

log = logging.getLogger("foretone")

AGAIN = 1.0
"""Seconds before a trainer that died is started again, doubled each time up to a minute."""


class Trainer:
    """`foretone-train serve` on two pipes. One thread calls every method; another one only reads, and calls
    `told` with each answer, and with None when the process has died.
    """

    def __init__(self, told: Callable[[dict[str, Any] | None], None]) -> None:
        self._told = told
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: subprocess.Popen[bytes] | None = None
        # Standard error as it is here: while a model is opened it is somewhere else for a moment.
        self._errors = subprocess.DEVNULL
        with contextlib.suppress(OSError):
            self._errors = os.dup(2)
        self._start_after = 0.0
        self._pause = AGAIN

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, unless it runs, or has died a moment ago."""
        if self.pid is not None or time.monotonic() < self._start_after:
            return
        self._forget(self._process)
        command = [sys.executable, "-m", "foretone_training", "serve"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        reader = threading.Thread(target=self._read, args=(self._process,), name="trainer", daemon=True)
        reader.start()

    def send(self, lines: Iterable[Any]) -> None:
        """Send a lesson, each line as JSON. OSError when there is no trainer."""
        process = self._process
        if process is None or process.stdin is None or self.pid is None:
            raise BrokenPipeError("there is no trainer")
        for line in lines:
            process.stdin.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        process.stdin.flush()

    def stop(self) -> None:
        """End it, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            self._ended = process
            process.kill()
            process.wait()
            self._forget(process)

    def close(self) -> None:
        """End it, and start no other."""
        self.stop()
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = subprocess.DEVNULL

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
        if process is not self._ended:
            self._start_after = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, 60.0)
            log.warning("the trainer ended unexpectedly (%s) and is started again", process.wait())
            self._told(None)
