"""How soon a mapping that is trained is played, what sounds meanwhile, and how well it knows gestures."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import SKLEARN, Row, ask_peer, quantile, write

sys.path.append(str(Path(__file__).parents[1] / "mapping"))  # the client and the recordings of the tests

from client import Box, Client, free_port
from recordings import GESTURES, grt_frames, watch

from foretone import lite
from foretone_training import learn, lesson

SHOWN, INPUTS, OUTPUTS, RETRAININGS = 30, 6, 64, 30
FOLDS = 5
WAYS = ("class-knn", "class-svm", "class-mlp")


def main() -> None:
    """Ours in this process and in a running instrument; scikit-learn's on the same split."""
    rows = [*played(), *retrained()]
    if GESTURES.exists():
        rows += known()
    write("teach", rows)


def played() -> list[Row]:
    """What one frame of 15 inputs and 64 outputs costs."""
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as place:
        told = {"hears": [f"x{k}" for k in range(15)], "outputs": [{"axis": f"y{k}"} for k in range(OUTPUTS)]}
        shown = [[random.random(15).tolist(), random.random(OUTPUTS).tolist()] for _ in range(SHOWN)]
        result = learn.learn(lesson.read(told, shown), Path(place))
        model = lite.Mapping(result.mapping or "")
        hands, times = random.random((5000, 15)).tolist(), []
        for hand in hands:
            begin = time.perf_counter()
            model.play(hand)
            times.append(1e6 * (time.perf_counter() - begin))
    return [
        Row("mapping_15x64_p50_us", quantile(times, 0.5), "us", quantile(times, 0.5)),
        Row("mapping_15x64_p99_us", quantile(times, 0.99), "us", quantile(times, 0.99), None, "budget 60 us"),
    ]


def retrained() -> list[Row]:
    """Train again and again in a running instrument, while a hand plays it a hundred times a second."""
    client = Client()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "wide.toml"
        file.write_text(wide())
        box = Box(Path(place), client, f"patch.port={free_port()}", instrument=file)
        box.start()
        try:
            random = np.random.default_rng(2)
            for _ in range(SHOWN):
                client.do("outputs", *random.random(OUTPUTS))
                client.do("startRecording")
                client.send("/wek/inputs", *random.random(INPUTS))
                client.do("stopRecording")
            trains, answers, missing = [], [], 0
            client.do("train")
            client.heard("/wekinator/status/done-training")
            client.do("startRunning")
            for _ in range(RETRAININGS):
                client.drain()
                client.send("/wekinator/control/train")
                begin, done = time.perf_counter(), False
                while not done:
                    sent = time.perf_counter()
                    client.send("/wek/inputs", *random.random(INPUTS))
                    while True:
                        address, *_ = client._read(client.outputs)
                        if address.endswith("done-training"):
                            trains.append(time.perf_counter() - begin)
                            done = True
                        if address == "/wek/outputs":
                            break
                    answers.append(1e3 * (time.perf_counter() - sent))
                    time.sleep(0.01)
        except TimeoutError:
            missing += 1
        finally:
            box.end()
            client.close()
    return [
        Row("teach_train_to_playing_p50_s", quantile(trains, 0.5), "s", quantile(trains, 0.5)),
        Row("teach_train_to_playing_max_s", max(trains), "s", max(trains), None, "budget 0.2 s, 30 x 6 x 64"),
        Row("teach_missing_frames", missing, "", missing, None, f"in {RETRAININGS} trainings; budget 0"),
        Row("teach_input_to_output_p99_ms", quantile(answers, 0.99), "ms", quantile(answers, 0.99), None,
            "UDP to UDP while it trains; budget 3 ms"),
    ]  # fmt: skip


def wide() -> str:
    """The shipped instrument, with more inputs and outputs."""
    inputs = ", ".join(f'"in-{k}"' for k in range(INPUTS))
    outputs = ", ".join(f'"out-{k}"' for k in range(OUTPUTS))
    return f"""
axes = [{inputs}]
[source.wekinator]
kind = "wekinator"
teaches = "teach"
[source.patch]
kind = "osc"
[player.teach]
kind = "mapping"
hears = ["wekinator", "patch"]
outputs = [{outputs}]
[sink.outputs]
kind = "wekinator"
plays = ["teach"]
"""


def known() -> list[Row]:
    """Shares of frames and movements that were never shown and are known, ours and scikit-learn's."""
    kinds, frames = grt_frames("grt_wiimote_tilt5.grt")
    sets = {
        "tilt": (frames[::10], kinds[::10], np.delete(frames, np.s_[::10], 0), np.delete(kinds, np.s_[::10]))
    }
    sets.update({f"watch_{fold}": watch(fold) for fold in range(FOLDS)})
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as place:
        for name, (x, y, x_new, y_new) in sets.items():
            file = Path(place) / f"{name}.npz"
            np.savez(file, x=x, y=y, x_new=x_new, y_new=y_new)
            peer = ask_peer(str(file), "classes", peer="sklearn") or {}
            for way in WAYS:
                row = f"{name.partition('_')[0]}_{way}_known"
                ours.setdefault(row, []).append(share(x, y, x_new, y_new, way, Path(place)))
                theirs.setdefault(row, []).extend([peer[way]] if peer else [])
    means = {row: float(np.mean(shares)) for row, shares in ours.items()}
    return [
        Row(row, mean, "share", mean, float(np.mean(theirs[row])) if theirs[row] else None, SKLEARN)
        for row, mean in means.items()
    ]


def share(
    x: np.ndarray, y: np.ndarray, x_new: np.ndarray, y_new: np.ndarray, way: str, folder: Path
) -> float:
    """The share of what is new that is known."""
    count = int(y.max())
    told = {
        "hears": [f"x{k}" for k in range(x.shape[1])],
        "outputs": [{"axis": "kind", "learn": way, "classes": count, "neighbours": 10}],
    }
    rows = [[row.tolist(), [kind / count]] for row, kind in zip(x, y, strict=True)]
    result = learn.learn(lesson.read(told, rows), folder)
    model = lite.Mapping(result.mapping or "")
    chances = np.array([model.play(row) for row in x_new])
    return float((chances.argmax(axis=1) + 1 == y_new).mean())


if __name__ == "__main__":
    main()
