"""The additive job, ours and SuperCollider's: 48 notes of 16 partials whose amplitudes never rest.

scsynth draws it without a clock (its -N), ours likewise; what counts is processor time a block. The jobs are
close, not the same: ours filters each partial's amplitude and limits the sum, theirs multiplies each by a
slow sine.
"""

from __future__ import annotations

import resource
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from measure import Row

RATE, PERIOD = 48000, 128
SYNTHS, NOTES, PARTIALS = 4, 12, 16
SHORT, LONG = 5.0, 65.0
"""Seconds of sound; the difference is free of start-up."""

_AUDIO, _CONTROL = 2, 1
_MULTIPLY, _ADD = 2, 0


def scsynth() -> Row:
    """Processor time of a block, ours to theirs."""
    mine = ours()
    server = shutil.which("scsynth")
    if server is None:
        return Row("additive_vs_scsynth", mine, "us", mine, None,
                   "scsynth is not installed: no ratio; apt-get install supercollider-server")  # fmt: skip
    theirs = (spent(server, LONG) - spent(server, SHORT)) / ((LONG - SHORT) * RATE / PERIOD) * 1e6
    return Row("additive_vs_scsynth", mine / theirs, "ratio", mine, theirs, "scsynth, us a block of 128")


def ours() -> float:
    """Microseconds of processor time a block of ours."""
    from foretone.synth.engine import Engine
    from foretone.synth.voice import Sound

    settings = {"wave": "saw", "sustain": 1, "cutoff": 3000, "lfo_rate": 3, "lfo_filter": 1000, "level": 0.05}
    engine = Engine(RATE, PERIOD, [Sound(f"s{n}", "additive", settings) for n in range(SYNTHS)])
    for number in range(SYNTHS):
        for note in range(NOTES):
            engine.note(f"s{number}", 40 + 3 * note + number, 0.5)
    for _ in range(200):
        engine.render()
    blocks, begin = 4000, time.process_time()
    for _ in range(blocks):
        engine.render()
    return 1e6 * (time.process_time() - begin) / blocks


def spent(server: str, seconds: float) -> float:
    """Seconds of processor time in which scsynth draws the job."""
    with tempfile.TemporaryDirectory() as place:
        score = Path(place) / "score.osc"
        score.write_bytes(b"".join(bundles(seconds)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [server, "-N", score, "_", Path(place) / "out.wav", str(RATE), "WAV", "int16", "-o", "2",
                   "-z", str(PERIOD)]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bundles(seconds: float) -> list[bytes]:
    """A score: the definition, all notes at once, and the end."""
    begin = [message("/d_recv", definition())]
    for number in range(SYNTHS * NOTES):
        hertz = 440 * 2 ** ((40 + 3 * (number // SYNTHS) + number % SYNTHS - 69) / 12)
        begin.append(message("/s_new", "tone", 1000 + number, 0, 0, "hertz", hertz))
    return [bundle(0.0, begin), bundle(seconds, [message("/c_set", 0, 0.0)])]


def bundle(at: float, messages: list[bytes]) -> bytes:
    """An OSC bundle at a time from the start of the score, with its length before it."""
    body = b"#bundle\0" + struct.pack(">II", int(at), int(at % 1 * 2**32))
    body += b"".join(struct.pack(">i", len(each)) + each for each in messages)
    return struct.pack(">i", len(body)) + body


def message(address: str, *arguments: bytes | str | float) -> bytes:
    """An OSC message of blobs, strings, floats and whole numbers."""
    types, data = ",", b""
    for argument in arguments:
        if isinstance(argument, bytes):
            types, data = types + "b", data + struct.pack(">i", len(argument)) + argument
            data += bytes(-len(argument) % 4)
        elif isinstance(argument, str):
            types, data = types + "s", data + padded(argument)
        elif isinstance(argument, int):
            types, data = types + "i", data + struct.pack(">i", argument)
        else:
            types, data = types + "f", data + struct.pack(">f", argument)
    return padded(address) + padded(types) + data


def padded(text: str) -> bytes:
    """A string as OSC stores it."""
    return text.encode() + bytes(4 - len(text) % 4)


def definition() -> bytes:
    """A note in SuperCollider's format for definitions (SCgf, version 1): a control, and units in order.

    The amplitude of each partial is a sine of 3 Hz, told once a block; its output is the sum, on both sides.
    """
    constants = [3.0, 0.0, 0.004, *(float(k) for k in range(1, PARTIALS + 1))]
    units: list[bytes] = []

    def unit(name: str, rate: int, inputs: list[tuple[int, int]], outputs: int = 1, special: int = 0) -> int:
        wires = b"".join(struct.pack(">hh", *each) for each in inputs)
        head = short(name) + struct.pack(">bhhh", rate, len(inputs), outputs, special)
        units.append(head + wires + struct.pack("b", rate) * outputs)
        return len(units) - 1

    def constant(place: int) -> tuple[int, int]:
        return -1, place

    hertz = unit("Control", _CONTROL, [])
    slow = unit("SinOsc", _CONTROL, [constant(0), constant(1)])
    total = -1
    for k in range(PARTIALS):
        pitch = unit("BinaryOpUGen", _CONTROL, [(hertz, 0), constant(3 + k)], special=_MULTIPLY)
        level = unit("BinaryOpUGen", _CONTROL, [(slow, 0), constant(2)], special=_MULTIPLY)
        sine = unit("SinOsc", _AUDIO, [(pitch, 0), constant(1)])
        partial = unit("BinaryOpUGen", _AUDIO, [(sine, 0), (level, 0)], special=_MULTIPLY)
        if total >= 0:
            partial = unit("BinaryOpUGen", _AUDIO, [(total, 0), (partial, 0)], special=_ADD)
        total = partial
    unit("Out", _AUDIO, [constant(1), (total, 0), (total, 0)], outputs=0)
    body = short("tone") + struct.pack(">h", len(constants)) + struct.pack(f">{len(constants)}f", *constants)
    body += struct.pack(">hf", 1, 440.0) + struct.pack(">h", 1) + short("hertz") + struct.pack(">h", 0)
    body += struct.pack(">h", len(units)) + b"".join(units) + struct.pack(">h", 0)
    return b"SCgf" + struct.pack(">ih", 1, 1) + body


def short(text: str) -> bytes:
    """A string as SuperCollider stores it: its length, then itself."""
    return bytes([len(text)]) + text.encode()
