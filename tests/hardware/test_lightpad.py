"""The Lightpad Block: its messages both ways, driver and model, byte for byte."""

import math

import pytest

from foretone_hardware import blocks
from foretone_hardware.fake.lightpad import GREEN, Chip
from foretone_hardware.lightpad import LightPad

A_TOUCH = ("e1 00 40", "b1 4a 40", "d1 20", "91 3c 64")


@pytest.fixture
def sent():
    return []


def driver(sent, **settings):
    pad = LightPad(lambda message: sent.append(message.hex(" ")), **settings)
    pad.plug(0.0)
    return pad


def heard(pad, *messages, now=1.0):
    """What the last of these messages gave."""
    return [pad.receive(bytes.fromhex(text), now) for text in messages][-1]


def hands(program, grid=5):
    """A block that runs this, and what it says as hex."""
    said = []
    chip = Chip(lambda message: said.append(message.hex(" ")))
    chip.program, chip.grid = program, grid
    return chip, said


def taken(said):
    messages, said[:] = list(said), []
    return messages


def wired(program="mpe", **settings):
    """A driver and a block with a cable between them; what the driver answered."""
    answers = []

    def hear(message):
        answer = pad.receive(message, chip.now)
        if answer is not None:
            answers.append(answer)

    chip = Chip(hear)
    chip.now = 0.0
    chip.program, chip.grid = program, settings.get("grid", 5)
    pad = LightPad(chip.write, program=program, **settings)
    pad.plug(0.0)
    return pad, chip, answers


# Note Grid in MPE.


def test_a_touch_is_bend_slide_pressure_and_note_on_a_channel_of_its_own():
    chip, said = hands("mpe", grid=1)
    chip.touch(0.5, 0.5, 0.25)
    assert taken(said) == ["e1 00 40", "b1 4a 40", "d1 20", "91 24 64"]
    chip.touch(0.5, 0.5, 0.25, finger=2)
    assert [message[:2] for message in taken(said)] == ["e2", "b2", "d2", "92"]


def test_a_touch_begins_with_its_note(sent):
    pad = driver(sent, grid=1)
    for early in A_TOUCH[:3]:
        assert heard(pad, early) is None
    assert pad.wake == math.inf
    assert heard(pad, A_TOUCH[3]) == (0.5, 64 / 127, 32 / 127)
    assert sent == []


def test_a_move_is_pressure_slide_and_bend_of_what_changed():
    chip, said = hands("mpe", grid=1)
    chip.touch(0.5, 0.5, 0.25)
    taken(said)
    chip.touch(0.75, 1.0, 0.5)
    assert taken(said) == ["d1 40", "b1 4a 7f", "e1 00 48"]
    chip.touch(0.75, 0.0, 0.5)
    assert taken(said) == ["b1 4a 00"]
    chip.touch(0.75, 0.0, 0.5)
    assert taken(said) == []


def test_a_move_is_one_gesture_and_the_bend_comes_last(sent):
    pad = driver(sent, grid=1)
    heard(pad, *A_TOUCH)
    assert heard(pad, "d1 40", now=2.0) is None
    assert heard(pad, "b1 4a 7f", now=2.001) is None
    assert heard(pad, "e1 00 48", now=2.002) == (0.75, 1.0, 64 / 127)
    assert pad.wake == math.inf


def test_a_move_without_a_bend_is_gathered_for_three_milliseconds(sent):
    pad = driver(sent, grid=1)
    heard(pad, *A_TOUCH)
    heard(pad, "d1 41", now=2.0)
    heard(pad, "b1 4a 00", now=2.001)
    assert pad.wake == pytest.approx(2.003)
    assert pad.tick(2.003) == (0.5, 0.0, 65 / 127)
    assert pad.wake == math.inf
    heard(pad, "d1 41", now=3.0)
    assert pad.wake == math.inf, "nothing changed"


@pytest.mark.parametrize(
    ("bend", "x"), [("00 40", 0.5), ("00 30", 0.0), ("00 50", 1.0), ("00 00", 0.0), ("7f 7f", 1.0)]
)
def test_on_a_grid_of_one_the_bend_is_the_place(sent, bend, x):
    """Twelve semitones of forty-eight to each side: 2048 steps."""
    pad = driver(sent, grid=1)
    assert heard(pad, f"e1 {bend}", *A_TOUCH[1:])[0] == pytest.approx(x)


@pytest.mark.parametrize(
    ("grid", "note", "column"),
    [
        (5, 48, 0),
        (5, 52, 4),
        (5, 53, 0),
        (5, 72, 4),
        (4, 36, 0),
        (4, 39, 3),
        (4, 40, 0),
        (2, 37, 1),
        (3, 44, 2),
    ],
)
def test_on_a_larger_grid_x_begins_in_the_middle_of_the_pad(sent, grid, note, column):
    pad = driver(sent, grid=grid)
    x, _, _ = heard(pad, *A_TOUCH[:3], f"91 {note:02x} 64")
    assert x == pytest.approx((column + 0.5) / grid)
    right, _, _ = heard(pad, "e1 00 42")
    assert right == pytest.approx((column + 0.5 + 1.05 * 1.5) / grid if column + 2.08 < grid else 1.0)


@pytest.mark.parametrize("grid", [1, 2, 4, 5])
def test_a_finger_is_followed_over_the_model_of_the_pad(grid):
    pad, chip, answers = wired(grid=grid)
    middle = (grid // 2 + 0.5) / grid
    for step in range(20):
        chip.touch(middle + step / 100, step / 20, 0.5)
        if (late := pad.tick(2.0)) is not None:
            answers.append(late)
    assert len(answers) == 20
    for step, (x, y, pressure) in enumerate(answers):
        assert x == pytest.approx(middle + step / 100, abs=0.01)
        assert y == pytest.approx(step / 20, abs=0.01)
        assert pressure == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("end", ["81 3c 40", "91 3c 00"])
def test_a_lifted_finger_lets_go(sent, end):
    chip, said = hands("mpe")
    chip.touch(0.5, 0.5, 0.25)
    taken(said)
    chip.lift()
    assert taken(said) == ["81 3c 40"]
    chip.lift()
    assert said == []
    pad = driver(sent)
    heard(pad, *A_TOUCH)
    assert heard(pad, end) == ()
    assert heard(pad, end) is None
    assert heard(pad, "d1 00", "e1 00 00") is None, "nobody is there to bend"
    assert pad.wake == math.inf


def test_the_newest_finger_leads_and_the_one_before_takes_over(sent):
    pad = driver(sent, grid=1)
    heard(pad, *A_TOUCH)
    assert heard(pad, "e2 00 50", "b2 4a 00", "d2 7f", "92 30 64") == (1.0, 0.0, 1.0)
    assert heard(pad, "d1 00", "b1 4a 00", "e1 00 30") is None, "the older finger is not followed"
    assert heard(pad, "82 30 00") == (0.0, 0.0, 0.0), "it went there meanwhile"
    assert heard(pad, "81 3c 00") == ()


@pytest.mark.parametrize("channel", range(16))
def test_other_channel_layouts_are_heard_too(sent, channel):
    """Single Channel is one channel for all, Multi Channel rotates over all sixteen."""
    pad = driver(sent, grid=1)
    assert heard(pad, *(f"{text[0]}{channel:x}{text[2:]}" for text in A_TOUCH)) == (0.5, 64 / 127, 32 / 127)
    assert heard(pad, f"9{channel:x} 40 64") is None, "the same place, another note"
    assert heard(pad, f"8{channel:x} 3c 64") is None
    assert heard(pad, f"8{channel:x} 40 64") == ()


@pytest.mark.parametrize("number", ["78", "7b"])
def test_all_notes_off_lets_go(sent, number):
    pad = driver(sent)
    heard(pad, *A_TOUCH)
    assert heard(pad, f"b2 {number} 00") is None
    assert heard(pad, f"b1 {number} 00") == ()


def test_what_is_for_synthesizers_is_not_heard(sent):
    pad = driver(sent)
    before = heard(pad, *A_TOUCH)
    for text in ("b0 65 00", "b0 64 06", "b0 06 0f", "b1 01 40", "a1 3c 20", "c1 05", "f8", "fe", "b0 71 10"):
        assert heard(pad, text) is None
    assert pad.wake == math.inf
    assert pad.malformed == 0
    assert heard(pad, "81 3c 00", *A_TOUCH) == before


# The XYZ programs.


def test_xyz_is_three_control_changes_on_channel_1_y_from_the_bottom():
    chip, said = hands("xyz")
    chip.touch(0.0, 1.0, 0.5)
    chip.touch(0.2, 0.3, 0.5, finger=2)
    assert taken(said) == ["b0 71 00", "b0 72 7f", "b0 73 40"], "one finger only"
    chip.lift(2)
    chip.lift()
    assert taken(said) == ["b0 71 00", "b0 72 7f", "b0 73 00"]


def test_xyz_is_one_gesture_that_ends_with_the_pressure(sent):
    pad = driver(sent, program="xyz")
    assert heard(pad, "b0 71 7f") is None
    assert heard(pad, "b0 72 00") is None
    assert heard(pad, "b0 73 40") == (1.0, 0.0, 64 / 127)
    assert heard(pad, "b0 71 7f", "b0 72 00", "b0 73 40") is None, "nothing moved"
    assert heard(pad, "b0 71 00") is None, "more comes"
    assert heard(pad, "b0 72 7f") is None
    assert heard(pad, "b0 73 41") == (0.0, 1.0, 65 / 127)


def test_an_axis_that_comes_alone_is_heard_all_the_same(sent):
    pad = driver(sent, program="xyz")
    heard(pad, "b0 73 40")
    assert heard(pad, "b0 71 00", now=2.0) is None
    assert pad.wake == pytest.approx(2.003)
    assert pad.tick(2.003) == (0.0, 0.5, 64 / 127)
    heard(pad, "b0 71 01", now=3.0)
    assert heard(pad, "b0 71 02", now=3.001) == (1 / 127, 0.5, 64 / 127)
    assert pad.tick(3.004) == (2 / 127, 0.5, 64 / 127)


def test_the_same_axis_again_ends_a_move(sent):
    pad = driver(sent, grid=1)
    heard(pad, *A_TOUCH)
    assert heard(pad, "d1 41", "b1 4a 41", now=2.0) is None
    assert heard(pad, "d1 42", now=2.0) == (0.5, 65 / 127, 65 / 127)
    assert heard(pad, "e1 00 50", now=2.0) == (1.0, 65 / 127, 66 / 127)


def test_no_pressure_lets_go(sent):
    pad = driver(sent, program="xyz")
    heard(pad, "b0 71 7f", "b0 72 00", "b0 73 40")
    assert heard(pad, "b0 71 7f", "b0 72 00", "b0 73 00") == ()
    assert heard(pad, "b0 71 00", "b0 72 00", "b0 73 00") is None


def test_xyz_hears_no_other_channel_number_or_note(sent):
    pad = driver(sent, program="xyz")
    for text in ("b1 73 40", "b0 70 40", "b0 74 40", *A_TOUCH):
        assert heard(pad, text) is None


def test_xyz_lights_are_the_same_messages_back(sent):
    pad = driver(sent, lights="xyz")
    pad.write((0.0, 1.0, 0.5))
    assert sent == ["b0 71 00", "b0 72 7f", "b0 73 40"]
    pad.rest()
    assert sent[-1] == "b0 73 00"


def test_the_xyz_program_shows_a_green_spot():
    pad, chip, _ = wired("xyz", lights="xyz")
    pad.write((1.0, 0.0, 0.7))
    assert chip.look({}) == pytest.approx((1.0, 0.0, 0.7), abs=0.01)
    chip.repaint()
    assert chip.pixels[-1] == GREEN
    pad.close()
    assert chip.look({}) == ()


# By SysEx.


def run(pad, chip, begin, seconds):
    """Both live on for a while; the positions that came late."""
    late = []
    for step in range(1, round(seconds * 100) + 1):
        now = chip.now = begin + step / 100
        chip.scan()
        for _ in range(20):
            if pad.wake > now:
                break
            late.append(pad.tick(now))
    return [answer for answer in late if answer is not None]


def test_touches_come_by_sysex_once_our_program_runs_and_finely():
    pad, chip, answers = wired(lights="bitmap")
    run(pad, chip, 0.0, 0.5)
    chip.touch(0.1234, 0.5678, 0.9)
    chip.touch(0.1244, 0.5678, 0.9)
    chip.touch(0.9, 0.9, 0.3, finger=2)
    chip.lift(2)
    chip.lift()
    assert answers[0] == pytest.approx((0.1234, 0.5678, 0.9), abs=0.002)
    assert answers[1] == pytest.approx((0.1244, 0.5678, 0.9), abs=0.002)
    assert answers[2] == pytest.approx((0.9, 0.9, 0.3), abs=0.002)
    assert answers[3:] == [answers[1], ()]


def test_a_touch_that_began_in_midi_does_not_hang_when_sysex_takes_over(sent):
    pad = driver(sent)
    heard(pad, *A_TOUCH)
    packets = []
    move = Chip(packets.append)
    move.write(blocks.command(0, blocks.BEGIN_API))
    move.touch(0.25, 0.75, 0.5)
    move.lift()
    touches = [message for message in packets if blocks.opened(message) is not None]
    assert pad.receive(touches[0], 2.0) == pytest.approx((0.25, 0.75, 0.5), abs=0.01)
    assert heard(pad, *A_TOUCH) is None, "the same finger again"
    assert pad.receive(touches[-1], 2.1) == ()
    assert pad.unplug(3.0) is None
    assert heard(pad, *A_TOUCH) is not None, "another block may come"


def test_what_is_played_is_lit_in_the_colour_of_its_place():
    pad, chip, _ = wired(lights="bitmap", colours=["#ff0000", "#0000ff"])
    run(pad, chip, 0.0, 0.5)
    pad.write((0.0, 1.0, 1.0), 0)
    pad.write((1.0, 0.0, 1.0), 1)
    run(pad, chip, 0.5, 0.2)
    chip.repaint()
    first, last = chip.pixels[0], chip.pixels[-1]
    assert first[0] > 200
    assert first[1:] == (0, 0)
    assert last[2] > 200
    assert last[:2] == (0, 0)
    pad.rest(0)
    run(pad, chip, 0.7, 0.2)
    assert chip.look({}) == pytest.approx((1.0, 0.0, 1.0), abs=0.05)
    chip.repaint()
    assert chip.pixels[0] == (0, 0, 0)
    pad.write((0.5, 0.5, 0.1), 7)
    run(pad, chip, 0.9, 0.2)
    chip.repaint()
    assert chip.pixels[112][2] > 0, "there is no eighth colour: it gets the last"


def test_a_harder_press_is_brighter_and_wider():
    pad, chip, _ = wired(lights="bitmap")
    run(pad, chip, 0.0, 0.5)
    seen = []
    for pressure in (0.0, 0.5, 1.0):
        pad.write((0.5, 0.5, pressure))
        run(pad, chip, 1.0 + pressure, 0.2)
        chip.repaint()
        seen.append((max(map(max, chip.pixels)), sum(any(light) for light in chip.pixels)))
    assert seen == sorted(seen)
    assert seen[0][0] > 0


def test_pictures_go_out_no_faster_than_the_block_paints_and_the_newest_wins():
    pad, chip, _ = wired(lights="bitmap")
    run(pad, chip, 0.0, 0.5)
    count, write = [], chip.write
    chip.write = lambda message: (count.append(message), write(message))
    pad._bitmap._send = chip.write
    for step in range(100):
        pad.write((step / 100, 0.5, 1.0))
        run(pad, chip, 1.0 + step / 100, 0.01)
    run(pad, chip, 2.0, 0.1)
    changes = [message for message in count if message[6] == blocks.DATA_CHANGE]
    assert 20 <= len(changes) <= 60
    assert chip.look({})[0] == pytest.approx(0.99, abs=0.05)


def test_after_a_plug_everything_is_painted_within_a_second():
    pad, chip, _ = wired(lights="bitmap")
    pad.write((0.5, 0.5, 1.0), 1)
    run(pad, chip, 0.0, 1.0)
    assert chip.look({})
    pad.unplug(1.0)
    chip._reset()
    pad.plug(2.0)
    pad.write((0.5, 0.5, 1.0), 1)
    run(pad, chip, 2.0, 1.0)
    assert chip.look({}) == pytest.approx((0.5, 0.5, 0.82), abs=0.02)


def test_closing_puts_the_lights_out():
    pad, chip, _ = wired(lights="bitmap")
    pad.write((0.5, 0.5, 1.0))
    run(pad, chip, 0.0, 1.0)
    pad.close()
    assert chip.look({}) == ()
    assert pad.wake == math.inf


def test_a_source_sends_nothing(sent):
    pad = driver(sent)
    heard(pad, *A_TOUCH)
    pad.unplug(1.0)
    pad.plug(2.0)
    pad.close()
    assert sent == []


# Cables, and what no block sends.


def test_pulling_the_cable_lifts_every_finger(sent):
    pad = driver(sent)
    assert pad.unplug(1.0) is None
    heard(pad, *A_TOUCH)
    assert pad.unplug(1.0) == ()
    assert heard(pad, "d1 40") is None


@pytest.mark.parametrize(
    "text",
    [
        "", "10 40", "d1", "d1 40 40", "e1 00", "91 3c 80", "91 80 40", "f0", "f0 00 21 10 77", "f4",
        "f0 00 21 10 77 40 00 00 00 00 00 02 f7", "f0 00 21 10 78 3e 00 f7", "f0 7e 00 06 02 f7", "b1 4a ff",
    ],
)  # fmt: skip
def test_a_strange_message_is_counted_and_left_out(sent, text):
    pad = driver(sent, lights="bitmap")
    assert heard(pad, text) is None
    assert pad.malformed == 1
    assert heard(pad, *A_TOUCH) is not None


def test_a_wrong_colour_is_a_sentence():
    with pytest.raises(ValueError, match="'red' is no colour: write #rrggbb"):
        LightPad(print, colours=["red"])
