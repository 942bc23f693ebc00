"""How soon, how small and how well a model of real playing is trained, beside IMPSY's training.

Both learn from the same recording, one after the other, each in a process of its own, and with their own
defaults: 2 layers of 64 units, IMPSY's for at most 100 epochs with a patience of 10. The four performances
are one session. IMPSY holds the last tenth of its windows out; the last events of these are what both are
scored on, and both choose by that last tenth which weights they keep. IMPSY's are those of its best epoch.

What is scored is blurred by uniform noise, one step of its recording wide: 1 ms, and 1/128 of an axis. No
standard deviation counts as less than half a step; one of log dt, as half a step where its component lies.
Both are scored in natural units, a change of variable by its Jacobian, run on TensorFlow Lite from the first
event of the recording to the last.

`train.py again` scores what the last run has trained, without training.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import BUILD, IMPSY, ROOT, Row, ask_peer, write

DATA = Path(os.environ.get("FORETONE_DATA", ROOT.parent / "shared/data")) / "gesture/imps_lightpad_4d_12k.npz"
FOLDER = BUILD / "bench" / "train"
BEGAN = "FORETONE_BENCH_BEGAN"  # the environment variable that tells a process when it was begun
WINDOW = 51  # events of a window of IMPSY's: 50 are heard, and one more told
BLURS = 5  # over which the scores are averaged
SAMPLES = 100  # of each event
ALONE = 8, 500  # performances, and events of each, that IMPSY's model plays by itself


def main() -> None:
    """Train ours, then IMPSY's, and write what came of it."""
    if not DATA.exists():
        sys.exit(f"there is no recording at {DATA}; set FORETONE_DATA to the folder that holds gesture/")
    again = sys.argv[1:] == ["again"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    ours, theirs = (FOLDER / f"{name}.json" for name in ("ours", "impsy"))
    if not again:
        write_for_impsy(FOLDER / "session.npz")
        theirs.unlink(missing_ok=True)
        os.environ[BEGAN] = str(time.monotonic())
        done = subprocess.run([sys.executable, __file__, "ours"], capture_output=True, text=True, check=True)
        ours.write_text(done.stdout.splitlines()[-1])
        os.environ[BEGAN] = str(time.monotonic())
        answer = ask_peer("train", str(FOLDER / "session.npz"), "64")
        if answer:
            theirs.write_text(json.dumps(answer))
    mine = json.loads(ours.read_text()) | score(FOLDER / "ours.tflite")
    peer: dict[str, Any] = {}
    if theirs.exists():
        peer = json.loads(theirs.read_text()) | impsy_scores(FOLDER / "session-best.tflite")
    write("train", rows_of(mine, peer))


def rows_of(mine: dict[str, Any], peer: dict[str, Any]) -> list[Row]:
    """What is promised, and what is worth knowing beside it."""
    said = f"{IMPSY}" if peer else f"{IMPSY} is not installed: no ratio"

    def ratio(name: str, unit: str, key: str, other: str, note: str) -> Row:
        if not peer:
            return Row(name, mine[key], unit, mine[key], None, said)
        return Row(name, mine[key] / peer[other], "ratio", mine[key], peer[other], f"{said} ({unit}), {note}")

    rows = [
        ratio("train_wall_ratio", "s", "total_s", "best_s", "to its best epoch; ours in total"),
        ratio("train_cpu_ratio", "s", "cpu_s", "best_cpu_s", "the same, of the processor alone"),
        ratio("train_total_ratio", "s", "total_s", "total_s", "both in total"),
        ratio("train_memory_ratio", "MB", "peak_mb", "peak_mb", "largest resident set"),
        Row("train_nll_difference", mine["nll"] - peer["nll"] if peer else mine["nll"], "nats",
            mine["nll"], peer.get("nll"), f"{said}, an event, natural units"),
        ratio("train_energy_ratio", "s and 0..1", "energy", "energy", f"{SAMPLES} samples of an event"),
    ]  # fmt: skip
    for key in ("dt_p99", "mean_step"):
        player = mine[f"player_{key}"]
        note = (
            f"by itself: ours, and the player's; {IMPSY}'s at its defaults {peer.get(key, float('nan')):.3g}"
        )
        rows.append(Row(f"train_alone_{key}_ratio", mine[key] / player, "ratio", mine[key], player, note))
    return rows


def ours() -> None:
    """Train with the defaults, export, and print seconds, memory and how it plays by itself."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does
    from foretone_training import export, mdrnn, performance

    stream, settings = session(), mdrnn.Settings()
    trained = mdrnn.train([stream], settings)
    told = {"total_s": since_start(), "cpu_s": time.process_time(), "peak_mb": peak()}
    told |= performance.perform(trained, [stream]).scores
    export.export(trained, [stream], settings, FOLDER / "ours.tflite")
    print(json.dumps(told))


def since_start() -> float:
    """Seconds since this process was begun, imports and all."""
    return time.monotonic() - float(os.environ[BEGAN])


def peak() -> float:
    """The largest resident set of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def session() -> Any:
    """The recording as one session, as a trainer sees it."""
    from foretone_training.dataset import PAUSE, Stream

    with np.load(DATA) as held:
        rows = held["events"].astype(np.float32)
    rows[:, 0] = np.minimum(rows[:, 0], PAUSE)
    return Stream("lightpad", "0" * 64, ("x", "y", "pressure"), rows, 0, False)


def write_for_impsy(path: Path) -> None:
    """The same rows as a data set of IMPSY's, which is a pickle."""
    performances = np.empty(1, object)
    performances[0] = session().rows
    np.savez_compressed(path, perfs=performances)


def score(path: Path) -> dict[str, float]:
    """Negative log-likelihood and energy score of the held-out events, by a model in our own file."""
    from foretone.lite import Model
    from foretone_training import export, mixture, sampling
    from foretone_training.dataset import resolution
    from foretone_training.network import Scale

    rows = session().rows
    held_out = len(rows) - (len(rows) - WINDOW + 1) // 10
    step = resolution(rows[:held_out]).astype(np.float64)
    model, random = Model(path), np.random.default_rng(1)
    log_dt, components = model.card.log_dt, model.card.mixtures
    scale = Scale(np.zeros(len(step)), np.ones(len(step)), step, log_dt)
    nll, energy = [], []
    for _ in range(BLURS):
        blurred = rows + step * (random.random(rows.shape) - 0.5)
        state, said = model.start(), []
        for row in blurred[:-1].astype(np.float32):
            flat, state = model.step(row, state)
            said.append(export.natural(flat, components))
        mixtures, happened = np.array(said[held_out - 1 :]), blurred[held_out:]
        means, sigma, _ = mixture.parts(mixtures, len(step))
        least = np.tile(0.5 * step, (len(mixtures), components, 1))
        if log_dt:
            least[:, :, 0] /= np.exp(means[:, :, 0])
        np.maximum(sigma, least, out=sigma)
        nll.append(mixture.natural_nll(mixtures, happened, log_dt).mean())
        one = np.ones(len(mixtures))
        drawn = sampling.sample(mixtures, scale, SAMPLES, one, one, random)
        energy.append(sampling.energy(drawn, happened))
    return {"nll": float(np.mean(nll)), "energy": float(np.mean(energy))}


def impsy_scores(path: Path) -> dict[str, float]:
    """Scores of IMPSY's model, and how it plays by itself at its own temperatures, pi 1 and sigma 0.01."""
    from foretone_training import adopt, readback, sampling
    from foretone_training.habits import Habits

    stream, taken = session(), FOLDER / "impsy.tflite"
    adopt.take(path, taken, stream.axes)
    network, _ = readback.read_network(taken)
    count, events = ALONE
    begins = np.array([stream.rows[at : at + 50] for at in np.linspace(0, 10000, count).astype(int)])
    one = np.ones(count)
    alone = sampling.play(network, begins, one, 0.01 * one, events, np.random.default_rng(1))
    habits = Habits.of(alone)
    return {**score(taken), "dt_p99": habits.dt_p99, "mean_step": habits.step}


if __name__ == "__main__":
    ours() if sys.argv[1:] == ["ours"] else main()
