"""The voice on a sound card of the kernel's: snd-aloop, whose other end hears what is played."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
import wave
from pathlib import Path

import alsaaudio
import numpy as np
import pytest
from conftest import modprobe, until

from foretone.packet import Form
from foretone.ring import Ring
from foretone.tape import Tape

INSTRUMENT = """
title = "Loopback"
axes = ["lever"]

[source.osc]
kind = "osc"
port = 5001

[sink.voice]
kind = "synth"
plays = ["osc"]
pcm = "hw:CARD=Loopback,DEV=0"
period = 1024
periods = 8
"""
PERIOD = 1024
GESTURE = Form("/foretone/synth/player", "df")
INTERFACE = Form("/interface", "f")
DRIVER = Path("/sys/bus/platform/drivers/snd_aloop")


class Recorder:
    """The other end of the cable, in a thread."""

    def __init__(self) -> None:
        self._pcm = alsaaudio.PCM(
            type=alsaaudio.PCM_CAPTURE,
            device="hw:CARD=Loopback,DEV=1",
            rate=48000,
            channels=2,
            format=alsaaudio.PCM_FORMAT_S16_LE,
            periodsize=1024,
            periods=128,  # 2.7 s, should the guest stand still
        )
        self.lost = False
        self._blocks: list[bytes] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> np.ndarray:
        """All that was heard, int16 [n, 2]."""
        self._stopping = True
        self._thread.join()
        self._pcm.close()
        return np.frombuffer(b"".join(self._blocks), "<i2").reshape(-1, 2)

    def loud(self) -> bool:
        """Whether the newest tenth of a second is."""
        return any(
            np.abs(np.frombuffer(block, "<i2").astype(int)).max() > 1000 for block in self._blocks[-5:]
        )

    def _run(self) -> None:
        while not self._stopping:
            try:
                count, block = self._pcm.read()
            except alsaaudio.ALSAAudioError:
                return
            if count > 0:
                self._blocks.append(block)
            self.lost = self.lost or count < 0


@pytest.fixture
def card():
    modprobe("snd-aloop")
    until(lambda: Path("/proc/asound/Loopback").exists())


@pytest.fixture
def voice(card, foretone, instrument, tmp_path):
    """The process, its ring, what is recorded of the card, and what is recorded of the ring."""
    recorder = Recorder()
    process = foretone("synth", instrument(INSTRUMENT), "--state", tmp_path)
    process.until((tmp_path / "sound.ring").exists)
    tape = Tape(tmp_path / "sound.ring", tmp_path / "sound.wav")
    yield process, Ring.open(tmp_path / "sound.ring"), recorder, tape
    recorder.close()


def play(process, recorder, seconds: float = 2.0) -> None:
    """Move the lever until it was heard for so long."""
    heard: list[float] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:

        def sounds() -> bool:
            out.sendto(GESTURE.fill(time.monotonic(), time.monotonic() % 1.0), ("127.0.0.1", 7401))
            if recorder.loud():
                heard.append(time.monotonic())
            return bool(heard) and heard[-1] - heard[0] > seconds

        process.until(sounds)


def gaps(wav: Path, heard: np.ndarray) -> int:
    """How often the card was silent, or said something twice, between two blocks of the ring's sound; fails
    when one was not heard whole and in its place.
    """
    with wave.open(str(wav)) as file:
        shown = [file.readframes(PERIOD) for _ in range(file.getnframes() // PERIOD)]
    sounding = [block for block in shown if any(block)]
    assert len(sounding) > 24000 // PERIOD
    whole, end, found = heard.tobytes(), -1, 0
    for block in sounding:
        place = whole.find(block, max(end, 0))
        assert place >= 0
        found += place != end
        end = place + len(block)
    return found - 1


def test_the_card_plays_what_the_ring_shows_frame_for_frame(voice, tmp_path):
    process, ring, recorder, tape = voice
    play(process, recorder)
    assert process.stop() == 0
    heard = recorder.close()
    tape.close()
    assert not recorder.lost
    assert gaps(tmp_path / "sound.wav", heard) <= ring.status().xruns


def test_a_voice_that_was_held_up_is_heard_again(voice, tmp_path):
    process, ring, recorder, tape = voice
    play(process, recorder)
    process.process.send_signal(signal.SIGSTOP)
    until(lambda: not recorder.loud())
    process.process.send_signal(signal.SIGCONT)
    process.until(lambda: ring.status().xruns > 0)
    play(process, recorder)
    assert process.stop() == 0
    heard = recorder.close()
    tape.close()
    assert 1 <= gaps(tmp_path / "sound.wav", heard) <= ring.status().xruns


def test_a_card_that_went_away_is_found_again_by_its_name(card, foretone, instrument):
    process = foretone("play", instrument(INSTRUMENT), "--board", "fake", "--headless", "--no-log")

    def sound() -> None:
        recorder = Recorder()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:

            def sounds() -> bool:
                out.sendto(INTERFACE.fill(time.monotonic() % 1.0), ("127.0.0.1", 5001))
                return recorder.loud()

            process.until(sounds)
        recorder.close()

    sound()
    unplugging = subprocess.Popen(["sh", "-c", f"echo snd_aloop.0 >{DRIVER}/unbind"])
    process.until(lambda: "went away" in process.said)
    assert unplugging.wait(10) == 0
    modprobe("snd-dummy")  # takes the number that it had
    (DRIVER / "bind").write_text("snd_aloop.0")
    assert Path("/proc/asound/Loopback").readlink().name == "card1"
    sound()
    assert process.stop() == 0
