"""How soon 30 examples of 6 inputs and 64 outputs are a model, and how well it plays what lies between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import SKLEARN, Row, ask_peer, write

SEEDS = range(100, 110)
SHOWN, NEW, INPUTS, OUTPUTS, UNITS = 30, 400, 6, 64, 16
SLIP = 0.01  # standard deviation of what a hand misses of its aim, in 0..1; what is judged has none


def main() -> None:
    """Ours and scikit-learn's on the same ten sets of examples, one process after the other."""
    one_core = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "examples.npz"
        sets = [examples(seed) for seed in SEEDS]
        np.savez(file, **{name: np.stack([one[name] for one in sets]) for name in sets[0]})
        done = subprocess.run(
            [sys.executable, __file__, "ours", file],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=one_core,
        )
        mine = json.loads(done.stdout)
        command_s = command(Path(place), sets[0])
        os.environ.update(one_core)
        peer = ask_peer(str(file), str(UNITS), peer="sklearn") or {}
    rows = [
        Row("mapping_30x6x64_s", mine["each_s"], "s", mine["each_s"], peer.get("each_s"),
            f"{SKLEARN}, fit alone; ours with check and .tflite; budget 0.1 s"),
        Row("mapping_joint_30x6x64_s", mine["joint_s"], "s", mine["joint_s"], peer.get("joint_s"),
            f"{SKLEARN}, fit alone"),
        Row("mapping_command_s", command_s, "s", command_s, None, "foretone-train mapping, process and all"),
        held_out("mapping_each_held_out_ratio", mine["each"], peer.get("each"), 1.0),
        held_out("mapping_joint_held_out_ratio", mine["joint"], peer.get("joint"), 1.05),
    ]  # fmt: skip
    write("mapping", rows)


def held_out(name: str, ours: float, peer: float | None, budget: float) -> Row:
    """Ours to theirs: root mean square errors on new points, medians of the seeds."""
    if peer is None:
        return Row(name, ours, "0..1", ours, None, f"{SKLEARN} is not installed: no ratio")
    return Row(name, ours / peer, "ratio", ours, peer, f"{SKLEARN}, rms in 0..1; budget {budget:g}")


def examples(seed: int) -> dict[str, np.ndarray]:
    """A smooth map that no plane follows, shown with slips, and points of it that are not shown."""
    random = np.random.default_rng(seed)
    first, shift = random.normal(size=(INPUTS, 24)), random.normal(size=24)
    second = random.normal(size=(24, OUTPUTS))

    def play(x: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(-0.4 * np.tanh(0.7 * x @ first + shift) @ second))

    x, x_new = random.random((SHOWN, INPUTS)), random.random((NEW, INPUTS))
    y = play(x) + SLIP * random.normal(size=(SHOWN, OUTPUTS))
    return {"x": x, "y": y, "x_new": x_new, "y_new": play(x_new)}


def ours(file: str) -> None:
    """Medians over the seeds: seconds from examples to the checked file, and errors of what it plays."""
    from foretone import lite
    from foretone_training import mapping, mapping_export
    from foretone_training.examples import Examples

    with np.load(file) as held:
        data = {name: held[name] for name in held.files}
    names = [tuple(f"{way}{k}" for k in range(n)) for way, n in (("x", INPUTS), ("y", OUTPUTS))]
    figures: dict[str, list[float]] = {"each_s": [], "joint_s": [], "each": [], "joint": []}
    out = Path(file).with_name("mapping.tflite")
    lite.installed()  # imports the runtimes
    for seed in range(len(SEEDS)):
        shown = Examples(names[0], names[1], data["x"][seed], data["y"][seed], ())
        for name in ("each", "joint"):
            settings = mapping.Settings(units=UNITS, joint=name == "joint", seed=seed)
            begin = time.perf_counter()
            mapping_export.export(mapping.train(shown, settings), shown, settings, out)
            figures[f"{name}_s"].append(time.perf_counter() - begin)
            model = lite.Mapping(out)
            played = np.array([model.play(row) for row in data["x_new"][seed]])
            figures[name].append(float(np.sqrt(np.square(played - data["y_new"][seed]).mean())))
    print(json.dumps({name: float(np.median(values)) for name, values in figures.items()}))


def command(place: Path, shown: dict[str, np.ndarray]) -> float:
    """Seconds that a person waits, median of five."""
    header = [f"in:x{k}" for k in range(INPUTS)] + [f"out:y{k}" for k in range(OUTPUTS)]
    np.savetxt(place / "shown.csv", np.column_stack([shown["x"], shown["y"]]),
               delimiter=",", header=",".join(header), comments="")  # fmt: skip
    train = [Path(sys.executable).with_name("foretone-train"), "mapping", place / "shown.csv"]
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([*train, "--out", place / "shown.tflite"], check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


if __name__ == "__main__":
    ours(sys.argv[2]) if sys.argv[1:2] == ["ours"] else main()
