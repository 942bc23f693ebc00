"""Lateness and the watchdog."""

import math
import socket

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


def test_systemd_is_told_and_fed_by_steps(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(2)
        systemd = Systemd({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "4000000"})
        systemd.ready("EMPI plays")
        assert listener.recv(200) == b"READY=1\nSTATUS=EMPI plays"
        for now in (10.0, 10.5, 10.9, 11.0):
            systemd.step(now)
        systemd.stopping()
        told = [listener.recv(200) for _ in range(3)]
    assert told == [b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_systemd_nothing_is_told_and_no_step_is_asked_for():
    systemd = Systemd({})
    systemd.ready("x")
    systemd.step(0.0)
    assert systemd.interval == math.inf


def test_feeding_never_waits(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        systemd = Systemd({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "4"})
        for now in range(5000):
            systemd.step(float(now))
        assert len(listener.recv(200)) > 0
