"""What was shown survives: a restart, a power cut at any moment, a full disk, a file that is damaged."""

import contextlib
import random
import time
from pathlib import Path
from random import Random

import pytest
from tests.mapping.client import Box, Client, free_port

from foretone.errors import SessionError
from foretone.mapping.journal import Journal
from foretone.players.mapping import Mapping

pytestmark = pytest.mark.live

NAMES = tuple(f"out-{number}" for number in range(1, 6))
AXES = tuple(f"in-{number}" for number in range(1, 6))


def player():
    return Mapping(AXES, "teach", Random(1), outputs=list(NAMES))


def loaded(path):
    """The history that a journal gives, as a restart would have it."""
    fresh = player()
    journal = Journal(path, AXES, NAMES)
    journal.load(fresh.history)
    journal.close()
    return fresh.history


@pytest.fixture
def client():
    made = Client()
    yield made
    made.close()


@pytest.fixture
def box(client, tmp_path):
    made = Box(tmp_path, client, f"patch.port={free_port()}", f"out.port={free_port()}")
    yield made
    made.end()


KILLS = [pytest.param(10, id="10"), pytest.param(50, id="50", marks=pytest.mark.slow)]


@pytest.mark.parametrize("kills", KILLS)
def test_killed_at_any_moment_nothing_older_than_a_second_is_lost(client, box, kills):
    """While it records and while it trains; every frame has its number."""
    chance, sent, sure = random.Random(kills), 0, set()
    for _ in range(kills):
        box.start()
        client.do("startRecording")
        begun, lives, stamps = time.monotonic(), chance.uniform(0.05, 1.6), []
        while (now := time.monotonic()) < begun + lives:
            sent += 1
            client.send("/wek/inputs", sent / 1e6, 0.0, 0.0, 0.0, 0.0, types="ddddd")
            stamps.append((now, sent))
            if sent % 40 == 0:
                client.send("/wekinator/control/train")
                client.send("/wekinator/control/startRecording")
            client.asking.settimeout(0.005)
            with contextlib.suppress(TimeoutError):
                client.asking.recv(65535)
        killed = time.monotonic()
        box.kill()
        sure |= {number for stamp, number in stamps if stamp < killed - 1.0}
        history = loaded(box.folder / "examples" / "teach-teach.journal")
        seen = [round(frame.x[0] * 1e6) for take in history.project.takes for frame in take.frames]
        assert seen == sorted(seen)
        assert sure <= set(seen)
    assert sure


def test_after_a_restart_it_plays_the_same_bits(client, box):
    box.start()
    for label, hand in ((0.1, 0.0), (0.9, 0.5), (0.4, 1.0)):
        client.do("outputs", *[label] * 5)
        client.do("startRecording")
        client.send("/wek/inputs", *[hand] * 5)
        client.do("stopRecording")
    client.drain()
    client.do("train")
    client.heard("/wekinator/status/done-training")
    client.do("startRunning")
    hands = [[random.random() for _ in range(5)] for _ in range(20)]
    before = [client.frame(*hand) for hand in hands]
    box.end()
    box.start()
    assert [client.frame(*hand) for hand in hands] == before


def test_a_journal_that_cannot_be_read_does_not_keep_it_from_playing(client, box):
    (box.folder / "examples" / "teach-teach.journal").mkdir(parents=True)
    box.start()
    client.drain()
    assert client.do("outputs", 0.1, 0.2, 0.3, 0.4, 0.5) == []
    assert client.heard("/wek/outputs") == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_what_is_undone_before_a_restart_can_be_done_again_after_it(tmp_path):
    first = player()
    journal = Journal(tmp_path / "a.journal", AXES, NAMES)
    first.x = (0.1,) * 5
    for verb in ("example", "example", "undo"):
        first.obey(verb, (), 1.0)
    assert journal.write(first.history)
    journal.close()
    second = loaded(tmp_path / "a.journal")
    assert second.project == first.history.project
    assert second.steps == (1, 1)
    second.do("redo")
    assert second.project.examples == 2


def written(path, examples=3):
    made, journal = player(), Journal(path, AXES, NAMES)
    made.x = (0.1, 0.2, 0.3, 0.4, 0.5)
    for number in range(examples):
        made.obey("example", (), float(number))
    journal.write(made.history)
    journal.close()
    return made.history.project


def test_a_journal_that_is_cut_anywhere_is_read_up_to_there(tmp_path):
    whole = written(tmp_path / "whole.journal")
    data = (tmp_path / "whole.journal").read_bytes()
    for length in range(0, len(data) + 1, 7):
        path = tmp_path / "cut.journal"
        path.write_bytes(data[:length])
        history = loaded(path)
        assert history.project.takes == whole.takes[: len(history.project.takes)]
        # What is done next stands on a line of its own.
        history.do("delete", "all")
        journal = Journal(path, AXES, NAMES)
        journal.write(history)
        journal.close()
        assert loaded(path).project.takes == ()
        path.unlink()


def test_a_take_that_was_open_is_kept(tmp_path):
    made, journal = player(), Journal(tmp_path / "a.journal", AXES, NAMES)
    made.obey("record", (), 1.0)
    made.history.do("frame", 1.0, (0.1,) * 5, (0.5,) * 5)
    journal.write(made.history)
    journal.close()
    assert loaded(tmp_path / "a.journal").project.examples == 1


def test_two_instruments_never_write_to_one_journal(tmp_path, caplog):
    path = tmp_path / "a.journal"
    players = [player() for _ in range(3)]
    first, second, third = (Journal(path, AXES, NAMES) for _ in players)
    for made, journal in zip(players[:2], (first, second), strict=True):
        journal.load(made.history)
        made.x = (0.1,) * 5
        made.obey("example", (), 1.0)
    assert first.write(players[0].history)
    assert not second.write(players[1].history)
    assert "another instrument that plays" in second.fault
    with pytest.raises(SessionError, match="another instrument that plays"):
        third.load(players[2].history)
    players[0].obey("example", (), 2.0)
    assert first.write(players[0].history)
    first.close()
    players[1].obey("delete", ("all",), 3.0)
    second.write(players[1].history)
    assert second.fault, "what it was shown before is lost, and this would make no sense without"
    assert loaded(path).project == players[0].history.project


def test_a_line_that_is_no_action_is_left_out(tmp_path, caplog):
    whole = written(tmp_path / "a.journal")
    with (tmp_path / "a.journal").open("a") as file:
        file.write(
            '["fly"]\n[]\n{}\nnull\n["frame",1]\n\xff\n["output",0,{"smooth":"a"}]\n' + "[" * 5000 + "\n"
            '["inputs",[1,2,3,4,5]]\n["inputs",[[],[],[],[],[]]]\n'
        )
    assert loaded(tmp_path / "a.journal").project == whole
    assert "10 actions cannot be read" in caplog.text


@pytest.mark.parametrize(
    "first", ["", "{}", "not JSON", '{"foretone mapping": 1, "inputs": ["x"], "outputs": []}']
)
def test_a_journal_of_another_instrument_is_put_aside(tmp_path, caplog, first):
    (tmp_path / "a.journal").write_text(first + '\n["take",0]\n')
    assert loaded(tmp_path / "a.journal").project.takes == ()
    assert "they are kept there" in caplog.text
    assert (tmp_path / "a.journal.1").exists()
    written(tmp_path / "a.journal")
    assert loaded(tmp_path / "a.journal").project.examples == 3


def test_a_full_disk_stops_the_journal_and_nothing_is_lost_when_there_is_room(tmp_path, caplog):
    made, path = player(), tmp_path / "a.journal"
    journal = Journal(path, AXES, NAMES)
    made.x = (0.1,) * 5
    made.obey("example", (), 1.0)
    if not Path("/dev/full").exists():
        pytest.skip("there is no full device here")
    path.symlink_to("/dev/full")
    assert not journal.write(made.history)
    assert "No space left" in journal.fault
    made.obey("example", (), 2.0)
    assert not journal.write(made.history)
    assert caplog.text.count("playing on") == 1
    journal.close()
    path.unlink()
    assert journal.write(made.history)
    assert journal.fault == ""
    journal.close()
    assert loaded(path).project.examples == 2
