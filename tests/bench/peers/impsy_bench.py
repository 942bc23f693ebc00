"""Runs inside IMPSY's own environment; prints one line of JSON.

impsy_bench.py model FILE UNITS     write an untrained .tflite of 2 layers, dt and one axis
impsy_bench.py predict FILE N       time N prediction steps, microseconds
"""

import json
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


if __name__ == "__main__":
    command, file, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    print(json.dumps({"model": model, "predict": predict}[command](file, number)))
