"""How the voice waits for a sound card that has no room yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from foretone import pcm
from foretone.synth import alsa
from foretone.synth.output import SPARE, TIMES, Lead


class Some:
    """A PCM of alsaaudio that has room for so many frames, whatever happens; negative when it ran dry."""

    def __init__(self, room: int) -> None:
        self._room = room

    def info(self) -> dict[str, Any]:
        return {
            "rate": 48000, "period_size": 4800, "buffer_size": 14400, "format_name": "S16_LE", "channels": 2,
        }  # fmt: skip

    def avail(self) -> int:
        return self._room


@pytest.mark.parametrize(("room", "least", "most"), [(0, 0.075, 1.0), (2400, 0.025, 0.075), (3600, 0.0, 0.02),
                                                     (4800, 0.0, 0.02), (-32, 0.0, 0.02)])  # fmt: skip
def test_a_block_is_begun_a_moment_before_there_is_room(
    room: int, least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is asked of ALSA: dmix ends a process that asks about a descriptor that is not ready."""
    library = SimpleNamespace(
        PCM=lambda **_: Some(room),
        ALSAAudioError=ValueError, PCM_PLAYBACK=0, PCM_NORMAL=0, PCM_FORMAT_S16_LE=2,
    )  # fmt: skip
    monkeypatch.setattr(pcm, "library", lambda: library)
    monkeypatch.setattr(alsa, "library", lambda: library)
    card = alsa.Card("default", 48000, 4800, 3)
    waits = []
    for _ in range(5):
        begun = time.monotonic()
        card.wait(0.025)
        waits.append(time.monotonic() - begun)
    assert least <= min(waits) < most, "the best of five, on a machine that tests other things too"


def test_the_moment_follows_what_a_block_costs() -> None:
    span, random, now = 0.01, np.random.default_rng(1), 0.0
    lead = Lead(span)

    def draw(blocks: int, cost: Callable[[], float]) -> None:
        nonlocal now
        for _ in range(blocks):
            now += span
            lead.drawn(cost(), now)

    draw(2000, lambda: float(random.uniform(0.001, 0.002)))
    assert lead.seconds == pytest.approx(TIMES * 0.0015 + SPARE, abs=0.0006), "the median"
    before = lead.seconds
    draw(3, lambda: 0.1)
    assert lead.seconds < before + 0.0003, "a few that were dear move it little"
    draw(200, lambda: 0.006)
    assert lead.seconds == span, "never more than a block"


@pytest.mark.parametrize(
    ("late", "cost", "wary"),
    [(0.9, 0.002, False), (1.1, 0.002, True), (400.0, 0.002, True), (400.0, 0.001, False)],
)
def test_a_system_that_holds_us_up_is_not_trusted_for_a_minute(late: float, cost: float, wary: bool) -> None:
    """With blocks that cost much; `late` is in blocks."""
    span, now = 0.01, 5000.0
    lead = Lead(span)
    for _ in range(200):
        now += span
        lead.drawn(cost, now)
    now += late * span
    for early in (wary, wary, False):
        now += span
        lead.drawn(cost, now)
        assert lead.seconds == pytest.approx(span if early else TIMES * cost + SPARE, abs=0.0003)
        for _ in range(round(31.0 / span)):
            now += span
            lead.drawn(cost, now)
    assert lead.seconds == pytest.approx(TIMES * cost + SPARE, abs=0.0003)
