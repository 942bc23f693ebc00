"""Two forearms that reward: how far both are turned, as one number, and how fast each turns.

The rings of the piece aego do this: the rotations about the axes of both forearms are summed and normalised
to one number, the performer's reward, positive or negative, for what the instrument is doing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from foretone.event import Event
from foretone.parts import LIVE, Range
from foretone_hardware.imu import AXES

RATES = AXES[3:]


class Forearms:
    """Hears two inertial sensors, the left arm's first, and plays one reward and six rates, straight through.

    `reward` is 0.5 for none, 1 for the most and 0 for the worst. The rates are as the sensors give them.
    Conductor thread only.

    name
        Given by the house.
    span
        Degrees that both forearms turn, from neutral, for the most reward.
    mirror
        Whether turning both palms up, which turns the forearms opposite ways round, is the same reward
        twice; else it is none, and turning both the same way round is.
    neutral
        Set while playing: how the arms are held just then is no reward. So it is when each is first heard,
        for a ring may sit any way round on its arm.
    """

    takes = AXES
    axes = ("reward", *[f"{arm}_{rate}" for arm in ("left", "right") for rate in RATES])

    def __init__(
        self,
        name: str,
        *,
        span: Annotated[float, Range(10, 180, "deg"), LIVE] = 90.0,
        mirror: Annotated[bool, LIVE] = True,
        neutral: Annotated[bool, LIVE] = False,
    ) -> None:
        self.span, self.mirror = span, mirror
        self.wake = math.inf
        self.epoch = 0
        self.origins: Sequence[str] = ()
        self._name = name
        self._sounding = False
        self._rolls = [0.0, 0.0]
        """Turns of each arm, as last heard."""
        self._levels: list[float | None] = [None, None]
        """Turns of each arm that are no reward; unknown before it is heard."""
        self._rates = [(0.5,) * len(RATES)] * 2
        self.neutral = neutral

    @property
    def neutral(self) -> bool:
        """False: it is taken, not kept."""
        return False

    @neutral.setter
    def neutral(self, now: bool) -> None:
        if now:
            self._levels = [
                None if level is None else roll for level, roll in zip(self._levels, self._rolls, strict=True)
            ]

    def hear(self, event: Event) -> Sequence[Event]:
        """An arm moved."""
        if event.lets_go:
            return ()
        arm = self.origins.index(event.origin)
        if arm > 1:
            raise ValueError(f"it hears two arms, left and right; take {event.origin} out of its hears")
        self._rolls[arm] = event.values[0]
        self._rates[arm] = event.values[3:]
        if self._levels[arm] is None:
            self._levels[arm] = self._rolls[arm]
        self._sounding = True
        return (Event(event.time, self._name, (self._reward(), *self._rates[0], *self._rates[1])),)

    def tick(self, now: float) -> Sequence[Event]:  # noqa: ARG002 -- as every player
        """It never asks for one."""
        return ()

    def rest(self, now: float) -> Sequence[Event]:
        """Let go."""
        sounding, self._sounding = self._sounding, False
        return (Event(now, self._name, ()),) if sounding else ()

    def _reward(self) -> float:
        left, right = (
            0.0 if level is None else (roll - level + 0.5) % 1.0 - 0.5
            for roll, level in zip(self._rolls, self._levels, strict=True)
        )
        turned = 360.0 * (right - left if self.mirror else right + left)
        return min(1.0, max(0.0, 0.5 + turned / (4.0 * self.span)))
