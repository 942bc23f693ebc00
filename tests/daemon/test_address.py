"""The box says its address: by its light, its voice, and in turn on its display."""

import socket

import numpy as np
import pytest

from foretone.box import address
from foretone.box.address import signals
from foretone.box.interfaces import addresses
from foretone.clock import HandClock
from foretone.doctor.machine import Machine
from foretone.instrument import find, load
from foretone.packet import messages
from foretone.stage import TURN, Stage
from foretone.synth.process import make
from foretone_hardware.fake import FakeBoard

INSTRUMENT = """
title = "Loud"
axes = ["x"]
[source.lever]
kind = "ads1115"
axes = ["x"]
[sink.voice]
kind = "synth"
plays = ["lever"]
voices = ["glass"]
port = PORT
"""


@pytest.fixture
def ears():
    """Where the voice of the instrument would listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.setblocking(False)
        yield ears


@pytest.fixture
def box(tmp_path, ears, monkeypatch):
    """A board with a light, an instrument and two addresses."""
    light = tmp_path / "sys/class/leds/ACT"
    light.mkdir(parents=True)
    (light / "trigger").write_text("none heartbeat [mmc0] timer\n")
    (light / "brightness").write_text("0")
    for folder in ("run", "var/lib/box"):
        (tmp_path / folder).mkdir(parents=True)
    own = tmp_path / "loud.toml"
    own.write_text(INSTRUMENT.replace("PORT", str(ears.getsockname()[1])))
    (tmp_path / "var/lib/box/foretone.env").write_text(f"INSTRUMENT={own}\nPANEL=\n")
    here = ["10.0.0.12", "192.168.1.7"]
    monkeypatch.setattr(address, "addresses", lambda root: list(here))
    box = Machine(tmp_path)
    box.here, box.light, box.ears = here, light, ears
    return box


def notes(box):
    """The notes that were struck, and whether each was let go again."""
    struck = []
    while True:
        try:
            (message,) = messages(box.ears.recv(2048))
        except BlockingIOError:
            return struck
        assert message.address == "/foretone/synth/glass/note"
        struck.append(message.params[2] > 0.0)


def shone(box):
    """Wherewith to wait: what the light was meanwhile, and for how long."""
    seen = []
    return seen, lambda seconds: seen.append(((box.light / "brightness").read_text(), seconds))


def counted(seen):
    """The address that somebody counts: signals on a line for each digit."""
    text, digit = "", 0
    for (light, span), (dark, pause) in zip(seen[::2], seen[1::2], strict=True):
        assert (light, dark) == ("1", "0")
        digit = 0 if span == address.LONG else digit + 1
        if pause != address.BETWEEN:
            text += f"{digit}{'.' if pause == address.NUMBER else ''}"
            digit = 0
    return text


def test_a_digit_is_as_many_signals_and_none_is_a_long_one():
    assert list(signals("2.0")) == [(0.15, 0.2), (0.15, 2.0), (1.0, 2.0)]
    assert sum(on + off for on, off in signals("192.168.100.100")) < 45.0


def test_each_signal_of_the_empis_voice_can_be_counted():
    empi = load(find("empi"))
    (part,) = (part for part in empi.of("sink") if part.kind == "synth")
    engine = make(part.settings, empi.path.parent, 48000, 128)
    for on, off in list(signals("3.0"))[:4]:
        loud, silent = [], []
        for span, velocity, heard in ((on, address.VELOCITY, loud), (off, 0.0, silent)):
            engine.note("player", address.KEY, velocity)
            heard += [int(np.abs(engine.render()).max()) for _ in range(round(48000 * span / 128))]
        assert max(loud) > 1000
        assert silent[-1] == 0


def test_light_and_voice_say_it_twice_together(box):
    seen, sleep = shone(box)
    said = address.say(box, sleep=sleep)
    assert said == "The address of this box is 10.0.0.12 and 192.168.1.7."
    assert counted(seen) == "10.0.0.12." * 2
    struck = notes(box)
    assert struck[:-1] == [True, False] * (len(seen) // 2)
    assert not struck[-1], "and the last thing is silence"
    assert (box.light / "trigger").read_text() == "mmc0", "the light follows the card again"


def test_it_is_loud_once_after_a_new_box_toml_and_then_only_shines(box):
    (box.root / "run/box.new").touch()
    address.say_when_new(box, shone(box)[1])
    assert notes(box)
    seen, sleep = shone(box)
    address.say_when_new(box, sleep)
    assert seen == [], "the same address is not said again"
    box.here[:] = ["10.0.0.13"]
    address.say_when_new(box, sleep)
    assert counted(seen) == "10.0.0.13." * 2
    assert notes(box) == []


def test_a_cable_that_is_pulled_and_put_back_asks_again(box):
    address.say_when_new(box, shone(box)[1])
    there, box.here[:] = list(box.here), []
    seen, sleep = shone(box)
    address.say_when_new(box, sleep)
    assert seen == []
    box.here[:] = there
    address.say_when_new(box, sleep)
    assert counted(seen) == "10.0.0.12." * 2


def test_without_network_light_or_voice_there_is_a_sentence_and_no_wait(box, tmp_path):
    (box.root / "var/lib/box/foretone.env").write_text("INSTRUMENT=nowhere")
    (box.light / "trigger").unlink()
    seen, sleep = shone(box)
    assert "10.0.0.12" in address.say(box, sleep=sleep)
    box.here.clear()
    assert "on no network" in address.say(box, sleep=sleep)
    assert seen == []


def test_this_machine_has_no_loopback_among_its_addresses():
    for found in addresses():
        assert socket.inet_aton(found)
        assert not found.startswith("127.")


def test_a_display_shows_it_in_turn_with_how_the_instrument_plays(tmp_path):
    file = tmp_path / "empi.toml"
    file.write_text(INSTRUMENT.replace("PORT", "5999"))
    clock = HandClock()
    stage = Stage(load(file), FakeBoard(clock), clock)
    stage.address = lambda: "10.0.0.12"
    modes = []
    for _ in range(4):
        modes.append(stage.status().mode)
        clock.move_to(clock.now() + TURN)
    assert modes == ["", "10.0.0.12"] * 2
    stage.address = str
    assert stage.status().mode == ""
