"""The X-Touch Mini: its message tables both ways, driver and model, byte for byte."""

import math

import pytest

from foretone_hardware.fake.xtouch import BLINKING, MC, OFF, ON, STANDARD, Chip
from foretone_hardware.xtouch import XTouch

MC_NOTES = (89, 90, 40, 41, 42, 43, 44, 45, 87, 88, 91, 92, 86, 93, 94, 95)


class Sent(list):
    """Everything that was sent, taken as hex."""

    def __call__(self, message):
        self.append(bytes(message).hex(" "))

    def take(self):
        taken, self[:] = list(self), []
        return taken


@pytest.fixture
def sent():
    return Sent()


def driver(sent, plugged=True, **settings):
    made = XTouch(sent, **settings)
    if plugged:
        made.plug(0.0)
    return made


def heard(unit, text, now=1.0):
    return unit.receive(bytes.fromhex(text), now)


def wired(mode=STANDARD, **settings):
    """A driver and a unit with a cable between them."""
    said = []
    chip = Chip(lambda message: said.append(driver.receive(message, 1.0)), mode)
    driver = XTouch(chip.write, **settings)
    driver.plug(0.0)
    return driver, chip, said


# From the unit: what a hand does, the bytes of the table, what the driver makes of them.


@pytest.mark.parametrize("knob", range(8))
@pytest.mark.parametrize(("layer", "first"), [(0, 1), (1, 11)])
def test_standard_knobs_are_absolute_on_channel_11(sent, knob, layer, first):
    chip = Chip(sent)
    chip.choose(layer)
    chip.turn(knob, 100)
    assert sent.take() == [f"ba {first + knob:02x} 64"]
    unit = driver(sent)
    values = heard(unit, f"ba {first + knob:02x} 64")
    assert values == tuple(100 / 127 if n == knob else 0.5 for n in range(8))
    assert unit.layer == layer
    assert heard(unit, f"ba {first + knob:02x} 64") is None, "nothing moved"


def test_standard_knobs_stop_at_both_ends(sent):
    chip = Chip(sent)
    for clicks in (200, 5, -500, -1):
        chip.turn(0, clicks)
    assert sent.take() == ["ba 01 7f", "ba 01 00"]
    unit = driver(sent)
    assert heard(unit, "ba 01 7f")[0] == 1.0
    assert heard(unit, "ba 01 00")[0] == 0.0


@pytest.mark.parametrize("knob", range(8))
@pytest.mark.parametrize(("layer", "first"), [(0, 0), (1, 24)])
def test_standard_pushes_return_a_knob_to_the_middle(sent, knob, layer, first):
    chip = Chip(sent)
    chip.choose(layer)
    chip.push(knob, True)
    chip.push(knob, False)
    down, up = sent.take()
    assert (down, up) == (f"9a {first + knob:02x} 7f", f"9a {first + knob:02x} 00")
    unit = driver(sent)
    heard(unit, f"ba {1 + knob:02x} 00")
    assert heard(unit, down)[knob] == 0.5
    assert unit.pressed == {("push", knob)}
    assert heard(unit, up) is None
    assert unit.pressed == set()


@pytest.mark.parametrize("button", range(16))
@pytest.mark.parametrize(("layer", "first"), [(0, 8), (1, 32)])
def test_standard_buttons_are_reported(sent, button, layer, first):
    chip = Chip(sent)
    chip.choose(layer)
    chip.press(button, True)
    chip.press(button, False)
    down, up = sent.take()
    assert (down, up) == (f"9a {first + button:02x} 7f", f"9a {first + button:02x} 00")
    unit = driver(sent)
    assert heard(unit, down) is None
    assert unit.pressed == {("button", button)}
    heard(unit, up.replace("9a", "8a"))
    assert unit.pressed == set(), "a real note-off does it too"


@pytest.mark.parametrize(("layer", "number"), [(0, 9), (1, 10)])
def test_standard_fader(sent, layer, number):
    chip = Chip(sent)
    chip.choose(layer)
    chip.slide(1.0)
    assert sent.take() == [f"ba {number:02x} 7f"]
    unit = driver(sent)
    assert heard(unit, f"ba {number:02x} 7f") is None
    assert unit.fader == 1.0


def test_the_layer_buttons_of_standard_mode_send_nothing(sent):
    Chip(sent).choose(1)
    assert sent == []


@pytest.mark.parametrize("knob", range(8))
@pytest.mark.parametrize(("clicks", "value"), [(1, "01"), (63, "3f"), (-1, "41"), (-63, "7f")])
def test_mc_knobs_are_relative_on_channel_1(sent, knob, clicks, value):
    chip = Chip(sent, MC)
    chip.turn(knob, clicks)
    assert sent.take() == [f"b0 {16 + knob:02x} {value}"]
    unit = driver(sent, clicks=200)
    assert heard(unit, f"b0 {16 + knob:02x} {value}")[knob] == pytest.approx(0.5 + clicks / 200)


def test_a_fast_turn_in_mc_mode_goes_further_and_ends_at_the_end(sent):
    chip = Chip(sent, MC)
    chip.turn(2, 100)
    assert sent.take() == ["b0 12 3f", "b0 12 25"]
    unit = driver(sent, clicks=96)
    assert heard(unit, "b0 12 3f")[2] == 1.0
    assert heard(unit, "b0 12 25") is None
    assert heard(unit, "b0 12 41")[2] == pytest.approx(95 / 96), "it turns back at once"
    for nothing in ("b0 12 00", "b0 12 40"):
        assert heard(unit, nothing) is None


@pytest.mark.parametrize("knob", range(8))
def test_mc_pushes(sent, knob):
    chip = Chip(sent, MC)
    chip.push(knob, True)
    chip.push(knob, False)
    assert sent.take() == [f"90 {32 + knob:02x} 7f", f"90 {32 + knob:02x} 00"]
    unit = driver(sent)
    heard(unit, f"b0 {16 + knob:02x} 05")
    assert heard(unit, f"90 {32 + knob:02x} 7f") == (0.5,) * 8


@pytest.mark.parametrize(("button", "note"), list(enumerate(MC_NOTES)))
def test_mc_buttons(sent, button, note):
    chip = Chip(sent, MC)
    chip.press(button, True)
    assert sent.take() == [f"90 {note:02x} 7f"]
    unit = driver(sent)
    heard(unit, f"90 {note:02x} 7f")
    assert unit.pressed == {("button", button)}


@pytest.mark.parametrize(("layer", "note"), [(0, 84), (1, 85)])
def test_mc_layer_buttons_are_ordinary_buttons(sent, layer, note):
    Chip(sent, MC).choose(layer)
    down, up = sent.take()
    assert (down, up) == (f"90 {note:02x} 7f", f"90 {note:02x} 00")
    unit = driver(sent)
    heard(unit, down)
    assert unit.pressed == {("layer", layer)}
    heard(unit, up)
    assert unit.pressed == set()


def test_mc_fader_is_pitch_bend_on_channel_9(sent):
    Chip(sent, MC).slide(1.0)
    assert sent.take() == ["e8 00 7f"]
    unit = driver(sent)
    assert heard(unit, "e8 00 7f") is None
    assert unit.fader == 1.0
    heard(unit, "e8 00 63")
    assert unit.fader == pytest.approx(12672 / 16256), "0 dB"


@pytest.mark.parametrize(
    ("encoders", "up", "down"),
    [("relative1", "01", "7f"), ("relative2", "41", "3f"), ("relative3", "01", "41")],
)
def test_knobs_that_the_editor_made_relative(sent, encoders, up, down):
    unit = driver(sent, encoders=encoders, clicks=100)
    assert heard(unit, f"ba 01 {up}")[0] == pytest.approx(0.51)
    assert heard(unit, f"ba 01 {down}")[0] == pytest.approx(0.5)


# To the unit.


@pytest.mark.parametrize(("mode", "sends"), [("keep", []), ("standard", ["b0 7f 00"]), ("mc", ["b0 7f 01"])])
def test_the_mode_is_chosen_at_the_plug(sent, mode, sends):
    driver(sent, mode=mode)
    assert sent == sends


def test_mode_select_takes_two_values_and_ignores_the_others(sent):
    chip = Chip(sent)
    for value, mode in ((1, MC), (2, MC), (127, MC), (0, STANDARD), (2, STANDARD)):
        chip.write(bytes((0xB0, 127, value)))
        assert chip.mode == mode


def test_the_layer_is_selected_by_program_change_in_standard_mode_only(sent):
    chip = Chip(sent)
    chip.write(b"\xc0\x01")
    chip.write(b"\xc0\x02")
    assert chip.layer == 1
    chip.write(b"\xb0\x7f\x01")
    chip.write(b"\xc0\x00")
    assert chip.layer == 1


@pytest.mark.parametrize(
    ("value", "lights"),
    [
        (0, "............."), (1, "#............"), (13, "............#"), (14, "*............"),
        (26, "............*"), (27, "#############"), (28, "*************"),
    ],
)  # fmt: skip
def test_remote_values_of_the_global_channel(sent, value, lights):
    chip = Chip(sent)
    for knob in range(8):
        chip.write(bytes((0xB0, 9 + knob, value)))
        chip.write(bytes((0xB0, 9 + knob, 29)))
        assert drawn(chip.ring(knob)) == lights, "29 is ignored"


@pytest.mark.parametrize(
    ("behaviour", "value", "lights"),
    [
        (0, 0, "............."), (0, 1, "#............"), (0, 13, ".#..........."), (0, 127, "............#"),
        (1, 127, "......#######"), (1, 1, "#######......"), (2, 64, "#######......"),
        (3, 64, "...#######..."),
        (4, 64, "......#......"),
    ],
)  # fmt: skip
def test_positions_on_their_own_channel_are_spread_over_thirteen_lights(sent, behaviour, value, lights):
    chip = Chip(sent)
    chip.write(bytes((0xB0, 3, behaviour)))
    chip.write(b"\xb0\x03\x05")
    chip.write(bytes((0xBA, 3, value)))
    assert drawn(chip.ring(2)) == lights
    chip.choose(1)
    assert drawn(chip.ring(2)) == ".............", "each layer has its own"
    chip.write(bytes((0xBA, 13, value)))
    assert any(light == ON for light in chip.ring(2)) == bool(value)


@pytest.mark.parametrize(
    ("value", "lights"),
    [
        (0, "............."), (1, ".#..........."), (11, "...........#."), (12, None), (16, None),
        (17, ".######......"), (22, "......#......"), (27, "......######."), (28, None),
        (33, ".#..........."),
        (43, ".###########."), (44, None), (49, "......#......"), (54, ".###########."), (55, None),
        (63, "#############"), (64, "............."), (64 + 43, ".###########."),
    ],
)  # fmt: skip
def test_rings_of_mc_mode(sent, value, lights):
    chip = Chip(sent, MC)
    for knob in range(8):
        chip.write(bytes((0xB0, 48 + knob, 6)))
        before = chip.ring(knob)
        chip.write(bytes((0xB0, 48 + knob, value)))
        assert chip.ring(knob) == before if lights is None else drawn(chip.ring(knob)) == lights


def test_lamps_mean_different_things_in_the_two_modes(sent):
    chip = Chip(sent)
    for value, lamp in ((1, ON), (2, BLINKING), (3, BLINKING), (0, OFF)):
        chip.write(bytes((0x90, 0, value)))
        chip.write(bytes((0x9A, 23, value)))
        assert (chip.lamp(0), chip.lamp(15)) == (lamp, lamp)
    chip = Chip(sent, MC)
    for value, lamp in ((1, BLINKING), (127, ON), (64, ON), (0, OFF)):
        chip.write(bytes((0x90, 89, value)))
        assert chip.lamp(0) == lamp


def drawn(ring):
    return "".join({OFF: ".", ON: "#", BLINKING: "*"}[light] for light in ring)


# Showing.


SHAPE = (0.0, 0.1, 0.25, 0.5, 0.5, 0.75, 0.9, 1.0)


@pytest.mark.parametrize("mode", [STANDARD, MC])
@pytest.mark.parametrize("lights", ["own", "global"])
@pytest.mark.parametrize("ring", ["single", "pan", "fan", "spread", "trim"])
def test_what_is_shown_is_seen_in_the_mode_the_unit_is_in(mode, lights, ring):
    unit, chip, _ = wired(mode, lights=lights, ring=ring)
    unit.write(SHAPE)
    unit.tick(0.1)
    if mode == STANDARD and lights == "global":
        ring = "single"  # the global channel lights one of thirteen, whatever the way
    assert chip.look({"ring": ring}) == pytest.approx(SHAPE, abs=0.13 if ring == "spread" else 0.051)
    assert [chip.lamp(n) for n in range(3)] == [ON, OFF, OFF]
    unit.rest()
    assert chip.look({"ring": ring}) == ()
    assert chip.lamp(0) == OFF


def test_a_write_sends_what_changed(sent):
    unit = driver(sent, mode="mc")
    unit.write((0.5,) * 8)
    unit.tick(0.0)
    sent.take()
    unit.write((0.5,) * 7 + (1.0,))
    assert sent.take() == ["b0 37 2b"]
    unit.write((0.5,) * 7 + (1.0,))
    assert sent == []


def test_the_ring_of_the_knob_that_is_turned_is_painted_again():
    unit, chip, said = wired()
    unit.write((1.0,) * 8)
    unit.tick(0.1)
    chip.turn(3, 20)
    assert said[-1][3] == pytest.approx(20 / 127)
    assert drawn(chip.ring(3)) == "#############"


def test_everything_is_painted_again_once_a_second_and_soon_after_a_plug():
    unit, chip, _ = wired()
    unit.write((1.0,) * 8)
    assert unit.wake == -math.inf
    unit.tick(5.0)
    assert unit.wake == 6.0
    chip.darken()
    unit.tick(6.0)
    assert chip.look({"ring": "fan"}) == (1.0,) * 8
    unit.unplug(6.5)
    assert unit.wake == math.inf
    chip.darken()
    unit.plug(7.0)
    assert unit.wake <= 8.0
    assert chip.look({"ring": "fan"}) == (1.0,) * 8
    assert chip.lamp(0) == ON


def test_another_layer_or_mode_is_painted_as_soon_as_it_is_heard_of():
    unit, chip, _ = wired(lights="global")
    unit.write((1.0,) * 8)
    unit.tick(0.5)
    chip.choose(1)
    assert chip.look({"ring": "single"}) == ()
    chip.turn(0, 1)
    assert unit.wake == 1.0
    unit.tick(1.0)
    assert chip.look({"ring": "single"}) == (1.0,) * 8
    chip.mode = MC
    chip.turn(0, 1)
    unit.tick(1.0)
    assert chip.look({"ring": "fan"}) == (1.0,) * 8


def test_a_source_paints_nothing(sent):
    unit = driver(sent)
    heard(unit, "ba 01 10")
    unit.unplug(2.0)
    unit.plug(3.0)
    unit.close()
    assert sent == []
    assert unit.wake == math.inf


def test_the_last_part_that_plays_is_shown_and_a_lamp_for_each():
    unit, chip, _ = wired(MC)
    unit.write((0.2,) * 8, 0)
    unit.tick(0.1)
    unit.write((1.0,) * 8, 1)
    unit.write((0.4,) * 8, 0)
    assert chip.look({"ring": "fan"}) == (1.0,) * 8
    assert [chip.lamp(n) for n in range(3)] == [ON, ON, OFF]
    unit.rest(1)
    assert chip.look({"ring": "fan"}) == pytest.approx((0.4,) * 8)
    assert [chip.lamp(n) for n in range(3)] == [ON, OFF, OFF]


def test_closing_leaves_every_light_dark():
    unit, chip, _ = wired()
    unit.write((1.0,) * 8, 0)
    unit.tick(0.1)
    unit.close()
    assert chip.look({"ring": "fan"}) == ()
    assert chip.lamp(0) == OFF


# What no X-Touch Mini sends.


@pytest.mark.parametrize(
    "text",
    [
        "", "01", "01 40", "ba", "ba 01", "ba 01 02 03", "ba 01 ff", "ba 77 10", "b0 01 10", "b5 10 01",
        "9a 30 7f", "90 00 7f", "e0 00 40", "c0 01", "f0 00 20", "f0 00 20 32 f7", "f8", "fe", "ff",
        "ba 81 10",
    ],
)  # fmt: skip
def test_a_strange_message_is_counted_and_left_out(sent, text):
    unit = driver(sent)
    assert heard(unit, text) is None
    assert unit.malformed == 1
    assert heard(unit, "ba 01 7f")[0] == 1.0


def test_positions_outside_are_shown_at_the_end(sent):
    unit = driver(sent, mode="mc")
    unit.write((-3.0, 7.0, *[0.5] * 6))
    unit.tick(0.0)
    assert {"b0 30 21", "b0 31 2b"} <= set(sent)
