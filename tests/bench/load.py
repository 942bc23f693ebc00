"""The load: four synths of 12 notes and 16 partials, a sampler of 16, models, an ear, and a busy core.

Everything is a real process on a real ALSA PCM (tests/rtnull) that plays and records 48 kHz in real time.
The floor is a writer that does nothing, on a PCM of the same kind, in the same minutes: what it misses is the
machine's, not ours. It has the same core as the audio process, and the first say on it, so that a virtual
machine's host takes the processor from both or from neither; on different cores each would meet stalls of its
own, and a difference of two small counts would be chance.

    load.py floor PERIOD PERIODS, load.py brain PORT     the processes of it
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from instruments import MODEL, free_port
from measure import Row
from studio import RATE, SYNTHS, configured, engine, hog, on_one_core, rtnull, sender, started

from foretone.packet import Form, text

TURNED = ("cutoff", "resonance", "lfo_filter", "pan", "reverb", "lfo_rate")
HEARD = ("level", "pitch", "centroid", "flatness", "onset")

BROWSER = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
           "--no-first-run")  # fmt: skip


def load(seconds: float, period: int, periods: int, name: str = "load", *, page: bool = False) -> list[Row]:
    """Underruns above the floor's, and what a block costs, for so many seconds."""
    shape = f"{period} x {periods} at 48 kHz, {seconds:g} s" + (", the page open" if page else "")
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        library = rtnull.build(folder)
        voices = [*(f"s{number}" for number in range(SYNTHS)), "kit"]
        with on_one_core():
            port, ring = running.enter_context(engine(folder, library, voices, period, periods, keep=False))
        (folder / "sound.raw").write_bytes(tune().tobytes())
        ear = configured(folder / "ear", library, keep=False)
        running.enter_context(started(["brain", str(port)], ear))
        running.enter_context(hog())
        if page:
            running.enter_context(visited(folder))
        environment = configured(folder / "floor", library, keep=False)
        with on_one_core():
            still = running.enter_context(started(["floor", str(period), str(periods)], environment))
        time.sleep(3.0)
        p50, p99, missed = [], [], []
        before, begun = ring.status(), time.monotonic()
        status, now = before, begun
        while now < begun + seconds:
            time.sleep(min(256 * period / RATE, max(begun + seconds - now, 0.01)))
            earlier, status, now = status, ring.status(), time.monotonic()
            p50.append(status.p50)
            p99.append(status.p99)
            missed += [now] * (status.xruns - earlier.xruns)
        long = status.long - before.long
        still.send_signal(signal.SIGTERM)
        lost = [at for at in json.loads(still.communicate(timeout=10)[0]) if begun < at < now]
    span = 1e6 * period / RATE
    blocks = status.blocks - before.blocks
    typical = float(np.mean(p99)) / span
    alone = sum(not any(at - 1.0 < other < at for other in lost) for at in missed)
    return [
        Row(f"{name}_underruns_above_floor", len(missed) - len(lost), "", len(missed), len(lost),
            f"a writer that does nothing; {shape}; budget 1; {alone} of ours in a second when it had none; "
            f"{long} of {blocks} blocks drawn too late"),
        Row(f"{name}_render_p99_period", typical, "period", typical, None,
            f"p50 {np.mean(p50) / span:.3f}, worst second's p99 {max(p99) / span:.3f}; budget 0.5"),
    ]  # fmt: skip


def tune() -> np.ndarray:
    """What there is to hear: a note each quarter of a second, and noise between."""
    t = np.arange(RATE // 4) / RATE
    notes = [0.4 * np.sin(2 * np.pi * 110 * 2 ** (step / 4) * t) * np.exp(-6 * t) for step in range(8)]
    noise = 0.02 * np.random.default_rng(5).normal(size=8 * len(t))
    return np.round(32767 * (np.concatenate(notes) + noise)).clip(-32768, 32767).astype("<i2")


@contextlib.contextmanager
def visited(folder: Path) -> Iterator[None]:
    """An instrument's panel, whose page is open in a browser: it shows the sound that is in `folder`."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise RuntimeError("the page needs a browser: apt-get install chromium")
    port, foretone = free_port(), [sys.executable, "-m", "foretone"]
    ports = [f"--set={part}.port={free_port()}" for part in ("interface", "prediction")]
    commands = [
        [*foretone, "run", "osc", "--board=fake", "--ghost", "--no-log", f"--state={folder}", *ports],
        [*foretone, "panel", f"--state={folder}", f"--port={port}"],
        [browser, *BROWSER, f"--user-data-dir={folder}/browser", f"http://127.0.0.1:{port}/"],
    ]
    with contextlib.ExitStack() as opened:
        for command in commands:
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            opened.callback(process.wait)
            opened.callback(process.terminate)
            time.sleep(2.0)
        yield


def floor(period: int, periods: int) -> None:
    """A process that writes silence, a period at a time, until SIGTERM; then when it ran dry."""
    from foretone import punctual
    from foretone.pcm import open_pcm

    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    card = open_pcm("rtnull", records=False, rate=RATE, channels=2, period=period, periods=periods)
    punctual.run_first(punctual.SOUND + 1)
    silence, missed = np.zeros((period, 2), np.int16), []
    buffer = np.zeros((period * periods, 2), np.int16)
    card.write(buffer)
    while not asked:
        if card.write(silence) < 0:
            missed.append(time.monotonic())
            card.write(buffer)
    print(json.dumps(missed), flush=True)


def brain(port: int) -> None:
    """What plays the synths, 100 times a second: a network, and a mapping of what a microphone hears."""
    from foretone.clock import WallClock
    from foretone.lite import Model
    from foretone.sources.microphone import Microphone

    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    heard = [(0.0,) * len(HEARD)]
    microphone = Microphone(
        HEARD, "ear", WallClock(), lambda event: heard.__setitem__(0, event.values), pcm="ear"
    )
    model, random = Model(MODEL), np.random.default_rng(3)
    layers = [random.normal(0, 1 / math.sqrt(n), (n, m)) for n, m in ((6, 64), (64, 64))]
    state, key = model.start(), 0
    with sender(port) as send:
        due = time.monotonic()
        for tick in itertools.takewhile(lambda _: not asked, itertools.count()):
            mixture, state = model.step([0.01, 0.5 + 0.5 * math.sin(tick / 30)], state)
            hidden = np.array([*heard[0], mixture[0]])
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
    microphone.close()
    if microphone.waits:
        print(f"the ear heard nothing: {microphone.waits}", file=sys.stderr)


def turn(voice: str, axes: np.ndarray) -> bytes:
    """One packet that gives a synth its parameters."""
    ranges = {"cutoff": 6000, "resonance": 8, "lfo_filter": 1000, "pan": 1, "reverb": 0.5, "lfo_rate": 10}
    pairs = b"".join(
        text(name) + struct.pack(">f", axis * ranges[name]) for name, axis in zip(TURNED, axes, strict=True)
    )
    return text(f"/foretone/synth/{voice}/set") + text("," + "sf" * len(TURNED)) + pairs


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    if role == "floor":
        floor(*map(int, arguments))
    else:
        brain(*map(int, arguments))
