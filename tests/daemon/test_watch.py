"""Lateness and the watchdog."""

import math
import os
import signal
import socket
import subprocess
import sys

import pytest

from foretone.watch import Histogram, Systemd


def test_quantiles_are_within_a_bucket_of_the_truth():
    histogram = Histogram()
    for number in range(1, 1001):
        histogram.add(number * 1e-5)
    assert histogram.quantile(0.5) == pytest.approx(5e-3, rel=0.05)
    assert histogram.quantile(0.99) == pytest.approx(9.9e-3, rel=0.05)
    assert histogram.summary()["max"] == 10.0
    assert histogram.n == 1000


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, 1e9])
def test_every_duration_has_a_bucket(seconds):
    histogram = Histogram()
    histogram.add(seconds)
    assert histogram.n == 1


def test_an_empty_histogram_says_so():
    assert Histogram().summary() == {"p50": 0.0, "p99": 0.0, "max": 0.0, "n": 0}


def test_merging_adds_up():
    parts = [Histogram(), Histogram()]
    parts[0].add(0.001)
    parts[1].add(0.004)
    merged = Histogram.merged(parts)
    assert (merged.n, merged.max) == (2, 0.004)


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """Where systemd listens, and the environment of a service that it watches every 4 s."""
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "4000000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(2)
        yield listener


@pytest.mark.parametrize("library", [True, False])
def test_systemd_is_told_and_fed_by_steps(systemd, monkeypatch, library):
    if not library:
        monkeypatch.setitem(sys.modules, "systemd.daemon", None)
    service = Systemd()
    service.ready("EMPI plays")
    assert systemd.recv(200) == b"READY=1\nSTATUS=EMPI plays"
    for now in (10.0, 10.5, 10.9, 11.0):
        service.step(now)
    service.stopping()
    assert [systemd.recv(200) for _ in range(3)] == [b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_systemd_nothing_is_told_and_no_step_is_asked_for(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service = Systemd()
    service.ready("x")
    service.step(0.0)
    assert service.interval == math.inf


def test_feeding_never_waits(systemd):
    service = Systemd()
    for now in range(5000):
        service.step(float(now))
    assert systemd.recv(200) == b"WATCHDOG=1"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_voice_of_an_instrument_without_one_rests_as_a_good_service(systemd, tmp_path, monkeypatch, end):
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    systemd.settimeout(30)
    command = [sys.executable, "-m", "foretone", "synth", "arms", "--state", tmp_path]
    environment = {**os.environ, "FORETONE_HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as voice:
        try:
            told = [systemd.recv(200) for _ in range(4)]
            assert told == [b"READY=1\nSTATUS=Arms has no voice", *[b"WATCHDOG=1"] * 3]
            voice.send_signal(end)
            assert voice.wait(30) == 0
        finally:
            voice.kill()
        assert voice.stderr.read() == "Arms has no voice of its own: it sounds elsewhere.\n"
