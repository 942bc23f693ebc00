"""What packets do to the sound, and what they cannot do."""

from __future__ import annotations

import gc
import random
import socket
from collections.abc import Iterator

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from foretone.errors import SoundError
from foretone.packet import text
from foretone.synth.control import AHEAD, HELD, LARGEST, Control
from foretone.synth.engine import Engine

PERIOD, RATE = 128, 48000
SPAN = PERIOD / RATE
NOW = 1000.0


def packet(address: str, *arguments: object, types: str | None = None) -> bytes:
    builder = OscMessageBuilder(address)
    for place, argument in enumerate(arguments):
        builder.add_arg(argument, types[place] if types else None)  # type: ignore[arg-type]
    data: bytes = builder.build().dgram
    return data


def gesture(voice: str, time: float, *values: float) -> bytes:
    return packet(f"/foretone/synth/{voice}", time, *values, types="d" + "f" * len(values))


@pytest.fixture
def engine() -> Engine:
    return Engine(RATE, PERIOD, lookahead=False)


@pytest.fixture
def control(engine: Engine) -> Iterator[Control]:
    control = Control(engine, 0, SPAN)
    yield control
    control.close()


@pytest.fixture
def wire(control: Control) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(("127.0.0.1", control.port))
        yield wire


def sounds(engine: Engine) -> bool:
    return any(engine.render().any() for _ in range(4))


@pytest.mark.parametrize("voice", ["player", "model"])
def test_a_gesture_sounds_its_voice_and_a_rest_releases_it(
    engine: Engine, control: Control, voice: str
) -> None:
    control.receive(gesture(voice, NOW, 0.5), NOW)
    assert sounds(engine)
    control.receive(packet(f"/foretone/synth/{voice}/rest"), NOW)
    for _ in range(int(0.12 / SPAN)):
        engine.render()
    assert engine.silent
    assert control.refused == 0


def test_the_voices_are_released_one_by_one_or_together(engine: Engine, control: Control) -> None:
    def both_then(address: str, *arguments: float) -> bool:
        for voice in ("player", "model"):
            control.receive(gesture(voice, NOW, 0.5), NOW)
        control.receive(packet(address, *arguments), NOW)
        for _ in range(int(0.12 / SPAN)):
            engine.render()
        return engine.silent

    assert not both_then("/foretone/synth/model/rest")
    assert not both_then("/foretone/synth/model", NOW)
    assert both_then("/foretone/synth/rest")


def test_time_and_values_may_be_any_numbers_of_osc(engine: Engine, control: Control) -> None:
    for types in ("df", "ff", "dd", "if", "hf"):
        number = int if types[0] in "ih" else float
        control.receive(packet("/foretone/synth/player", number(NOW), 0.5, types=types), NOW)
    control.receive(packet("/foretone/synth/volume", 1, types="i"), NOW)
    assert control.refused == 0
    assert engine.volume == 1.0
    assert sounds(engine)


def test_a_gesture_waits_until_it_is_due(engine: Engine, control: Control) -> None:
    control.receive(gesture("model", NOW + 0.5, 0.5), NOW)
    control.drain(NOW + 0.4)
    assert not sounds(engine)
    control.drain(NOW + 0.5 - SPAN / 2)
    assert sounds(engine)


def test_gestures_that_wait_sound_in_the_order_of_their_times(engine: Engine, control: Control) -> None:
    control.receive(gesture("player", NOW + 0.2, 0.9), NOW)
    control.receive(gesture("player", NOW + 0.1, 0.1), NOW)
    control.drain(NOW + 1.0)
    direct = Engine(RATE, PERIOD, lookahead=False)
    for place in (np.float32(0.1), np.float32(0.9)):
        direct.play("player", (float(place),))
    np.testing.assert_array_equal(engine.render(), direct.render())


def test_a_rest_forgets_what_waits_for_its_voice(engine: Engine, control: Control) -> None:
    control.receive(gesture("model", NOW + 0.1, 0.5), NOW)
    control.receive(packet("/foretone/synth/model/rest"), NOW)
    control.drain(NOW + 1.0)
    assert not sounds(engine)


def test_a_late_gesture_sounds_at_once(engine: Engine, control: Control) -> None:
    control.receive(gesture("player", 0.0, 0.5), NOW)
    assert sounds(engine)


def test_somebody_elses_clock_and_too_many_to_hold_are_refused(engine: Engine, control: Control) -> None:
    control.receive(gesture("player", NOW + AHEAD + 1, 0.5), NOW)
    assert control.refused == 1
    for _ in range(HELD + 5):
        control.receive(gesture("player", NOW + 1, 0.5), NOW)
    assert control.refused == 6
    assert not sounds(engine)


BAD = {
    "nothing": b"",
    "not OSC": b"GET / HTTP/1.1\r\n\r\n",
    "unknown address": packet("/foretone/synth/cello", NOW, 0.5),
    "address pattern": packet("/foretone/synth/*", NOW, 0.5),
    "no time": packet("/foretone/synth/player"),
    "string": packet("/foretone/synth/player", NOW, "loud"),
    "blob": packet("/foretone/synth/player", NOW, b"\x00\x01", types="db"),
    "truth": packet("/foretone/synth/player", NOW, True),
    "array": packet("/foretone/synth/player", NOW, [0.5, 0.5]),
    "not a number": gesture("player", NOW, float("nan")),
    "infinite": gesture("player", NOW, float("inf")),
    "no time is a number": gesture("player", float("nan"), 0.5),
    "volume of strings": packet("/foretone/synth/volume", "11"),
    "two volumes": packet("/foretone/synth/volume", 0.1, 0.2),
    "no volume": packet("/foretone/synth/volume"),
    "infinite volume": packet("/foretone/synth/volume", float("inf")),
    "tags without data": b"/foretone/synth/player\0\0,dffffff\0\0\0\0",
    "unknown tag": b"/foretone/synth/player\0\0,q\0\0",
    "bundle of nothing": b"#bundle\0" + bytes(8) + b"\x7f\xff\xff\xff",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_a_packet_that_makes_no_sense_is_counted_and_not_heard(
    engine: Engine, control: Control, data: bytes
) -> None:
    control.receive(data, NOW)
    assert control.refused == 1
    assert not sounds(engine)
    assert engine.volume == 0.8
    control.receive(gesture("player", NOW, 0.5), NOW)
    assert sounds(engine)


def test_no_truncation_or_noise_stops_it(engine: Engine, control: Control) -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for data in (gesture("player", NOW, 0.5, 0.5), gesture("model", NOW, 0.2)):
        message = OscMessageBuilder("/foretone/synth/player")
        message.add_arg(float(len(data)))
        bundle.add_content(message.build())
    random_ = random.Random(1)
    for whole in (gesture("player", NOW, 0.5, 0.4), bundle.build().dgram, packet("/foretone/synth/rest")):
        for size in range(len(whole)):
            control.receive(whole[:size], NOW)
        for _ in range(500):
            noisy = bytearray(whole)
            for _ in range(random_.randint(1, 6)):
                noisy[random_.randrange(len(noisy))] = random_.randrange(256)
            control.receive(bytes(noisy), NOW)
    assert control.refused > 500
    control.drain(NOW + AHEAD)
    for _ in range(200):
        assert np.abs(engine.render().astype(int)).max() < 30000


def test_a_flood_is_read_a_few_packets_a_block(engine: Engine, control: Control, wire: socket.socket) -> None:
    for _ in range(40):
        wire.send(b"garbage")
    control.drain(NOW)
    assert control.refused == control.most == 11
    for _ in range(5):
        control.drain(NOW)
    assert control.refused <= 40
    wire.send(gesture("player", NOW, 0.5))
    control.drain(NOW)
    assert sounds(engine)


def test_after_a_flood_little_is_left_to_read(control: Control, wire: socket.socket) -> None:
    for _ in range(5000):
        wire.send(gesture("player", NOW, 0.5))
    blocks = 0
    while True:
        try:
            peeked = control._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            break
        assert peeked
        control.drain(NOW)
        blocks += 1
    assert blocks * SPAN < 0.1


def test_a_burst_loses_no_release(
    control: Control, wire: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every key there is, and as many again."""
    heard: list[bytes] = []
    receive = control.receive
    monkeypatch.setattr(control, "receive", lambda data, *rest: (heard.append(data), receive(data, *rest))[1])
    sent = [packet("/foretone/synth/player/note", NOW, key, 0.0, types="dff") for key in (*range(128),) * 2]
    for data in sent:
        wire.send(data)
    for _ in range(round(0.1 / SPAN)):
        control.drain(NOW)
    assert heard == sent


@pytest.mark.parametrize("address", ["player/set", "player/note", "player", "player/pan", "volume"])
@pytest.mark.parametrize("types", ["[s]f", "s[f]", "[]", "[[f]]", "[d]ff"])
def test_a_list_where_none_belongs_ends_nothing(control: Control, address: str, types: str) -> None:
    values = {"s": text("pan"), "f": bytes(4), "d": bytes(8)}
    data = b"".join(values.get(kind, b"") for kind in types)
    control.receive(text(f"/foretone/synth/{address}") + text("," + types) + data, NOW)
    assert control.refused == 1


def test_a_packet_that_is_too_large_is_refused(engine: Engine, control: Control, wire: socket.socket) -> None:
    wire.send(gesture("player", NOW, *[0.5] * (LARGEST // 4)))
    control.drain(NOW)
    assert control.refused == 1
    assert not sounds(engine)


def test_packets_leave_nothing_for_the_collector_which_is_off(control: Control) -> None:
    packets = [gesture("player", NOW, 0.5), gesture("model", NOW, 0.1, 0.2), *BAD.values()]
    for data in packets:
        control.receive(data, NOW)
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            for data in packets:
                control.receive(data, NOW)
        assert gc.collect() < 100
    finally:
        gc.enable()


def test_a_taken_port_is_told(control: Control) -> None:
    with pytest.raises(SoundError, match=f"port {control.port} is taken"):
        Control(Engine(RATE, PERIOD), control.port, SPAN)


def test_a_packet_is_understood_alike_the_first_time_and_ever_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has been seen before is read on a shorter way."""
    nan, note, many = float("nan"), "/foretone/synth/player/note", "/foretone/synth/player/set"
    packets = [
        gesture("player", NOW, 0.5), gesture("player", NOW, 0.5, 0.7), gesture("model", NOW + 1, 0.25),
        gesture("player", nan, 0.5), gesture("player", NOW, nan), gesture("player", NOW + 99, 0.5),
        gesture("player", NOW), gesture("nobody", NOW, 0.5), gesture("player", NOW, 0.5) + bytes(4),
        gesture("player", NOW, 0.5)[:-4], packet(note, NOW, 60, 0.5, types="dff"),
        packet(note, NOW, 60, 0.5, types="dif"), packet(note, NOW, 60.0, types="df"),
        packet(note, NOW, 60, nan, types="dff"), packet("/foretone/synth/volume", 0.5), b"", b",", bytes(8),
        *(packet(many, *pairs, types="sf" * (len(pairs) // 2)) for pairs in (
            ("pan", 0.2, "level", 0.7), ("pan", 2.0, "level", -1.0), ("pan", 0.2, "level", nan),
            ("mute", 0.7), ("pan", 0.2, "reverb", 0.7), ("room", 0.2, "bevel", 0.7), (),
        )),
        packet(many, "mute", "on", types="ss"), packet(many, "pan", 0.5, types="sf")[:-4],
    ]  # fmt: skip

    def heard(learned: bool) -> list[tuple[object, ...]]:
        engine = Engine(RATE, PERIOD)
        control = Control(engine, 0, SPAN)
        told: list[tuple[object, ...]] = []
        monkeypatch.setattr(control, "_hold", lambda *what: (told.append(what), hold(*what)))
        hold = Control._hold.__get__(control)
        turn = engine.turn
        monkeypatch.setattr(engine, "turn", lambda *what: (told.append(what[:2]), turn(*what)))
        for each in packets * 3:
            if not learned:
                control._known.clear()
            before = control.refused
            told.append((control.receive(each, NOW), control.refused - before))
        assert bool(len(control._known) > 5) is learned
        told.append(tuple(engine._mixer._knobs.target.flat))
        control.close()
        return told

    np.testing.assert_equal(heard(learned=True), heard(learned=False))


def test_no_more_ways_are_learned_than_there_is_room_for(control: Control) -> None:
    for count in range(1, 100):
        for types in ("d" + "f" * count, "d" + "d" * count, "f" + "f" * count, "f" + "d" * count):
            control.receive(packet("/foretone/synth/player", NOW, *[0.5] * count, types=types), NOW)
        control.receive(packet("/foretone/synth/player/set", *["pan", 0.5] * count, types="sf" * count), NOW)
    assert len(control._known) == 256
