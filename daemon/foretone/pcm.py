"""Opening an ALSA PCM by name, through pyalsaaudio 0.11, and saying in plain words why one does not open.

pyalsaaudio takes whatever the device grants and says nothing, so whoever opens a PCM reads its `info()`.
https://larsimmisch.github.io/pyalsaaudio/libalsaaudio.html
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Any

from foretone.errors import SoundBusyError, SoundError

_UNPLUGGED = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


class ClosedError(SoundError):
    """The PCM does not open at all, which is no surprise where there is no card."""


def library() -> Any:
    """The module alsaaudio. SoundError where there is none, or one that is too old."""
    try:
        import alsaaudio
    except ImportError as error:
        raise ClosedError("sound needs pyalsaaudio 0.11; install Foretone as foretone[pi]") from error
    if not hasattr(alsaaudio.PCM, "info"):
        raise SoundError("this pyalsaaudio is too old to say what the card grants; install pyalsaaudio 0.11")
    return alsaaudio


def open_pcm(name: str, *, records: bool, rate: int, channels: int, period: int, periods: int) -> Any:
    """An alsaaudio.PCM of S16_LE that waits in `read` and `write`, with as much of this as it grants.

    SoundError says which PCMs there are when there is none of that name, and SoundBusyError that it is taken
    or unplugged.
    """
    alsaaudio = library()
    way = alsaaudio.PCM_CAPTURE if records else alsaaudio.PCM_PLAYBACK
    try:
        with _quiet():
            return alsaaudio.PCM(
                type=way,
                mode=alsaaudio.PCM_NORMAL,
                device=name,
                rate=rate,
                channels=channels,
                format=alsaaudio.PCM_FORMAT_S16_LE,
                periodsize=period,
                periods=periods,
            )
    except alsaaudio.ALSAAudioError as error:
        names = ", ".join(sorted(alsaaudio.pcms(way))) or "none"
        raise _explained(name, "records" if records else "plays", str(error), names) from error


def plugged(name: str) -> str:
    """The PCM that converts to and from what this one can."""
    if name.startswith("hw:"):
        return f"plug{name}"
    return f'plug:"{name}"' if ":" in name else f"plug:{name}"


def _explained(name: str, does: str, reason: str, names: str) -> SoundError:
    if os.strerror(errno.EBUSY) in reason:
        return SoundBusyError(f"PCM {name!r} is in use by another program; stop that, or choose another")
    if os.strerror(errno.EACCES) in reason:
        # Or udev, which gives a card to that group, has not come to it yet.
        return SoundBusyError(f"no permission to use PCM {name!r}; add this user to the group audio")
    if ("hw:" in name or "CARD=" in name) and any(os.strerror(code) in reason for code in _UNPLUGGED):
        return SoundBusyError(f"the sound card of PCM {name!r} is not there; plug it in, or choose another")
    return ClosedError(f"there is no PCM {name!r} that {does} ({reason}); there are: {names}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep alsa-lib's own lines off stderr while a device opens: our sentence says it once, and better."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
