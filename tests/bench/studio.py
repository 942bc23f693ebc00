"""What the sound's benches share: the audio process on a card that is not there, a busy core, a sender."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from instruments import free_port
from measure import ROOT

from foretone.ring import Ring

sys.path.insert(0, str(ROOT / "tests" / "rtnull"))
import rtnull

RATE = 48000
SYNTHS, NOTES, PARTIALS, SAMPLES = 4, 12, 16, 16

SOUNDS = (
    "".join(
        f"""
[s{number}]
kind = "additive"
wave = "saw"
notes = {NOTES}
partials = {PARTIALS}
attack = 200
release = 400
cutoff = 2500
resonance = 2
lfo_rate = 4
lfo_pitch = 3
lfo_filter = 400
envelope_filter = 800
delay_mix = 0.2
reverb = 0.2
level = 0.3
"""
        for number in range(SYNTHS)
    )
    + f"""
[kit]
kind = "sampler"
notes = {SAMPLES}
level = 0.3
[[kit.slots]]
name = "loop"
file = "{ROOT}/daemon/foretone/synth/samples/open.flac"
key = [0, 127]
root = 60
loop = "on"
[blip]
kind = "additive"
attack = 0
sustain = 1
release = 20
"""
)

LOAD = Path(__file__).with_name("load.py")

START = """
import json, pathlib, sys
from foretone.synth.process import main
sys.exit(main(json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])))
"""


@contextlib.contextmanager
def engine(
    folder: Path, library: Path, voices: Sequence[str], period: int, periods: int,
    *, keep: bool = True, lookahead: bool = True,
) -> Iterator[tuple[int, Ring]]:  # fmt: skip
    """The audio process on a card of its own, while it plays: its port and its ring."""
    (folder / "sounds.toml").write_text(SOUNDS)
    port = free_port()
    settings: dict[str, Any] = {
        "pcm": "rtnull", "period": period, "periods": periods, "port": port, "lookahead": lookahead,
        "voices": list(voices), "sounds": "sounds.toml",
    }  # fmt: skip
    path = folder / "sound.ring"
    command = ["-c", START, json.dumps(settings), str(path), str(folder)]
    with started(command, configured(folder / "card", library, keep=keep), ours=False) as process:
        deadline = time.monotonic() + 20
        while not path.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the audio process did not start")
            time.sleep(0.02)
        yield port, Ring.open(path)


def configured(folder: Path, library: Path, *, keep: bool) -> dict[str, str]:
    """The environment with a card that keeps what it is given, or does not, in `folder`'s parent."""
    folder.mkdir()
    path = rtnull.configure(library, folder.parent)
    lines = path.read_text().splitlines()
    kept = [line for line in lines if keep or not line.strip().startswith(('file "', "stamps "))]
    mine = folder / "asound.conf"
    mine.write_text("\n".join(kept))
    return {**os.environ, "ALSA_CONFIG_PATH": str(mine)}


@contextlib.contextmanager
def started(
    arguments: Sequence[str], environment: dict[str, str] | None = None, *, ours: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """A process of this file's, or another of Python's; ended by SIGTERM."""
    command = [sys.executable, *([LOAD] if ours else []), *arguments]
    # Ctrl-C is for the bench, which ends them.
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """What is started here stays on the last core; others go where they are put."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def hog() -> Iterator[None]:
    """A core that is busy with nothing."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def first() -> Iterator[None]:
    """As the conductor does: before ordinary processes, where that is allowed."""
    from foretone import punctual

    punctual.run_first(punctual.CONDUCTOR)
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def sender(port: int) -> Iterator[Callable[[bytes], object]]:
    """Sends packets to an audio process."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(("127.0.0.1", port))
        yield wire.send
