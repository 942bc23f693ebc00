"""The ring of sound between one writer and any number of readers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from foretone.errors import SoundError
from foretone.ring import CAPACITY, MARGIN, Frames, Ring


def counted(first: int, count: int) -> Frames:
    """Frames that tell their own number, so that a reader can prove what it got."""
    numbers = np.arange(first, first + count)
    return np.stack((numbers & 0x7FFF, numbers >> 15), axis=1).astype(np.int16)


def number(frames: Frames) -> np.ndarray:
    wide = frames.astype(np.int64)
    return (wide[:, 1] << 15) + wide[:, 0]


def fill(ring: Ring, blocks: int, size: int = 128, first: int = 0) -> int:
    for block in range(blocks):
        ring.write(counted(first + block * size, size))
    return first + blocks * size


def test_a_reader_gets_what_was_written_in_order(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", 48000)
    reader = Ring.open(tmp_path / "r")
    end = fill(ring, 5)
    frames, here, lost = reader.read(0)
    assert (here, lost) == (end - 128, 0), "a block is shown when the next one comes"
    ring.finish()
    more, here, lost = reader.read(here)
    assert (here, lost) == (end, 0)
    np.testing.assert_array_equal(number(np.concatenate((frames, more))), np.arange(end))
    assert reader.read(here)[0].shape == (0, 2)


def test_reading_goes_on_across_the_seam(tmp_path: Path) -> None:
    ring, size = Ring.create(tmp_path / "r", 48000), 1000
    reader = Ring.open(tmp_path / "r")
    here, heard = 0, []
    for block in range(2 * CAPACITY // size):
        ring.write(counted(block * size, size))
        if block % 50 == 0:
            frames, here, lost = reader.read(here)
            assert lost == 0
            heard.append(frames)
    np.testing.assert_array_equal(number(np.concatenate(heard)), np.arange(here))


def test_a_slow_reader_is_told_what_it_missed(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", 48000)
    reader = Ring.open(tmp_path / "r")
    fill(ring, 2 * CAPACITY // 128)
    ring.finish()
    frames, here, lost = reader.read(1000)
    assert here == 2 * CAPACITY
    assert lost == CAPACITY + MARGIN - 1000
    np.testing.assert_array_equal(number(frames), np.arange(1000 + lost, here))


def test_a_reader_ahead_of_a_new_writer_begins_where_that_is(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", 48000)
    fill(ring, 3)
    frames, here, lost = Ring.open(tmp_path / "r").read(10**9)
    assert (len(frames), here, lost) == (0, 256, 0)


def test_the_status_travels(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", 44100, "hw:Kopfhörer", paced=True)
    fill(ring, 2)
    ring.beat(12.5, 0.25, 3, 4, 5)
    ring.cost(40.0, 90.0, 120.0, 2)
    status = Ring.open(tmp_path / "r").status()
    assert status.device == "hw:Kopfhörer"
    assert (status.rate, status.written, status.blocks, status.xruns, status.refused) == (44100, 128, 2, 3, 4)
    assert (status.peak, status.p50, status.p99, status.heartbeat) == (0.25, 40.0, 90.0, 12.5)
    assert (status.worst, status.long, status.span) == (120.0, 2, 64 / 44100)
    assert status.running
    assert status.paced
    ring.finish()
    assert not Ring.open(tmp_path / "r").status().running


def test_a_restart_is_noticed_and_the_old_sound_stays_readable(tmp_path: Path) -> None:
    first = Ring.create(tmp_path / "r", 48000)
    fill(first, 3)
    reader = Ring.open(tmp_path / "r")
    assert not reader.stale()
    second = Ring.create(tmp_path / "r", 48000)
    assert reader.stale()
    assert len(reader.read(0)[0]) == 256
    assert Ring.open(tmp_path / "r").status().written == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "r"], "nothing is left beside it"
    second.close()
    (tmp_path / "r").unlink()
    assert reader.stale()


READER = """
import pathlib, sys
import numpy as np
from foretone.ring import Ring
ring = Ring.open(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
here = heard = missed = 0
while True:
    running = ring.status().running
    frames, after, lost = ring.read(here)
    wide = frames.astype(np.int64)
    numbers = (wide[:, 1] << 15) + wide[:, 0]
    assert np.array_equal(numbers, np.arange(here + lost, after)), "torn"
    here, heard, missed = after, heard + len(frames), missed + lost
    if not running:
        break
print(here, heard, missed)
"""


def test_readers_in_other_processes_never_hear_a_torn_block(tmp_path: Path) -> None:
    ring = Ring.create(tmp_path / "r", 48000)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(tmp_path / "r")], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    # Far faster than any card plays, so that they are overrun as well.
    blocks = [counted(first, 256) for first in range(0, 2_000_000, 256)]
    for block in blocks:
        ring.write(block)
    ring.finish()
    for reader in readers:
        output, _ = reader.communicate(timeout=30)
        assert reader.returncode == 0
        here, heard, missed = map(int, output.split())
        assert here == 256 * len(blocks) == heard + missed
        assert heard > 0


@pytest.mark.parametrize("content", [b"", b"RIFF" * 2000, b"FTRING\r\n" + bytes(5000)])
def test_a_file_that_is_no_ring_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r"
    path.write_bytes(content)
    with pytest.raises(SoundError, match="not a ring of sound"):
        Ring.open(path)


def test_a_ring_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r"
    Ring.create(path, 48000).close()
    with path.open("r+b") as file:
        file.seek(8)
        file.write(b"\x07")
    with pytest.raises(SoundError, match="version 7"):
        Ring.open(path)


def test_no_ring_says_to_start_the_instrument(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="start the instrument"):
        Ring.open(tmp_path / "none")
    with pytest.raises(SoundError, match="cannot be made"):
        Ring.create(tmp_path / "no folder" / "r", 48000)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    Ring.create(tmp_path / "r", 48000)
    with pytest.raises(ValueError, match="read-only"):
        Ring.open(tmp_path / "r").write(counted(0, 8))
