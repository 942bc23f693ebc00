"""A voice for a script: the audio process, and values that turn what it has."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from foretone.errors import SoundError
from foretone.event import Event
from foretone.instrument import load
from foretone.sinks.synth import Synth

PATIENCE = 10.0
"""Seconds until the audio process must have opened the sound device."""


class Voice:
    """Sounds what a script plays; one thread uses it.

    sound
        One of those that `foretone sounds` lists.
    controls
        What the values turn, in their order: parameters of the sound, or parts of their ranges, "frequency
        from 110 to 880". `foretone parts` lists them.
    pcm
        The ALSA device.

    InstrumentError says what is wrong with them, SoundError that nothing sounds.
    """

    def __init__(self, sound: str, controls: Sequence[str], pcm: str = "default") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="foretone-")
        file = Path(self._folder.name) / "voice.toml"
        self.ring = file.with_name("sound.ring")
        """The last seconds of its sound, for `ring.py`."""
        port = _free_port()
        axes = [f"value-{number}" for number in range(1, len(controls) + 1)]
        words = json.dumps  # a list of texts is written in TOML as in JSON
        file.write_text(
            f'axes = {words(axes)}\n[source.script]\nkind = "pad"\n[sink.voice]\nkind = "synth"\n'
            f'plays = ["script"]\nvoices = [{words(sound)}]\ncontrols = {words(list(controls))}\n'
            f"pcm = {words(pcm)}\nport = {port}\n"
        )
        try:
            load(file)
        except BaseException:
            self._folder.cleanup()
            raise
        command = [sys.executable, "-m", "foretone", "synth", str(file), "--state", self._folder.name]
        self._process = subprocess.Popen(command)
        self._sink = Synth(axes, voices=[sound], port=port)
        self._sink.origins = ("script",)
        try:
            self._wait(port)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Voice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def play(self, values: Sequence[float], seconds: float = 0.0) -> None:
        """Sound them, 0..1 each, from now on; and wait so many seconds."""
        self._sink.play(Event(time.monotonic(), "script", tuple(map(float, values))))
        time.sleep(seconds)

    def rest(self) -> None:
        """Let go."""
        self._sink.rest()

    def close(self) -> None:
        """Let go, and end the audio process."""
        self._sink.close()
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _wait(self, port: int) -> None:
        """Until it listens. A port that nobody listens on refuses what is sent to it."""
        end = time.monotonic() + PATIENCE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect(("127.0.0.1", port))
            while time.monotonic() < end and self._process.poll() is None:
                try:
                    asking.send(b"/foretone/synth/rest\0\0\0\0,\0\0\0")
                    asking.settimeout(0.05)
                    asking.recv(1)
                except ConnectionRefusedError:
                    time.sleep(0.02)
                except TimeoutError:
                    return
        raise SoundError("nothing sounds here: look at what the audio process says, and choose another pcm")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
