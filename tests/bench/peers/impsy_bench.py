"""Runs inside IMPSY's own environment; prints one line of JSON.

impsy_bench.py model FILE UNITS     write an untrained .tflite of 2 layers, dt and one axis
impsy_bench.py predict FILE N       time N prediction steps, microseconds
impsy_bench.py train FILE.npz 64    train size s with its defaults; its best weights become FILE-best.tflite
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np


def model(path: Path, units: int) -> dict[str, float]:
    from impsy import mdrnn, tflite_converter

    network = mdrnn.build_mdrnn_model(2, units, 5, 2, inference=True)
    tflite_converter.model_to_tflite(network, path)
    return {"units": units}


def predict(path: Path, number: int) -> dict[str, float]:
    from impsy import mdrnn

    network = mdrnn.TfliteMDRNN.from_file(path)
    network.prepare()
    value = np.array([0.02, 0.5], dtype=np.float32)
    for _ in range(200):
        network.generate(value)
    times = []
    for _ in range(number):
        begin = time.perf_counter()
        network.generate(value)
        times.append(1e6 * (time.perf_counter() - begin))
    return {"p50": float(np.quantile(times, 0.5)), "p99": float(np.quantile(times, 0.99))}


def train(path: Path, units: int) -> dict[str, float]:
    import keras
    from impsy import mdrnn, tflite_converter
    from impsy.train import train_mdrnn

    epochs: list[tuple[float, float, float]] = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            epochs.append((logs["val_loss"], since_start(), time.process_time()))

    place = path.with_suffix("")
    place.mkdir(exist_ok=True)
    train_mdrnn(
        dimension=None, dataset_location=path, model_size="s", early_stopping=True, patience=10,
        num_epochs=100, batch_size=64, save_location=place, callbacks=[Watch()],
    )  # fmt: skip
    told = {"total_s": since_start(), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    best = min(range(len(epochs)), key=epochs.__getitem__)
    with np.load(path, allow_pickle=True) as held:
        dimension = held["perfs"][0].shape[1]
    network = mdrnn.build_mdrnn_model(dimension, units, 5, 2, inference=False, seq_length=50)
    network.load_weights(next(place.glob("*-ckpt.keras")))
    network = tflite_converter.training_model_to_inference_model(network)
    tflite_converter.model_to_tflite(network, path.with_name(f"{path.stem}-best.tflite"))
    _, seconds, processor = epochs[best]
    return {**told, "best_s": seconds, "best_cpu_s": processor, "best_epoch": best + 1, "epochs": len(epochs)}


def since_start() -> float:
    """Seconds since this process was begun, imports and all."""
    return time.monotonic() - float(os.environ["FORETONE_BENCH_BEGAN"])


if __name__ == "__main__":
    command, file, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({"model": model, "predict": predict, "train": train}[command](file, number)))
