"""The audio process for real: on a card that keeps time, runs dry and keeps every frame."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from foretone.awake import LATENCY
from foretone.event import Event
from foretone.ring import Ring

if TYPE_CHECKING:
    from conftest import Studio

pytestmark = pytest.mark.live

SAFE = {"pcm": "rtnull", "period": 1024, "periods": 4}
"""85 ms of buffer, so that a busy machine does not make it run dry."""


def play_until(studio: Studio, process: subprocess.Popen[str], ring: Ring) -> None:
    """Move both levers until they are heard in the ring."""
    sink = studio.sink()
    here = ring.status().written
    step = 0

    def heard() -> bool:
        nonlocal step
        step += 1
        for origin in ("lever", "duet"):
            sink.play(Event(time.monotonic(), origin, (step % 20 / 20,)))
        return int(np.abs(ring.read(here)[0].astype(int)).max(initial=0)) > 1000

    studio.until(process, heard)


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    return process.returncode


def test_the_card_gets_what_the_ring_shows_bit_for_bit(studio: Studio) -> None:
    process, ring = studio.start(**SAFE)
    play_until(studio, process, ring)
    assert stop(process) == 0
    status = ring.status()
    assert (status.device, status.rate, status.paced, status.running) == ("rtnull", 48000, False, False)
    assert status.xruns == 0
    recorded, (shown, _, lost) = studio.card.frames(studio.folder), ring.read(0)
    assert lost == 0
    buffer = 1024 * 4
    assert not recorded[:buffer].any(), "it was primed with a whole buffer"
    np.testing.assert_array_equal(recorded[buffer : buffer + len(shown)], shown)
    assert not recorded[buffer + len(shown) :].any(), "and ended with silence"
    assert studio.card.stamps(studio.folder)[0, 1:].tolist() == [0, 0]
    assert len(recorded) >= buffer + len(shown) + 1024


def test_sigterm_fades_out(studio: Studio) -> None:
    process, ring = studio.start(**SAFE)
    play_until(studio, process, ring)
    assert stop(process) == 0
    end = studio.card.frames(studio.folder).astype(int)[-24000:]
    assert np.abs(end).max() > 1000, "it sounded when it was told"
    assert np.abs(np.diff(end, axis=0)).max() < 0.2 * 32767
    assert not end[-1024:].any()


def test_it_keeps_time_and_has_one_thread(studio: Studio) -> None:
    process, ring = studio.start(pcm="rtnull", period=256, periods=8)
    assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 1
    before = ring.status()
    studio.until(process, lambda: ring.status().blocks > before.blocks + 100)
    after = ring.status()
    played = (after.blocks - before.blocks) * 256 / 48000
    assert after.heartbeat - before.heartbeat == pytest.approx(played, rel=0.15)
    studio.until(process, lambda: ring.status().p99 > 0)
    assert ring.status().p50 <= ring.status().p99


def test_an_underrun_is_counted_and_the_sound_goes_on(studio: Studio) -> None:
    process, ring = studio.start(pcm="rtnull", period=256, periods=4)
    play_until(studio, process, ring)
    before = ring.status()
    process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    studio.until(process, lambda: time.monotonic() > begun + 0.1)  # the card plays its 21 ms, and runs dry
    process.send_signal(signal.SIGCONT)
    studio.until(process, lambda: ring.status().xruns > before.xruns)
    play_until(studio, process, ring)
    assert stop(process) == 0
    given = np.diff(studio.card.stamps(studio.folder)[:, 1])
    after = given[given.tolist().index(256 * 4, 1) + 1 :]
    assert np.median(after) < 80, "what held it up once is met with a buffer that is kept full"
    loud = np.abs(studio.card.frames(studio.folder).astype(int)).max(axis=1)
    sounding = np.flatnonzero(loud > 100)
    pauses = np.diff(sounding)
    assert pauses.max() >= 256 * 4, "the buffer was filled with silence again"
    back = sounding[pauses.argmax() + 1]
    assert loud[back : back + 8].max() < 0.25 * loud[back : back + 256].max(), "and the sound faded in"


def test_killed_and_started_again_it_sounds_again(studio: Studio) -> None:
    process, ring = studio.start(**SAFE)
    play_until(studio, process, ring)
    sink = studio.sink()
    process.kill()
    process.wait(10)
    assert ring.status().running, "a killed writer could not say so; only its heartbeat stops"
    again = studio.launch(**SAFE)
    studio.until(again, ring.stale)
    fresh = Ring.open(studio.ring_path)
    sink.play(Event(time.monotonic(), "lever", (0.5,)))
    play_until(studio, again, fresh)
    assert stop(again) == 0


def refused(studio: Studio, **settings: object) -> tuple[int, str]:
    process = studio.launch(**settings)
    _, told = process.communicate(timeout=10)
    return process.returncode, told


def test_a_name_that_is_no_pcm_is_answered_with_the_names_there_are(studio: Studio) -> None:
    status, told = refused(studio, pcm="hifi")
    assert status == 78
    (sentence,) = told.splitlines()
    assert "no PCM 'hifi'" in sentence
    assert "rtnull" in sentence


def test_what_the_card_grants_is_checked(studio: Studio) -> None:
    status, told = refused(studio, pcm="mono")
    assert (status, "plays 1 channels" in told, "plug:mono" in told) == (78, True, True)


def test_another_rate_is_played_at_and_told(studio: Studio) -> None:
    process, ring = studio.start(pcm="rtnull", rate=44100)
    assert ring.status().rate == 48000
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=10)
    assert "plays at 48000 Hz and not at 44100; going on with that" in told


def test_a_pcm_that_never_waits_is_refused_before_it_eats_a_core(studio: Studio) -> None:
    status, told = refused(studio, pcm="hasty")
    assert (status, "faster than it could be heard" in told) == (78, True)
    process, ring = studio.start(pcm="null")
    assert ring.status().paced
    assert stop(process) == 0


def test_an_unknown_voice_is_told(studio: Studio) -> None:
    status, told = refused(studio, pcm="rtnull", voices=["player", "cello"])
    assert status == 78
    assert "no voice 'cello'" in told
    assert "player, model" in told


def test_a_second_synth_is_told_to_try_later(studio: Studio) -> None:
    process, _ = studio.start(**SAFE)
    status, told = refused(studio, pcm="rtnull")
    assert status == 75
    assert f"port {studio.port} is taken" in told
    assert process.poll() is None


@pytest.mark.skipif(any(Path("/proc/asound").glob("card[0-9]*")), reason="this machine has a sound card")
def test_without_a_card_a_clock_paces_it(studio: Studio) -> None:
    config = studio.folder / "asound.conf"
    config.write_text("pcm.!default { type hw card 0 }\nctl.!default { type hw card 0 }\n")
    process, ring = studio.start(pcm="default")
    play_until(studio, process, ring)
    status = ring.status()
    assert status.paced
    assert "no card" in status.device
    assert stop(process) == 0


def test_the_processors_stay_awake_while_it_sounds(studio: Studio, usual: bytes) -> None:
    process, _ = studio.start(**SAFE, voices=["strings"])
    send = studio.sender()
    assert LATENCY.read_bytes() == usual, "nothing sounds yet"
    send("/foretone/synth/strings/note", 0.0, 60.0, 0.8)
    studio.until(process, lambda: LATENCY.read_bytes() == bytes(4))
    send("/foretone/synth/strings/note", 0.0, 60.0, 0.0)
    studio.until(process, lambda: LATENCY.read_bytes() == usual)
    send("/foretone/synth/strings/note", 0.0, 60.0, 0.8)
    studio.until(process, lambda: LATENCY.read_bytes() == bytes(4))
    process.kill()
    process.wait()
    assert LATENCY.read_bytes() == usual, "the kernel takes it back"


FIRST_NOTE = """
import ctypes, resource
from pathlib import Path
from foretone.synth.process import _warm_up, make
settings = {"voices": ["strings", "drums"]}
engine = make(settings, Path(), 48000, 128)
_warm_up(make(settings, Path(), 48000, 128))
if ctypes.CDLL(None).mlockall(3) != 0:
    print(-1)
else:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    engine.note("strings", 60.0, 0.5)
    engine.note("drums", 36.0, 0.5)
    for _ in range(5):
        engine.render()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_the_first_note_takes_no_new_memory() -> None:
    """Locked memory is had at once: 32 MB for the algebra library would be 13 ms late."""
    done = subprocess.run([sys.executable, "-c", FIRST_NOTE], capture_output=True, text=True, check=True)
    if int(done.stdout) < 0:
        pytest.skip("this system does not let a process lock its memory")
    assert int(done.stdout) < 500, "pages of 4 KB"
