"""Fingers on the page: a phone that scanned the page's code becomes a controller of 2 to 15 axes."""

from __future__ import annotations


class Pad:
    """What a page holds. The control socket's thread emits for it, so it has nothing to do itself.

    Its axes are the instrument's, or those of its own table: the first two are the first finger's x and y on
    the page's pad, the next two the second finger's, and so on; every axis is a lever too.
    """

    def __init__(self, axes: tuple[str, ...]) -> None:
        self.axes = axes

    def close(self) -> None:
        """Nothing is held."""
