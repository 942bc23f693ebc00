"""How long one prediction step takes: tell the network an event, draw the next one from its mixture."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
from measure import BUILD, Row, against, ask_peer, quantile, write

SIZES = {"s": 64, "xl": 512}
STEPS = 5000
BUDGETS = {"s": "budget 40 us", "xl": ""}


def main() -> None:
    """Ours on both runtimes, in processes of their own, IMPSY's, and the least that C takes.

    2 layers of 64 and of 512 units, one axis, untrained. IMPSY's own xl has a third layer, which is left
    out.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for size, units in SIZES.items():
            rows += measure_size(size, units, Path(folder))
    if not rows:
        sys.exit("no runtime could be measured")
    write("predict", rows)


def measure_size(size: str, units: int, folder: Path) -> list[Row]:
    """Steps and invocations of one size, each in a process of its own, one after another."""
    theirs = str(folder / f"impsy-{size}.tflite")
    peer = ask_peer("predict", theirs, str(STEPS)) if ask_peer("model", theirs, str(units)) else None
    least = floor(units)
    rows = []
    for runtime in ("tflite-runtime", "ai-edge-litert"):
        done = subprocess.run(
            [sys.executable, __file__, "ours", str(units), folder], capture_output=True, text=True,
            check=False, env={**os.environ, "FORETONE_TFLITE": runtime},
        )  # fmt: skip
        if done.returncode:
            print(f"{runtime} cannot run here: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        p50, p99, invoke = map(float, done.stdout.split())
        rows += [
            Row(f"step_{size}_{runtime}_p50", p50, "us", p50, None, BUDGETS[size]),
            Row(f"step_{size}_{runtime}_p99", p99, "us", p99),
        ]
        if runtime == "ai-edge-litert":
            rows.append(against(f"predict_{size}_ratio", "us, p50", p50, peer, "p50"))
            if least:
                rows.append(
                    Row(f"invoke_{size}_ratio", invoke / least, "ratio", invoke, least, "C, OpenBLAS (us)")
                )
            else:
                rows.append(
                    Row(f"invoke_{size}_p50", invoke, "us", invoke, None, "no gcc or OpenBLAS: no floor")
                )
    return rows


def ours(units: int, folder: Path) -> None:
    """Time the player in filter mode: each gesture heard is one whole step, with all that is around it."""
    from foretone.event import Event
    from foretone.lite import Model
    from foretone.players.mdrnn import MDRNN

    untrained(units, folder / "ours.tflite")
    player = MDRNN(("lever",), "duet", Random(1), folder, model="ours.tflite", mode="filter")
    player.tick(0.0)
    events = [Event(0.02 * step, "lever", ((step % 100) / 100,)) for step in range(STEPS + 200)]
    steps = timed(lambda number: player.hear(events[number]))
    graph = Model(folder / "ours.tflite")._graph
    invocations = timed(lambda _: graph.invoke())
    print(quantile(steps, 0.5), quantile(steps, 0.99), quantile(invocations, 0.5))


def timed(do: Callable[[int], object]) -> list[float]:
    """Microseconds of each call but the first 200, which warm up."""
    times = []
    for number in range(STEPS + 200):
        begin = time.perf_counter()
        do(number)
        times.append(1e6 * (time.perf_counter() - begin))
    return times[200:]


def untrained(units: int, path: Path) -> None:
    """A model that has not learned anything, of dt and a lever."""
    from foretone.card import Card
    from foretone_training.export import to_tflite
    from foretone_training.judge import measure
    from foretone_training.network import Shape, create

    random, shape = np.random.default_rng(1), Shape(2, units=units)
    rows = random.random((1000, 2)).astype(np.float32)
    network = create(shape, measure(rows), rows, random)
    axes = ("lever",)
    card = Card("mdrnn", axes, axes, shape.layers, units, shape.mixtures, log_dt=network.scale.log_dt)
    path.write_bytes(to_tflite(network, card))


def floor(units: int) -> float | None:
    """The median of floor.c, in microseconds; None where it cannot be compiled.

    It is linked with the OpenBLAS that numpy brings, on one thread.
    """
    libraries = sorted(Path(np.__file__).parents[1].glob("numpy.libs/*openblas*"))
    program = BUILD / "bench" / "floor"
    program.parent.mkdir(parents=True, exist_ok=True)
    for library in libraries:
        for name in ("cblas_sgemv64_", "scipy_cblas_sgemv64_"):
            if not hasattr(ctypes.CDLL(str(library)), name):
                continue
            source = Path(__file__).with_name("floor.c")
            options = ["-O3", "-march=native", "-ffast-math", f"-DSGEMV={name}"]
            options.append(f"-Wl,-rpath-link,{library.parent}")
            found = {"LD_LIBRARY_PATH": str(library.parent), "OPENBLAS_NUM_THREADS": "1"}
            outputs = 5 * (2 * 2 + 1)
            try:
                subprocess.run(["gcc", *options, source, library, "-lm", "-o", program], check=True)
                done = subprocess.run(
                    [program, str(units), "2", str(outputs), str(STEPS)], capture_output=True, text=True,
                    check=True, env={**os.environ, **found},
                )  # fmt: skip
            except (OSError, subprocess.CalledProcessError):
                return None
            return float(done.stdout.split()[0])
    return None


if __name__ == "__main__":
    ours(int(sys.argv[2]), Path(sys.argv[3])) if sys.argv[1:2] == ["ours"] else main()
