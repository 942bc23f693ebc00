"""The whole instrument as its processes, in real time: what `make play` starts."""

import functools
import json
import math
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from foretone import session
from foretone.errors import SoundError
from foretone.ring import Ring

pytestmark = pytest.mark.live

COMMAND = [sys.executable, "-m", "foretone"]


def until(condition, seconds=20.0):
    """Poll until `condition()` is true, and return it; a real process is waited for."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        select_nothing()
    return found


def select_nothing():
    """Give other processes a moment."""
    import select

    select.select([], [], [], 0.02)


@pytest.fixture
def ports(free_port):
    """Changes that keep instruments of tests apart."""
    return [f"--set={name}.port={free_port()}" for name in ("osc", "voice", "patch")]


@pytest.fixture
def start(tmp_path):
    """Starts commands, with their output in files, and ends whoever is left."""
    started = []

    def run(*arguments, **options):
        out = (tmp_path / f"out-{len(started)}").open("w+")
        process = subprocess.Popen([*COMMAND, *arguments], stdout=out, stderr=subprocess.STDOUT, **options)
        process.told = lambda: Path(out.name).read_text()
        started.append((process, out))
        return process

    yield run
    for process, out in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        out.close()


@pytest.mark.parametrize(
    ("name", "sockets"), [("arms", ("remote", "patch")), ("osc", ("interface", "prediction"))]
)
def test_the_ghost_plays_every_shipped_instrument(start, free_port, tmp_path, name, sockets):
    changes = [f"--set={part}.port={free_port()}" for part in sockets]
    report = tmp_path / "report.json"
    process = start("play", name, "--ghost", "--seconds", "2", *changes, "--no-log", "--report", str(report))
    assert process.wait(30) == 0, process.told()
    told = json.loads(report.read_text())
    assert told["events_in"] > 20
    assert told["dropped"] == told["malformed"] == 0
    assert told["faults"] == {}


def test_headless_it_plays_in_real_time_and_reports(start, ports, tmp_path):
    began = time.monotonic()
    process = start(
        "play", "empi", "--ghost", "--seconds", "6", "--seed", "3", *ports,
        "--log", str(tmp_path / "sessions"), "--wav", str(tmp_path / "out.wav"),
        "--report", str(tmp_path / "report.json"),
    )  # fmt: skip
    assert process.wait(30) == 0, process.told()
    assert 6 < time.monotonic() - began < 20
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["events_in"] > 50
    assert report["dropped"] == report["malformed"] == 0
    for latency in ("input_to_prediction", "input_to_servo", "due_to_played"):
        assert set(report["latency_ms"][latency]) == {"p50", "p99", "max", "n"}
    assert report["latency_ms"]["input_to_prediction"]["n"] == report["events_in"]
    assert report["played"] <= report["predictions"]
    assert {"servo_writes", "xruns"} <= set(report)
    with wave.open(str(tmp_path / "out.wav")) as wav:
        frames = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
        assert wav.getnchannels() == 2
        assert wav.getnframes() / wav.getframerate() == pytest.approx(6, abs=1.5)
    assert np.abs(frames.astype(int)).max() > 500
    (log,) = (tmp_path / "sessions").glob("*.csv")
    assert len(session.read(log).heard()) == report["events_in"]


def test_sigterm_brings_everything_to_rest(start, ports, tmp_path):
    process = start(
        "run", "empi", "--board", "fake", "--set", "duet.mode=battle", *ports, "--log", str(tmp_path / "s"),
        "--report", str(tmp_path / "report.json"),
    )  # fmt: skip
    logs = tmp_path / "s"
    until(lambda: logs.exists() and ",duet,0" in "".join(log.read_text() for log in logs.glob("*.csv")))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert time.monotonic() - began < 2
    (log,) = logs.glob("*.csv")
    assert session.read(log).events[-1].lets_go
    assert json.loads((tmp_path / "report.json").read_text())["servo_writes"] > 0


def test_an_impatient_second_signal_does_not_interrupt_the_coming_to_rest(start, ports, tmp_path):
    process = start(
        "run", "empi", "--board", "fake", "--set", "duet.mode=battle", *ports, "--log", str(tmp_path / "s"),
        "--report", str(tmp_path / "report.json"),
    )  # fmt: skip
    until(lambda: "EMPI plays" in process.told())
    for _ in range(5):
        process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert json.loads((tmp_path / "report.json").read_text())["malformed"] == 0


def test_systemd_is_told_and_its_watchdog_fed_while_nobody_plays(start, ports, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        process = start("run", "empi", "--board", "fake", "--no-log", *ports, env={**os.environ, **told})
        assert systemd.recv(500) == b"READY=1\nSTATUS=EMPI plays"
        began = time.monotonic()
        assert [systemd.recv(500) for _ in range(5)] == [b"WATCHDOG=1"] * 5
        assert 0.9 < time.monotonic() - began < 5
        process.send_signal(signal.SIGTERM)
        while (last := systemd.recv(500)) == b"WATCHDOG=1":
            pass
        assert last == b"STOPPING=1"
        assert process.wait(10) == 0


@pytest.mark.parametrize("option", ["--report", "--wav"])
def test_a_file_that_cannot_be_written_is_told_before_the_first_note(start, ports, tmp_path, option):
    process = start("play", "empi", *ports, "--seconds", "30", option, str(tmp_path / "gone" / "file"))
    assert process.wait(10) == 1
    assert "No such file or directory" in process.told()
    assert "Traceback" not in process.told()


def test_a_killed_instrument_ends_everything_with_a_sentence(start, ports):
    process = start("play", "empi", "--no-log", "--headless", *ports)
    until(lambda: "EMPI plays" in process.told())
    os.kill(child(process, "run"), signal.SIGKILL)
    assert process.wait(15) == 128 + signal.SIGKILL
    assert "The instrument was killed (SIGKILL); everything ends." in process.told()


def test_a_killed_voice_sounds_again_by_itself(start, ports):
    process = start("play", "empi", "--ghost", "--no-log", "--headless", *ports)
    voice = until(lambda: child(process, "synth"))
    until(lambda: "EMPI plays" in process.told())
    os.kill(voice, signal.SIGKILL)
    again = until(lambda: (other := child(process, "synth")) != voice and other)
    ring = until(lambda: ring_of(again))
    until(lambda: peak(ring) > 0.001)
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert "The voice ended unexpectedly and is started again." in process.told()


def test_a_voice_that_is_killed_while_it_sounds_is_soon_back_and_nothing_hangs(start, ports):
    process = start("play", "empi", "--no-log", "--headless", "--set=duet.mode=observe", *ports)
    until(lambda: "EMPI plays" in process.told())
    ring = until(lambda: (voice := child(process, "synth")) and ring_of(voice))
    assert ring.stat().st_dev == Path("/dev/shm").stat().st_dev, "a disk would hold the voice up"
    silences = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hand:
        hand.connect(("127.0.0.1", int(ports[0].rpartition("=")[2])))

        def sounds(but=0):
            """Whether the ring sounds, and is another one, while a hand moves all the time."""
            place = 0.5 + 0.4 * math.sin(10 * time.monotonic())
            hand.send(b"/interface\0\0,f\0\0" + struct.pack(">f", place))
            return peak(ring) > 0.001 and ring.stat().st_ino != but

        until(sounds)
        for _ in range(3):
            old, killed = ring.stat().st_ino, time.monotonic()
            os.kill(until(lambda: child(process, "synth")), signal.SIGKILL)
            until(functools.partial(sounds, old))
            silences.append(time.monotonic() - killed)
    assert min(silences) < 3.0, (
        "the best of three, beside other tests; on a quiet machine it is half a second"
    )
    until(lambda: peak(ring) < 0.001)
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0


def test_a_changed_file_is_played_by_one_voice(start, ports):
    process = start("play", "empi", "--no-log", "--headless", *ports)
    for times in (1, 2, 3):
        until(lambda times=times: process.told().count("EMPI plays") == times)
        assert len(children(process, "synth")) == 1
        place = Path(argument(child(process, "run"), "--state")) / "control.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as page:
            page.sendto(b'{"renew": true}', str(place))
    process.terminate()
    assert process.wait(15) == 0
    assert "ended unexpectedly" not in process.told()


def child(process, command):
    """The process of ours below `process` that runs `command`."""
    return next(iter(children(process, command)), None)


def children(process, command):
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
            words = entry.with_name("cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if fields[1] == str(process.pid) and command.encode() in words and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def argument(pid, option):
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return words[words.index(option) + 1]


def ring_of(pid):
    path = Path(argument(pid, "--state")) / "sound.ring"
    return path if path.exists() else None


def peak(path):
    try:
        return Ring.open(path).status().peak
    except SoundError:
        return 0.0


def test_nobody_is_left_when_it_ends(start, ports):
    process = start("play", "empi", "--no-log", *ports, "--port", "0")
    told = until(lambda: "EMPI plays" in process.told() and "http://" in process.told() and process.told())
    assert re.search(r"http://127\.0\.0\.1:\d+/", told)
    family = [child(process, command) for command in ("run", "synth", "panel")]
    assert all(family)
    process.terminate()
    assert process.wait(15) == 0
    assert not any(alive(pid) for pid in family)


def test_nobody_outlives_a_killed_parent(start, ports):
    process = start("play", "empi", "--no-log", *ports, "--headless")
    until(lambda: "EMPI plays" in process.told())
    family = [until(lambda command=command: child(process, command)) for command in ("run", "synth")]
    process.kill()
    until(lambda: not any(alive(pid) for pid in family))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("command", ["run", "play"])
def test_a_wrong_file_exits_78(start, tmp_path, command):
    (tmp_path / "wrong.toml").write_text("axes = 3\n")
    process = start(command, str(tmp_path / "wrong.toml"))
    assert process.wait(20) == 78
    assert "axes must name each thing that moves" in process.told()


def test_a_missing_model_exits_78_and_says_where_it_looked(start, tmp_path):
    text = (Path(__file__).parents[2] / "deploy/instruments/empi.toml").read_text()
    (tmp_path / "empi.toml").write_text(text.replace("empi-s.tflite", "mine.tflite"))
    process = start("run", str(tmp_path / "empi.toml"), "--board", "fake")
    assert process.wait(20) == 78
    assert f"there is no model at {tmp_path / 'mine.tflite'}" in process.told()


def test_a_flood_of_osc_is_survived_and_ends_with_the_flood(start, ports, tmp_path):
    """60 000 packets as fast as they go, in filter mode; what neither kernel nor queue could hold is gone."""
    port = int(ports[0].rpartition("=")[2])
    process = start(
        "run", "empi", "--board", "fake", "--no-log", "--set", "duet.mode=filter", *ports,
        "--report", str(tmp_path / "report.json"), "--state", str(tmp_path / "state"),
    )  # fmt: skip
    until(lambda: "EMPI plays" in process.told())
    packet = b"/interface\0\0,f\0\0" + b"\x3f\0\0\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(60_000):
            sender.sendto(packet, ("127.0.0.1", port))
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["events_in"] > 100
    assert report["predictions"] == report["events_in"]
    assert report["malformed"] == 0
