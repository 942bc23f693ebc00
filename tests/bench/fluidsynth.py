"""The additive job, ours and FluidSynth's: 48 notes that sound on.

FluidSynth has no partials: its nearest is a looped recording of a saw, with a filter and an LFO, for each
note. So the jobs are alike in what is heard, and not in what is computed. It draws without a clock (its -F),
ours likewise; what counts is processor time a block.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import mido
from measure import Row
from scsynth import LONG, NOTES, PERIOD, RATE, SHORT, SYNTHS, ours

FONTS = Path("/usr/share/sounds/sf2")
SAW = 81
"""The program of General MIDI."""


def fluidsynth() -> Row:
    """Processor time of a block, ours to theirs."""
    mine = ours()
    player = shutil.which("fluidsynth")
    font = next(iter(sorted(FONTS.glob("*.sf2"))), None)
    if player is None or font is None:
        return Row("additive_vs_fluidsynth", mine, "us", mine, None,
                   "FluidSynth is not installed: no ratio; apt-get install fluidsynth")  # fmt: skip
    theirs = (spent(player, font, LONG) - spent(player, font, SHORT)) / ((LONG - SHORT) * RATE / PERIOD) * 1e6
    return Row("additive_vs_fluidsynth", mine / theirs, "ratio", mine, theirs,
               f"FluidSynth with {font.stem}, us a block of {PERIOD}: it plays recordings")  # fmt: skip


def spent(player: str, font: Path, seconds: float) -> float:
    """Seconds of processor time in which FluidSynth draws the job."""
    with tempfile.TemporaryDirectory() as place:
        song = Path(place) / "song.mid"
        score(seconds).save(song)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # No reverb and no chorus, as in ours.
        command = [player, "-ni", "-R0", "-C0", "-g0.2", f"-r{RATE}", f"-z{PERIOD}", "-Traw", "-Os16",
                   f"-F{place}/out.raw", font, song]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def score(seconds: float) -> mido.MidiFile:
    """All notes at once, a channel for each synth, held for so long."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    keys = [(number, 40 + 3 * note + number) for number in range(SYNTHS) for note in range(NOTES)]
    track += [mido.Message("program_change", channel=number, program=SAW) for number in range(SYNTHS)]
    track += [mido.Message("control_change", channel=number, control=1, value=64) for number in range(SYNTHS)]
    track += [mido.Message("note_on", channel=channel, note=key, velocity=64) for channel, key in keys]
    ticks = round(seconds * 960)
    for place, (channel, key) in enumerate(keys):
        track.append(mido.Message("note_off", channel=channel, note=key, time=0 if place else ticks))
    file.tracks.append(track)
    return file
