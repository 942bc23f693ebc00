"""The sound under load: four synths of 12 notes and 16 partials, a sampler of 16, models and a busy core.

Everything is a real process on a real ALSA PCM (tests/rtnull) that consumes 48 kHz in real time. The floor is
a writer that does nothing, on a PCM of the same kind, in the same minutes, at the same priority: what it
misses is the machine's, not ours.

    sound.py [--seconds 600] [--period 128] [--periods 3]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from instruments import MODEL, free_port
from measure import ROOT, Row, quantile, write
from scsynth import scsynth

from foretone.packet import Form, text
from foretone.ring import Ring

sys.path.insert(0, str(ROOT / "tests" / "rtnull"))
import rtnull

RATE = 48000
SYNTHS, NOTES, PARTIALS, SAMPLES = 4, 12, 16, 16

SOUNDS = (
    "".join(
        f"""
[s{number}]
kind = "additive"
wave = "saw"
notes = {NOTES}
partials = {PARTIALS}
attack = 200
release = 400
cutoff = 2500
resonance = 2
lfo_rate = 4
lfo_pitch = 3
lfo_filter = 400
envelope_filter = 800
delay_mix = 0.2
reverb = 0.2
level = 0.3
"""
        for number in range(SYNTHS)
    )
    + f"""
[kit]
kind = "sampler"
notes = {SAMPLES}
level = 0.3
[[kit.slots]]
name = "loop"
file = "{ROOT}/daemon/foretone/synth/samples/open.flac"
key = [0, 127]
root = 60
loop = "on"
[blip]
kind = "additive"
attack = 0
sustain = 1
release = 20
"""
)

START = """
import json, pathlib, sys
from foretone.synth.process import main
sys.exit(main(json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])))
"""

LATENCY = 3 * 128 / RATE
"""Seconds from a note's time to its sound at 128 x 3: two periods wait, and the limiter holds one back."""

TURNED = ("cutoff", "resonance", "lfo_filter", "pan", "reverb", "lfo_rate")


def main() -> None:
    """The rows of issue 5: the load, then how exactly notes begin and how soon a control is heard."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", nargs="?", choices=("floor", "brain"))
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--period", type=int, default=128)
    parser.add_argument("--periods", type=int, default=3)
    options = parser.parse_args()
    if options.role == "floor":
        floor(options.period, options.periods)
    elif options.role == "brain":
        brain(Path(options.arguments[0]), int(options.arguments[1]))
    elif reason := rtnull.missing():
        print(f"sound: {reason}", file=sys.stderr)
    else:
        rows = [*load(options.seconds, options.period, options.periods), jitter(), control()]
        write("sound", [*rows, scsynth()])


def load(seconds: float, period: int, periods: int) -> list[Row]:
    """Underruns above the floor's, and what a block costs, for so many seconds."""
    shape = f"{period} x {periods} at 48 kHz, {seconds:g} s"
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        library = rtnull.build(folder)
        voices = [*(f"s{number}" for number in range(SYNTHS)), "kit"]
        port, ring = running.enter_context(engine(folder, library, voices, period, periods, keep=False))
        running.enter_context(started(["brain", str(folder / "sound.ring"), str(port)]))
        running.enter_context(hog())
        environment = configured(folder / "floor", library, keep=False)
        still = running.enter_context(
            started(["floor", f"--period={period}", f"--periods={periods}"], environment)
        )
        time.sleep(2.0)
        p50, p99 = [], []
        before, deadline = ring.status(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(min(256 * period / RATE, max(deadline - time.monotonic(), 0.01)))
            status = ring.status()
            p50.append(status.p50)
            p99.append(status.p99)
        missed = status.xruns - before.xruns
        long = status.long - before.long
        still.send_signal(signal.SIGTERM)
        lost = int(json.loads(still.communicate(timeout=10)[0])["missed"])
    span = 1e6 * period / RATE
    blocks = status.blocks - before.blocks
    typical = float(np.mean(p99)) / span
    return [
        Row("load_underruns_above_floor", missed - lost, "", missed, lost,
            f"a writer that does nothing; {shape}; budget 1; {long} of {blocks} blocks drawn too late"),
        Row("load_render_p99_period", typical, "period", typical, None,
            f"p50 {np.mean(p50) / span:.3f}, worst second's p99 {max(p99) / span:.3f}; budget 0.5"),
    ]  # fmt: skip


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


def floor(period: int, periods: int) -> None:
    """A process that writes silence, as the audio process would, until SIGTERM; then what it missed."""
    from foretone import punctual
    from foretone.synth.alsa import Card

    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    card = Card("rtnull", RATE, period, periods)
    punctual.run_first(punctual.SOUND)
    silence, missed = np.zeros((period, 2), np.int16), 0
    card.prime()
    while not asked:
        if not card.write(silence):
            missed += 1
            card.prime()
    print(json.dumps({"missed": missed}), flush=True)


def brain(path: Path, port: int) -> None:
    """What plays the synths, 100 times a second: a network, a mapping, and features of what is heard."""
    from foretone.lite import Model

    model, random = Model(MODEL), np.random.default_rng(3)
    layers = [random.normal(0, 1 / math.sqrt(n), (n, m)) for n, m in ((6, 64), (64, 64))]
    state, ring, place, key = model.start(), Ring.open(path), 0, 0
    window, hertz = np.hanning(1024), np.fft.rfftfreq(1024, 1 / RATE)
    heard = np.zeros((1024, 2), np.int16)
    with sender(port) as send:
        due = time.monotonic()
        for tick in itertools.count():
            mixture, state = model.step([0.01, 0.5 + 0.5 * math.sin(tick / 30)], state)
            frames, place, _ = ring.read(place)
            heard = np.concatenate((heard, frames))[-1024:]
            power = np.abs(np.fft.rfft(heard.mean(axis=1) * window)) ** 2 + 1e-9
            centroid = float((power * hertz).sum() / power.sum()) / RATE
            flatness = float(np.exp(np.log(power).mean()) / power.mean())
            hidden = np.array([centroid, flatness, mixture[0], math.sin(tick / 70), math.cos(tick / 90), 1.0])
            for layer in layers:
                hidden = np.tanh(hidden @ layer)
            for number in range(SYNTHS):
                send(turn(f"s{number}", 0.5 + 0.5 * hidden[16 * number : 16 * number + len(TURNED)]))
            if tick % 5 == 0:
                key += 1
                for voice in [*(f"s{number}" for number in range(SYNTHS)), "kit"]:
                    send(Form(f"/foretone/synth/{voice}/note", "dff").fill(0.0, 36 + (7 * key) % 48, 0.6))
            due += 0.01
            time.sleep(max(due - time.monotonic(), 0.0))


def turn(voice: str, axes: np.ndarray) -> bytes:
    """One packet that gives a synth its parameters."""
    ranges = {"cutoff": 6000, "resonance": 8, "lfo_filter": 1000, "pan": 1, "reverb": 0.5, "lfo_rate": 10}
    pairs = b"".join(
        text(name) + struct.pack(">f", axis * ranges[name]) for name, axis in zip(TURNED, axes, strict=True)
    )
    return text(f"/foretone/synth/{voice}/set") + text("," + "sf" * len(TURNED)) + pairs


@contextlib.contextmanager
def engine(
    folder: Path, library: Path, voices: Sequence[str], period: int, periods: int,
    *, keep: bool = True, lookahead: bool = True,
) -> Iterator[tuple[int, Ring]]:  # fmt: skip
    """The audio process on a card of its own, while it plays: its port and its ring."""
    (folder / "sounds.toml").write_text(SOUNDS)
    port = free_port()
    settings: dict[str, Any] = {
        "pcm": "rtnull", "period": period, "periods": periods, "port": port, "lookahead": lookahead,
        "voices": list(voices), "sounds": "sounds.toml",
    }  # fmt: skip
    path = folder / "sound.ring"
    command = ["-c", START, json.dumps(settings), str(path), str(folder)]
    with started(command, configured(folder / "card", library, keep=keep), ours=False) as process:
        deadline = time.monotonic() + 20
        while not path.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the audio process did not start")
            time.sleep(0.02)
        yield port, Ring.open(path)


def configured(folder: Path, library: Path, *, keep: bool) -> dict[str, str]:
    """The environment with a card that keeps what it is given, or does not, in `folder`'s parent."""
    folder.mkdir()
    path = rtnull.configure(library, folder.parent)
    lines = path.read_text().splitlines()
    kept = [line for line in lines if keep or not line.strip().startswith(('file "', "stamps "))]
    mine = folder / "asound.conf"
    mine.write_text("\n".join(kept))
    return {**os.environ, "ALSA_CONFIG_PATH": str(mine)}


@contextlib.contextmanager
def started(
    arguments: Sequence[str], environment: dict[str, str] | None = None, *, ours: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """A process of this file's, or another of Python's; ended by SIGTERM."""
    command = [sys.executable, *([__file__] if ours else []), *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextlib.contextmanager
def hog() -> Iterator[None]:
    """A core that is busy with nothing."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def first() -> Iterator[None]:
    """As the conductor does: before ordinary processes, where that is allowed."""
    from foretone import punctual

    punctual.run_first(punctual.CONDUCTOR)
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def sender(port: int) -> Iterator[Callable[[bytes], object]]:
    """Sends packets to an audio process."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(("127.0.0.1", port))
        yield wire.send


if __name__ == "__main__":
    main()
