"""What an instrument costs while nobody plays, and how soon it can be played."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from instruments import Running, cpu_seconds, free_port, impsy, megabytes, ours, started
from measure import Row, against, write

STARTS = 5
WATCHED = 10.0


def main() -> None:
    """Ours with OSC, IMPSY with OSC, and the EMPI with its bus, all without a gesture."""
    with impsy() as peer:
        theirs = watch(peer) if peer else None
    ready = []
    for _ in range(STARTS):
        with ours() as running:
            ready.append(running.ready)
    with ours() as running:
        mine = watch(running)
    with empi() as running:
        lever = watch(running)
    rows = [
        against("idle_cpu_ratio", "% of a core", mine["cpu"], theirs, "cpu"),
        Row("idle_cpu_osc", mine["cpu"], "%", mine["cpu"], None, "budget 3 % of one core"),
        Row(
            "idle_cpu_empi",
            lever["cpu"],
            "%",
            lever["cpu"],
            None,
            "lever read 100 times a second; budget 3 %",
        ),
        against("idle_memory_ratio", "MB", mine["memory"], theirs, "memory"),
        Row("idle_memory_osc", mine["memory"], "MB", mine["memory"], None, "budget 120 MB"),
        Row("idle_memory_empi", lever["memory"], "MB", lever["memory"], None, "budget 120 MB"),
        against("ready_ratio", "s, median", sorted(ready)[STARTS // 2], theirs, "ready"),
        Row("ready_osc", sorted(ready)[STARTS // 2], "s", sorted(ready)[STARTS // 2], None, "budget 1 s"),
        Row("ready_empi", lever["ready"], "s", lever["ready"], None, "budget 1 s"),
    ]
    write("idle", rows)


@contextlib.contextmanager
def empi() -> Iterator[Running]:
    """The EMPI with its fake board, its voice elsewhere."""
    ports = [f"--set={name}.port={free_port()}" for name in ("osc", "voice", "patch")]
    with tempfile.TemporaryDirectory() as place, socket.socket() as nobody:
        command = [sys.executable, "-m", "foretone", "run", "empi", "--board=fake", f"--log={place}", *ports]
        with started(command, "plays on", Path(place)) as (process, ready):
            yield Running(process, 0, nobody, ready)


def watch(running: Running) -> dict[str, float]:
    """Processor time in % of a core and memory in MB over some quiet seconds."""
    pid = running.process.pid
    time.sleep(0.5)
    before, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(WATCHED)
    share = (cpu_seconds(pid) - before) / (time.monotonic() - begin)
    return {"cpu": 100 * share, "memory": megabytes(pid), "ready": running.ready}


if __name__ == "__main__":
    main()
