"""Recordings played by hands on the LightPad: through the block's bytes, its driver, and all the rest."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from foretone import session
from foretone.cli import main
from foretone.clock import HandClock
from foretone.instrument import load
from foretone.packet import Form
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard

RECORDING = Path(__file__).parents[3] / "shared" / "data" / "gesture" / "imps_lightpad_4d_12k.npz"

PAD = """
title = "Pad"
axes = ["x", "y", "pressure"]
[source.pad]
kind = "lightpad"
program = "{program}"
grid = 1
[source.osc]
kind = "osc"
port = {port}
[player.duet]
kind = "mdrnn"
hears = ["pad"]
model = "{model}"
[sink.lights]
kind = "lightpad"
plays = ["pad", "duet"]
lights = "{lights}"
[sink.patch]
kind = "osc"
plays = ["osc"]
port = {out}
"""


def steps(values):
    """As the pad counts them: 0 to 127."""
    return tuple(round(value * 127) for value in values)


def made_up(seconds):
    """A recording like IMPS': 128 levels, 11 ms or more between events, pauses, fingers lifted."""
    random, time, rows = Random(3), 0.0, []
    place = [64, 64, 30]
    while time < seconds:
        time += random.choice((0.011, 0.012, 0.018, 0.024, 0.033, 0.4 if random.random() < 0.1 else 0.018))
        place = [min(127, max(0, axis + random.randint(-6, 6))) for axis in place]
        if random.random() < 0.03:
            place[2] = 0
        rows.append((time, tuple(axis / 127 for axis in place)))
    return rows


def recorded(seconds):
    events = np.load(RECORDING)["events"].astype(float)
    rows = zip(events[:, 0].cumsum(), np.round(events[:, 1:] * 128) / 127, strict=True)
    return [(time, tuple(place)) for time, place in rows if time < seconds]


def expected(rows):
    """What the pad can tell of it: nothing that did not move, and a letting go where nothing is pressed."""
    told = [()]
    for _, values in rows:
        now = steps(values) if values[2] > 0 else ()
        if now != told[-1]:
            told.append(now)
    return told[1:]


def perform(tmp_path, models, free_port, rows, program, lights="off"):
    """Play the rows by hand, with 1000 OSC packets a second beside; everything that was played."""
    path = tmp_path / "pad.toml"
    model = models / "three.tflite"
    path.write_text(
        PAD.format(program=program, lights=lights, model=model, port=free_port(), out=free_port())
    )
    clock = HandClock(10.0)
    stage = Stage(load(path), FakeBoard(clock), clock)
    played = []
    stage.conductor.listeners.append(played.append)
    stage.open(threads=False)
    packet = Form("/interface", "fff")
    osc = stage.conductor.seats["osc"].part
    waiting = list(rows)
    sent = 0
    while waiting:
        now = 10.0 + sent / 1000
        while waiting and 10.0 + waiting[0][0] <= now:
            stage.board.hold("pad", waiting.pop(0)[1])
        stage.run_until(now)
        osc._take(packet.fill(sent % 1000 / 1000, 0.5, 0.5), clock.now())
        stage.conductor.run_waiting()
        sent += 1
    stage.run_until(clock.now() + 0.1)
    report = stage.report()
    stage.close()
    return played, sent, report


def check(rows, played, sent, report):
    heard = [event for event in played if event.origin == "pad"]
    assert [steps(event.values) for event in heard] == expected(rows)
    packets = [event for event in played if event.origin == "osc"]
    assert [round(event.values[0] * 1000) for event in packets] == [n % 1000 for n in range(sent)]
    for events in (heard, packets):
        assert [event.time for event in events] == sorted(event.time for event in events)
    assert report["dropped"] == report["malformed"] == report["overflowed"] == 0
    assert report["faults"] == {}


@pytest.mark.parametrize("program", ["mpe", "xyz"])
def test_a_recording_comes_through_the_pad_whole_beside_a_flood_of_osc(tmp_path, models, free_port, program):
    rows = made_up(5.0)
    check(rows, *perform(tmp_path, models, free_port, rows, program))


def test_a_recording_comes_through_sysex_whole_while_the_lights_are_painted(tmp_path, models, free_port):
    rows = [(0.5 + time, values) for time, values in made_up(5.0)]
    played, sent, report = perform(tmp_path, models, free_port, rows, "mpe", "bitmap")
    check(rows, played, sent, report)
    fine = [event.values[0] for event in played if event.origin == "pad" and event.values]
    assert any(abs(x * 127 - round(x * 127)) > 0.01 for x in fine), "it came in 4096 steps"


@pytest.mark.skipif(not RECORDING.exists(), reason="IMPS' recording is not here")
@pytest.mark.parametrize("program", ["mpe", "xyz"])
def test_a_minute_of_real_playing_comes_through_whole(tmp_path, models, free_port, program):
    rows = recorded(60.0)
    assert len(rows) > 1500
    check(rows, *perform(tmp_path, models, free_port, rows, program))


def test_a_session_is_replayed_by_hands(tmp_path):
    lines = ["# foretone session 1", "# instrument: LightPad", "# sources: pad", "time,origin,x,y,pressure"]
    rows = [(time, values) for time, values in made_up(3.0)]
    lines += [f"{time:.6f},pad,{','.join(f'{value:.5f}' for value in values)}" for time, values in rows]
    lines.append(f"{rows[-1][0] + 1:.6f},pad,,,")
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")
    changes = ["--set", "pad.grid=1", "--set", "lights.lights='off'"]
    command = ["replay", str(tmp_path / "in.csv"), "--instrument", "lightpad", "--hands", "--fast", *changes]
    assert main([*command, "--out", str(tmp_path / "out.csv")]) == 0
    heard = session.read(tmp_path / "out.csv").heard()
    assert [steps(event.values) for event in heard][: len(expected(rows))] == expected(rows)
    assert heard[-1].lets_go


def test_what_no_hand_holds_cannot_be_replayed_by_hands(tmp_path, capsys):
    text = "# foretone session 1\n# sources: osc\ntime,origin,x,y,pressure\n0.1,osc,0.5,0.5,0.5\n"
    (tmp_path / "in.csv").write_text(text)
    command = ["replay", str(tmp_path / "in.csv"), "--instrument", "lightpad", "--hands", "--fast"]
    assert main(command) == 1
    assert "'osc' is not held by hands; there are pad" in capsys.readouterr().err
