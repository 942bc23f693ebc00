"""The inner loops in C, where they were compiled; where not, numpy does the same, and takes some longer.

`library` is what `deploy/kernel.py` made beside this file for this kind of processor, from kernel*.c as it
is; None where there is none, or one of another source.
"""

from __future__ import annotations

import ctypes
import platform
import zlib
from pathlib import Path
from typing import Any

import numpy.typing as npt

from foretone.ring import LONGEST

FOLDER = Path(__file__).parent
_INT, _FLOAT, _DOUBLE, _ARRAY = ctypes.c_int, ctypes.c_float, ctypes.c_double, ctypes.c_void_p
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "knobs": (_INT, [_INT] * 2 + [_DOUBLE] + [_ARRAY] * 4),
    "tones": (_INT, [_INT] * 2 + [_ARRAY] * 9),
    "begin": (None, [_INT] * 3 + [_DOUBLE] + [_ARRAY] * 3),
    "tables": (None, [_INT] * 3 + [_ARRAY] * 8),
    "filter": (_INT, [_INT] * 2 + [_ARRAY] * 5 + [_DOUBLE, _ARRAY, _FLOAT] + [_ARRAY] * 2),
    "echo": (None, [_INT] * 5 + [_FLOAT] * 3 + [_ARRAY] * 2),
    "reverb": (None, [_INT] * 4 + [_ARRAY] * 3 + [_DOUBLE] + [_ARRAY] * 2),
    "samples": (_INT, [_INT] * 3 + [ctypes.c_int64] + [_DOUBLE] * 2 + [_ARRAY] * 5),
    "mix": (_DOUBLE, [_INT] * 2 + [_DOUBLE] + [_ARRAY] * 4),
    "even": (_DOUBLE, [_INT] * 2 + [_DOUBLE] + [_ARRAY] * 3),
    "limit": (_DOUBLE, [_INT] + [_DOUBLE] * 3 + [_ARRAY] * 2),
}
"""What each gives and takes."""


def address(array: npt.NDArray[Any]) -> int:
    """Where an array lies in memory; it must be kept, and never be made anew."""
    return int(array.ctypes.data)


class Address:
    """Where the array lies that is asked for, again and again: numpy takes its time to say so."""

    def __init__(self) -> None:
        self._array: npt.NDArray[Any] | None = None
        self._address = 0

    def __call__(self, array: npt.NDArray[Any]) -> int:
        """As `address`."""
        if array is not self._array:
            self._array, self._address = array, address(array)
        return self._address


class Kernel:
    """The functions of kernel*.c, by their names without `kernel_`. They neither raise nor wait."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (gives, takes) in _FUNCTIONS.items():
            function = getattr(library, f"kernel_{name}")
            function.argtypes, function.restype = takes, gives
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # for the type checker: they are set above
        raise AttributeError(name)


def _load() -> Kernel | None:
    try:
        library = ctypes.PyDLL(str(FOLDER / f"kernel-{platform.machine()}.so"))
        sources = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("kernel*.[ch]")))
        if library.kernel_source() & 0xFFFFFFFF != zlib.crc32(sources):
            return None
        return Kernel(library)
    except (OSError, AttributeError):
        return None


library = _load()


def for_blocks(period: int) -> Kernel | None:
    """The library, for loops that put a block aside; None for blocks that are longer than any card's."""
    return library if period <= LONGEST else None
