"""From reading the lever's register to the first changed sample leaving the audio buffer.

The real bus thread, conductor and sink, the real audio process, and a real ALSA PCM (tests/rtnull), which
stamps every block it is handed and consumes it in real time. The low-latency profile: 64 frames, three
periods, no look-ahead in the limiter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from instruments import free_port
from measure import ROOT, quantile

sys.path.insert(0, str(ROOT / "tests" / "rtnull"))
import rtnull

TOUCHES = 60
PROFILE = "64 x 3 frames at 48 kHz, no look-ahead"


def lever_to_sample() -> dict[str, float | str]:
    """p50 and p99 in milliseconds over 60 touches from silence; nan where no sound card can be built."""
    if reason := rtnull.missing():
        return {"p50": float("nan"), "p99": float("nan"), "profile": reason}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        configuration = rtnull.configure(rtnull.build(folder), folder)
        changes = [
            f"voice.port={free_port()}", f"osc.port={free_port()}", f"patch.port={free_port()}",
            "voice.pcm=rtnull", "voice.period=64", "voice.periods=3", "voice.lookahead=false",
            "duet.mode=observe",
        ]  # fmt: skip
        voice = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "foretone",
                "synth",
                "empi",
                "--state",
                place,
                *(f"--set={c}" for c in changes),
            ],
            env={**os.environ, "ALSA_CONFIG_PATH": str(configuration)},
        )
        try:
            touched = touch(changes, folder)
        finally:
            voice.terminate()
            voice.wait(10)
        frames = np.abs(rtnull.frames(folder)).max(axis=1)
        loud = np.flatnonzero(frames)
        # A silence of 0.2 s before the first sample that sounds: the start of an answer to one touch.
        onsets = loud[np.flatnonzero(np.diff(loud, prepend=-48000) > 9600)]
        left = [rtnull.leaves_at(folder, int(onset))[1] for onset in onsets]
    heard = ([at for at in left if read < at < read + 0.2] for read in touched)
    late = [1000 * (min(after) - read) for read, after in zip(touched, heard, strict=True) if after]
    if len(late) < TOUCHES // 2:
        raise RuntimeError(f"only {len(late)} of {TOUCHES} touches were heard")
    return {"p50": quantile(late, 0.5), "p99": quantile(late, 0.99), "profile": PROFILE}


def touch(changes: list[str], folder: Path) -> list[float]:
    """Move the fake lever from silence, again and again; when its register was read, each time."""
    from foretone.clock import WallClock
    from foretone.instrument import find, load
    from foretone.run import make_board
    from foretone.stage import Stage

    clock = WallClock()
    instrument = load(find("empi"), changes)
    board = make_board("fake", clock, instrument.seed)
    stage = Stage(instrument, board, clock)
    read: list[float] = []
    stage.conductor.listeners.append(lambda event: read.append(event.time))
    while not (folder / "sound.ring").exists():
        time.sleep(0.05)
    stage.open()
    try:
        for number in range(TOUCHES):
            stage.conductor.run(clock.now() + 0.5 + 0.0137 * (number % 7))
            board.hold("lever", (0.3 + 0.4 * (number % 2),))
            stage.conductor.run(clock.now() + 0.05)
            stage.conductor.rest()
    finally:
        stage.close()
    return read


if __name__ == "__main__":
    print(lever_to_sample())
