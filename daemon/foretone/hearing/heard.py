"""What a frame of sound was like: a record that travels from `foretone hear` to the instrument."""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

RATE = 100
"""Frames of sound a second."""

SILENT = -120.0
"""dBFS of no sound at all."""

_RECORD = struct.Struct("<cdffff?Q")
_MARK = b"h"


class Heard(NamedTuple):
    """A hundredth of a second of sound, in the units of the thing itself."""

    time: float
    """When its last sample was recorded, seconds of CLOCK_MONOTONIC."""
    level: float
    """dBFS of its root mean square, over 21 ms; a sine of full scale has -3."""
    pitch: float
    """Hz; 0 where there is none."""
    centroid: float
    """Hz: where the middle of the spectrum is, which is heard as brightness."""
    flatness: float
    """dB from the geometric to the arithmetic mean of the spectrum's power: near 0 for noise, far below for a
    tone.
    """
    onset: bool
    """Whether something began, about 10 ms ago."""
    lost: int
    """How often sound was lost so far, since the device was opened."""


def pack(heard: Heard) -> bytes:
    """The record as a datagram."""
    return _RECORD.pack(_MARK, *heard)


def unpack(record: bytes) -> Heard:
    """The datagram as a record. ValueError for what is none."""
    try:
        mark, *values = _RECORD.unpack(record)
    except struct.error as error:
        raise ValueError(f"{len(record)} bytes are no record") from error
    if mark != _MARK or not all(map(math.isfinite, values)):
        raise ValueError(f"{values} is no record")
    return Heard(*values)
