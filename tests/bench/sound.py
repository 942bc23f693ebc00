"""The sound under load, how exactly notes begin, how soon a control is heard, and what others cost.

    sound.py [--seconds 600] [--only load page shapes jitter control peers]

What is asked for runs one after the other; Ctrl-C stops there, and what was measured is written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from fluidsynth import fluidsynth
from load import load
from measure import Row, quantile, write
from scsynth import scsynth
from studio import RATE, engine, first, hog, rtnull, sender

from foretone.packet import Form

LATENCY = 3 * 128 / RATE
"""Seconds from a note's time to its sound at 128 x 3: two periods wait, and the limiter holds one back."""

SHARE = 10
"""The shapes that are stated beside get this part of the time each, and no less than 20 s."""

PARTS = {
    "load": lambda seconds: load(seconds, 128, 3),
    "page": lambda seconds: load(seconds, 128, 3, "load_page", page=True),
    "shapes": lambda seconds: [
        row
        for period, periods in ((128, 2), (64, 2))
        for row in load(max(seconds / SHARE, 20.0), period, periods, f"load_{period}x{periods}")
    ],
    "jitter": lambda _: [jitter()],
    "control": lambda _: [control()],
    "peers": lambda _: [scsynth(), fluidsynth()],
}
LASTS = {"load": (1.0, 10), "page": (1.0, 20), "shapes": (2 / SHARE, 20),
         "jitter": (0, 30), "control": (0, 55), "peers": (0, 60)}  # fmt: skip
"""How long each takes: a share of `--seconds`, and so many more."""


def main() -> None:
    """The rows of the sound, in one run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    if reason := rtnull.missing():
        print(f"sound: {reason}", file=sys.stderr)
        return
    minutes = sum(LASTS[part][0] * options.seconds + LASTS[part][1] for part in options.only) / 60
    print(f"sound: about {minutes:.1f} minutes; Ctrl-C writes what there is", file=sys.stderr)
    rows: list[Row] = []
    try:
        for part in options.only:
            print(f"sound: {part}", file=sys.stderr, flush=True)
            rows += PARTS[part](options.seconds)
    except KeyboardInterrupt:
        print("sound: stopped", file=sys.stderr)
    if rows:
        write("sound", rows)


def jitter(notes: int = 150) -> Row:
    """How far from their times notes begin that were sent ahead, in the samples that the card was given."""
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as place, hog():
        folder = Path(place)
        with (
            engine(folder, rtnull.build(folder), ["blip"], 128, 3) as (port, _),
            sender(port) as send,
            first(),
        ):
            note = Form("/foretone/synth/blip/note", "dff")
            time.sleep(1.0)
            due, planned = time.monotonic() + 0.3, []
            for _ in range(notes):
                due += 0.1 + random.uniform(0, 0.05)
                planned.append(due)
                send(note.fill(due, 93, 0.8))
                send(note.fill(due + 0.02, 93, 0.0))
                time.sleep(max(due - 0.25 - time.monotonic(), 0.0))
            time.sleep(0.6)
        # When a frame left the card, and not its number: an underrun moves all that follow.
        left = np.array([rtnull.leaves_at(folder, int(at))[1] for at in onsets(rtnull.frames(folder))])
    nearest = left[np.abs(left[:, None] - np.array(planned) - LATENCY).argmin(axis=0)]
    late = nearest - np.array(planned)
    late = late[np.abs(late - LATENCY) < 0.03]
    if len(late) < 0.98 * notes:
        raise RuntimeError(f"only {len(late)} of {notes} notes were heard")
    wrong = 1000 * np.abs(late - np.median(late))
    p99 = quantile(wrong.tolist(), 0.99)
    return Row(
        "note_jitter_p99_ms", p99, "ms", p99, None, f"{notes} notes sent ahead, a busy core; budget 0.1"
    )


def control(turns: int = 100) -> Row:
    """From sending that a voice is no longer muted to its first sample in the hands of ALSA."""
    random = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (
            engine(folder, rtnull.build(folder), ["blip"], 128, 3, lookahead=False) as (port, _),
            sender(port) as send,
            first(),
        ):
            mute = Form("/foretone/synth/blip/mute", "f")
            send(Form("/foretone/synth/blip/note", "dff").fill(0.0, 69, 1.0))
            sent = []
            for _ in range(turns):
                send(mute.fill(1.0))
                time.sleep(0.4 + random.uniform(0, 0.01))
                sent.append(time.monotonic())
                send(mute.fill(0.0))
                time.sleep(0.05)
            send(mute.fill(1.0))
            time.sleep(0.5)
        begins = onsets(rtnull.frames(folder), loud=0)
        handed = [rtnull.leaves_at(folder, int(begin))[0] for begin in begins]
    heard = ([at - moment for at in handed if 0 < at - moment < 0.2] for moment in sent)
    late = [1000 * min(after) for after in heard if after]
    if len(late) < 0.95 * turns:
        raise RuntimeError(f"only {len(late)} of {turns} changes were heard")
    p99 = quantile(late, 0.99)
    told = f"p50 {quantile(late, 0.5):.2f}; 128 x 3, no look-ahead; budget {1000 * 128 / RATE + 1:.2f}"
    return Row("control_to_sample_p99_ms", p99, "ms", p99, None, told)


def onsets(frames: np.ndarray, loud: int = 50, silence: int = 1200) -> np.ndarray:
    """The frames at which it is louder than `loud` after so many frames of less."""
    sounding = np.flatnonzero(np.abs(frames.astype(int)).max(axis=1) > loud)
    return sounding[np.diff(sounding, prepend=-RATE) > silence]


if __name__ == "__main__":
    main()
