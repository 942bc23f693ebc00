"""The machine that is looked at, as files, commands and its instrument; a test makes another one."""

from __future__ import annotations

import contextlib
import enum
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from foretone import shelf
from foretone.errors import SoundError
from foretone.ring import Ring, Status

PATIENCE = 1.0
"""Seconds that the instrument gets to answer, and ten times this a command."""


class Level(enum.StrEnum):
    """How bad a finding is."""

    GOOD = "good"
    UNKNOWN = "unknown"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing, and what to do about it where something is to be done."""

    check: str
    level: Level
    says: str
    cure: str = ""


def run_command(command: Sequence[str]) -> str:
    """What a command printed; nothing when it is not there or failed."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=10 * PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


class Machine:
    """`root` is where its file system begins, `state` where its instrument has its socket and its ring, and
    `home` where its sessions and models are.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        state: Path = Path("/run/foretone"),
        run: Callable[[Sequence[str]], str] = run_command,
        home: Path = shelf.HOME,
    ) -> None:
        self.root, self.state, self._run, self.home = root, state, run, home

    def text(self, path: str | Path) -> str:
        """What a file says, without the blank at its end; nothing when it cannot be read."""
        try:
            return (self.root / path).read_text(errors="replace").strip("\n\0 ")
        except OSError:
            return ""

    @property
    def chosen(self) -> str:
        """The instrument that box.toml has chosen here; nothing when it has not."""
        chosen = re.search(r"^INSTRUMENT=(.+)$", self.text("var/lib/box/foretone.env"), re.M)
        return chosen[1] if chosen else ""

    def files(self, pattern: str) -> list[Path]:
        """The files of that pattern, by name."""
        return sorted(self.root.glob(pattern))

    def run(self, *command: str) -> str:
        """What a command printed; nothing when it is not there or failed."""
        return self._run(command)

    @property
    def is_pi(self) -> bool:
        """Whether this is a Raspberry Pi."""
        return self.text("proc/device-tree/model").startswith("Raspberry Pi")

    @cached_property
    def ring(self) -> Status | None:
        """What the voice says of itself; None when there is none."""
        try:
            ring = Ring.open(self.state / "sound.ring")
        except (SoundError, OSError):
            return None
        status = ring.status()
        ring.close()
        return status

    @cached_property
    def instrument(self) -> dict[str, Any] | None:
        """What the instrument says of itself through its control socket; None when it does not answer."""
        here = self.state / f"doctor-{os.getpid()}.sock"
        told: dict[str, Any] = {}
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
                ears.settimeout(PATIENCE)
                ears.bind(str(here))
                # The instrument is another user than whoever asks, and sees another /tmp.
                here.chmod(0o666)
                ears.sendto(b'{"hello": true}', str(self.state / "control.sock"))
                while not {"about", "state"} <= told.keys():
                    told |= json.loads(ears.recv(1 << 20))
        except (OSError, ValueError):
            return None
        finally:
            with contextlib.suppress(OSError):
                here.unlink()
        return told


Check = Callable[[Machine], Iterable[Finding]]
