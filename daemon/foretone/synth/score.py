"""Songs: tracks of notes, read before anything sounds.

    tempo = 96                      # beats a minute; also run, swing, shuffle
    [bass]
    voice = "squelch"
    notes = [{ pitch = 45, start = 0, length = 12 }, { pitch = [45, 52], start = [24, 36], velocity = 0.6 }]
    loop = 96                       # in ticks, as start and length; else as long as it is, in whole beats
    [mine]
    voice = "strings"
    notes = []                      # to be recorded: what is played on its voice is added
    loop = 192
    record = "on"
    quantize = 6                    # ticks; 0 leaves notes where they were played
    [drums]
    voice = "drums"
    file = "beat.mid"               # a Standard MIDI File; or .json, a NoteSequence
    channel = 10                    # only this one of the file

A tick is a 24th of a beat; fractions of one are exact. `p`, `s`, `l`, `e` and `v` are short for pitch, start,
length, end and velocity, as MaxiInstruments writes them.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foretone.errors import SoundError

TICKS = 24
"""In a beat."""

_LONG = {"p": "pitch", "s": "start", "l": "length", "e": "end", "v": "velocity"}
_SONG = ("tempo", "run", "swing", "shuffle")
_TRACK = ("voice", "notes", "file", "channel", "loop", "transpose", "mute", "record", "quantize")


class Note(NamedTuple):
    """A note of a track: beats from its beginning."""

    start: float
    end: float
    key: float
    velocity: float


class Track(NamedTuple):
    """What one voice plays, over and over; `settings` are loop and quantize (in beats), transpose,
    mute and record.
    """

    name: str
    voice: str
    notes: tuple[Note, ...]
    settings: dict[str, Any]


class Song(NamedTuple):
    """Tracks that share a clock; `settings` are tempo, run, swing and shuffle."""

    tracks: tuple[Track, ...]
    settings: dict[str, Any]


def load(path: Path) -> Song:
    """The song of a file. SoundError with a sentence for one that cannot be played."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SoundError(f"the song {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SoundError(f"the song {path} is not TOML: {error}") from error
    settings = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    tracks = []
    try:
        if wrong := [key for key in settings if key not in _SONG]:
            raise ValueError(
                f"'{wrong[0]}' is nothing that a song has; it has {', '.join(_SONG)}, and tracks"
            )
        for name, table in tables.items():
            if isinstance(table, dict):
                track, tempo = _track(name, table, path.parent)
                tracks.append(track)
                if tempo:
                    settings.setdefault("tempo", tempo)
    except OSError as error:
        raise SoundError(f"the song {path}: {error.filename} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SoundError(f"the song {path}: {error}") from error
    return Song(tuple(tracks), settings)


def _track(name: str, table: Mapping[str, Any], folder: Path) -> tuple[Track, float]:
    """A track, and the tempo that its file tells, or 0."""
    if wrong := [key for key in table if key not in _TRACK]:
        raise ValueError(f"[{name}] '{wrong[0]}' is nothing that a track has; it has {', '.join(_TRACK)}")
    if not isinstance(table.get("voice"), str) or ("file" in table) == ("notes" in table):
        raise ValueError(f'[{name}] needs voice = "..." and either notes or a file')
    if "/" in name or name in _SONG:
        raise ValueError(f"a track cannot be called {name!r}")
    tempo = 0.0
    if "notes" in table:
        notes = list(listed(table["notes"], name))
    elif str(table["file"]).endswith(".json"):
        try:
            sequence = json.loads((folder / table["file"]).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"[{name}] {table['file']} is not JSON: {error}") from error
        notes, tempo = sequenced(sequence)
    else:
        notes, tempo = midi(folder / str(table["file"]), table.get("channel"))
    if not notes and "loop" not in table:
        raise ValueError(f"[{name}] has no notes, and no loop to record some into")
    last = max((note.end for note in notes), default=0.0)
    settings = {key: table[key] for key in ("transpose", "mute", "record") if key in table}
    if "quantize" in table:
        settings["quantize"] = _number(table["quantize"], f"[{name}] quantize") / TICKS
    settings["loop"] = _number(table.get("loop", math.ceil(last - 1e-6) * TICKS), f"[{name}] loop") / TICKS
    return Track(name, table["voice"], tuple(sorted(notes)), settings), tempo


def listed(rows: object, name: str = "notes") -> Iterator[Note]:
    """Notes as a song lists them: in ticks; lists of pitches are chords, lists of starts are repeats."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"[{name}] notes must be a list of tables")
    for row in rows:
        note = {_LONG.get(key, key): value for key, value in row.items()}
        if wrong := [key for key in note if key not in _LONG.values()]:
            raise ValueError(f"[{name}] '{wrong[0]}' is nothing that a note has")
        velocity = _number(note.get("velocity", 0.8), "velocity")
        for start in _several(note.get("start", 0)):
            begin = _number(start, "start")
            length = _number(note["end"], "end") - begin if "end" in note else note.get("length", TICKS)
            for pitch in _several(note.get("pitch")):
                end = begin + max(_number(length, "length"), 0.1)
                yield Note(begin / TICKS, end / TICKS, _number(pitch, "pitch"), velocity)


def sequenced(sequence: Any) -> tuple[list[Note], float]:
    """Notes and tempo of a NoteSequence as Magenta writes it in JSON, in steps or in seconds."""
    if not isinstance(sequence, dict) or not isinstance(sequence.get("notes"), list):
        raise ValueError('a NoteSequence has "notes"')  # noqa: TRY004 -- it is the file's fault
    tempos, steps = sequence.get("tempos"), sequence.get("quantizationInfo")
    first = tempos[0] if isinstance(tempos, list) and tempos and isinstance(tempos[0], dict) else {}
    tempo = _number(first.get("qpm", 0), "qpm")
    per_beat = _number(steps.get("stepsPerQuarter", 4) if isinstance(steps, dict) else 4, "stepsPerQuarter")
    notes = []
    for row in sequence["notes"]:
        if not isinstance(row, dict):
            raise ValueError(f"a note is a table, not {row!r}")  # noqa: TRY004
        if "quantizedEndStep" in row:
            begin, end = row.get("quantizedStartStep", 0), row["quantizedEndStep"]
            beats = 1 / max(per_beat, 1)
        else:
            begin, end, beats = row.get("startTime", 0), row.get("endTime", 0), (tempo or 120) / 60
        start, stop = _number(begin, "start") * beats, _number(end, "end") * beats
        velocity = _number(row.get("velocity", 100), "velocity") / 127
        notes.append(Note(start, max(stop, start + 0.01), _number(row.get("pitch"), "pitch"), velocity))
    return notes, tempo


def midi(path: Path, channel: int | None = None) -> tuple[list[Note], float]:
    """Notes and first tempo of a Standard MIDI File; of one channel, 1 to 16, or of all."""
    import mido

    try:
        file = mido.MidiFile(path, clip=True)
        messages = list(mido.merge_tracks(file.tracks))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # mido raises many kinds for a damaged file
        raise ValueError(f"{path} is no Standard MIDI File: {error}") from error
    per_beat = max(file.ticks_per_beat, 1)
    notes, tempo, tick = [], 0.0, 0
    sounding: dict[tuple[int, int], tuple[float, float]] = {}
    for message in messages:
        tick += message.time
        beat = tick / per_beat
        if message.type == "set_tempo" and not tempo:
            tempo = 60e6 / max(message.tempo, 1)
        if message.type not in ("note_on", "note_off") or channel not in (None, message.channel + 1):
            continue
        key = (message.channel, message.note)
        if key in sounding:
            begin, velocity = sounding.pop(key)
            notes.append(Note(begin, max(beat, begin + 0.01), message.note, velocity))
        if message.type == "note_on" and message.velocity:
            sounding[key] = (beat, message.velocity / 127)
    notes += [Note(at, tick / per_beat + 1, key, velocity) for (_, key), (at, velocity) in sounding.items()]
    return notes, tempo


def _several(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
        raise ValueError(f"{name} must be a number, 0 or more, not {value!r}")
    return float(value)
