"""What a frame of sound is like: how loud, which pitch, how bright, tone or noise, and whether it begins.

Pitch and onsets are aubio's (https://aubio.org, P. Brossier): YIN (A. de Cheveigne and H. Kawahara, J.
Acoust. Soc. Am. 111(4), 2002) and the modified Kullback-Leibler distance between spectra (S. Hainsworth and
M. Macleod, "Onset detection in musical audio signals", ICMC 2003).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from foretone.errors import SoundError
from foretone.hearing.heard import RATE, SILENT, Heard

Sound = npt.NDArray[np.float32]

PITCHED = 2048
"""Samples in which a pitch is looked for; two periods of 47 Hz at 48 kHz."""
LOOKED_AT = 1024
"""Samples of which the level and the spectrum are taken: 21 ms at 48 kHz."""
CONFIDENT = 0.8
"""What aubio must say at least of a pitch."""
STRUCK = 512
"""Samples of each spectrum between which an onset is looked for."""
DISTINCT = 0.3
"""By how much the distance must stand out, in aubio's terms."""
APART = 40
"""ms between two onsets at least."""


class Analysis:
    """Takes one frame after another. One thread; about 0.2 ms a frame.

    rate
        Of the sound, in Hz; a multiple of `heard.RATE`.
    """

    def __init__(self, rate: int) -> None:
        aubio = _library()
        self.frame = rate // RATE
        """Samples in a frame."""
        # An onset is told a few of its steps late, so that they are short: 120 samples at 48 kHz.
        steps = 4 if self.frame % 4 == 0 else 3
        self._step = self.frame // steps
        self._pitch: Any = aubio.pitch("yinfast", PITCHED, self.frame, rate)
        self._pitch.set_unit("Hz")
        self._pitch.set_silence(SILENT)
        self._onset: Any = aubio.onset("mkl", STRUCK, self._step, rate)
        self._onset.set_silence(SILENT)
        # Whitening would hear the partials of a pluck one by one, and a sound that swells never.
        self._onset.set_awhitening(False)
        self._onset.set_threshold(DISTINCT)
        self._onset.set_minioi_ms(APART)
        self._recent = np.zeros(LOOKED_AT, np.float32)
        self._window = np.hanning(LOOKED_AT).astype(np.float32)
        self._hertz = np.fft.rfftfreq(LOOKED_AT, 1.0 / rate).astype(np.float32)[1:]

    def hear(self, sound: Sound, time: float, lost: int = 0) -> Heard:
        """What the next frame is like: float32 [frame], -1 to 1, whose last sample is of `time`."""
        recent = self._recent
        recent[: -self.frame] = recent[self.frame :].copy()
        recent[-self.frame :] = sound
        level = 10.0 * math.log10(float(np.mean(np.square(recent))) + 1e-12)
        # Without its mean, which is the card's and not the sound's, and would be the lowest frequencies.
        spectrum = np.abs(np.fft.rfft((recent - recent.mean()) * self._window)[1:]) ** 2 + 1e-12
        total = float(spectrum.sum())
        centroid = float(np.dot(spectrum, self._hertz)) / total
        flatness = 10.0 * float(np.log10(spectrum).mean()) - 10.0 * math.log10(total / len(spectrum))
        pitch = float(self._pitch(sound)[0])
        begins = False
        for start in range(0, self.frame, self._step):
            begins |= bool(self._onset(sound[start : start + self._step])[0])
        if self._pitch.get_confidence() < CONFIDENT or not math.isfinite(pitch):
            pitch = 0.0
        return Heard(time, level, pitch, centroid, flatness, begins, lost)


def _library() -> Any:
    try:
        import aubio
    except ImportError as error:
        raise SoundError("hearing needs aubio; install Foretone as foretone[pi,hear]") from error
    return aubio
