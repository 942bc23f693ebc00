"""The doors to a mapping: the control socket and OSC say the same verbs, and each gets its answer."""

import json
import os
import socket

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder
from tests.mapping.client import free_port

from foretone.clock import HandClock
from foretone.control import Control
from foretone.event import Command, Event, Setting
from foretone.instrument import find, load
from foretone.mapping.verbs import VERBS
from foretone.stage import Stage
from foretone_hardware.fake import FakeBoard

pytestmark = pytest.mark.live


@pytest.fixture
def rig(tmp_path_factory):
    """Teach at 10 s, and `ask(message)`, which says it at the control socket and returns the answer."""
    folder, clock = tmp_path_factory.mktemp("d"), HandClock(10.0)
    ports = [f"{name}.port={free_port()}" for name in ("wekinator", "patch", "outputs", "out")]
    stage = Stage(load(find("teach"), ports), FakeBoard(clock), clock)
    stage.open(threads=False)
    control = Control(folder / "control.sock", stage, None)
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    asking.bind(str(folder / "page.sock"))
    asking.settimeout(10)
    number = 0

    def ask(*words):
        nonlocal number
        number, before = number + 1, control.taken
        asking.sendto(json.dumps({"do": list(words), "id": number}).encode(), str(folder / "control.sock"))
        while control.taken == before:
            os.sched_yield()
        stage.conductor.run_waiting()
        answer = json.loads(asking.recv(1 << 17))
        (kind,) = answer
        assert answer[kind][0] == number
        return kind, answer[kind][1]

    yield stage, control, ask, folder
    asking.close()
    control.close()
    stage.close()


def hear(stage, *values):
    stage.play([Event(stage.conductor.clock.now() + 0.01, "patch", values)])


def test_the_page_records_sets_and_undoes(rig):
    stage, _, ask, _ = rig
    assert ask("teach", "set", 0.1, 0.2, 0.3, 0.4, 0.5) == ("did", "set")
    hear(stage, 0.5, 0.5, 0.5, 0.5, 0.5)
    assert ask("teach", "example") == ("did", "1 examples")
    kind, state = ask("teach", "state")
    assert (kind, state["examples"], state["labels"]) == ("did", 1, [0.1, 0.2, 0.3, 0.4, 0.5])
    kind, state = ask("teach", "undo")
    assert (kind, state["examples"], state["redo"]) == ("did", 0, 1)


def test_what_is_refused_is_answered_with_a_sentence(rig):
    _, _, ask, _ = rig
    assert ask("teach", "run") == ("refused", "there is nothing to run: train first")
    assert ask("nobody", "run") == ("refused", "there is no part called 'nobody' that takes commands")
    assert ask("patch", "run") == ("refused", "there is no part called 'patch' that takes commands")


@pytest.mark.parametrize(
    "message", [{"do": ["teach", "_opened", {}]}, {"do": ["teach"]}, {"do": []}, {"do": [1, 2]}]
)
def test_what_is_the_houses_own_is_not_taken_from_outside(rig, message):
    stage, control, ask, folder = rig
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outside:
        outside.sendto(json.dumps(message).encode(), str(folder / "control.sock"))
    while not control.malformed:
        os.sched_yield()
    stage.conductor.run_waiting()
    assert ask("teach", "stop") == ("did", "0 examples")


def test_words_of_any_kind_are_answered(rig):
    """Nothing that JSON can say puts the player out."""
    stage, _, ask, _ = rig
    hear(stage, 0.5, 0.5, 0.5, 0.5, 0.5)
    things = [None, True, -1, 1e300, 0.5, "x", [], [1], {}, {"smooth": []}]
    for verb in [*VERBS, "nonsense"]:
        if verb.startswith("_"):
            continue
        for thing in things:
            for words in (
                (thing,),
                (thing, thing),
                (1, thing),
                ("record", 1, thing),
                ("inputs", thing),
                ("inputs", *[thing] * 5),
                ("outputs", *[thing] * 5),
                ("take", thing),
            ):
                ask("teach", verb, *words)
    assert stage.faults() == []
    assert ask("teach", "state")[0] == "did"


def test_osc_says_the_same(rig):
    stage, _, _, _ = rig
    port = stage.conductor.seats["patch"].part.port
    queue = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as patch:
        for address, words in (("/foretone/teach/do/delete", ("take", 3)), ("/foretone/teach/do/record", ()),
                               ("/foretone/teach/fade", (20.0,))):  # fmt: skip
            builder = OscMessageBuilder(address)
            for word in words:
                builder.add_arg(word)
            patch.sendto(builder.build().dgram, ("127.0.0.1", port))
    while len(queue) < 3:
        message = stage.conductor._queue.get(timeout=10)
        if not isinstance(message, Command) or message.verb != "_watch":
            queue.append(message)
    assert queue == [
        Command("teach", "delete", ("take", 3)),
        Command("teach", "record", ()),
        Setting("teach", "fade", 20.0),
    ]
