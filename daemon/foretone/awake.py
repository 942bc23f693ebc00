"""Asking the kernel to keep the processors awake while it matters."""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

LATENCY = Path("/dev/cpu_dma_latency")

_AT_ONCE, _AS_USUAL = struct.pack("=i", 0), struct.pack("=i", -1)
"""Microseconds in which a processor must be there, s32; -1 is PM_QOS_DEFAULT_VALUE: nobody minds."""


class Awake:
    """A request that no processor sleeps, for as long as it is held. One thread at a time.

    A processor that slept is late: a laptop's by a tenth of a millisecond, and that of a virtual machine by
    10 ms where its host has given it to somebody else. One that waits awake costs power. A Raspberry Pi's
    never sleep so deeply (no `cpu-idle-states` in its device tree), so a box's voice is not allowed to ask.
    Where the file is not ours to open, usually because we are not root, nothing is asked for.
    https://docs.kernel.org/power/pm_qos_interface.html
    """

    def __init__(self, path: Path = LATENCY) -> None:
        """Ask for nothing yet."""
        self._held = False
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def hold(self, wanted: bool) -> None:
        """Ask for it, or no more. Takes 10 us when that changes, and nothing when not; never raises."""
        if wanted != self._held and self._file is not None:
            self._held = wanted
            with contextlib.suppress(OSError):
                os.write(self._file, _AT_ONCE if wanted else _AS_USUAL)

    def close(self) -> None:
        """Ask for nothing any more; the kernel does the same when the process ends."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
