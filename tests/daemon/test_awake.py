"""A request to the kernel that no processor sleeps, on a file and on the kernel's own."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from foretone.awake import LATENCY, Awake


def test_it_is_told_once_and_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "latency"
    file.touch()
    awake = Awake(file)
    for wanted in (False, True, True, False, False, True):
        awake.hold(wanted)
    awake.close()
    awake.hold(False)
    assert struct.unpack("=3i", file.read_bytes()) == (0, -1, 0)


@pytest.mark.parametrize("made", ["nothing", "a folder"])
def test_a_machine_without_it_plays_as_usual(made: str, tmp_path: Path) -> None:
    path = tmp_path / "latency"
    if made == "a folder":
        path.mkdir()
    awake = Awake(path)
    awake.hold(True)
    awake.close()


@pytest.mark.live
def test_the_kernel_obeys(usual: bytes) -> None:
    awake = Awake()
    awake.hold(True)
    assert LATENCY.read_bytes() == bytes(4), "microseconds"
    awake.hold(False)
    after = LATENCY.read_bytes()
    awake.close()
    assert after == usual
