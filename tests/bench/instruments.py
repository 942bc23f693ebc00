"""Instruments to measure, ours and IMPSY's, as real processes on loopback."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import ROOT, ask_peer, peer_python

MODEL = ROOT / "deploy" / "instruments" / "empi-s.tflite"

OURS = f"""
title = "OSC"
axes = ["lever"]
[source.osc]
kind = "osc"
port = %(listen)d
[player.duet]
kind = "mdrnn"
hears = ["osc"]
model = "{MODEL}"
mode = "filter"
[sink.out]
kind = "osc"
plays = ["duet"]
port = %(send)d
"""

IMPSY = """
title = "bench"
owner = "bench"
description = "bench"
log_input = true
log_predictions = false
verbose = false
[interaction]
mode = "polyphony"
threshold = 0.1
input_thru = false
[model]
dimension = 2
file = "models/impsy.tflite"
size = "s"
sigmatemp = 0.01
pitemp = 1
timescale = 0
[osc]
server_ip = "127.0.0.1"
server_port = %(listen)d
client_ip = "127.0.0.1"
client_port = %(send)d
"""


@dataclass
class Running:
    """A process that listens for `/interface f` on `listen` and answers to `answers`."""

    process: subprocess.Popen[str]
    listen: int
    answers: socket.socket
    ready: float
    """Seconds from its start to its word that it is ready."""


def free_port() -> int:
    """A UDP port that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def ours() -> Iterator[Running]:
    """`foretone run` with an OSC instrument in filter mode."""
    with _folder_and_answers() as (folder, answers, ports):
        (folder / "osc.toml").write_text(OURS % ports)
        command = [sys.executable, "-m", "foretone", "run", "osc.toml", "--board=fake", f"--log={folder}/s"]
        with started(command, "plays on", folder) as (process, ready):
            yield Running(process, ports["listen"], answers, ready)


@contextlib.contextmanager
def impsy() -> Iterator[Running | None]:
    """`impsy run` with an OSC instrument in its fastest mode; None where it is not installed."""
    python = peer_python()
    with _folder_and_answers() as (folder, answers, ports):
        (folder / "models").mkdir()
        (folder / "logs").mkdir()
        if python is None or ask_peer("model", str(folder / "models" / "impsy.tflite"), "64") is None:
            yield None
            return
        (folder / "config.toml").write_text(IMPSY % ports)
        command = [str(python.parent / "impsy"), "run", "-c", "config.toml", "-l", "logs"]
        with started(command, "RNN Thread Started", folder) as (process, ready):
            yield Running(process, ports["listen"], answers, ready)


@contextlib.contextmanager
def started(command: list[str], word: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """A process once it has said `word`, and after how many seconds that was; ended with SIGTERM."""
    begin = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, text=True, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert process.stdout is not None
    told = ""
    while word not in told:
        if not select.select([process.stdout], [], [], 60)[0] or not (
            piece := os.read(process.stdout.fileno(), 4096)
        ):
            process.kill()
            raise RuntimeError(f"{command[0]} did not start: {told[-2000:]}")
        told += piece.decode(errors="replace")
    try:
        yield process, time.monotonic() - begin
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def _folder_and_answers() -> Iterator[tuple[Path, socket.socket, dict[str, int]]]:
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answers:
        answers.bind(("127.0.0.1", 0))
        answers.settimeout(2)
        yield Path(place), answers, {"listen": free_port(), "send": answers.getsockname()[1]}


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")
