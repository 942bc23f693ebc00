"""A LightPad over the air: bluetoothd makes a port of it, and Foretone finds it by its name."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import modprobe, until

from foretone_hardware.sequencer import Sequencer

PORT = "LightPad BLOCK:LightPad BLOCK Bluetooth"
INSTRUMENT = """
title = "Pad"
axes = ["x", "y", "pressure"]

[source.pad]
kind = "lightpad"
program = "xyz"

[sink.lights]
kind = "lightpad"
program = "xyz"
lights = "xyz"
plays = ["pad"]
"""
TOUCH = ("b0 71 7f", "b0 72 40", "b0 73 50")
"""What the pad's XYZ program sends: x, y and pressure; a spot where it is touched is the same three."""


class LightPad:
    """The device, which is `air_midi.py` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        until(lambda: self.said.count("ready") == 2)

    def do(self, line: str) -> None:
        """`connect`, `disconnect`, or MIDI in hex to be played on it."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        for line in self._process.stdout:
            self.said.append(line.strip())


@pytest.fixture(scope="module")
def lightpad():
    modprobe("snd-seq", "hci_vhci", "bluetooth", "cmac", "algif_hash", "algif_skcipher", "ecb")
    Path("/run/dbus").mkdir(exist_ok=True)
    Path("/var/lib/bluetooth").mkdir(parents=True, exist_ok=True)
    subprocess.run(["dbus-daemon", "--system", "--fork", "--nopidfile"], check=True)
    with running("btvirt", "-L", "-l2"):
        until(lambda: len(list(Path("/sys/class/bluetooth").glob("hci[01]"))) == 2)
        with running("/usr/libexec/bluetooth/bluetoothd", "-n"):
            until(lambda: "org.bluez" in owners())
            with running("/usr/bin/python3", "-I", Path(__file__).with_name("air_midi.py")) as process:
                yield LightPad(process)


@contextmanager
def running(*command: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process
        process.kill()


def owners() -> str:
    names = "org.freedesktop.DBus.ListNames"
    call = ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/", names]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout


def test_it_plays_is_played_goes_and_comes_back(lightpad):
    there: set[str] = set()
    heard: list[bytes] = []

    def plugged(port: str, here: bool) -> None:
        (there.add if here else there.discard)(port)

    ports = Sequencer()
    ports.listen(lambda port, message: heard.append(message) if port == PORT else None, plugged)
    for _ in range(2):
        lightpad.do("connect")
        until(lambda: PORT in there)
        until(lambda: "listened to" in lightpad.said)
        lightpad.do("91 3c 64")
        until(lambda: b"\x91\x3c\x64" in heard)
        ports.send(PORT, b"\xb0\x71\x40")
        until(lambda: "b07140" in lightpad.said)
        lightpad.do("disconnect")
        until(lambda: PORT not in there)
        heard.clear()
        lightpad.said.clear()
    ports.close()


def test_the_daemon_plays_it_and_lights_it_and_again_when_it_comes_back(lightpad, foretone, instrument):
    process = foretone("run", instrument(INSTRUMENT), "--board", "pi", "--headless", "--no-log")
    for times in (1, 2):
        process.until(lambda: process.said.count("pad is waiting") == times)  # noqa: B023
        lightpad.said.clear()
        lightpad.do("connect")
        process.until(lambda: process.said.count("pad is plugged in") == times)  # noqa: B023
        process.until(lambda: "listened to" in lightpad.said)
        for message in TOUCH:
            lightpad.do(message)
        process.until(lambda: "b0717f" in "".join(lightpad.said))
        lightpad.do("disconnect")
    assert process.stop() == 0
