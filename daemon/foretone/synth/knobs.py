"""The parameters of some voices: where they are, where they go, and how they get there without a step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from foretone.synth import kernel
from foretone.synth.kernel import address
from foretone.synth.voice import Parameter

_THERE = 1e-7
"""A step of a parameter, in its own unit, after which it has arrived."""


class Knobs:
    """Parameters by voice: `now` and `last` are float64 [voices, parameters]. Audio thread only.

    A choice changes at once; everything else runs to its target along the blocks.
    """

    def __init__(
        self, parameters: Sequence[Parameter], given: Sequence[Mapping[str, float]], span: float
    ) -> None:
        """With what each voice was given in place of the defaults; a block lasts `span` seconds."""
        self._places = {parameter.name: place for place, parameter in enumerate(parameters)}
        values = [[each.get(p.name, p.default) for p in parameters] for each in given]
        self.target = np.array(values, np.float64).reshape(len(given), len(parameters))
        self.now = self.target.copy()
        self.last = self.target.copy()
        self._settled = False
        self._gap = np.zeros_like(self.now)
        self._reach = np.array([1.0 if p.choices else 1.0 - math.exp(-span / p.smooth) for p in parameters])
        self._kernel = kernel.library
        self._lie = [address(array) for array in (self._reach, self.target, self.last, self.now)]

    def turn(self, voice: int, name: str, value: float) -> None:
        """Send a parameter on its way."""
        self.target[voice, self._places[name]] = value
        self._settled = False

    def step(self) -> None:
        """A block passes: `last` is where it begins, `now` where it ends."""
        if self._settled:
            return
        if self._kernel is not None:
            self._settled = not self._kernel.knobs(*self.now.shape, _THERE, *self._lie)
            return
        np.copyto(self.last, self.now)
        np.subtract(self.target, self.now, out=self._gap)
        np.multiply(self._gap, self._reach, out=self._gap)
        np.add(self.now, self._gap, out=self.now)
        if np.abs(self._gap).max(initial=0.0) < _THERE:
            np.copyto(self.now, self.target)
            np.copyto(self.last, self.target)
            self._settled = True
