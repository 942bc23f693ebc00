"""The control process's side: what goes over the wire."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pythonosc.osc_packet import OscPacket
from synth_heard import listen, loudness, strengths

from foretone import run
from foretone.event import Event
from foretone.instrument import load
from foretone.ring import Frames
from foretone.sinks.synth import Synth
from foretone.synth.control import Control
from foretone.synth.engine import Engine
from foretone.synth.process import make, rehearse

Message = tuple[str, list[float]]

BAND = """
axes = ["phase", "key", "velocity"]
[source.drums]
kind = "midi_clock"
port = "TR-8"
axes = ["phase"]
[source.keys]
kind = "keyboard"
port = "Keystation"
axes = ["key", "velocity"]
[sink.beat]
kind = "clock"
plays = ["drums"]
[sink.voice]
kind = "synth"
plays = ["keys"]
voices = ["strings"]
song = "song.toml"
"""


class Ear:
    """A UDP port that reads with python-osc."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def heard(self) -> list[Message]:
        messages: list[Message] = []
        while True:
            try:
                data = self.socket.recv(4096)
            except BlockingIOError:
                return messages
            assert len(data) % 4 == 0
            messages += [(m.address, m.params) for _, m in OscPacket(data).messages]


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.socket.close()


@pytest.fixture
def sink(ear: Ear) -> Iterator[Synth]:
    sink = Synth(("lever",), port=ear.port, volume=0.5)
    sink.origins = ("lever", "duet", "trio")
    assert ear.heard() == [("/foretone/synth/volume", [0.5])]
    yield sink
    sink.close()


def gestures(messages: list[Message]) -> list[Message]:
    return [message for message in messages if not message[0].endswith("volume")]


@pytest.mark.parametrize(
    ("origin", "voice"), [("lever", "player"), ("duet", "model"), ("trio", "model"), ("stranger", "player")]
)
def test_each_origin_has_its_voice(ear: Ear, sink: Synth, origin: str, voice: str) -> None:
    sink.play(Event(12.25, origin, (0.5, 0.25)))
    sink.play(Event(12.5, origin, ()))
    assert gestures(ear.heard()) == [
        (f"/foretone/synth/{voice}", [12.25, 0.5, 0.25]),
        (f"/foretone/synth/{voice}/rest", []),
    ]


@pytest.mark.parametrize("count", range(1, 10))
def test_any_number_of_axes_is_well_formed(ear: Ear, sink: Synth, count: int) -> None:
    time = 123456.789012345
    sink.play(Event(time, "lever", (0.5,) * count))
    (message,) = gestures(ear.heard())
    assert message == ("/foretone/synth/player", [time] + [0.5] * count), "the time is a whole double"


def test_the_voices_can_be_chosen(ear: Ear) -> None:
    sink = Synth(("lever",), port=ear.port, voices=["model"])
    sink.origins = ("lever", "duet")
    for origin in sink.origins:
        sink.play(Event(0.0, origin, (0.5,)))
    assert [address for address, _ in gestures(ear.heard())] == ["/foretone/synth/model"] * 2
    sink.close()


def test_the_volume_is_told_at_once_and_again_while_playing(ear: Ear, sink: Synth) -> None:
    sink.volume = 0.25
    assert sink.volume == 0.25
    assert ear.heard() == [("/foretone/synth/volume", [0.25])]
    for step in range(25):
        sink.play(Event(50.0 + step / 10, "lever", (0.5,)))
    told = [message for message in ear.heard() if message[0].endswith("volume")]
    assert told == [("/foretone/synth/volume", [0.25])] * 3, (
        "a synth that started anew hears it within a second"
    )


def test_rest_and_close_release_every_voice(ear: Ear, sink: Synth) -> None:
    sink.rest()
    assert ear.heard() == [("/foretone/synth/rest", [])]
    sink.close()
    sink.close()
    assert ear.heard() == [("/foretone/synth/rest", [])]


def test_nobody_there_is_counted_and_the_first_packet_after_is_heard(ear: Ear, sink: Synth) -> None:
    port = ear.port
    ear.socket.close()
    for step in range(10):
        sink.play(Event(step / 100, "lever", (0.5,)))
    assert 8 <= sink.lost <= 15
    ear.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.socket.bind(("127.0.0.1", port))
    ear.socket.setblocking(False)
    sink.play(Event(0.2, "lever", (0.75,)))
    heard = ear.heard()
    assert [address for address, _ in heard] == ["/foretone/synth/volume", "/foretone/synth/player"]
    assert heard[1][1] == [0.2, 0.75]


def test_what_fits_no_float_is_lost_not_raised(ear: Ear, sink: Synth) -> None:
    sink.play(Event(0.0, "lever", (1e300,)))
    assert sink.lost == 1
    assert gestures(ear.heard()) == []


def test_keys_of_a_keyboard_are_notes(ear: Ear) -> None:
    sink = Synth(("key", "velocity"), voices=["strings"], port=ear.port)
    sink.origins = ("keys",)
    ear.heard()
    for values in ((60 / 127, 0.5), (64 / 127, 1.0), (60 / 127, 0.0), ()):
        sink.play(Event(3.0, "keys", values))
    assert gestures(ear.heard()) == [
        ("/foretone/synth/strings/note", [3.0, 60.0, 0.5]),
        ("/foretone/synth/strings/note", [3.0, 64.0, 1.0]),
        ("/foretone/synth/strings/note", [3.0, 60.0, 0.0]),
        ("/foretone/synth/strings/rest", []),
    ]
    sink.close()


def test_what_it_sends_is_what_the_audio_process_understands() -> None:
    engine = Engine(48000, 128)
    control = Control(engine, 0, 128 / 48000)
    sink = Synth(("lever",), port=control.port, volume=0.25)
    sink.play(Event(10.0, "lever", (0.5,)))
    control.drain(10.0)
    assert engine.volume == 0.25
    assert not engine.silent
    sink.close()
    control.drain(10.0)
    for _ in range(100):
        engine.render()
    assert engine.silent
    assert control.refused == 0
    control.close()


def played(
    tmp_path: Path, settings: dict[str, object], *gestures: tuple[float, ...]
) -> tuple[Engine, Frames]:
    """An engine as the audio process makes it, told by a sink as the conductor has it, and a second of it."""
    engine = make(settings, tmp_path, 48000, 128)
    control = Control(engine, 0, 128 / 48000)
    sink = Synth(tuple(f"x{axis}" for axis in range(len(gestures[0]))), port=control.port, **settings)  # type: ignore[arg-type]
    sink.origins = ("hand",)
    for gesture in gestures:
        sink.play(Event(10.0, "hand", gesture))
    control.drain(10.0)
    heard = listen(engine, 1.0)
    sink.close()
    control.close()
    assert (control.refused, engine.faults) == (0, 0)
    return engine, heard


def test_eight_knobs_play_the_additive_synth(tmp_path: Path) -> None:
    controls = ["frequency", "cutoff", "resonance", "detune", "lfo_rate", "lfo_pitch", "level", "loudness"]
    settings = {"voices": ["strings"], "controls": controls, "volume": 1.0}
    bright, dark = (
        played(tmp_path, settings, (0.5, cutoff, 0.2, 0.0, 0.0, 0.0, 1.0, 0.8))[1] for cutoff in (0.9, 0.2)
    )
    assert strengths(bright, 200)[0] > 500
    assert strengths(bright, 800)[0] > 20 * strengths(dark, 800)[0]
    assert not played(tmp_path, settings, (0.5, 0.9, 0.2, 0.0, 0.0, 0.0, 0.0, 0.8))[1][-9600:].any(), (
        "level 0"
    )


def test_a_touch_is_pitch_brightness_and_pressure(tmp_path: Path) -> None:
    settings: dict[str, object] = {"voices": ["hive"], "volume": 1.0}
    _, soft = played(tmp_path, settings, (0.5, 0.5, 0.2))
    _, hard = played(tmp_path, settings, (0.5, 0.5, 0.9))
    assert loudness(hard, 4800)[-1] > 3 * loudness(soft, 4800)[-1]
    assert not played(tmp_path, settings, (0.5, 0.5, 0.9), ())[1][-4800:].any(), "let go"


def test_controls_and_files_are_checked_with_the_instrument(tmp_path: Path) -> None:
    settings = {"controls": ["cutoff", "level"], "sounds": "none.toml"}
    assert [fault.split(":")[0].split("/")[0] for fault in Synth.check(("x",), tmp_path, settings)] == [
        "controls names 2 parameters, but here are 1 axes", "there is no file ",
    ]  # fmt: skip
    (tmp_path / "mine.toml").write_text("")
    assert Synth.check(("x", "y"), tmp_path, {"controls": ["cutoff"], "sounds": "mine.toml"}) == []


def test_a_song_is_started_with_the_instrument(ear: Ear) -> None:
    sink = Synth(("lever",), port=ear.port, song="song.toml")
    assert ("/foretone/synth/clock/start", []) in ear.heard()
    sink.close()


def test_a_drum_machine_and_a_keyboard_share_an_instrument(tmp_path: Path) -> None:
    (tmp_path / "song.toml").write_text('run = "off"\n[a]\nvoice = "drums"\nnotes = []\nloop = 96\n')
    (tmp_path / "band.toml").write_text(BAND)
    instrument = load(tmp_path / "band.toml")
    assert instrument.parts["beat"].axes == ("phase",)
    assert instrument.parts["voice"].axes == ("key", "velocity")
    run.rehearse(instrument)
    assert rehearse(instrument.parts["voice"].settings, tmp_path) == []
