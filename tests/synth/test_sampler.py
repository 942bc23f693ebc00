"""The sampler, heard: recordings of known sines, struck by keys and gestures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from synth_heard import PERIOD, RATE, listen, loudest, loudness, roughest, strengths

from foretone.errors import SoundError
from foretone.synth import kit
from foretone.synth.engine import Engine
from foretone.synth.sounds import SHIPPED, load
from foretone.synth.voice import Sound


def sine(
    folder: Path, name: str, hertz: float, *, rate: int = RATE, seconds: float = 1.0, sides: int = 1
) -> str:
    """A file with a sine of half of full scale; of two sides, the right one is silent."""
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    sound = tone if sides == 1 else np.stack((tone, 0 * tone), axis=1)
    soundfile.write(folder / name, sound, rate)
    return name


def sampler(folder: Path, *slots: dict[str, Any], **settings: Any) -> Engine:
    controls = settings.pop("controls", ())
    sound = Sound("kit", "sampler", {"slots": list(slots), **settings}, folder, controls)
    return Engine(RATE, PERIOD, [sound], lookahead=False, volume=1.0)


@pytest.mark.parametrize("ending", ["wav", "flac", "aiff"])
@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_a_recording_sounds_as_it_was_made(tmp_path: Path, ending: str, rate: int) -> None:
    engine = sampler(tmp_path, {"name": "a", "file": sine(tmp_path, f"a.{ending}", 440, rate=rate)})
    engine.note("kit", 0, 1.0)
    frames = listen(engine, 0.9)
    assert loudest(frames) == pytest.approx(440, abs=0.2)
    assert strengths(frames, 440)[0] == pytest.approx(0.5 * 32767, rel=0.02)
    listen(engine, 0.2)
    assert engine.silent


def test_both_sides_of_a_recording_stay_on_their_side(tmp_path: Path) -> None:
    engine = sampler(tmp_path, {"name": "a", "file": sine(tmp_path, "a.wav", 440, sides=2)})
    engine.note("kit", 0, 1.0)
    frames = listen(engine, 0.5).astype(int)
    assert np.abs(frames[:, 0]).max() > 10000
    assert np.abs(frames[:, 1]).max() < 5


def test_gain_rate_and_pan_of_a_slot(tmp_path: Path) -> None:
    engine = sampler(tmp_path, {"name": "a", "file": sine(tmp_path, "a.wav", 440), "gain": 0.25, "rate": 0.5})
    engine.turn("kit", "a/pan", 0.25)
    engine.note("kit", 0, 1.0)
    frames = listen(engine, 1.0)
    assert loudest(frames) == pytest.approx(220, abs=0.2)
    left, right = (np.abs(frames[RATE // 2 :, side].astype(int)).max() for side in (0, 1))
    assert left == pytest.approx(0.25 * 32767, rel=0.02)
    assert right == pytest.approx(left / 2, rel=0.02)


@pytest.mark.parametrize("loop", ["off", "on"])
@pytest.mark.parametrize(
    ("name", "value"), [("gain", 0.0), ("pan", 1.0), ("end", 0.01), ("start", 0.9), ("rate", 0.3)]
)
def test_nothing_clicks_that_is_turned_while_it_sounds(
    tmp_path: Path, name: str, value: float, loop: str
) -> None:
    slot = {"name": "a", "file": sine(tmp_path, "a.wav", 50), "gain": 0.5, "loop": loop}
    engine = sampler(tmp_path, slot)
    engine.note("kit", 0, 1.0)
    still = np.abs(np.diff(listen(engine, 0.3).astype(int), axis=0)).max()
    engine.turn("kit", f"a/{name}", value)
    assert np.abs(np.diff(listen(engine, 0.3).astype(int), axis=0)).max() < 1.3 * still


def test_a_loop_that_is_turned_goes_round_there_the_next_time(tmp_path: Path) -> None:
    slot = {"name": "a", "file": sine(tmp_path, "a.wav", 480, seconds=0.5), "loop": "on"}
    engine = sampler(tmp_path, slot)
    engine.note("kit", 0, 1.0)
    listen(engine, 0.1)
    engine.turn("kit", "a/end", 0.5)
    engine.turn("kit", "a/start", 0.4995)
    before, after = listen(engine, 0.38), listen(engine, 0.7)
    assert loudest(before) == pytest.approx(480, abs=2)
    assert loudest(after) == pytest.approx(4000, rel=0.01), "12 frames, again and again"


def test_start_and_end_cut_without_a_click(tmp_path: Path) -> None:
    slot = {"name": "a", "file": sine(tmp_path, "a.wav", 441), "start": 0.25, "end": 0.5}
    engine = sampler(tmp_path, slot)
    engine.note("kit", 0, 1.0)
    frames = listen(engine, 0.4)
    sounding = np.flatnonzero(np.abs(frames[:, 0].astype(int)) > 20)
    assert sounding[-1] - sounding[0] == pytest.approx(RATE / 4, abs=60)
    assert roughest(frames) < 0.06


def test_a_loop_goes_round_until_its_key_is_released(tmp_path: Path) -> None:
    file = sine(tmp_path, "a.wav", 480, seconds=0.1)
    engine = sampler(tmp_path, {"name": "a", "file": file, "loop": "on", "key": 60})
    engine.note("kit", 60, 0.8)
    frames = listen(engine, 1.0)
    assert loudness(frames, 4800).min() > 5000
    assert loudest(frames) == pytest.approx(480, abs=0.2)
    engine.note("kit", 60, 0.0)
    ending = listen(engine, 0.2)
    assert roughest(ending) < 1.2 * roughest(frames[4800:])
    assert not ending[2400:].any()


def test_a_range_of_keys_plays_at_their_pitch(tmp_path: Path) -> None:
    engine = sampler(
        tmp_path, {"name": "a", "file": sine(tmp_path, "a.wav", 440), "key": [48, 72], "root": 69}
    )
    engine.note("kit", 57, 1.0)
    assert loudest(listen(engine, 1.0)) == pytest.approx(220, abs=0.2)
    engine.let_go("kit")
    listen(engine, 0.1)
    engine.note("kit", 40, 1.0)
    assert not listen(engine, 0.1).any()


def test_a_choke_group_lets_one_sound(tmp_path: Path) -> None:
    slots = [
        {"name": name, "file": sine(tmp_path, f"{name}.wav", hertz), "choke": 1}
        for name, hertz in (("open", 1000), ("shut", 2000))
    ]
    engine = sampler(tmp_path, *slots)
    engine.note("kit", 0, 1.0)
    listen(engine, 0.1)
    engine.note("kit", 1, 1.0)
    frames = listen(engine, 0.6)
    one, two = strengths(frames, 1000, 2000)
    assert one < two / 1000
    assert roughest(frames[:1000]) < 0.2


def test_more_than_there_is_room_for_take_the_place_of_the_oldest(tmp_path: Path) -> None:
    slots = [
        {"name": str(k), "file": sine(tmp_path, f"{k}.wav", 500 + 100 * k), "gain": 0.1} for k in range(5)
    ]
    engine = sampler(tmp_path, *slots, notes=4)
    for key in range(5):
        engine.note("kit", key, 1.0)
    found = strengths(listen(engine, 0.9), *(500 + 100 * k for k in range(5)))
    assert found[0] < 10
    assert min(found[1:]) > 2000


def test_a_struck_sample_begins_at_its_frame(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "step.wav", np.full(4800, 0.5), RATE)
    for at in (0.0, 0.5):
        engine = sampler(tmp_path, {"name": "a", "file": "step.wav"})
        engine.note("kit", 0, 1.0, at)
        first = np.flatnonzero(listen(engine, 0.02)[:, 0] > 8000)[0]
        assert first == int(at * PERIOD)


def test_axes_strike_the_slots_when_they_rise(tmp_path: Path) -> None:
    slots = [{"name": str(k), "file": sine(tmp_path, f"{k}.wav", 500 + 100 * k)} for k in range(2)]
    engine = sampler(tmp_path, *slots)
    engine.play("kit", (0.0, 0.5))
    assert not listen(engine, 0.1).any(), "where the axes are when it begins is no stroke"
    for value in (0.0, 0.2, 0.4):
        engine.play("kit", (value, 0.5))
    one, two = strengths(listen(engine, 0.9), 500, 600)
    assert one == pytest.approx(0.2 * 0.5 * 32767, rel=0.1), "one stroke, as hard as where it began"
    assert two < 5
    chosen = sampler(tmp_path, *slots, controls=("1",))
    chosen.play("kit", (0.0,))
    chosen.play("kit", (1.0,))
    one, two = strengths(listen(chosen, 0.9), 500, 600)
    assert two > 1000 * one


def test_a_file_that_cannot_be_had_is_told_and_the_rest_plays(tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_bytes(b"RIFF" + bytes(range(256)))
    (tmp_path / "empty.wav").write_bytes(b"")
    good = sine(tmp_path, "good.flac", 700)
    (tmp_path / "torn.flac").write_bytes((tmp_path / good).read_bytes()[:30])
    soundfile.write(tmp_path / "nan.wav", np.array([np.nan, np.inf, 0.1], np.float32), RATE, subtype="FLOAT")
    names = ("missing.wav", "noise.wav", "empty.wav", "torn.flac", "good.flac", "nan.wav")
    engine = sampler(tmp_path, *({"name": name, "file": name} for name in names))
    assert len(engine.complaints) == 4
    for name, sentence in zip(names, engine.complaints, strict=False):
        assert name in sentence
        assert "\n" not in sentence
    assert "there is no such file" in engine.complaints[0]
    for key in range(6):
        engine.note("kit", key, 1.0)
    assert strengths(listen(engine, 0.9), 700)[0] > 8000
    assert engine.faults == 0


@pytest.mark.parametrize(
    ("slots", "sentence"),
    [
        ([], "needs slots"),
        ([{"file": "a.wav"}], "needs a name"),
        ([{"name": "a"}], "needs a file"),
        ([{"name": "a", "file": "a.wav", "gian": 1}], "'gian' is nothing"),
        ([{"name": "a", "file": "a.wav", "key": 200}], "0 to 127"),
        ([{"name": "a", "file": "a.wav", "rate": "fast"}], "rate must be a number"),
    ],
)
def test_a_wrong_slot_is_told_in_a_sentence(
    tmp_path: Path, slots: list[dict[str, Any]], sentence: str
) -> None:
    with pytest.raises(SoundError, match=sentence):
        sampler(tmp_path, *slots)


def test_the_kit_that_is_shipped_is_what_the_recipe_makes() -> None:
    (drums,) = (sound for sound in load(SHIPPED).values() if sound.kind == "sampler")
    made = kit.kit()
    assert {slot["name"] for slot in drums.settings["slots"]} == set(made)
    for slot in drums.settings["slots"]:
        shipped, rate = soundfile.read(drums.folder / slot["file"])
        assert rate == kit.RATE
        np.testing.assert_allclose(shipped, made[slot["name"]], atol=2 / 32767)
