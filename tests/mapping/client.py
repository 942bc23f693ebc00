"""A client of Wekinator, written from the table of its messages; and the instrument that stands in for it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

CONTROL = "/wekinator/control/"
MESSAGES = {
    "outputs", "startRecording", "stopRecording", "startDtwRecording", "stopDtwRecording", "train",
    "cancelTrain", "startRunning", "stopRunning", "deleteAllExamples", "deleteExamplesForOutput",
    "enableModelRecording", "disableModelRecording", "enableModelRunning", "disableModelRunning",
    "setInputNames", "setOutputNames", "selectInputsForOutput", "loadModelFromFile", "saveModelToFile",
    "runNewProject", "enablePerformanceMode", "disablePerformanceMode",
}  # fmt: skip
"""All that OSCControlReceiver.java of Wekinator 2.1 takes."""

DEADLINE = 30.0


def message(address, *values, types=""):
    builder = OscMessageBuilder(address)
    for number, value in enumerate(values):
        builder.add_arg(value, types[number] if types else None)
    return builder.build().dgram


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """Sends to Wekinator's port, hears what comes to its outputs' port and what comes back."""

    def __init__(self):
        self.control = free_port()
        self.outputs = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outputs.bind(("127.0.0.1", 0))
        self.port = self.outputs.getsockname()[1]
        self.done = set()
        self.asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.asking.bind(("127.0.0.1", 0))

    def send(self, address, *values, types=""):
        self.asking.sendto(message(address, *values, types=types), ("127.0.0.1", self.control))

    def do(self, name, *values, types=""):
        """A control message, and everything that it and the ones before it have caused."""
        self.done.add(name)
        self.send(CONTROL + name, *values, types=types)
        return self.settle()

    def settle(self):
        """Wait until all that was sent has been taken; returns the errors that came back."""
        self.send(CONTROL + "enableModelRunning", 999)
        said = []
        while True:
            error = self._read(self.asking)
            if "999" in error[1]:
                return said
            said.append(error[1])

    def frame(self, *values, types=""):
        """A frame of inputs, and the outputs that answer it."""
        self.drain()
        self.send("/wek/inputs", *values, types=types)
        return self.heard("/wek/outputs")

    def heard(self, address):
        """The next message of that name."""
        while True:
            name, *values = self._read(self.outputs)
            if name == address:
                return values

    def drain(self):
        """Everything that waits at the outputs' port."""
        waiting = []
        self.outputs.setblocking(False)
        try:
            while True:
                packet = OscMessage(self.outputs.recv(65535))
                waiting.append([packet.address, *packet.params])
        except BlockingIOError:
            return waiting

    def _read(self, place):
        place.settimeout(DEADLINE)
        packet = OscMessage(place.recv(65535))
        return [packet.address, *packet.params]

    def close(self):
        self.outputs.close()
        self.asking.close()


class Box:
    """`foretone run teach`, at home in a folder, started and ended as often as you like.

    Its state is in memory on a real box, and so is gone at each start.
    """

    def __init__(self, folder, client, *changes, instrument="teach"):
        self.folder, self.client, self.process = folder, client, None
        self.command = [
            sys.executable, "-m", "foretone", "run", str(instrument), "--board", "fake", "--headless",
            "--no-log", "--state", str(folder / "state"), f"--set=wekinator.port={client.control}",
            "--set=teach.fade=0", f"--set=wekinator.outputs_port={client.port}",
            f"--set=outputs.port={client.port}",
            *(f"--set={change}" for change in changes),
        ]  # fmt: skip

    def start(self):
        said = Path(tempfile.mkstemp()[1])
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        with said.open("w") as file:
            self.process = subprocess.Popen(
                self.command, stderr=file, env={**os.environ, "FORETONE_HOME": str(self.folder)}
            )
        until = time.monotonic() + DEADLINE
        self.client.asking.settimeout(0.1)
        while time.monotonic() < until:
            try:
                self.client.send(CONTROL + "nothing")
                self.client.asking.recv(65535)
            except (TimeoutError, ConnectionRefusedError):
                continue
            self.client.settle()
            return
        raise AssertionError(f"it does not start: {said.read_text()}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(DEADLINE)
