"""The synth's sound as a page shows it: its spectrum."""

import time

import numpy as np
import pytest
from panel_visit import until, visit, with_panel

from foretone.panel import sound
from foretone.ring import Ring

RATE = 48000


def sine(hertz, level, count=8192):
    wave = 32767 * 10 ** (level / 20) * np.sin(2 * np.pi * hertz * np.arange(count) / RATE)
    return np.rint(np.stack([wave, wave], axis=1)).astype(np.int16)


@pytest.fixture
def ring(tmp_path):
    made = Ring.create(tmp_path / "sound.ring", RATE)
    yield made
    made.close()


@pytest.mark.parametrize(("hertz", "level"), [(50, -6), (440, -20), (1000, 0), (12000, -40)])
def test_a_sine_stands_in_its_own_band_at_its_own_level(tmp_path, ring, hertz, level):
    heard = sound.Sound(tmp_path / "sound.ring")
    heard.look(time.monotonic())
    for block in np.split(sine(hertz, level), 8):
        ring.write(block)
    ring.finish()
    ring._counts[4] = 1  # it runs on, so that what was written last is shown too
    levels = heard.spectrum(time.monotonic())
    band = round((sound.BANDS - 1) * np.log(hertz / sound.LOWEST) / np.log(sound.HIGHEST / sound.LOWEST))
    assert len(levels) == sound.BANDS
    assert np.argmax(levels) in (band - 1, band, band + 1)
    assert max(levels) == pytest.approx(level, abs=2)
    far = [value for number, value in enumerate(levels) if abs(number - band) > 12]
    assert max(far) < level - 45
    heard.close()


def test_silence_is_the_floor_and_no_synth_is_nothing(tmp_path, ring):
    heard = sound.Sound(tmp_path / "sound.ring")
    assert heard.spectrum(time.monotonic()) is None, "nobody has looked yet"
    heard.look(time.monotonic())
    assert heard.spectrum(time.monotonic()) == [sound.FLOOR] * sound.BANDS
    assert heard.spectrum(time.monotonic() + 2 * sound.GONE) is None, "it was killed"
    heard.close()


def test_only_a_page_that_shows_it_gets_the_spectrum(run_folder, control):
    control.start()
    ring = Ring.create(run_folder / "sound.ring", RATE)

    async def story(panel, address, session):
        page, other = [await visit(session, address) for _ in range(2)]
        await page.ask({"watch": True})

        def shown():
            ring.write(sine(440, -6, 4096))
            ring.beat(time.monotonic(), 0.5, 0, 0)
            return [
                state["spectrum"] for state in page.told("state") if max(state.get("spectrum", [-99])) > -10
            ]

        assert len((await until(shown, "a loud spectrum"))[0]) == sound.BANDS
        await page.ask({"watch": False})
        await until(lambda: page.told("state")[-1].get("spectrum") is None, "no more of it")
        assert not any("spectrum" in state for state in other.told("state"))

    with_panel(run_folder, story)
    ring.close()
