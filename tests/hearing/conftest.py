"""Known sounds, and a real ALSA device (tests/rtnull) that records them in real time."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from foretone.clock import WallClock
from foretone.sources.microphone import Microphone


def load(name, path):
    """A module by its place: test folders are not packages."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Ear:
    """A device that records `sound.raw` over and over, and microphones on it."""

    def __init__(self, folder):
        self._folder, self._opened = folder, []

    def sounds(self, sound):
        """What there is to hear: floats, -1 to 1, at 48 kHz."""
        data = np.round(32767 * np.asarray(sound)).astype("<i2").tobytes()
        (self._folder / "new.raw").write_bytes(data)
        (self._folder / "new.raw").rename(self._folder / "sound.raw")

    def unplug(self):
        """The device is gone until something sounds."""
        (self._folder / "sound.raw").unlink()

    def open(self, axes=("level", "pitch", "centroid", "flatness", "onset"), **settings):
        """A microphone, and the list to which it adds what it emits."""
        heard = []
        settings.setdefault("pcm", "ear")
        microphone = Microphone(axes, "microphone", WallClock(), heard.append, **settings)
        self._opened.append(microphone)
        return microphone, heard

    def close(self):
        for microphone in self._opened:
            microphone.close()
            assert microphone.pid is None


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The compiled device, and the module that configures it."""
    pytest.importorskip("alsaaudio", reason="needs pyalsaaudio")
    pytest.importorskip("aubio", reason="needs aubio")
    rtnull = load("rtnull", Path(__file__).parents[1] / "rtnull" / "rtnull.py")
    if reason := rtnull.missing():
        pytest.skip(reason)
    return rtnull, rtnull.build(tmp_path_factory.mktemp("ear"))


@pytest.fixture
def ear(library, tmp_path, monkeypatch):
    rtnull, path = library
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(rtnull.configure(path, tmp_path)))
    made = Ear(tmp_path)
    yield made
    made.close()
