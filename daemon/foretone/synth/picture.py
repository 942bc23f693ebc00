"""What sounds look like: a sheet of spectrograms, as an SVG file of a few ten kilobytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from foretone.ring import Frames

COLUMNS, ROWS = 72, 36
"""Of one spectrogram."""

LOW, HIGH = 50.0, 14000.0
"""Hz at its bottom and its top; between them, equal steps are equal ratios."""

_INKS = ("#dfe7ee", "#aebfd0", "#7391b0", "#3d6391", "#17396b")
"""From 54 to 6 dB below the loudest of the sound, 12 dB each."""

_ACROSS, _CELL, _GAP, _TITLE = 3, 4, 16, 20


def sheet(sounds: Mapping[str, Frames], rate: int) -> str:
    """An SVG picture of each sound, int16 [frames, 2], under its name."""
    wide, high = COLUMNS * _CELL + _GAP, ROWS * _CELL + _GAP + _TITLE
    down = -(-len(sounds) // _ACROSS)
    size = f'width="{_ACROSS * wide + _GAP}" height="{down * high + _GAP}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="14">',
             '<rect width="100%" height="100%" fill="#fff"/>']  # fmt: skip
    for number, (name, frames) in enumerate(sounds.items()):
        x, y = _GAP + number % _ACROSS * wide, _GAP + number // _ACROSS * high
        lines.append(f'<g transform="translate({x} {y})"><text y="12">{name}</text>')
        lines.append(f'<g transform="translate(0 {_TITLE}) scale({_CELL})"><path fill="#f4f7f9" '
                     f'd="M0 0h{COLUMNS}v{ROWS}h-{COLUMNS}z"/>')  # fmt: skip
        lines += _cells(bands(frames, rate))
        lines.append("</g></g>")
    return "\n".join([*lines, "</svg>", ""])


def bands(frames: Frames, rate: int) -> npt.NDArray[np.float64]:
    """DB below the loudest, [ROWS, COLUMNS], the highest band first."""
    mono = frames.astype(float).mean(axis=1)
    size = 4096
    starts = np.linspace(0, max(len(mono) - size, 0), COLUMNS).astype(int)
    window = np.hanning(size)
    pieces = np.stack([np.resize(mono[start : start + size], size) * window for start in starts])
    power = np.abs(np.fft.rfft(pieces)) ** 2
    edges = np.geomspace(LOW, HIGH, ROWS + 1) * size / rate
    # A low band lies between two points of the spectrum: it takes the nearer.
    inside = [power[:, int(low) : max(int(high), int(low) + 1)].max(axis=1) for low, high in pairwise(edges)]
    found: npt.NDArray[np.float64] = np.array(inside)[::-1]
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(found, 1e-9) / max(found.max(), 1e-9))
    return levels


def _cells(levels: npt.NDArray[np.float64]) -> Iterator[str]:
    """A path for each ink: every run of cells of that level in a row."""
    inks = np.clip((levels + 66.0) // 12.0, 0, len(_INKS)).astype(int)
    for ink, colour in enumerate(_INKS, start=1):
        runs = []
        for row, line in enumerate(inks):
            ends = np.flatnonzero(np.diff(np.concatenate(([0], (line == ink).astype(int), [0]))))
            runs += [f"M{a} {row}h{b - a}v1h-{b - a}z" for a, b in ends.reshape(-1, 2)]
        if runs:
            yield f'<path fill="{colour}" d="{"".join(runs)}"/>'
