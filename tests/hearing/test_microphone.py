"""A microphone on an instrument: a real device, recorded in a process of its own."""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretone.clock import HandClock
from foretone.errors import InstrumentError
from foretone.hearing.heard import Heard, pack, unpack
from foretone.instrument import load
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard

pytestmark = pytest.mark.live

RATE = 48000
DEADLINE = 20.0
T = np.arange(RATE // 2) / RATE
SILENCE = np.zeros(RATE // 2)
TONE = 0.5 * np.sin(2 * np.pi * 220 * T)
NOISE = 0.1 * np.random.default_rng(2).normal(size=RATE // 2)

INSTRUMENT = """
axes = ["level", "pitch", "onset"]
[source.ear]
kind = "microphone"
{}
[sink.out]
kind = "osc"
plays = ["ear"]
"""


def until(condition):
    """Wait for something to become true."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def heard(**changes):
    """A frame of a tone of 220 Hz."""
    return Heard(**{"time": 5.0, "level": -12.0, "pitch": 220.0, "centroid": 1000.0, "flatness": -60.0,
                    "onset": False, "lost": 0, **changes})  # fmt: skip


def test_what_sounds_is_heard_in_real_time_with_its_pitch_and_its_beginning(ear):
    ear.sounds(np.concatenate((SILENCE, TONE)))
    microphone, events = ear.open()
    until(lambda: sum(event.values[4] == 1.0 for event in events) > 3)
    assert microphone.waits == ""
    times = [event.time for event in events]
    assert all(b - a > 0.009 for a, b in itertools.pairwise(times)), "a hundred times a second at most"
    begins = [event.time for event in events if event.values[4] == 1.0]
    assert all(abs(b - a - 1.0) < 0.02 for a, b in itertools.pairwise(begins)), "each second once"
    sounding = [event.values for event in events if event.values[0] > 0.8]
    loud, pitch, centroid, flatness = np.median([values[:4] for values in sounding], axis=0)
    assert loud == pytest.approx((-9.03 + 50) / 50, abs=0.01)
    assert 1200 * 5 * pitch == pytest.approx(1200 * math.log2(220 / 55), abs=5), "cents above 55 Hz"
    assert centroid == pytest.approx(math.log10(2.2) / 2, abs=0.02)
    assert flatness == 0.0
    silent = [event.values for event in events if event.values[0] == 0.0]
    assert {round(values[1], 2) for values in silent} == {0.4}, "a silence has the pitch that was before it"


def test_noise_is_noise(ear):
    ear.sounds(np.concatenate((TONE, NOISE)))
    _, events = ear.open(("flatness",))
    until(lambda: sum(event.values[0] > 0.95 for event in events) > 2)


def test_a_name_that_is_not_there_is_told_with_those_that_are_and_waited_for(ear, library, tmp_path):
    microphone, events = ear.open(pcm="eer")
    until(lambda: microphone.waits)
    assert microphone.waits.startswith("there is no PCM 'eer' that records")
    assert microphone.waits.endswith("there are: ear, hasty, mono, null, rtnull")
    assert not events


def test_a_device_that_goes_away_is_waited_for_and_taken_again(ear):
    ear.sounds(TONE)
    microphone, events = ear.open()
    until(lambda: events)
    ear.unplug()
    until(lambda: microphone.waits)
    assert "went away" in microphone.waits or "'ear'" in microphone.waits
    until(lambda: events[-1].values == ())
    count = len(events)
    pid = microphone.pid
    ear.sounds(NOISE)
    until(lambda: not microphone.waits and len(events) > count + 5)
    assert microphone.pid == pid, "the process waited"


def test_a_process_that_was_killed_comes_back(ear):
    ear.sounds(np.concatenate((SILENCE[:4800], TONE)))
    microphone, events = ear.open()
    until(lambda: events)
    pid, count = microphone.pid, len(events)
    os.kill(pid, signal.SIGKILL)
    until(lambda: microphone.waits)
    assert "started again" in microphone.waits
    until(lambda: () in [event.values for event in events])
    until(lambda: not microphone.waits and len(events) > count + 5)
    assert microphone.pid != pid


def test_sound_that_could_not_be_kept_is_counted(ear):
    ear.sounds(NOISE)
    microphone, events = ear.open()
    until(lambda: events)
    count = len(events)
    os.kill(microphone.pid, signal.SIGSTOP)
    since = events[-1].time + 0.4
    until(lambda: microphone._clock.now() > since)  # the card keeps 0.16 s
    os.kill(microphone.pid, signal.SIGCONT)
    until(lambda: microphone.overflowed)
    until(lambda: len(events) > count + 5)


def test_it_ends_with_whoever_listened(ear):
    ear.sounds(TONE)
    microphone, _ = ear.open()
    until(lambda: microphone.pid)
    pid = microphone.pid
    microphone.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_record_are_a_value_error(message):
    try:
        found = unpack(message)
    except ValueError:
        return
    assert all(map(math.isfinite, found))


def test_a_record_arrives_as_it_was_and_others_are_counted(ear):
    assert unpack(pack(heard())) == heard()
    microphone, events = ear.open(("level",), pcm="eer")
    for message in (b"h", b"x" * 34, pack(heard(level=math.nan)), pack(heard(time=math.inf))):
        microphone.take(message)
    assert microphone.malformed == 4
    assert not events


def test_each_axis_has_its_range_and_holds_in_silence(ear):
    microphone, events = ear.open(pcm="eer", gate=-40.0, low=110.0, high=880.0)
    microphone.take(pack(heard(level=-90.0)))

    def values(**changes):
        microphone.take(pack(heard(**changes)))
        return tuple(round(value, 5) for value in events[-1].values)

    assert values() == (0.7, round(1 / 3, 5), 0.5, 0, 0)
    assert values(pitch=50.0, level=0.0) == (1, 0, 0.5, 0, 0)
    assert values(pitch=4000.0, centroid=20.0, flatness=-2.0) == (0.7, 1, 0, 1, 0)
    assert values(pitch=0.0, centroid=22000.0) == (0.7, 1, 1, 0, 0), "without a pitch, the last one"
    assert values(level=-41.0, pitch=220.0) == (0, 1, 1, 0, 0), "silence changes nothing but the level"
    assert values(onset=True, time=6.0)[-1] == 1.0
    assert values(time=6.05)[-1] == 0.5
    assert values(time=6.1)[-1] == 0.0
    count = len(events)
    microphone.take(pack(heard(time=6.2, level=-12.1)))
    assert len(events) == count, "what hardly moved is not told"
    microphone.low = 55.0
    assert values(time=6.3)[1] == 0.5


def faults(tmp_path, more, axes='["level", "pitch", "onset"]'):
    path = tmp_path / "ear.toml"
    path.write_text(INSTRUMENT.format(more).replace('["level", "pitch", "onset"]', axes))
    try:
        load(path)
    except InstrumentError as error:
        return " ".join(error.faults)
    return ""


def test_an_instrument_file_is_checked(tmp_path):
    assert faults(tmp_path, 'pcm = "hw:2,0"') == ""
    assert "did you mean 'level'" in faults(tmp_path, "", '["levle"]')
    assert faults(tmp_path, 'features = ["level"]', '["lever"]') == ""
    assert "features names 2, but here are 1 axes: lever" in faults(
        tmp_path, 'features = ["level", "pitch"]', '["lever"]'
    )
    assert "low must be below high" in faults(tmp_path, "low = 900\nhigh = 300")
    assert "must be -90 to -10 dBFS" in faults(tmp_path, "gate = 3")


def test_an_instrument_says_why_it_hears_nothing(ear, tmp_path):
    (tmp_path / "ear.toml").write_text(INSTRUMENT.format('pcm = "eer"'))
    clock = HandClock()
    stage = Stage(load(tmp_path / "ear.toml"), FakeBoard(clock), clock)
    stage.open(threads=False)
    until(stage.waits)
    assert "ear: there is no PCM 'eer'" in stage.waits()[0]
    assert "ear" in stage.report()["waiting"]
    stage.close()


def test_an_instrument_plays_what_it_hears_beside_its_fake_board(ear, tmp_path):
    ear.sounds(np.concatenate((SILENCE, TONE)))
    command = [sys.executable, "-m", "foretone", "run", "hear", "--board=fake", "--headless", "--no-log",
               "--set=microphone.pcm=ear", "--seconds=4", f"--report={tmp_path}/report.json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["events_in"] > 20
    assert (report["malformed"], report["faults"]) == (0, {})


def test_a_person_may_look_too(ear):
    ear.sounds(TONE)
    command = [sys.executable, "-m", "foretone", "hear", "--pcm=ear"]
    # A shell's background job ignores Ctrl-C, and so would all that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    lines = [process.stdout.readline() for _ in range(6)]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert lines[0].startswith("ear: 1 channels, 48000 Hz")
    assert abs(float(lines[5].split()[1]) - 220) < 1
    done = subprocess.run([*command[:-1], "--pcm=eer"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there are: ear" in done.stderr
