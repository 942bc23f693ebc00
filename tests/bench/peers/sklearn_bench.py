"""Runs inside scikit-learn's own environment; prints one line of JSON.

sklearn_bench.py FILE UNITS     fit the examples of an .npz, each output by itself and all of them jointly
"""

import json
import sys
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor


def perceptron(units: int, seed: int) -> MLPRegressor:
    """With L-BFGS, which scikit-learn's guide advises for small data sets; tanh, and its own alpha."""
    return MLPRegressor(
        hidden_layer_sizes=(units,), activation="tanh", solver="lbfgs", max_iter=300, random_state=seed
    )


def main(file: str, units: int) -> dict[str, float]:
    """Medians over the seeds: seconds to fit, and root mean square errors on points never shown."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    figures: dict[str, list[float]] = {"each_s": [], "joint_s": [], "each": [], "joint": []}
    with np.load(file) as held:
        data = {name: held[name] for name in held.files}
    for seed, (x, y, x_new, y_new) in enumerate(
        zip(data["x"], data["y"], data["x_new"], data["y_new"], strict=True)
    ):
        mean, spread = x.mean(axis=0), x.std(axis=0)
        known, unknown = (x - mean) / spread, (x_new - mean) / spread
        begin = time.perf_counter()
        models = [perceptron(units, seed).fit(known, column) for column in y.T]
        middle = time.perf_counter()
        joint = perceptron(units, seed).fit(known, y)
        figures["each_s"].append(middle - begin)
        figures["joint_s"].append(time.perf_counter() - middle)
        each = np.column_stack([model.predict(unknown) for model in models])
        figures["each"].append(float(np.sqrt(np.square(each - y_new).mean())))
        figures["joint"].append(float(np.sqrt(np.square(joint.predict(unknown) - y_new).mean())))
    return {name: float(np.median(values)) for name, values in figures.items()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
