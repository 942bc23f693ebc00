"""Recordings, loaded before anything sounds: WAV, FLAC, AIFF and whatever else libsndfile reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foretone.synth.voice import FULL

LONGEST = 120.0
"""Seconds of the longest recording: 46 MB, which stay in memory."""


class Recording(NamedTuple):
    """Where a recording lies in the pool."""

    first: int
    frames: int
    rate: int
    """Frames per second, as recorded."""


class Pool:
    """All recordings in one array, both sides of a frame in one complex number: it is read once for both.

    frames
        complex64, left + right i, in steps of int16; a frame of silence follows each recording.
    recordings
        By the order of the files; None for one that could not be had.
    complaints
        Why not, a sentence each.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.recordings: list[Recording | None] = []
        self.complaints: list[str] = []
        pieces, first = [np.zeros(1, np.complex64)], 1
        known: dict[Path, Recording | None] = {}
        for file in files:
            if file not in known:
                known[file] = None
                try:
                    sound, rate = _read(file)
                except (OSError, ValueError) as error:
                    self.complaints.append(f"the sample {file} is silent: {error}")
                else:
                    known[file] = Recording(first, len(sound), rate)
                    pieces += [sound, np.zeros(1, np.complex64)]
                    first += len(sound) + 1
            self.recordings.append(known[file])
        self.frames = np.concatenate(pieces)


def _read(file: Path) -> tuple[npt.NDArray[np.complex64], int]:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise OSError("samples need the library soundfile") from error
    if not file.is_file():
        raise OSError("there is no such file")
    try:
        with soundfile.SoundFile(file) as found:
            if found.frames > LONGEST * found.samplerate:
                raise ValueError(f"it is longer than {LONGEST:g} seconds")
            sound, rate = found.read(dtype="float32", always_2d=True), found.samplerate
    except soundfile.SoundFileError as error:
        raise OSError(f"it cannot be read ({str(error).partition(': ')[2] or error})") from error
    if not len(sound):
        raise ValueError("it is empty")
    np.nan_to_num(sound, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    np.clip(sound, -1.0, 1.0, out=sound)
    return ((sound[:, 0] + 1j * sound[:, -1 if sound.shape[1] < 3 else 1]) * FULL).astype(np.complex64), rate
