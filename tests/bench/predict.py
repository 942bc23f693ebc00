"""How long one prediction step takes: tell the network an event, draw the next one from its mixture."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from measure import ROOT, Row, against, ask_peer, quantile, write

STEPS = 5000


def main() -> None:
    """Ours on both runtimes, in processes of their own, and IMPSY's; 2 layers of 64 units, one axis."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "impsy.tflite"
        peer = ask_peer("predict", str(file), str(STEPS)) if ask_peer("model", str(file), "64") else None
    for runtime in ("tflite-runtime", "ai-edge-litert"):
        done = subprocess.run(
            [sys.executable, __file__, "ours"], capture_output=True, text=True, check=False,
            env={**os.environ, "FORETONE_TFLITE": runtime},
        )  # fmt: skip
        if done.returncode:
            print(f"{runtime} cannot run here: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        p50, p99 = map(float, done.stdout.split())
        rows += [
            Row(f"step_s_{runtime}_p50", p50, "us", p50, None, "budget 40 us"),
            Row(f"step_s_{runtime}_p99", p99, "us", p99),
        ]
        if runtime == "ai-edge-litert":
            rows.append(against("predict_s_ratio", "us, p50", p50, peer, "p50"))
    if not rows:
        sys.exit("no runtime could be measured")
    write("predict", rows)


def ours() -> None:
    """Time the player in filter mode: each gesture heard is one whole step, with all that is around it."""
    from foretone.event import Event
    from foretone.players.mdrnn import MDRNN

    folder = ROOT / "deploy/instruments"
    player = MDRNN(("lever",), "duet", Random(1), folder, model="empi-s.tflite", mode="filter")
    player.tick(0.0)
    times = []
    for step in range(STEPS + 200):
        event = Event(0.02 * step, "lever", ((step % 100) / 100,))
        begin = time.perf_counter()
        player.hear(event)
        times.append(1e6 * (time.perf_counter() - begin))
    print(quantile(times[200:], 0.5), quantile(times[200:], 0.99))


if __name__ == "__main__":
    ours() if sys.argv[1:] == ["ours"] else main()
