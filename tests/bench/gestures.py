"""How well gestures that were never shown are known and followed, beside others on the same split."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import DTW, SKLEARN, Row, ask_peer, quantile, write

sys.path.append(str(Path(__file__).parents[1] / "mapping"))  # the recordings of the tests

from recordings import GESTURES, grt_frames, grt_series, watch, watch_windows

from foretone import lite
from foretone.follower import Follower
from foretone.spotter import Spotter
from foretone_training import learn, lesson, warping
from foretone_training.warping import Take

FOLDS = 5
SPEEDS = (1.0, 0.5, 2.0)
WAYS = ("class-knn", "class-svm", "class-mlp")


def main() -> None:
    """Where the real recordings are; without them there is nothing to measure."""
    if not GESTURES.exists():
        raise SystemExit(f"the real recordings are not at {GESTURES}: set FORETONE_DATA to their folder")
    rows = known()
    rows += drawn("letters", "grt_mouse_letters_GRT.grt")
    rows += drawn("figures", "grt_hmm_2d_gestures.grt")
    write("gestures", rows)


def known() -> list[Row]:
    """Shares of what was never shown that are known: tilts of a remote, exercises of subjects never heard.

    The exercises are windows of 2 s: features for scikit-learn and us, every second frame for dtaidistance.
    """
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
        warped = []
        for fold in range(FOLDS):
            shown, new = ([(kind, frames[::2]) for kind, frames in takes] for takes in watch_windows(fold))
            warped.append(warped_share(Path(place) / "w.npz", shown, new))
    rows = [ratio(row, float(np.mean(ours[row])), theirs[row], SKLEARN) for row in ours]
    best = max(float(np.mean(ours[f"watch_{way}_known"])) for way in WAYS)
    return [*rows, ratio("watch_best_known", best, [one for one in warped if one is not None], DTW)]


def drawn(name: str, file: str) -> list[Row]:
    """Every second drawing of a mouse is shown; of the others which are found in the stream and followed."""
    takes = grt_series(file)
    learned, _ = warping.fit(("x", "y"), takes[::2], max(kind for kind, _ in takes))
    spotter, follower = Spotter(learned), Follower(warping.few(learned))
    spotted, halfway, ended, phases, speeds, times = [], [], [], [], [], []
    for kind, frames in takes[1::2]:
        path = warping.sampled(frames, learned.step)
        spotter.forget()
        found = [made for x in (*path, *[path[-1]] * 30) if (made := spotter.hear(x))]
        spotted.append(found == [kind])
        usual = None
        for speed in SPEEDS:
            path = warping.sampled(warping.moving(frames) / [speed, 1.0, 1.0], learned.step)
            follower.forget()
            went = []
            for x in path:
                begin = time.perf_counter()
                follower.hear(x)
                times.append(1e6 * (time.perf_counter() - begin))
                went.append((follower.phase, follower.speed, int(np.argmax(follower.chances)) + 1 == kind))
            phase, fast, right = (np.array(each) for each in zip(*went, strict=True))
            halfway.append(right[len(path) // 2])
            ended.append(right[-1])
            phases += np.abs(phase - np.linspace(0.0, 1.0, len(path))).tolist()
            middle = float(np.mean(fast[len(path) // 4 : -2]))
            usual = usual or middle
            if speed != 1.0:
                speeds.append(abs(middle / usual / speed - 1.0))
    with tempfile.TemporaryDirectory() as place:
        peer = warped_share(Path(place) / "w.npz", takes[::2], takes[1::2])
    peers = [] if peer is None else [peer]
    return [
        ratio(f"{name}_spotted_known", float(np.mean(spotted)), peers, f"{DTW}, cut out for it"),
        ratio(f"{name}_followed_known", float(np.mean(ended)), peers, f"{DTW}, at one speed"),
        Row(f"{name}_followed_halfway", float(np.mean(halfway)), "share", float(np.mean(halfway)), None,
            "known by the middle, at half, usual and double speed"),
        Row(f"{name}_phase_error", float(np.median(phases)), "0..1", float(np.median(phases)), None,
            "median, from the share of the time that has passed"),
        Row(f"{name}_speed_error", float(np.median(speeds)), "share", float(np.median(speeds)), None,
            "median, from the speed that was made; usual is 1"),
        Row(f"{name}_follow_p50_us", quantile(times, 0.5), "us", quantile(times, 0.5), None,
            f"a step, {len(follower.gestures.templates)} templates; budget 1000 us"),
    ]  # fmt: skip


def ratio(row: str, ours: float, theirs: list[float], who: str) -> Row:
    """Shares of a hundred, ours beside theirs."""
    if not theirs:
        return Row(row, ours, "share", ours, None, f"{who} is not installed")
    return Row(row, ours, "share", ours, float(np.mean(theirs)), who)


def warped_share(file: Path, shown: list[Take], new: list[Take]) -> float | None:
    """The share of movements that dtaidistance knows by the nearest one that was shown."""
    held = {}
    for which, takes in (("", shown), ("_new", new)):
        held[f"x{which}"] = np.concatenate([frames[:, 1:] for _, frames in takes])
        held[f"lengths{which}"] = np.array([len(frames) for _, frames in takes])
        held[f"y{which}"] = np.array([kind for kind, _ in takes])
    np.savez(file, **held)
    answer = ask_peer(str(file), peer="dtw")
    return None if answer is None else answer["known"]


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
