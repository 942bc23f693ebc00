"""The clock that stands in for a card, on a clock moved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from foretone.clock import HandClock
from foretone.synth.output import ClockedNull

BLOCK = np.zeros((128, 2), np.int16)


def clocked(clock: HandClock) -> ClockedNull:
    null = ClockedNull(48000, 128, 3, now=clock.now, sleep=lambda pause: clock.move_to(clock.now() + pause))
    null.prime()
    return null


def test_it_takes_blocks_at_the_speed_of_a_card() -> None:
    clock = HandClock(100.0)
    null = clocked(clock)
    for _ in range(1000):
        assert null.write(BLOCK)
    # The buffer was primed, so each block waits until the one three before it has been played.
    assert clock.now() == pytest.approx(100.0 + 1000 * 128 / 48000)


def test_a_late_block_within_the_buffer_is_no_underrun_and_the_time_is_made_up() -> None:
    clock = HandClock()
    null = clocked(clock)
    null.write(BLOCK)
    clock.move_to(clock.now() + 2.9 * 128 / 48000)
    for _ in range(99):
        assert null.write(BLOCK)
    assert clock.now() == pytest.approx(100 * 128 / 48000)


def test_it_runs_dry_when_the_writer_stalls_and_goes_on_when_primed() -> None:
    clock = HandClock()
    null = clocked(clock)
    null.write(BLOCK)
    clock.move_to(clock.now() + 0.2)
    assert not null.write(BLOCK)
    null.prime()
    assert null.write(BLOCK)


def test_closing_waits_for_the_end_of_what_was_given() -> None:
    clock = HandClock()
    null = clocked(clock)
    null.write(BLOCK)
    null.close()
    assert clock.now() == pytest.approx(4 * 128 / 48000)
