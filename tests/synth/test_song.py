"""Songs: read from what people have, and played to the frame."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mido
import numpy as np
import pytest
from synth_heard import RATE

from foretone.errors import SoundError
from foretone.synth.engine import Engine
from foretone.synth.score import Note, Song, Track, load
from foretone.synth.voice import Sound
from foretone.tape import Tape

if TYPE_CHECKING:
    from conftest import Studio

PERIOD = 128
BEAT = RATE // 2
"""Frames in a beat at 120 a minute."""


def written(folder: Path, text: str) -> Song:
    (folder / "song.toml").write_text(text)
    return load(folder / "song.toml")


def midi(folder: Path, notes: list[tuple[int, int, int, int]], per_beat: int = 480, bpm: float = 100) -> None:
    """A file of two tracks: tempo, then notes as (start, end, key, channel) in ticks."""
    file = mido.MidiFile(ticks_per_beat=per_beat)
    tempo, track = mido.MidiTrack(), mido.MidiTrack()
    tempo.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    events = sorted([(s, 1, k, c) for s, _, k, c in notes] + [(e, 0, k, c) for _, e, k, c in notes])
    now = 0
    for tick, on, key, channel in events:
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, note=key, velocity=64 * on, channel=channel, time=tick - now))
        now = tick
    file.tracks += [tempo, track]
    file.save(folder / "song.mid")


def keys(song: Song, track: int = 0) -> list[tuple[float, float, float]]:
    return [(note.start, note.end, note.key) for note in song.tracks[track].notes]


def test_notes_of_a_song_are_in_ticks_with_chords_and_repeats(tmp_path: Path) -> None:
    song = written(
        tmp_path,
        """
        tempo = 96
        [a]
        voice = "x"
        notes = [{ pitch = [60, 64], start = 12, length = 6 }, { p = 72, s = [0, 48], e = 60, v = 0.5 }]
        loop = 144
        transpose = -12
        """,
    )
    assert song.settings == {"tempo": 96}
    assert keys(song) == [(0, 2.5, 72), (0.5, 0.75, 60), (0.5, 0.75, 64), (2, 2.5, 72)]
    assert song.tracks[0].notes[0].velocity == 0.5
    assert song.tracks[0].settings == {"loop": 6, "transpose": -12}


def test_a_standard_midi_file_is_read_with_its_tempo(tmp_path: Path) -> None:
    midi(tmp_path, [(0, 240, 60, 0), (480, 960, 64, 0), (720, 960, 36, 9)])
    song = written(
        tmp_path, '[a]\nvoice = "x"\nfile = "song.mid"\n[b]\nvoice = "x"\nfile = "song.mid"\nchannel = 10'
    )
    assert song.settings["tempo"] == pytest.approx(100)
    assert keys(song) == [(0, 0.5, 60), (1, 2, 64), (1.5, 2, 36)]
    assert keys(song, 1) == [(1.5, 2, 36)]
    assert song.tracks[0].settings["loop"] == 2


@pytest.mark.parametrize(
    "sequence",
    [
        {
            "notes": [
                {"pitch": 60, "quantizedStartStep": 0, "quantizedEndStep": 2, "velocity": 127},
                {"pitch": 62, "quantizedStartStep": "4", "quantizedEndStep": "8", "velocity": 127},
            ],
            "quantizationInfo": {"stepsPerQuarter": 4},
            "tempos": [{"qpm": 90}],
        },
        {
            "notes": [
                {"pitch": 60, "startTime": 0, "endTime": 1 / 3, "velocity": 127},
                {"pitch": 62, "startTime": 2 / 3, "endTime": 4 / 3, "velocity": 127},
            ],
            "tempos": [{"qpm": 90}],
        },
    ],
    ids=["steps", "seconds"],
)
def test_a_note_sequence_is_read_in_steps_or_in_seconds(tmp_path: Path, sequence: dict[str, Any]) -> None:
    for note in sequence["notes"]:
        for key in ("quantizedStartStep", "quantizedEndStep"):
            if key in note:
                note[key] = int(note[key])
    (tmp_path / "a.json").write_text(json.dumps(sequence))
    song = written(tmp_path, '[a]\nvoice = "x"\nfile = "a.json"')
    assert song.settings["tempo"] == 90
    np.testing.assert_allclose(keys(song), [(0, 0.5, 60), (1, 2, 62)])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tempo = ", "is not TOML"),
        ("temp = 3", "'temp' is nothing that a song has"),
        ('[a]\nvoice = "x"', "needs voice"),
        ('[a]\nvoice = "x"\nnotes = []', "has no notes"),
        ('[a]\nvoice = "x"\nnotes = [{ pitch = "C4" }]', "pitch must be a number"),
        ('[a]\nvoice = "x"\nnotes = [{ pitsch = 60 }]', "'pitsch' is nothing"),
        ('[a]\nvoice = "x"\nfile = "none.mid"', "none.mid cannot be read"),
        ('[a]\nvoice = "x"\nfile = "torn.mid"', "is no Standard MIDI File"),
        ('[a]\nvoice = "x"\nfile = "torn.json"', "torn.json is not JSON"),
        ('[a]\nvoice = "x"\nfile = "odd.json"', "a note is a table"),
        ('[a]\nvoice = "x"\nfile = "none.json"', "none.json cannot be read"),
        ('[a]\nvoice = "x"\nloud = 3\nnotes = []', "'loud' is nothing that a track has"),
    ],
)
def test_a_wrong_song_is_told_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "torn.mid").write_bytes(b"MThd\0\0\0\6\0\1\0")
    (tmp_path / "torn.json").write_text('{"notes": [')
    (tmp_path / "odd.json").write_text('{"notes": [60]}')
    with pytest.raises(SoundError, match=sentence):
        written(tmp_path, text)


def test_a_track_for_nobody_and_a_wrong_tempo_are_told() -> None:
    note = Note(0, 1, 60, 0.5)
    with pytest.raises(SoundError, match="the track 'a' plays 'flute'; there are: player, model"):
        Engine(RATE, PERIOD, song=Song((Track("a", "flute", (note,), {}),), {}))
    with pytest.raises(SoundError, match="tempo must be a number"):
        Engine(RATE, PERIOD, song=Song((Track("a", "player", (note,), {}),), {"tempo": "fast"}))


def playing(
    *notes: tuple[float, float, float], track: dict[str, Any] | None = None, **settings: Any
) -> Engine:
    """An engine that plays blips: (beat, end, key), a loop of four beats at 120 a minute."""
    blip = Sound("blip", "additive", {"attack": 0, "decay": 1, "sustain": 1, "release": 5})
    score = tuple(Note(start, end, key, 0.8) for start, end, key in notes)
    song = Song((Track("a", "blip", score, {"loop": 4, **(track or {})}),), settings)
    return Engine(RATE, PERIOD, [blip], song=song, lookahead=False)


def frames(engine: Engine, beats: float) -> np.ndarray:
    blocks = round(beats * BEAT / PERIOD)
    return np.concatenate([engine.render().copy() for _ in range(blocks)])


def onsets(sound: np.ndarray) -> list[int]:
    """Where it is loud after 5 ms of silence."""
    loud = np.flatnonzero(np.abs(sound.astype(int)).max(axis=1) > 50)
    return [int(at) for at in loud[np.diff(loud, prepend=-RATE) > 240]]


def near(found: list[int], beats: list[float], beat: float = BEAT) -> bool:
    """Whether notes begin at those beats: within 6 frames, which a tone takes to be loud."""
    return len(found) == len(beats) and all(
        0 <= at - b * beat <= 7 for at, b in zip(found, beats, strict=True)
    )


def test_notes_begin_at_their_frames_and_the_loop_goes_round() -> None:
    engine = playing((0, 0.2, 93), (1, 1.2, 95), (2.25, 2.4, 93), (1 / 3, 0.4, 95))
    found = onsets(frames(engine, 8.5))
    one = [0, 1 / 3, 1, 2.25]
    assert near(found, one + [4 + beat for beat in one] + [8, 8 + 1 / 3])


def test_tempo_swing_position_and_run() -> None:
    steady = [(beat / 2, beat / 2 + 0.2, 93.0) for beat in range(8)]
    engine = playing(*steady, tempo=240)
    assert near(onsets(frames(engine, 2)), [beat / 4 for beat in range(8)])
    engine = playing(*steady, swing=0.3)
    assert near(onsets(frames(engine, 2)), [0, 0.65, 1, 1.65])
    engine = playing((0, 0.2, 93), (2, 2.2, 93))
    frames(engine, 0.5)
    engine.turn("clock", "position", 1.75)
    assert near(onsets(frames(engine, 1)), [0.25])
    engine.turn("clock", "run", 0)
    assert onsets(frames(engine, 4)) == []
    assert engine.silent
    engine.turn("clock", "run", 1)
    left = 4 - engine.places["clock"].section.values["position"]  # type: ignore[attr-defined]
    assert 1.2 < left < 1.3
    assert near(onsets(frames(engine, 1.5)), [left])


def test_mute_transpose_loop_and_shuffle_of_a_track() -> None:
    engine = playing((0, 0.2, 69), (1, 1.2, 69))
    engine.turn("clock", "a/mute", 1)
    assert onsets(frames(engine, 4)) == []
    engine.turn("clock", "a/mute", 0)
    engine.turn("clock", "a/loop", 1)
    assert near(onsets(frames(engine, 4)), [0, 1, 2, 3])
    struck: list[float] = []
    engine = playing(*((beat / 4, beat / 4 + 0.1, 60 + beat) for beat in range(16)))
    note = engine.note
    engine.note = lambda voice, key, velocity, at=0.0: (  # type: ignore[method-assign]
        struck.append(key) if velocity else None, note(voice, key, velocity, at))[1]  # fmt: skip
    engine.turn("clock", "a/transpose", 7)
    frames(engine, 4)
    assert struck == [67.0 + step for step in range(16)]
    struck.clear()
    engine.turn("clock", "shuffle", 1)
    frames(engine, 4)
    assert len(struck) in (16, 17), "the next pass may begin in the last frame"
    assert struck != sorted(struck)
    assert set(struck) <= {67.0 + step for step in range(16)}


def test_a_note_that_outlasts_its_loop_ends_with_it_and_rest_stops_the_clock() -> None:
    engine = playing((3.5, 9, 81), track={"loop": 4})
    frames(engine, 3.9)
    assert engine.render().any()
    frames(engine, 0.2)
    assert not engine.render().any()
    frames(engine, 3.5)
    assert engine.render().any()
    engine.rest()
    frames(engine, 0.2)
    assert engine.silent
    assert onsets(frames(engine, 5)) == []


def test_a_track_without_a_loop_plays_once() -> None:
    engine = playing((0, 0.2, 93), track={"loop": 0})
    assert near(onsets(frames(engine, 6)), [0])


def test_the_audio_process_plays_a_song_beside_its_voices(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "song.toml").write_text(
        'tempo = 120\n[a]\nvoice = "drums"\nnotes = [{ pitch = 37, length = 3 }]\nloop = 12\n'
    )
    process, ring = studio.start(pcm="rtnull", period=1024, periods=4, song="song.toml")
    tape = Tape(studio.ring_path, tmp_path / "out.wav")
    here = ring.status().written
    studio.until(process, lambda: ring.status().written > here + RATE)
    tape.close()
    with wave.open(str(tmp_path / "out.wav")) as wav:
        sound = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    steps = np.diff(onsets(sound))
    assert len(steps) >= 2
    np.testing.assert_allclose(steps, RATE / 4, atol=2)
