"""Runs inside scikit-learn's own environment; prints one line of JSON.

sklearn_bench.py FILE UNITS     fit the examples of an .npz, each output by itself and all of them jointly
sklearn_bench.py FILE classes   learn the classes of an .npz, and tell the share known of those not shown
"""

import json
import sys
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


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


def classes(file: str) -> dict[str, float]:
    """Shares known, each way with scikit-learn's own settings, on inputs of deviation 1."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    ways = {
        "class-knn": KNeighborsClassifier(),
        "class-svm": SVC(),
        "class-mlp": MLPClassifier(hidden_layer_sizes=(16,), max_iter=1000, random_state=1),
    }
    with np.load(file) as held:
        x, y, x_new, y_new = (held[name] for name in ("x", "y", "x_new", "y_new"))
    return {
        name: float(make_pipeline(StandardScaler(), way).fit(x, y).score(x_new, y_new))
        for name, way in ways.items()
    }


if __name__ == "__main__":
    print(
        json.dumps(classes(sys.argv[1]) if sys.argv[2] == "classes" else main(sys.argv[1], int(sys.argv[2])))
    )
