"""Runs inside dtaidistance's own environment; prints one line of JSON.

dtw_bench.py FILE     the share of movements known by the nearest one that was shown, by dynamic time warping

The .npz has the frames of all movements, [n, inputs], as `x`, the `lengths` of each and their kinds `y`; the
same with `_new` for those that were not shown.
"""

import json
import sys

import numpy as np
from dtaidistance import dtw_ndim


def main(file: str) -> float:
    """Inputs have the deviation 1, as dtaidistance leaves them as they are."""
    with np.load(file) as held:
        data = {name: held[name] for name in held.files}
    mean, spread = data["x"].mean(axis=0), data["x"].std(axis=0)
    shown, new = (
        np.split((data[f"x{which}"] - mean) / spread, np.cumsum(data[f"lengths{which}"])[:-1])
        for which in ("", "_new")
    )
    shown, new = ([np.ascontiguousarray(each) for each in some] for some in (shown, new))
    known = 0
    for movement, kind in zip(new, data["y_new"], strict=True):
        away = [dtw_ndim.distance_fast(movement, other) for other in shown]
        known += data["y"][int(np.argmin(away))] == kind
    return known / len(new)


if __name__ == "__main__":
    print(json.dumps({"known": main(sys.argv[1])}))
