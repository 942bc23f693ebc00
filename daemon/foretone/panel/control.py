"""The panel's end of the control process: JSON in datagrams, through sockets in the run folder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foretone.errors import SettingError

LARGEST = 65536
MOST_AT_ONCE = 32


class ControlLink:
    """One Unix datagram socket. It owns no thread: call `receive` when the socket is readable.

    The control process may be absent, start later, or be killed: `send` then says False, and nothing is
    kept for it.
    """

    def __init__(self, folder: Path, heard: Callable[[dict[str, Any]], None]) -> None:
        """Bind `panel-<pid>.sock` in `folder`. `heard` gets each object that the control process sends.

        Raises SettingError when the folder is missing, or its name too long for a Unix socket (108 bytes).
        """
        self._heard = heard
        self._there = str(folder / "control.sock")
        self._here = folder / f"panel-{os.getpid()}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._here.unlink(missing_ok=True)
            self._socket.bind(str(self._here))
            self._here.chmod(0o600)  # what comes through it is believed
        except OSError as fault:
            self._socket.close()
            raise SettingError(
                f"The panel cannot make its socket {self._here} ({fault}); "
                "name a run folder that exists, that it may write, and that is short (100 letters)."
            ) from fault

    def fileno(self) -> int:
        """For select and asyncio."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> bool:
        """Whether the control process took the message. Never blocks."""
        try:
            self._socket.sendto(json.dumps(message).encode(), self._there)
        except OSError:
            return False
        return True

    def receive(self) -> None:
        """Hand on what has arrived; what is not a JSON object is passed over."""
        for _ in range(MOST_AT_ONCE):
            try:
                datagram = self._socket.recv(LARGEST)
            except OSError:
                return
            # A browser refuses a whole message with NaN in it, so NaN becomes "unknown" here.
            with contextlib.suppress(ValueError, RecursionError, AttributeError):
                message = json.loads(datagram, parse_constant=lambda _: None)
                json.dumps(message, allow_nan=False)  # 1e999 is a number to Python, and none to a browser
                if isinstance(message, dict) and isinstance(message.get("state", {}).get("events", []), list):
                    self._heard(message)

    def close(self) -> None:
        """Take the socket away; the control process forgets us within 3 s."""
        self._socket.close()
        self._here.unlink(missing_ok=True)
