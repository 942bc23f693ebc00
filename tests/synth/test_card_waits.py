"""How the voice waits for a sound card that has no room yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from foretone import pcm
from foretone.ring import Frames
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


class Playing(Some):
    """One that was full at 0 s and plays from then; it tells what it has played in steps of `grain` frames.

    Whoever sleeps after the first write is `held` up for so many seconds more.
    """

    def __init__(self, grain: int, held: float = 0.0) -> None:
        super().__init__(0)
        self.now = 0.0
        self.given: list[int] = []
        self._grain, self._held = grain, held

    def sleep(self, seconds: float) -> None:
        self.now += seconds + (self._held if self.given else 0.0)

    def avail(self) -> int:
        played = round(self.now * 48000) // self._grain * self._grain
        return played - sum(self.given) if played <= 14400 + sum(self.given) else -32

    def write(self, frames: Frames) -> int:
        if self.avail() < 0:
            return -32
        self.now = max(self.now, (sum(self.given) + len(frames)) / 48000)
        self.given.append(len(frames))
        return len(frames)


def card(played: Some, monkeypatch: pytest.MonkeyPatch) -> alsa.Card:
    """With periods of 4800 frames, three of them, at 48 kHz."""
    library = SimpleNamespace(
        PCM=lambda **_: played,
        ALSAAudioError=ValueError, PCM_PLAYBACK=0, PCM_NORMAL=0, PCM_FORMAT_S16_LE=2,
    )  # fmt: skip
    monkeypatch.setattr(pcm, "library", lambda: library)
    monkeypatch.setattr(alsa, "library", lambda: library)
    return alsa.Card("default", 48000, 4800, 3)


@pytest.mark.parametrize(("room", "least", "most"), [(0, 0.075, 1.0), (2400, 0.025, 0.075), (3600, 0.0, 0.02),
                                                     (4800, 0.0, 0.02), (-32, 0.0, 0.02)])  # fmt: skip
def test_a_block_is_begun_a_moment_before_there_is_room(
    room: int, least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is asked of ALSA: dmix ends a process that asks about a descriptor that is not ready."""
    waiting = card(Some(room), monkeypatch)
    waits = []
    for _ in range(5):
        begun = time.monotonic()
        waiting.wait(0.025)
        waits.append(time.monotonic() - begun)
    assert least <= min(waits) < most, "the best of five, on a machine that tests other things too"


@pytest.mark.parametrize(
    ("lead", "begun", "grain", "parts"),
    [
        (0.1, 0.0, 1, [1200, 1200, 1200, 1200]),
        (0.1, 0.08, 1, [3840, 960]),
        (0.1, 0.2, 1, [4800]),
        (0.1, 0.0, 480, [1440, 1440, 1440, 480]),
        (0.1, 0.0, 1920, [1920, 1920, 960]),
        (0.1, 0.0, 4800, [4800]),
        (0.02, 0.0, 1, [4800]),
        (0.02, 0.0, 4800, [4800]),
    ],
)
def test_a_block_is_handed_over_as_there_is_room(
    lead: float, begun: float, grain: int, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was begun early; else, and by a card that counts in periods, it is taken at once."""
    playing = Playing(grain)
    playing.now = begun
    monkeypatch.setattr(alsa, "time", SimpleNamespace(sleep=playing.sleep, monotonic=lambda: playing.now))
    played = card(playing, monkeypatch)
    played.wait(lead)
    assert played.write(np.zeros((4800, 2), np.int16))
    assert playing.given == parts
    assert max(begun, 0.1) <= playing.now + 1e-9 < max(begun, 0.1) + 0.021


def test_a_card_that_runs_dry_within_a_block_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    playing = Playing(1, held=0.31)
    monkeypatch.setattr(alsa, "time", SimpleNamespace(sleep=playing.sleep, monotonic=lambda: playing.now))
    played = card(playing, monkeypatch)
    played.wait(0.1)
    assert not played.write(np.zeros((4800, 2), np.int16))
    assert playing.given == [1200]


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


@pytest.mark.parametrize(("late", "wary"), [(0.9, False), (1.1, True), (40.0, True)])
def test_a_system_that_holds_us_up_is_not_trusted_for_ten_minutes(late: float, wary: bool) -> None:
    """`late` is in blocks."""
    span, cost, now = 0.1, 0.02, 5000.0
    lead = Lead(span)

    def draw(seconds: float) -> None:
        nonlocal now
        for _ in range(round(seconds / span)):
            now += span
            lead.drawn(cost, now)

    draw(20.0)
    now += late * span
    for early in (wary, wary, False):
        draw(span)
        assert lead.seconds == pytest.approx(span if early else TIMES * cost + SPARE, abs=0.003)
        draw(310.0)
    assert lead.seconds == pytest.approx(TIMES * cost + SPARE, abs=0.003)
