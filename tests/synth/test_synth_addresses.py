"""The address tree: notes, parameters, many at once, and what it says of itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from synth_heard import PERIOD, RATE, listen, strengths

from foretone.errors import SoundError
from foretone.synth.control import ANSWERS, LARGEST, Control
from foretone.synth.engine import Engine
from foretone.synth.sounds import SHIPPED, choose, load
from foretone.synth.voice import Sound

SPAN = PERIOD / RATE
NOW = 500.0
ROOT = "/foretone/synth"


def built(address: str, *arguments: object, types: str = "") -> OscMessage:
    builder = OscMessageBuilder(f"{ROOT}/{address}")
    for place, argument in enumerate(arguments):
        builder.add_arg(argument, types[place] if types else None)  # type: ignore[arg-type]
    return builder.build()


def packet(address: str, *arguments: object, types: str = "") -> bytes:
    data: bytes = built(address, *arguments, types=types).dgram
    return data


@pytest.fixture
def engine() -> Engine:
    plain = {"attack": 0, "sustain": 1, "release": 20}
    sounds = [Sound(name, "additive", plain) for name in ("one", "two")]
    return Engine(RATE, PERIOD, sounds, lookahead=False, volume=1.0)


@pytest.fixture
def control(engine: Engine) -> Iterator[Control]:
    control = Control(engine, 0, SPAN)
    yield control
    control.close()


def begins(frames: np.ndarray) -> int:
    return int(np.flatnonzero(np.abs(frames.astype(int)).max(axis=1) > 50)[0])


@pytest.mark.parametrize("frame", [0, 1, 64, 127, 128 * 3 + 17])
def test_a_note_ahead_of_now_begins_at_its_frame(engine: Engine, control: Control, frame: int) -> None:
    control.receive(packet("one/note", NOW + (frame + 0.5) / RATE, 93, 1.0, types="dif"), NOW)
    heard = []
    for block in range(8):
        control.drain(NOW + block * SPAN)
        heard.append(engine.render().copy())
    assert 0 <= begins(np.concatenate(heard)) - frame <= 6
    assert control.refused == 0


def test_a_note_is_released_and_a_rest_forgets_notes_to_come(engine: Engine, control: Control) -> None:
    control.receive(packet("one/note", NOW, 69, 1.0, types="dif"), NOW)
    assert listen(engine, 0.1).any()
    control.receive(packet("one/note", NOW, 69, 0.0, types="dif"), NOW)
    listen(engine, 0.1)
    assert engine.silent
    control.receive(packet("one/note", NOW + 0.5, 69, 1.0, types="dif"), NOW)
    control.receive(packet("one/rest"), NOW)
    control.drain(NOW + 1)
    assert engine.silent


def test_a_parameter_is_told_by_number_or_by_name(engine: Engine, control: Control) -> None:
    control.receive(packet("one/note", NOW, 57, 0.5, types="dif"), NOW)
    for value in ("saw", 2, 2.0):
        control.receive(packet("one/wave", "sine"), NOW)
        assert strengths(listen(engine, 0.6), 440)[0] < 20
        control.receive(packet("one/wave", value), NOW)
        assert strengths(listen(engine, 0.6), 440)[0] > 500
    control.receive(packet("one/level", 99.0), NOW)
    control.receive(packet("one/pan", -3), NOW)
    frames = listen(engine, 0.5)[-4800:]
    assert frames[:, 0].any()
    assert not frames[:, 1].any(), "it is held at the end of its range"
    assert control.refused == 0


def test_many_parameters_come_in_one_packet_or_not_at_all(engine: Engine, control: Control) -> None:
    control.receive(packet("one/note", NOW, 57, 0.5, types="dif"), NOW)
    for wrong in (
        ("cutoff", 100.0, "wave"),
        ("cutoff", 100.0, "wav", 1),
        ("cutoff", 100.0, "wave", "cosine"),
        ("wave", "saw", "cutoff", float("nan")),
        (100.0, "cutoff"),
    ):
        refused = control.refused
        control.receive(packet("one/set", *wrong), NOW)
        assert control.refused == refused + 1
    assert strengths(listen(engine, 0.6), 220, 440)[1] < 20, "nothing of them was taken"
    control.receive(packet("one/set", "wave", "saw", "cutoff", 16000.0, "resonance", 0.7), NOW)
    assert strengths(listen(engine, 0.6), 440)[0] > 500


def test_a_bundle_is_many_messages(engine: Engine, control: Control) -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for voice, key in (("one", 57), ("two", 69)):
        bundle.add_content(built(f"{voice}/note", NOW, key, 0.5, types="dif"))
    data = bundle.build().dgram
    assert len(data) <= LARGEST
    control.receive(data, NOW)
    assert min(strengths(listen(engine, 0.6), 220, 440)) > 500


@pytest.mark.parametrize(
    "data",
    [
        packet("one/note", NOW, 69, types="di"),
        packet("one/note", NOW, 69, 0.5, 0.5, types="diff"),
        packet("one/note", NOW, "A4", 0.5),
        packet("one/cutoff"),
        packet("one/cutoff", 1.0, 2.0),
        packet("one/cutoff", float("inf")),
        packet("one/cutoff", "high"),
        packet("one/wave", True),
        packet("three/note", NOW, 69, 0.5),
        packet("?"),
    ],
)
def test_what_makes_no_sense_is_counted(engine: Engine, control: Control, data: bytes) -> None:
    control.receive(data, NOW)
    assert control.refused == 1
    assert engine.silent
    assert engine.faults == 0


def asked(control: Control) -> list[list[object]]:
    """What the engine says of itself, to a stranger on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(("127.0.0.1", control.port))
        wire.settimeout(5)
        wire.send(packet("?"))
        told: list[list[object]] = []
        while not told or told[-1][0]:
            control.drain(NOW)
            for _ in range(ANSWERS):
                message = OscMessage(wire.recv(1024))
                assert message.address == f"{ROOT}/?"
                told.append(message.params)
                if not message.params[0]:
                    break
    return told[:-1]


def test_it_says_what_it_takes_and_takes_what_it_says(engine: Engine, control: Control) -> None:
    told = asked(control)
    by_address = {str(line[0]): line for line in told}
    assert by_address[f"{ROOT}/one/cutoff"][1:] == ["f", 40.0, 16000.0, 16000.0, "Hz"]
    assert by_address[f"{ROOT}/two/wave"][5] == "sine, triangle, saw, square, noise, own"
    assert by_address[f"{ROOT}/one"][5] == "time, axes 0..1: frequency, cutoff, loudness"
    refused = control.refused
    for address, types, low, high, *_ in told:
        name = str(address).removeprefix(f"{ROOT}/")
        if types == "f":
            for value in (low, high):
                control.receive(packet(name, value, types="f"), NOW)
    assert control.refused == refused


def test_everything_that_is_shipped_can_be_asked_and_played() -> None:
    sounds = list(load(SHIPPED).values())
    engine = Engine(RATE, PERIOD, sounds)
    assert engine.complaints == []
    control = Control(engine, 0, SPAN)
    told = {str(line[0]) for line in asked(control)}
    for sound in sounds:
        assert {f"{ROOT}/{sound.name}/level", f"{ROOT}/{sound.name}/note"} <= told
        control.receive(packet(f"{sound.name}/solo", 1), NOW)
        control.receive(packet(f"{sound.name}/note", NOW, 45, 0.8, types="dif"), NOW)
        assert listen(engine, 0.1).any(), sound.name
        control.receive(packet(f"{sound.name}/solo", 0), NOW)
        control.receive(packet("rest"), NOW)
    assert (control.refused, engine.faults) == (0, 0)
    control.close()


def test_a_flood_of_long_packets_is_read_a_few_a_block(control: Control) -> None:
    long = packet("one/set", *(("level", 0.5) * 12))
    assert control.receive(long, NOW) == 7
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(("127.0.0.1", control.port))
        for _ in range(5):
            wire.send(long)
        control.drain(NOW)
        left = 0
        while control._socket.recvfrom(1024)[0] == long:
            left += 1
            if left == 3:
                break
    with pytest.raises(BlockingIOError):
        control._socket.recvfrom(1024)


def test_a_builders_file_adds_and_replaces_sounds(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[deep]\nkind = "additive"\ncutoff = 200\n[strings]\nkind = "additive"\nattack = 5\n')
    sounds = choose(["deep", "strings", "player", "deep"], file, ["cutoff", "level"])
    assert [sound.name for sound in sounds] == ["deep", "strings", "player"]
    assert sounds[1].settings == {"attack": 5}
    with pytest.raises(SoundError, match="no control 'cutoff'"):
        Engine(RATE, PERIOD, sounds)
    engine = Engine(RATE, PERIOD, sounds[:2])
    assert [parameter.name for parameter in engine.places["deep"].controls] == ["cutoff", "level"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[deep\n", "are not TOML"),
        ("deep = 1\n", "write each sound as a table"),
        ("[deep]\ncutoff = 3\n", "with a kind"),
        ('["a/b"]\nkind = "additive"\n', "cannot be called 'a/b'"),
        ('[volume]\nkind = "additive"\n', "cannot be called 'volume'"),
        ('[deep]\nkind = "addative"\n', "did you mean 'additive'"),
        ('[deep]\nkind = "additive"\ncutof = 3\n', "the sound 'deep': 'cutof' is no parameter"),
        ('[deep]\nkind = "additive"\nlevel = "loud"\n', "the sound 'deep': level must be a number, 0 to 1"),
        ('[deep]\nkind = "fm"\ntimbre = "cello"\n', "the sound 'deep': a sound of kind fm"),
    ],
)
def test_a_wrong_file_of_sounds_is_told_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(SoundError, match=sentence):
        Engine(RATE, PERIOD, choose(["deep"], file, ()))


def test_a_missing_file_of_sounds_is_told(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="cannot be read: No such file"):
        choose(["deep"], tmp_path / "none.toml", ())


def test_a_control_may_go_over_a_part_of_its_range_either_way_round() -> None:
    def turned(control: str, axis: float) -> float:
        engine = Engine(RATE, PERIOD, [Sound("one", "additive", controls=(control,))])
        (parameter,) = engine.places["one"].controls
        return parameter.at(axis)

    assert turned("frequency from 110 to 440", 0.5) == pytest.approx(220)
    assert turned("reverb from 0.6 to 0", 0.25) == pytest.approx(0.45)
    assert turned("sustain", 0.25) == pytest.approx(0.25)
    for wrong in (
        "reverb from 0.6",
        "reverb from a to b",
        "reverb from 0 to 0.5 to 1",
        "reverb from nan to 1",
    ):
        with pytest.raises(SoundError, match='write "reverb from 0 to 1"'):
            turned(wrong, 0.5)


def test_the_picture_in_the_readme_shows_every_sound_that_is_shipped() -> None:
    picture = (Path(__file__).parents[2] / "daemon" / "sounds.svg").read_text()
    assert all(f">{name}</text>" in picture for name in load(SHIPPED)), "foretone sounds --picture draws it"
