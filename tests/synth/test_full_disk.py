"""A disk that is full: a sentence, and the sound goes on."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from foretone.errors import SoundError
from foretone.ring import Ring
from foretone.tape import Tape


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """The kernel refuses in the middle of a write, as a full disk does."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_ring_that_has_no_room_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with full_after(100_000), pytest.raises(SoundError, match=r"ring .* cannot be made: File too large"):
        Ring.create(tmp_path / "sound.ring", 48000)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_has_no_room_is_told_and_the_sound_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ring = Ring.create(tmp_path / "sound.ring", 48000)
    tape = Tape(tmp_path / "sound.ring", tmp_path / "out.wav")
    block = np.full((1024, 2), 1000, np.int16)
    with full_after(50_000):
        for _ in range(100):
            ring.write(block)
        tape.close()
    assert tape.fault == f"{tmp_path}/out.wav is not whole: File too large"
    assert capsys.readouterr().err.count("is not whole") == 1
    assert ring.status().written == 99 * 1024
    ring.close()
