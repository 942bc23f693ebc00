"""The socket that other processes look through, with a real stage behind it and a clock moved by hand."""

import itertools
import json
import socket

import pytest

from foretone.clock import HandClock
from foretone.control import Control
from foretone.doctor.instrument import COUNTS
from foretone.event import Event
from foretone.instrument import find, load
from foretone.run import Performer
from foretone.session import Header, row
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard


@pytest.fixture
def rig(free_port, run_folder):
    """An EMPI at 10 s, its control socket, and a watcher's `tell(message)` and `hear(what)`."""
    clock = HandClock(10.0)
    ports = [f"{name}.port={free_port()}" for name in ("osc", "voice", "patch")]
    stage = Stage(load(find("empi"), ports), FakeBoard(clock), clock)
    stage.open(threads=False)
    control = Control(run_folder / "control.sock", stage, Performer(stage, clock))
    watcher = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    watcher.bind(str(run_folder / "watcher.sock"))
    watcher.settimeout(5)

    def tell(message):
        before = control.taken
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        watcher.sendto(data, str(run_folder / "control.sock"))
        while control.taken == before:
            assert control._thread.is_alive()

    def hear(what):
        while what not in (got := json.loads(watcher.recv(1 << 16))):
            pass
        return got[what]

    yield stage, control, tell, hear
    watcher.close()
    control.close()
    stage.close()


@pytest.fixture
def run_folder(tmp_path_factory):
    """A folder with a short name, as a Unix socket needs one."""
    return tmp_path_factory.mktemp("c")


def test_a_watcher_is_told_what_it_looks_at_and_then_how_it_goes(rig):
    stage, _, tell, hear = rig
    tell({"hello": True})
    stage.run_until(10.1)
    about = hear("about")
    assert about["title"] == "EMPI"
    assert [part["name"] for part in about["parts"]] == [
        "lever",
        "osc",
        "duet",
        "arm",
        "light",
        "voice",
        "patch",
    ]
    (duet,) = (part for part in about["parts"] if part["name"] == "duet")
    knobs = {knob["key"]: knob for knob in duet["settings"]}
    assert knobs["mode"]["choices"] == ["observe", "filter", "call-response", "battle"]
    assert knobs["silence"] == {"key": "silence", "value": 0.8, "low": 0.05, "high": 30, "unit": "s"}
    state = hear("state")
    assert state["world"]["lever"] == [0.5]
    assert state["world"]["arm"] == []
    assert state["faults"] == state["waits"] == []
    assert COUNTS.keys() <= state["counts"].keys(), "what the doctor looks at"


def test_events_and_what_is_ahead_are_told_once_and_in_order(rig):
    stage, _, tell, hear = rig
    tell({"hello": True})
    tell({"set": ["duet", "mode", "battle"]})
    stage.run_until(10.5)
    played, ahead = [], []
    while not played:
        state = hear("state")
        played, ahead = [*played, *state["events"]], state["ahead"]
    assert all(origin == "duet" for _, origin, _ in played)
    assert [time for time, *_ in ahead] == sorted(time for time, *_ in ahead)


def test_a_hand_and_the_ghost_move_the_lever(rig):
    stage, _, tell, hear = rig
    tell({"ghost": True})
    stage.run_until(14.0)
    assert stage.conductor.counts["events_in"] > 20
    tell({"hold": ["lever", [0.9]]})
    stage.run_until(14.2)
    tell({"hello": True})
    stage.run_until(14.6)
    state = hear("state")
    assert state["world"]["lever"] == [0.9]
    assert state["ghost"] is False


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"hello"',
        b'{"unknown": 1}',
        b'{"set": ["duet"]}',
        b'{"set": ["duet", "silence", 1%s]}' % (b"0" * 400),
        b'{"set": ["duet", "silence", NaN]}',
        b'{"set": ["duet", "silence", true]}',
        b'{"set": [1, 2, 3]}',
        b'{"hold": ["lever", [1%s]]}' % (b"0" * 400),
        b'{"hold": ["lever", ["a"]]}',
        b'{"hold": ["lever", []]}',
        b'{"hold": ["nobody", [0.5]]}',
        b'{"hold": ["lever", [true]]}',
        b'{"ghost": "yes"}',
    ],
    ids=lambda message: message[:40].decode(errors="replace"),
)
def test_nothing_that_is_said_there_stops_it(rig, message):
    stage, _, tell, hear = rig
    tell(message)
    stage.run_until(10.2)
    tell({"hello": True})
    stage.run_until(10.4)
    assert hear("state")["settings"]["duet"]["silence"] == 0.8


@pytest.mark.parametrize(
    "message",
    [
        b'{"hello": true}',
        b'{"model": ["duet", "/nowhere"]}',
        b'{"playback": "/nowhere"}',
        b'{"do": ["duet", "fly"]}',
    ],
)
def test_whoever_has_no_address_is_not_answered(rig, run_folder, message):
    stage, control, tell, hear = rig
    before = control.taken
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nobody:
        nobody.sendto(message, str(run_folder / "control.sock"))
    while control.taken == before:
        assert control._thread.is_alive()
    stage.run_until(10.2)
    tell({"hello": True})
    stage.run_until(10.4)
    assert hear("state")


def test_whoever_says_hello_no_more_is_forgotten(rig):
    stage, control, tell, _ = rig
    tell({"hello": True})
    stage.run_until(20.0)
    control._note(Event(20.0, "lever", (0.5,)))
    assert not control._watchers
    assert not control._events


def test_a_second_instrument_does_not_take_the_place_of_a_living_one(rig, run_folder):
    stage, *_ = rig
    with pytest.raises(OSError, match="another instrument runs there"):
        Control(run_folder / "control.sock", stage)
    assert (run_folder / "control.sock").exists()


def test_another_model_is_taken_on_while_it_plays(rig, tmp_path):
    stage, _, tell, hear = rig
    tell({"hello": True})
    stage.run_until(10.1)
    assert hear("about")["parts"][2]["model"].endswith("empi-s.tflite")
    mine = tmp_path / "mine.tflite"
    mine.write_bytes((find("empi").parent / "empi-s.tflite").read_bytes())
    tell({"model": ["duet", str(mine)]})
    tell({"hello": True})
    stage.run_until(10.2)
    assert hear("about")["parts"][2]["model"] == str(mine)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["duet", "/nowhere/none.tflite"], "there is no model at /nowhere/none.tflite"),
        (["lever", "empi-s.tflite"], "there is no player 'lever'"),
        (["nobody", "empi-s.tflite"], "there is no player 'nobody'"),
        (["duet", "/" + 300 * "m"], "File name too long"),
    ],
)
def test_a_model_that_cannot_be_taken_on_is_refused_and_the_old_one_plays(rig, asked, sentence):
    stage, _, tell, hear = rig
    tell({"model": asked})
    assert sentence in hear("refused")
    tell({"hello": True})
    stage.run_until(10.1)
    assert hear("about")["parts"][2]["model"].endswith("empi-s.tflite")
    assert stage.faults() == []


def test_a_model_of_other_axes_is_refused(rig, models):
    _, _, tell, hear = rig
    tell({"model": ["duet", str(models / "three.tflite")]})
    assert "the model hears 3 axes" in hear("refused")


def recorded(folder, events):
    """A session of the EMPI's that holds these events."""
    take = folder / "take.csv"
    header = Header("EMPI", ("lever",), ("lever",), ("duet",))
    take.write_text(header.text() + "".join(row(event, [0], 1, 0.0) for event in events))
    return take


def test_a_session_is_played_back_and_ended(rig, tmp_path):
    stage, _, tell, hear = rig
    take = recorded(tmp_path, [Event(0.1 * n, "duet", (n / 40,)) for n in range(40)])
    tell({"hello": True})
    tell({"playback": str(take)})
    stage.run_until(10.2)
    state = [hear("state") for _ in range(6)][-1]
    assert state["playback"]["name"] == "take.csv"
    assert state["world"]["arm"], "the arm moves as it did"
    assert state["counts"]["played"] == 0, "nobody answers"
    tell({"playback": ""})
    tell({"playback": str(tmp_path / "none.csv")})
    assert "there is no session" in hear("refused")
    stage.run_until(12.5)
    assert stage.board.look("arm") == ()


def test_the_state_goes_out_thirty_times_a_second_also_while_a_session_plays(rig, tmp_path):
    stage, _, tell, hear = rig
    take = recorded(tmp_path, [Event(0.01 * n, "lever", (n / 400,)) for n in range(200)])
    tell({"hello": True})
    tell({"playback": str(take)})
    stage.run_until(10.1)
    told = [hear("state")["now"]]
    while told[-1] < 11.0:
        stage.run_until(told[-1] + 0.05)
        told.append(hear("state")["now"])
    between = [after - before for before, after in itertools.pairwise(told)]
    assert min(between) == pytest.approx(1 / 30, abs=1e-6)


def test_fingers_on_the_page_play_a_pad_on_any_board(run_folder, tmp_path):
    path = tmp_path / "pad.toml"
    path.write_text(
        'axes = ["x", "y"]\n[source.pad]\nkind = "pad"\n'
        '[sink.out]\nkind = "osc"\nplays = ["pad"]\nport = 5999\n'
    )
    clock = HandClock(10.0)
    stage = Stage(load(path), FakeBoard(clock), clock)
    stage.open(threads=False)
    control = Control(run_folder / "control.sock", stage)
    heard = []
    stage.conductor.listeners.append(heard.append)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as page:
        for hold in (["pad", [0.25, 7]], ["pad", [0.5]], ["nobody", [0.5, 0.5]]):
            page.sendto(json.dumps({"hold": hold}).encode(), str(run_folder / "control.sock"))
        while control.taken < 3:
            page.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    stage.run_until(10.1)
    control.close()
    stage.close()
    assert heard == [Event(10.0, "pad", (0.25, 1.0))]
    assert stage.conductor.counts["malformed"] == 1, "a pad of two axes is held at two"
    assert control.malformed == 1, "and nobody else can be held on a real board"
