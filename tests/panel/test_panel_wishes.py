"""What a page may ask for, and what waits for a page that is slow."""

import json

import pytest

from foretone.panel import outbox, wishes

WRONG = [
    "",
    "no",
    "[" * 1000,
    "[]",
    "{}",
    '{"hello": true}',
    '{"ghost": true, "listen": true}',
    '{"ghost": 1}',
    '{"listen": "yes"}',
    '{"seen": 0}',
    '{"seen": true}',
    '{"hold": ["lever", []]}',
    '{"hold": ["lever", [NaN]]}',
    '{"hold": ["lever", [1e999]]}',
    '{"hold": ["lever", [1.01]]}',
    '{"hold": ["lever", [-0.01]]}',
    '{"hold": ["lever", ["0.5"]]}',
    '{"hold": ["lever", [true]]}',
    '{"hold": ["lever", 0.5]}',
    '{"hold": ["", [0.5]]}',
    '{"hold": {"lever": [0.5]}}',
    f'{{"hold": ["lever", {[0] * 65}]}}',
    '{"set": ["duet", "mode"]}',
    '{"set": ["duet", "mode", null]}',
    '{"set": ["duet", "mode", ["filter"]]}',
    '{"set": ["duet", "silence", Infinity]}',
    f'{{"set": ["duet", "silence", {"9" * 1000}]}}',
    '{"set": ["duet", "mode", "a\\u0000b"]}',
    '{"set": [1, "mode", "filter"]}',
    '{"set": ["duet", "mode", "%s"]}' % ("x" * 65),
    '{"ghost": true}' + " " * 3000,
    '{"playback": true}',
    '{"playback": "a\\u0000.csv"}',
    '{"model": ["duet"]}',
    '{"model": ["duet", ""]}',
    '{"train": "yes"}',
    '{"do": ["teach"]}',
    '{"do": ["teach", "export", "/etc/passwd"]}',
    '{"do": ["teach", "load", 1, "one.csv"]}',
    '{"do": ["teach", "_trained", 1]}',
    '{"do": ["teach", "set", [0.5]]}',
    '{"do": ["teach", "set", NaN]}',
    '{"do": [1, "train"]}',
    '{"trim": ["one.csv", 5, 5]}',
    '{"trim": ["one.csv", -1, 5]}',
    '{"trim": ["one.csv", 0, Infinity]}',
    '{"trim": ["one.csv", false, 5]}',
]


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_wish_is_refused_with_a_sentence(text):
    with pytest.raises(wishes.PacketError, match=r"\.$"):
        wishes.understood(text)


def test_a_newer_state_wins_and_its_events_follow_those_that_wait():
    box = outbox.Outbox()
    box.put_state({"now": 1, "events": [["a"]]})
    box.put_state({"now": 2, "events": [["b"], ["c"]]})
    assert json.loads(box.take()) == {"state": {"now": 2, "events": [["a"], ["b"], ["c"]]}}
    assert box.take() is None


def test_waiting_events_and_sound_are_bounded_and_the_newest_stay():
    box = outbox.Outbox()
    for number in range(outbox.MOST_EVENTS + 100):
        box.put_state({"events": [number]})
        box.put_sound(bytes([number % 256]))
    blocks = [box.take() for _ in range(outbox.MOST_SOUND)]
    state = json.loads(box.take())["state"]
    assert state["events"] == list(range(100, outbox.MOST_EVENTS + 100))
    assert box.dropped_events == 100
    assert blocks[-1] == bytes([(outbox.MOST_EVENTS + 99) % 256])
    assert box.take() is None
