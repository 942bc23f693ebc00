"""A client of Wekinator's plays the shipped instrument: every message of its protocol, to a real process."""

import math
import random
import select
import socket
import time

import numpy as np
import pytest
from tests.mapping.client import MESSAGES, Box, Client, free_port

pytestmark = pytest.mark.live


@pytest.fixture
def client():
    made = Client()
    yield made
    made.close()


@pytest.fixture
def box(client, tmp_path):
    made = Box(tmp_path, client, f"patch.port={free_port()}", f"out.port={free_port()}")
    made.start()
    yield made
    made.end()


def show(client, inputs, outputs, frames=1):
    assert client.do("outputs", *outputs) == []
    assert client.do("startRecording") == []
    for _ in range(frames):
        client.send("/wek/inputs", *inputs)
    assert client.do("stopRecording") == []


def train(client):
    client.drain()
    assert client.do("train") == []
    assert client.heard("/wekinator/status/done-training") == []


LOW, HIGH = (0.0, 0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0, 1.0)


def test_record_two_examples_train_and_run(client, box):
    client.drain()
    show(client, LOW, (0.1, 0.2, 0.3, 0.4, 0.5))
    assert client.heard("/wek/outputs") == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    show(client, HIGH, (0.9, 0.8, 0.7, 0.6, 0.5))
    train(client)
    assert client.do("startRunning") == []
    assert client.frame(*LOW) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5], abs=1e-3)
    assert client.frame(*HIGH) == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5], abs=1e-3)


def test_whole_numbers_and_doubles_are_numbers(client, box):
    show(client, LOW, (0.1, 0.2, 0.3, 0.4, 0.5))
    show(client, HIGH, (0.9, 0.8, 0.7, 0.6, 0.5))
    train(client)
    client.do("startRunning")
    by_float = client.frame(*HIGH)
    assert client.frame(1, 1, 1, 1, 1, types="iiiii") == by_float
    assert client.frame(*HIGH, types="ddddd") == by_float
    assert client.do("outputs", 0, 1, 0.5, 0.25, 1, types="iidfi") == []
    assert client.do("enableModelRunning", 1.0, 2.0, types="fd") == []


def test_every_control_message_does_what_it_says(client, box):
    """The 23 of them, each by what can be heard of it."""
    assert client.do("setInputNames", "a", "b", "c", "d", "e") == []
    assert client.do("setOutputNames", "v", "w", "x", "y", "z") == []
    assert client.do("enablePerformanceMode") == []
    assert client.do("disablePerformanceMode") == []
    assert client.do("disableModelRecording", 2, 3) == []
    show(client, LOW, (0.1, 0.2, 0.3, 0.4, 0.5))
    assert client.do("enableModelRecording", 2, 3) == []
    show(client, HIGH, (0.9, 0.8, 0.7, 0.6, 0.5), frames=3)
    assert client.do("selectInputsForOutput", 1, 1, 2) == []
    train(client)
    assert client.do("startRunning") == []
    # What was not recorded at first is as it was at last; the first output hears two inputs alone.
    assert client.frame(*LOW) == pytest.approx([0.1, 0.8, 0.7, 0.4, 0.5], abs=1e-3)
    assert client.frame(0, 0, 1.0, 1.0, 1.0)[0] == pytest.approx(0.1, abs=1e-3)
    assert client.do("disableModelRunning", 1) == []
    client.do("outputs", 0.0, 0.0, 0.0, 0.0, 0.0)
    assert client.frame(*HIGH)[:2] == pytest.approx([0.0, 0.8], abs=1e-3)
    assert client.do("enableModelRunning", 1) == []
    assert client.frame(*HIGH)[0] == pytest.approx(0.9, abs=1e-3)
    assert client.do("stopRunning") == []
    until_quiet(client)
    client.send("/wek/inputs", *LOW)
    client.settle()
    assert client.drain() == []

    assert client.do("saveModelToFile", 1, "/somewhere/else/first") == []
    assert client.do("deleteExamplesForOutput", 1) == []
    assert client.do("deleteAllExamples") == []
    (error,) = client.do("train")
    assert "there are no examples" in error
    assert client.do("loadModelFromFile", 4, "first", "WITHOUTDATA") == []
    assert client.do("startRunning") == []
    until(lambda: abs(client.frame(*HIGH)[3] - 0.9) < 1e-3)
    assert client.do("loadModelFromFile", 4, "first") == []
    until(lambda: client.do("train") == [])
    assert client.do("cancelTrain") == []

    (error,) = client.do("startDtwRecording", 1)
    assert "no output is learned by dtw" in error
    assert client.do("stopDtwRecording") == []
    assert client.do("runNewProject", "/home/me/evening.wekproj", "CLOSECURRENT") == []
    until(lambda: client.do("train") != [])
    assert client.do("runNewProject", "teach-teach") == []
    until(lambda: client.do("startRunning") == [])
    assert client.frame(*HIGH)[3] == pytest.approx(0.9, abs=1e-3)
    assert client.done == MESSAGES
    assert len(MESSAGES) == 23


def test_how_likely_each_class_is_comes_with_every_frame(client, tmp_path):
    learns = 'teach.output={out-1 = {learn = "class-knn", classes = 2}}'
    ports = (f"patch.port={free_port()}", f"out.port={free_port()}")
    box = Box(tmp_path, client, *ports, learns, "wekinator.chances=true")
    box.start()
    try:
        for kind, hand in ((1, LOW), (2, HIGH)):
            show(client, hand, (kind, 0.5, 0.5, 0.5, 0.5), frames=3)
        train(client)
        assert client.do("startRunning") == []
        for hand, kind in ((LOW, 0), (HIGH, 1)):
            client.frame(*hand)
            client.send("/wek/inputs", *hand)
            chances = client.heard("/out-1")
            assert chances[kind] > 0.9
            assert sum(chances) == pytest.approx(1.0, abs=1e-5)
    finally:
        box.end()


def test_gestures_over_time(client, tmp_path):
    """Two are recorded; then their distances come with every frame, and the name of one that was made."""
    learns = "{" + ", ".join(f'out-{number} = {{learn = "dtw"}}' for number in (1, 2)) + "}"
    box = Box(
        tmp_path, client, f"patch.port={free_port()}", f"out.port={free_port()}", f"teach.output={learns}"
    )
    box.start()
    try:
        assert client.do("setOutputNames", "up", "across", "c", "d", "e") == []
        for seconds in (0.5, 0.6, 0.8):
            for gesture in (1, 2):
                assert client.do("startDtwRecording", gesture) == []
                draw(client, gesture, seconds)
                assert client.do("stopDtwRecording") == []
        train(client)
        assert client.do("startRunning") == []
        client.frame(0.0, 0.0, 0.0, 0.0, 0.0)
        draw(client, 2, 0.65)
        hold(client, 1.0, (1.0, 0.0))
        heard = client.drain()
        assert ["/across"] in heard
        assert ["/up"] not in heard
        nearest = np.min([values[:2] for address, *values in heard if address == "/wek/outputs"], axis=0)
        assert nearest[1] < 0.5 < nearest[0]
    finally:
        box.end()


def draw(client, gesture, seconds):
    """In its own time, because time is what is learned."""
    begin = time.monotonic()
    while (share := (time.monotonic() - begin) / seconds) < 1.0:
        there = 0.5 - 0.5 * math.cos(math.pi * share)
        hold(client, 0.01, (0.0, there) if gesture == 1 else (there, 0.0))


def hold(client, seconds, place):
    """The hand is at a place, told a hundred times a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client.send("/wek/inputs", *place, 0.0, 0.0, 0.0)
        select.select([], [], [], 0.01)


def until_quiet(client):
    """Nothing comes any more."""
    while client.drain():
        client.settle()


def until(condition):
    end = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < end


def test_a_bundle_of_frames_comes_back_as_a_file(client, box):
    show(client, LOW, (0.1, 0.2, 0.3, 0.4, 0.5))
    show(client, HIGH, (0.9, 0.8, 0.7, 0.6, 0.5))
    train(client)
    table = box.folder / "examples" / "frames.csv"
    table.write_text("0,0,0,0,0\n1,1,1,1,1\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        try:
            listening.bind(("127.0.0.1", 12001))
        except OSError:
            pytest.skip("port 12001 is taken here")
        listening.settimeout(30)
        client.send("/wek/inputs/bundle", str(table))
        told = listening.recv(65535)
    assert b"frames-outputs.csv" in told
    rows = (table.parent / "frames-outputs.csv").read_text().split()
    assert [float(row.split(",")[0]) for row in rows] == pytest.approx([0.1, 0.9], abs=1e-3)


@pytest.mark.parametrize(
    ("address", "values", "sentence"),
    [
        ("/wek/inputs", (0.5, 0.5), "expected 5 floats, got 2 from 127.0.0.1"),
        ("/wek/inputs", (0.5, 0.5, 0.5, 0.5, "x"), "input 5 is no finite number but 'x'"),
        ("/wek/inputs", (0.5, 0.5, 0.5, 0.5, float("nan")), "input 5 is no finite number"),
        ("/wek/inputs", (0.5, 320.0, 0.5, 0.5, 0.5), "input 2 is 320, beyond 0 to 1: set low and high"),
        ("/wekinator/control/outputs", (0.5,), "expected 5 numbers, got 1"),
        ("/wekinator/control/outputs", ("a", 1, 1, 1, 1), "'a' is no finite number"),
        ("/wekinator/control/startRecording", (1,), "expected no arguments, got 1"),
        ("/wekinator/control/startRunning", (), "there is nothing to run: train first"),
        ("/wekinator/control/enableModelRunning", (6,), "there is no output 6; there are 5"),
        ("/wekinator/control/enableModelRunning", (1.5,), "expected whole numbers"),
        ("/wekinator/control/enableModelRunning", (), "expected whole numbers, 1 or more"),
        ("/wekinator/control/setInputNames", ("a",), "give 5 different names"),
        ("/wekinator/control/setOutputNames", ("a", "a", "b", "c", "d"), "5 different names"),
        ("/wekinator/control/selectInputsForOutput", (1,), "expected whole numbers, 2 or more"),
        ("/wekinator/control/loadModelFromFile", (1,), "the number of an output and a path"),
        ("/wekinator/control/saveModelToFile", (9, "x"), "the number of an output"),
        ("/wekinator/control/saveModelToFile", (1, "/"), "does not name a file"),
        ("/wekinator/control/fly", (), "/wekinator/control/fly is not one of Wekinator's messages"),
        ("/elsewhere", (), "/elsewhere is not one of Wekinator's messages"),
    ],
)
def test_whoever_is_wrong_is_told_so(told, address, values, sentence):
    client = told
    client.send(address, *values)
    (error,) = client.settle()
    assert sentence in error


def test_another_wekinators_complaint_is_not_answered(told):
    """It would be answered with one, and so on for ever."""
    for status in ("error", "done-training"):
        told.send(f"/wekinator/status/{status}", "what?")
    assert told.settle() == []


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One instrument for all that is wrong."""
    client = Client()
    ports = (f"patch.port={free_port()}", f"out.port={free_port()}")
    made = Box(tmp_path_factory.mktemp("told"), client, *ports)
    made.start()
    yield client
    made.end()
    client.close()


def test_bytes_of_any_kind_do_not_stop_it(told):
    chance = random.Random(5)
    for number in range(300):
        told.asking.sendto(chance.randbytes(chance.randrange(1, 200)), ("127.0.0.1", told.control))
        told.asking.sendto(b"/wek/inputs\0" + chance.randbytes(20), ("127.0.0.1", told.control))
        if number % 20 == 0:
            told.settle()
    told.settle()
