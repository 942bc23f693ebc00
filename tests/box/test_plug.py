"""The card of the power cut tests forgets what was not flushed, and nothing else."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

READ, WRITE, FLUSH = 0, 1, 3
SECTORS = 64


class Machine:
    """What QEMU says to a disk."""

    def __init__(self, address: Path) -> None:
        self._disk = socket.socket(socket.AF_UNIX)
        self._disk.connect(str(address))
        self._take(18)
        self._disk.sendall(struct.pack(">I8sII8sII", 3, b"IHAVEOPT", 8, 0, b"IHAVEOPT", 7, 6) + bytes(6))
        assert struct.unpack(">QIII", self._take(20))[1:3] == (8, 1 << 31 | 1), "no structured replies"
        _, option, kind, length = struct.unpack(">QIII", self._take(20))
        assert (option, kind) == (7, 3)
        _, self.size, _ = struct.unpack(">HQH", self._take(length))
        self._take(20)

    def ask(self, kind: int, place: int = 0, data: bytes = b"", *, length: int = 0, flags: int = 0) -> bytes:
        head = struct.pack(">IHHQQI", 0x25609513, flags, kind, 7, place, len(data) or length)
        self._disk.sendall(head + data)
        answer = self._take(16)
        if not answer:
            raise OSError("the disk is gone")
        assert struct.unpack(">IIQ", answer) == (0x67446698, 0, 7)
        return self._take(length)

    def die(self) -> None:
        self._disk.close()

    def _take(self, length: int) -> bytes:
        return self._disk.recv(length, socket.MSG_WAITALL) if length else b""


def written_and_cut(card: Any, address: Path) -> Any:
    """Write 8 sectors and flush, 32 and do not, and force one; what the cut took, and of how many."""
    card.serve()
    machine = Machine(address)
    assert machine.size == 512 * SECTORS
    machine.ask(WRITE, 0, b"f" * 512 * 8)
    machine.ask(FLUSH)
    machine.ask(WRITE, 512 * 8, b"n" * 512 * 32)
    machine.ask(WRITE, 512 * 40, b"f" * 512, flags=1)
    assert machine.ask(READ, 512 * 8, length=512 * 32) == b"n" * 512 * 32, "a machine reads what it wrote"
    machine.die()
    return card.lose()


@pytest.mark.parametrize("seed", range(8))
def test_what_was_flushed_or_forced_stays_and_the_rest_is_old_or_new(
    seed: int, tmp_path: Path, plug: ModuleType
) -> None:
    (tmp_path / "card").write_bytes(b"o" * 512 * SECTORS)
    with contextlib.closing(plug.Card(tmp_path / "card", tmp_path / "disk", random.Random(seed))) as card:
        lost, written = written_and_cut(card, tmp_path / "disk")
    sectors = [set((tmp_path / "card").read_bytes()[at : at + 512]) for at in range(0, 512 * SECTORS, 512)]
    assert all(len(sector) == 1 for sector in sectors)
    found = bytes(sector.pop() for sector in sectors)
    assert (written, lost) == (32, found[8:40].count(b"o"))
    assert found[:8] + found[40:] == b"f" * 9 + b"o" * 23
    assert set(found[8:40]) <= set(b"on")


def test_some_cuts_lose_all_some_nothing_and_some_a_part(tmp_path: Path, plug: ModuleType) -> None:
    (tmp_path / "card").write_bytes(bytes(512 * SECTORS))
    losses = set()
    with contextlib.closing(plug.Card(tmp_path / "card", tmp_path / "disk", random.Random(1))) as card:
        for _ in range(30):
            card.serve()
            machine = Machine(tmp_path / "disk")
            machine.ask(WRITE, 0, b"n" * 512 * SECTORS)
            machine.die()
            losses.add(card.lose()[0])
    assert {0, SECTORS} < losses


def test_it_stops_at_the_write_that_was_chosen(tmp_path: Path, plug: ModuleType) -> None:
    (tmp_path / "card").write_bytes(bytes(512 * SECTORS))
    with contextlib.closing(plug.Card(tmp_path / "card", tmp_path / "disk", random.Random(1))) as card:
        card.serve()
        machine = Machine(tmp_path / "disk")
        card.stop_at(3)
        machine.ask(WRITE, 0, b"n" * 512)
        machine.ask(WRITE, 512, b"n" * 512)
        assert not card.cut.is_set()
        with pytest.raises(OSError, match="gone"):
            machine.ask(WRITE, 1024, b"n" * 512)
        assert card.cut.is_set()
        assert card.lose()[1] == 3
        machine.die()
