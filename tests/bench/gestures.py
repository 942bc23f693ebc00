"""How well gestures that were never shown are known, beside scikit-learn on the same split."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import SKLEARN, Row, ask_peer, write

sys.path.append(str(Path(__file__).parents[1] / "mapping"))  # the recordings of the tests

from recordings import GESTURES, grt_frames, watch

from foretone import lite
from foretone_training import learn, lesson

FOLDS = 5
WAYS = ("class-knn", "class-svm", "class-mlp")


def main() -> None:
    """Where the real recordings are; without them there is nothing to measure."""
    if not GESTURES.exists():
        raise SystemExit(f"the real recordings are not at {GESTURES}: set FORETONE_DATA to their folder")
    write("gestures", known())


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
