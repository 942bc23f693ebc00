"""Every driver that is spoken to in MIDI, with every setting, hearing anything at any moment."""

import math

import pytest
from hypothesis import strategies as st

from foretone import kinds
from foretone.clock import HandClock
from foretone_hardware.message import NOTE_OFF, NOTE_ON, is_whole, length


def controllers():
    for role in ("source", "sink"):
        for kind, module in kinds.names(role).items():
            if module.startswith("foretone_hardware."):
                try:
                    maker = kinds.find(role, kind)
                except LookupError:
                    continue
                if hasattr(maker, "receive") and "midi" in kinds.house(maker):
                    yield kind, maker


CONTROLLERS = dict(controllers())

SEVEN = st.integers(0, 127)
CHANNEL = st.builds(
    lambda status, a, b: bytes([status, a, b])[: length(status)], st.integers(0x80, 0xEF), SEVEN, SEVEN
)
SYSEX = st.builds(
    lambda head, data: b"\xf0" + head + bytes(data) + b"\xf7",
    st.sampled_from([b"", b"\x00\x21\x10\x77", b"\x00\x21\x10\x77\x40", b"\x00\x21\x10\x78"]),
    st.lists(SEVEN, max_size=80),
)
MESSAGE = (
    CHANNEL | CHANNEL | SYSEX | st.sampled_from([b"\xf8", b"\xfa", b"\xfb", b"\xfc", b"\xfe"]) | st.binary()
)
UNIT = st.floats(0, 1) | st.floats(-10, 10) | st.sampled_from([0.0, 0.5, 1.0])
PLACE = st.integers(0, 2)
HAPPENING = st.one_of(
    st.tuples(st.just("receive"), MESSAGE),
    st.tuples(st.just("receive"), MESSAGE),
    st.tuples(st.just("come back"), st.integers(0, 50)),
    st.tuples(st.just("write"), st.lists(UNIT, min_size=16, max_size=16), PLACE),
    st.tuples(st.just("rest"), PLACE),
    st.tuples(st.just("pass"), st.floats(0, 3)),
    st.tuples(st.just("plug")),
    st.tuples(st.just("unplug")),
)  # fmt: skip

CONTROLS = [
    "cc 1 ch 11", "cc 9 ch 1 from 13 to 1", "cc 16 ch 1 twos", "cc 17 ch 1 offset", "cc 18 ch 1 sign",
    "cc14 1 ch 1", "bend ch 1", "bend ch 9 from 0 to 16256", "pressure ch 1", "poly 60 ch 1",
    "note 36 ch 10", "note 8 ch 1 from 0 to 1", "note ch 1", "velocity ch 1",
    "note ch 2 from 84 to 36 velocity 3",
]  # fmt: skip
LISTS = {"controls": st.lists(st.sampled_from(CONTROLS), min_size=1, max_size=8, unique=True)}


def chosen(maker):
    """Settings as an instrument file may have them."""
    return st.fixed_dictionaries({key: values(setting) for key, setting in kinds.settings(maker).items()})


def values(setting):
    if setting.choices:
        return st.sampled_from(setting.choices)
    if setting.type is bool:
        return st.booleans()
    if setting.range and setting.type is int:
        return st.integers(int(setting.range.low), int(setting.range.high))
    if setting.range:
        return st.floats(setting.range.low, setting.range.high)
    if setting.key in LISTS:
        return LISTS[setting.key]
    return st.just("Toy" if setting.required else setting.default)


class Port:
    """The other end of the cable: keeps what is sent, which must be whole."""

    def __init__(self):
        self.sent, self.lit = [b""], set()

    def __call__(self, message):
        assert is_whole(message), message.hex(" ")
        self.sent.append(message)
        if message[0] & 0xF0 in (NOTE_ON, NOTE_OFF):
            key = message[0] & 0x0F, message[1]
            is_on = message[0] & 0xF0 == NOTE_ON and message[2]
            self.lit.add(key) if is_on else self.lit.discard(key)


def live(maker, settings, happenings):
    clock, port = HandClock(5.0), Port()
    axes = getattr(maker, "axes", None)
    axes = axes if isinstance(axes, tuple) else tuple(map(str, range(len(settings["controls"]))))
    house = {"midi": port, "clock": clock, "axes": axes, "name": "toy"}
    driver = maker(*(house[need] for need in kinds.house(maker)), **settings)
    driver.plug(clock.now())
    for what, *given in happenings:
        now = clock.now()
        match what:
            case "receive":
                answered(driver.receive(given[0], now), axes)
            case "come back":
                answered(driver.receive(port.sent[given[0] % len(port.sent)], now), axes)
            case "write" if hasattr(driver, "write"):
                driver.write(given[0][: len(axes)], given[1])
            case "rest" if hasattr(driver, "rest"):
                driver.rest(given[0])
            case "pass":
                pass_by(driver, clock, now + given[0])
            case "plug":
                driver.plug(now)
            case "unplug":
                answered(driver.unplug(now), axes)
        assert not math.isnan(driver.wake)
    driver.close()
    assert not port.lit, "what it plays it also releases"


def answered(values, axes):
    assert values is None or values == () or len(values) == len(axes)
    assert all(0.0 <= value <= 1.0 for value in values or ())


def pass_by(driver, clock, end):
    turns = 0
    while driver.wake <= end:
        clock.move_to(driver.wake)
        driver.tick(clock.now())
        turns += 1
        assert turns < 10_000, "it wants to be called without end"
    clock.move_to(end)


@pytest.mark.parametrize("kind", CONTROLLERS)
def test_whatever_happens_a_controller_lives(fuzz, kind):
    maker = CONTROLLERS[kind]
    fuzz(
        lambda settings, happenings: live(maker, settings, happenings),
        chosen(maker),
        st.lists(HAPPENING, max_size=30),
    )
