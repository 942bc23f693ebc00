"""What is shown to a mapping, and what it plays: the player alone, with a clock moved by hand."""

import json
import tracemalloc

import pytest

from foretone.clock import HandClock
from foretone.errors import InstrumentError, SettingError
from foretone.event import Event
from foretone.instrument import find, load
from foretone.mapping.history import gathered
from foretone.mapping.project import Frame
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard


def test_while_it_does_not_run_it_plays_what_is_set(teach):
    assert teach.do("set", 0.1, 0.9) == "set"
    assert teach.played == [(0.1, 0.9)]
    teach.hear(0.5, 0.5)
    assert len(teach.played) == 1


def test_a_knob_that_is_turned_before_anything_was_heard_is_not_heard(teach):
    teach.player.morph = 0.3
    teach.move_on(1.0)
    teach.player.history.running = True  # as it is after a restart
    teach.player.restore()
    teach.player.morph = 0.7
    teach.move_on(1.0)
    assert teach.played == []


def test_a_take_holds_every_gesture_with_what_was_set(teach):
    teach.do("set", 0.1, 0.9)
    teach.do("record")
    teach.hear(0.2, 0.3)
    teach.hear(0.4, 0.5)
    assert teach.do("stop") == "2 examples"
    (take,) = teach.project.takes
    assert [(frame.x, frame.y) for frame in take.frames] == [
        ((0.2, 0.3), (0.1, 0.9)),
        ((0.4, 0.5), (0.1, 0.9)),
    ]


def test_a_hand_that_is_held_still_is_one_example(teach):
    teach.hear(0.2, 0.3)
    teach.do("record")
    teach.move_on(2.0)
    assert teach.do("stop") == "1 examples"
    assert teach.do("example") == "2 examples"


def test_an_output_that_is_not_recorded_is_missing_from_the_example(teach):
    teach.do("mask", "record", 0, 2)
    teach.hear(0.2, 0.3)
    teach.do("example")
    assert teach.project.takes[0].frames[0].y == (0.5, None)
    teach.do("mask", "record", 0, 1)
    with pytest.raises(SettingError, match="no output is being recorded"):
        teach.do("record")


def test_a_class_that_was_never_set_is_not_recorded(make):
    teach = make(output={"out-1": {"learn": "class-knn", "classes": 3}})
    teach.hear(0.2, 0.3)
    teach.do("example")
    teach.do("set", 3, 0.5)
    teach.do("example")
    assert [take.frames[0].y for take in teach.project.takes] == [(None, 0.5), (1.0, 0.5)]
    alone = make(outputs=["kind"], output={"kind": {"learn": "class-knn", "classes": 3}})
    alone.hear(0.2, 0.3)
    with pytest.raises(SettingError, match="set its class"):
        alone.do("example")


def test_what_was_learned_as_a_number_is_not_played_as_a_class(teach):
    teach.show((0.1, 0.1), (0.3, 0.3))
    teach.do("train")
    assert teach.project.outputs[0].model
    teach.do("output", 1, "learn", "linear")
    assert teach.project.outputs[0].model
    teach.do("output", 1, {"learn": "class-knn", "classes": 2})
    assert not teach.project.outputs[0].model
    assert teach.project.outputs[1].model


def test_a_count_in_and_a_limit(teach):
    teach.player.count_in, teach.player.limit = 3.0, 2.0
    teach.do("record")
    teach.hear(0.1, 0.1)
    teach.move_on(3.1)
    teach.hear(0.2, 0.2)
    teach.move_on(2.1)
    teach.hear(0.3, 0.3)
    (take,) = teach.project.takes
    assert [frame.x for frame in take.frames] == [(0.2, 0.2)]


def test_everything_can_be_undone_and_done_again(teach):
    """A hundred actions, there and back: what came before is what comes again."""
    teach.hear(0.2, 0.3)
    seen = [teach.project]
    for number in range(100):
        action = number % 5
        if action == 0:
            teach.do("delete", "take", teach.project.takes[0].number) if number % 10 else teach.do("example")
        elif action == 1:
            teach.do("output", 1 + number % 2, "smooth", number / 100)
        elif number in (32, 62):
            teach.do("delete", "output", number // 32)
        elif number == 43:
            teach.do("names", "inputs", "left", "right")
        elif number == 72:
            teach.do("delete", "all")
        else:
            teach.do("example")
        seen.append(teach.project)
    for before in reversed(seen[:-1]):
        teach.do("undo")
        assert teach.project == before
    with pytest.raises(SettingError, match="nothing to undo"):
        teach.do("undo")
    for after in seen[1:]:
        teach.do("redo")
        assert teach.project == after
    with pytest.raises(SettingError, match="nothing to do again"):
        teach.do("redo")


def test_remembering_the_way_back_takes_as_much_for_every_example(teach):
    teach.hear(0.2, 0.3)
    grown = []
    tracemalloc.start()
    for _ in range(4):
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(500):
            teach.do("example")
            teach.player.history.unwritten.clear()
        grown.append(tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    assert grown[3] < 1.5 * grown[0]


def test_takes_that_were_gathered_are_one_step_and_the_journal_gives_the_same(teach):
    teach.hear(0.2, 0.3)
    teach.do("example")
    history, again = teach.player.history, teach.player.begin_again()
    rows = [[Frame(0.0, (x, 0.5), y)] for x, y in ((0.1, None), (0.2, (0.1, None)), (0.3, (0.2, 0.9)))]
    history.add(*gathered(history.project, rows))
    history.add(*gathered(history.project, rows[:1]))
    assert [take.number for take in history.project.takes] == [1, 2, 3], "one without examples is none"
    assert history.steps == (2, 0)
    for action in history.unwritten:
        again.repeat(action)
    assert (again.project, again.steps) == (history.project, history.steps)


def test_a_slider_that_is_drawn_is_undone_at_once(teach):
    for number in range(50):
        teach.do("output", 1, "smooth", number / 100)
    teach.do("undo")
    assert teach.project.outputs[0].smooth == 0.0


def test_takes_examples_and_outputs_are_deleted(teach):
    teach.hear(0.2, 0.3)
    for _ in range(3):
        teach.do("example")
    teach.do("delete", "take", 2)
    assert [take.number for take in teach.project.takes] == [1, 3]
    teach.do("delete", "output", 1)
    assert [take.frames[0].y for take in teach.project.takes] == [(None, 0.5)] * 2
    teach.do("delete", "output", 2)
    assert not teach.project.takes
    teach.do("undo")
    teach.do("delete", "example", 1, 0)
    assert [take.number for take in teach.project.takes] == [3]
    teach.do("delete", "all")
    assert not teach.project.takes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("fly",), "there is no 'fly'"),
        (("recrd",), "did you mean 'record'"),
        (("set", 0.5), "expected 2 numbers, got 1"),
        (("set",), "expected 2 numbers, got 0"),
        (("train",), "there are no examples"),
        (("train", 1), "expected no words, got 1"),
        (("run",), "there is nothing to run"),
        (("run", 2), "run takes 1 or nothing"),
        (("example",), "nothing was heard yet"),
        (("delete",), "delete what"),
        (("delete", "take", 9), "there is no take 9"),
        (("delete", "output", 0), "there is no output 0"),
        (("output", 3, "smooth", 1.0), "there is no output 3; there are 2"),
        (("output", 1, "smoth", 1.0), "did you mean 'smooth'"),
        (("output", 1, "smooth", 11), "smooth must be 0 to 10 s, not 11"),
        (("output", 1, "smooth", float("nan")), "smooth must be"),
        (("output", 1, "model", "x"), "an output has no 'model'"),
        (("output", 1, {"low": 0.6, "high": 0.5}), "low must be below high"),
        (("output", 1, "learn", "class-knn"), "needs two classes or more"),
        (("mask", "sing", 1, 1), "say record or run"),
        (("mask", "run", 1, "x"), "there is no output x"),
        (("select", 1, 3), "there is no input 3; there are 2"),
        (("select", 1, "z"), "there is no input 'z'"),
        (("select", 1), "say which output"),
        (("names", "inputs", "a", "a"), "give 2 different names"),
        (("names", "outputs", "a"), "2 different names"),
        (("names", "inputs", b"\xff", "a"), "a name is a text"),
        (("names", "inputs", ["a"], "b"), "a name is a text"),
        (("names", "outputs", ["a"], "b"), "a name is a text"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said(teach, words, sentence):
    before = teach.project
    with pytest.raises(SettingError, match=sentence):
        teach.do(*words)
    assert teach.project == before


def test_a_wrong_value_is_left_out_and_the_others_are_set(teach):
    assert "out-2 takes a number of 0 to 1, not 7" in teach.do("set", 0.25, 7)
    assert teach.player.labels == [0.25, 0.5]


def test_the_state_is_told_in_json(teach):
    teach.hear(0.2, 0.3)
    teach.do("example")
    told = json.loads(json.dumps(teach.do("state")))
    assert told["examples"] == 1
    assert told["takes"] == [{"number": 1, "examples": 1, "gesture": 0}]
    assert told["outputs"][0]["name"] == "out-1"
    assert json.loads(json.dumps(teach.player.glance()))["undo"] == 1


def test_parts_of_fewer_axes_move_their_own_and_leave_the_others(tmp_path):
    file = tmp_path / "two.toml"
    file.write_text(
        'axes = ["x", "y", "z"]\n[source.pad]\nkind = "pad"\n'
        '[source.block]\nkind = "pad"\naxes = ["z", "x"]\n'
        '[player.teach]\nkind = "mapping"\nhears = ["block", "pad"]\noutputs = ["a"]\n'
    )
    stage = Stage(load(file), FakeBoard(HandClock(1.0)), HandClock(1.0))
    stage.open(threads=False)
    teach = stage.conductor.seats["teach"].part
    assert teach.heard == ("z", "x", "y")
    for origin, values in (("block", (0.1, 0.2)), ("pad", (0.3, 0.4, 0.5)), ("block", (0.6, 0.7))):
        stage.play([Event(1.0, origin, values)])
        assert len(teach.x) == 3
    assert teach.x == (0.6, 0.7, 0.4)
    stage.close()


def test_letting_go_is_no_gesture(teach):
    teach.do("record")
    assert list(teach.player.hear(Event(1.0, "pad", ()))) == []
    assert teach.do("stop") == "0 examples"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("outputs = []", "outputs must name what it plays"),
        ('outputs = ["a", "a"]', "each output needs a name of its own"),
        ('outputs = ["a", "distance"]', "none is called distance"),
        ('outputs = ["a"]\nfeatures = ["speed"]', "'speed' is no feature"),
        ('outputs = ["a"]\noutput = 3', "output must be a table"),
        ('outputs = ["a"]\n[player.teach.output.b]\nsmooth = 1', "output.b must be the table of one of a"),
        ('outputs = ["a"]\n[player.teach.output.a]\nlearn = "magic"', "output.a: learn must be one of mlp"),
        ('outputs = ["a"]\n[player.teach.output.a]\nclasses = 300', "output.a: classes must be 0 to 100"),
    ],
)
def test_a_wrong_table_is_told_by_the_check_of_the_file(tmp_path, table, sentence):
    file = tmp_path / "wrong.toml"
    file.write_text(
        'axes = ["x"]\n[source.pad]\nkind = "osc"\n'
        f'[player.teach]\nkind = "mapping"\nhears = ["pad"]\n{table}\n'
    )
    with pytest.raises(InstrumentError, match=sentence):
        load(file)


def test_the_shipped_instrument_is_one():
    teach = load(find("teach")).parts["teach"]
    assert teach.heard == ("in-1", "in-2", "in-3", "in-4", "in-5")
    assert teach.axes == ("out-1", "out-2", "out-3", "out-4", "out-5")
    assert teach.places == {"block": (0, 1, 2)}
