"""Processes that end together: a child of `foretone play` does not outlive it, even when it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT = "FORETONE_PARENT"
"""The environment variable by which a parent tells a child its process number."""

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def die_with_parent() -> None:
    """Be sent SIGTERM when the process that set `PARENT` ends. Does nothing where nobody set it."""
    parent = os.environ.pop(PARENT, None)
    if parent is not None and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != int(parent):
            os.kill(os.getpid(), signal.SIGTERM)
