"""The compiled inner loops draw what numpy draws, and both are tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from foretone.synth import kernel
from foretone.synth.engine import Engine
from foretone.synth.voice import Sound

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "daemon/foretone/synth/samples"
COMPILED = pytest.mark.skipif(kernel.library is None, reason="nothing was compiled: python3 deploy/kernel.py")

SLOTS = [
    {"name": "loop", "file": "open.flac", "key": [0, 90], "root": 60, "loop": "on", "start": 0.1, "end": 0.7},
    {"name": "cut", "file": "open.flac", "key": 100, "start": 0.01, "end": 0.5, "pan": 0.2, "rate": 2},
    {"name": "whole", "file": "open.flac", "key": 101, "gain": 0.9, "choke": 1},
    {"name": "choker", "file": "open.flac", "key": 102, "rate": 0.3, "choke": 1},
]
SOUNDS = [
    Sound("saw", "additive", {"wave": "saw", "cutoff": 3000, "resonance": 4, "lfo_rate": 5, "lfo_filter": 900,
                              "lfo_pitch": 5, "delay_mix": 0.3, "delay": 41, "reverb": 0.4, "detune": 9}),
    Sound("noise", "additive", {"wave": "noise", "attack": 30, "level": 0.3, "pan": 0.9}),
    Sound("kit", "sampler", {"slots": SLOTS, "reverb": 0.2, "room": 1.2, "delay_mix": 0.2}, SAMPLES),
]  # fmt: skip


def scene(period: int, blocks: int = 300) -> np.ndarray:
    """The same evening each time: notes, parameters and gestures from one seed."""
    engine, random = Engine(48000, period, SOUNDS), np.random.default_rng(7)
    drawn = []
    for block in range(blocks):
        if block % 7 == 0:
            voice = SOUNDS[random.integers(3)].name
            key = int(random.choice([*range(30, 80), 100, 101, 102]))
            engine.note(voice, key, float(random.choice([0.0, 0.3, 0.9])), float(random.uniform()))
        if block % 5 == 0:
            for name, low, high in (("cutoff", 40, 9000), ("delay", 1, 500), ("pan", 0, 1), ("room", 0, 1.5)):
                engine.turn("saw", name, random.uniform(low, high))
            engine.turn("kit", "loop/rate", random.uniform(0.2, 4))
            engine.turn("kit", "feedback", random.uniform(0, 0.9))
        engine.play("kit", [random.uniform()] * 4)
        drawn.append(engine.render().copy())
    assert engine.faults == 0
    return np.concatenate(drawn).astype(int)


@COMPILED
@pytest.mark.parametrize("period", [32, 128, 441, 1024])
def test_it_draws_what_numpy_draws(monkeypatch: pytest.MonkeyPatch, period: int) -> None:
    compiled = scene(period)
    monkeypatch.setattr(kernel, "library", None)
    plain = scene(period)
    assert np.abs(plain).max() > 8000
    assert np.abs(compiled - plain).max() <= 12, "of 32767: they round at other places"
    assert np.abs(compiled - plain).mean() < 0.5


def test_without_it_the_sound_is_numpy_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "library", None)
    assert np.abs(scene(128, 60)).max() > 3000


@COMPILED
def test_one_of_another_source_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path in kernel.FOLDER.glob("kernel*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(kernel, "FOLDER", tmp_path)
    assert kernel._load() is not None
    with (tmp_path / "kernel.h").open("a") as file:
        file.write("/* changed */\n")
    assert kernel._load() is None


@COMPILED
@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling to build a wheel")
def test_it_comes_with_a_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path)
    monkeypatch.setattr(kernel, "FOLDER", tmp_path / "foretone/synth")
    assert kernel._load() is not None


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_it_reads_and_writes_nothing_beyond_its_arrays(tmp_path: Path) -> None:
    """With the compiler's own watch on every access and every conversion."""
    script = tmp_path / "scene.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import ctypes, test_kernel\nfrom foretone.synth import kernel\n"
        f"kernel.library = kernel.Kernel(ctypes.PyDLL({str(tmp_path / 'watched.so')!r}))\n"
        "test_kernel.scene(128, 150)\ntest_kernel.scene(441, 60)\n"
    )
    watch = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
    command = ["gcc", "-std=c99", "-O1", "-g", "-shared", "-fPIC", *watch, "-DSOURCE=0u",
               *kernel.FOLDER.glob("kernel*.c"),
               "-o", tmp_path / "watched.so", "-lm"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    watcher = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    environment = {**os.environ, "LD_PRELOAD": watcher.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
