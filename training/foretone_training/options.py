"""What the sub-commands share: the types of their options, and a bar to watch."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def count(low: int, high: int) -> Callable[[str], int]:
    """The type of an option that is a whole number from low to high."""

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {low} to {high}")
        return int(text)

    return read


def number(low: float, high: float, unit: str = "") -> Callable[[str], float]:
    """The type of an option that is a number from low to high, in `unit`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            wanted = f"a number {unit} from".replace("  ", " ")
            raise argparse.ArgumentTypeError(f"{text} is not {wanted} {low:g} to {high:g}")
        return value

    return read


@contextmanager
def bar(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error for what takes longer than a moment; yields what moves it.

    Elsewhere, or without tqdm, there is none.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda _: None
        return
    with tqdm(total=total, unit=f" {unit}", disable=None, leave=False, delay=0.5) as shown:

        def move(done: int) -> None:
            shown.update(done)

        yield move
