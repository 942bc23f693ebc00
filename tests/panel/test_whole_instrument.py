"""`foretone play empi` as it is, in a real browser: a hand on the lever, a servo that answers."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]


PICTURES = Path(os.environ.get("PICTURES", Path(__file__).parents[2] / "build" / "pictures"))
"""Where pictures of the page go; `make pictures` puts them beside the README."""


@pytest.fixture
def address(tmp_path):
    """The whole EMPI with all its processes, at home in `tmp_path`; the address that it prints."""
    with whole("empi", tmp_path, "osc", "voice", "patch", changes=["duet.silence=0.3"]) as found:
        yield found


@contextlib.contextmanager
def whole(instrument, tmp_path, *listening, changes=()):
    """An instrument with all its processes, whose `listening` parts get free ports; its page's address."""

    def free():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    out = (tmp_path / "told").open("w+")
    changed = [f"--set={change}" for change in (*(f"{name}.port={free()}" for name in listening), *changes)]
    process = subprocess.Popen(
        [sys.executable, "-m", "foretone", "play", instrument, "--no-log", "--port=0", *changed],
        stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "FORETONE_HOME": str(tmp_path)},
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not (found := re.search(r"http://\S+", (tmp_path / "told").read_text())):
        assert time.monotonic() < deadline, (tmp_path / "told").read_text()
        select.select([], [], [], 0.05)
    try:
        yield found.group()
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(15)
        out.close()
    assert status == 0


def test_the_lever_is_dragged_the_servo_moves_and_the_modes_change(address, open_page):
    page = open_page(address)
    page.wait(lambda: page.link() == "live" and {"lever", "arm"} <= page.positions().keys(), "the instrument")

    page.choose("duet", "mode", "filter")
    page.wait(lambda: page.chosen("duet", "mode") == "filter", "the mode to come back")
    page.drag("lever", 0.9)
    page.wait(lambda: (page.positions()["lever"] or 0) > 0.8, "the lever to be where it was dragged")
    page.wait(lambda: (page.positions()["arm"] or 0) > 0.6, "the servo to follow")
    page.drag("lever", 0.1, start=0.9)
    page.wait(lambda: (page.positions()["arm"] or 1) < 0.4, "the servo to come back")
    page.wait(lambda: page.positions()["arm"] is None, "the servo to be let go when the hand rests")

    page.choose("duet", "mode", "battle")
    page.wait(lambda: page.positions()["arm"] is not None, "the model to play by itself")
    page.choose("duet", "mode", "observe")
    page.wait(lambda: page.positions()["arm"] is None, "the model to let go")

    page.choose("duet", "mode", "call-response")
    page.drag("lever", 0.6, start=0.1)
    page.wait(lambda: page.positions()["arm"] is not None, "an answer after the silence")

    assert page.complaints() == []
    here = (address, address.replace("http", "ws"))
    assert all(request.startswith(here) for request in page.requests())


def test_the_ghost_plays_and_steps_back_for_a_hand(address, open_page):
    page = open_page(address, phone=True)
    page.wait(lambda: page.link() == "live" and {"lever", "arm"} <= page.positions().keys(), "the instrument")
    page.press("#ghost", "\ue007")
    seen = set()
    page.wait(
        lambda: seen.add(round(page.positions()["lever"] or 0, 1)) or len(seen) > 3, "the ghost to move", 20
    )
    page.drag("lever", 0.5)
    page.wait(lambda: page.find("#ghost").get_attribute("aria-pressed") == "false", "the ghost to step back")
    assert page.complaints() == []


def test_a_session_is_heard_again_learned_from_and_its_model_taken_on_stage(tmp_path, address, open_page):
    practise = [sys.executable, "-m", "foretone", "practise", "empi", "--minutes", "1"]
    subprocess.run([*practise, "--out", str(tmp_path / "sessions" / "one.csv")], check=True)
    page = open_page(address)
    page.wait(lambda: page.link() == "live" and "arm" in page.positions(), "the instrument")
    page.press("#tab-sessions")
    page.wait(lambda: page.find("[data-session]"), "the session")
    assert "EMPI, 0:59" in page.text("[data-session]")
    page.press("[data-session]")
    page.wait(lambda: page.text("#playback") == "Play back", "its picture")
    page.press("#playback")
    page.wait(lambda: page.text("#playback").startswith("Stop (0:01 of"), "it to be played back")
    page.press("#playback")
    page.wait(lambda: page.text("#playback") == "Play back", "it to end")

    page.driver.execute_script(
        """const end = document.getElementById("cut-to");
           end.value = 500;
           end.dispatchEvent(new Event("input"));"""
    )
    page.press("#trim")
    page.wait(lambda: "one-0-30" in page.text("#recorded"), "the first half as a session of its own")

    page.press("#train")
    page.wait(lambda: "best so far" in page.text("#trained"), "the trainer", 60)
    page.press("#train")
    page.wait(lambda: page.find("[data-model]"), "the model", 60)
    assert page.text("[data-model] strong") == "empi-duet.tflite"
    page.press("[data-model] button")
    page.wait(lambda: page.text("[data-model] button") == "duet plays it", "the model to be on stage")
    page.press("#tab-play")
    page.drag("lever", 0.8)
    page.wait(lambda: page.positions()["arm"] is not None, "the new model's answer")
    assert page.complaints() == []


def test_its_file_is_changed_in_the_page_and_it_plays_the_new_one(tmp_path, address, open_page):
    page = open_page(address)
    page.wait(lambda: page.link() == "live", "the instrument")
    page.press("#tab-instrument")
    page.wait(lambda: page.find("#file").get_attribute("value").startswith("# The EMPI"), "its file")
    assert page.text("#file-name") == "empi.toml, as it was shipped"

    def write(old, new):
        page.driver.execute_script(
            """const file = document.getElementById("file");
               file.value = file.value.replace(arguments[0], arguments[1]);
               file.dispatchEvent(new Event("input"));""",
            old,
            new,
        )

    write("silence = 0.8", "silence = 900")
    page.wait(lambda: "silence must be 0.05 to 30 s" in page.text("#file-faults"), "the fault")
    assert page.find("#save").get_attribute("disabled")
    page.press("#file-faults button")
    marked = page.driver.execute_script(
        "const f = document.getElementById('file'); return f.value.slice(f.selectionStart, f.selectionEnd)"
    )
    assert marked.startswith("silence = 900"), "the fault leads to its line"
    write("silence = 900", "silence = 2.5")
    write('title = "EMPI"', 'title = "Mine"')
    page.wait(lambda: not page.find("#save").get_attribute("disabled"), "it to be right")
    page.press("#save")
    page.wait(lambda: page.text("#saved") == "It plays.", "it to be saved", 20)
    page.wait(lambda: page.text("#title").upper() == "MINE", "the new instrument to play", 20)
    assert (tmp_path / "instruments" / "empi.toml").exists()
    page.wait(lambda: page.text("#file-name") == "empi.toml", "its own file")
    page.press("#earlier")
    page.wait(lambda: page.text("#title").upper() == "EMPI", "the earlier one to play again", 20)


def test_a_phone_shows_examples_and_plays_between_them(tmp_path, open_page):
    with whole("teach", tmp_path, "wekinator", "patch", "voice") as address:
        page = open_page(address, phone=True)
        page.wait(lambda: page.link() == "live" and page.find("#tab-teach").is_displayed(), "the mapping")
        page.press("#tab-teach")

        def wanted():
            sliders = (
                "return [...document.querySelectorAll('#outputs input')].map(each => Number(each.value))"
            )
            return page.driver.execute_script(sliders)

        shown = []
        for number, (x, y) in enumerate([(0.2, 0.2), (0.8, 0.8), (0.2, 0.8), (0.8, 0.2)], start=1):
            before = wanted()
            page.press("#randomise")
            page.wait(lambda before=before: wanted() != before, "something else")
            page.finger("#pad", x, y)
            page.press("#example")
            page.wait(lambda number=number: f"{number} example" in page.text("#taught"), "the example")
            shown.append(wanted())
        page.press("#learn")
        page.wait(lambda: "misses what you showed by" in page.text("#learned"), "it to be learned", 30)
        page.wait(lambda: page.find("#loss").is_displayed(), "what was missed on the way")
        page.press("#run")
        page.wait(lambda: page.find("#run").get_attribute("aria-pressed") == "true", "it to run", 30)
        page.finger("#pad", 0.8, 0.8)
        page.wait(lambda: wanted() == pytest.approx(shown[1], abs=0.15), "what was shown there")
        page.press("#undo")
        page.press("#forget")
        page.wait(lambda: "3 examples" in page.text("#taught"), "one less")
        assert page.complaints() == []


def test_two_pages_teach_one_mapping_and_no_take_is_lost_or_doubled(tmp_path, open_page):
    click = "document.querySelector(arguments[0]).click()"
    with whole("teach", tmp_path, "wekinator", "patch") as address:
        one, other = open_page(address, phone=True), open_page(address, phone=True)
        for page in (one, other):
            page.look().wait(lambda page=page: page.link() == "live", "the instrument")
            page.tab("teach")
        other.finger("#pad", 0.3, 0.7)
        other.press("#record")
        one.look().wait(lambda: one.text("#record") == "Stop", "the other one's take")
        one.finger("#pad", 0.6, 0.2)
        one.press("#record")
        other.look().wait(lambda: "in 1 take." in other.text("#taught"), "its end")
        shown = int(other.text("#taught").split()[0])
        other.wait(lambda: len(other.driver.find_elements("css selector", "[data-take]")) == 1, "the list")

        for number in range(1, 11):
            page = (one, other)[number % 2].look()
            page.driver.execute_script(click, "#example")
        told = f"{shown + 10} examples in 11 takes."
        one.look().wait(lambda: one.text("#taught") == told, "ten more takes")
        other.look().wait(lambda: other.text("#taught") == told, "the same in the other one")
        one.look().press("#undo")
        other.look().wait(lambda: "in 10 takes." in other.text("#taught"), "one less")
        other.press("#redo")
        other.press("#randomise")
        values = "return [...document.querySelectorAll('#outputs input')].map((each) => Number(each.value))"
        other.wait(lambda: set(other.driver.execute_script(values)) != {0.5}, "something else")
        wanted = other.driver.execute_script(values)
        one.look().wait(lambda: one.driver.execute_script(values) == wanted, "the same sound")
        takes = (
            "return [...document.querySelectorAll('[data-take]')].map((each) => Number(each.dataset.take))"
        )
        one.wait(lambda: one.driver.execute_script(takes) == list(range(11, 0, -1)), "every take, once")


def test_pictures_of_it_for_the_readme(tmp_path, address, open_page):
    page = open_page(address)
    page.wait(lambda: page.link() == "live" and {"lever", "arm"} <= page.positions().keys(), "the instrument")
    page.choose("duet", "mode", "battle")
    page.press("#ghost")
    page.wait(lambda: int(page.find("#timeline").get_attribute("data-ahead")) > 3, "predictions", 20)
    page.wait(lambda: int(page.text('[data-count="played"] dd') or 0) > 50, "some music", 30)
    page.wait(lambda: page.positions()["arm"] is not None, "the arm to move", 20)
    page.wait(lambda: float(page.find("#spectrum").get_attribute("data-loudest")) > -50, "the voice", 20)
    page.driver.execute_script("scrollTo(0, 0)")
    page.save(PICTURES / "page-play.webp")
    assert page.complaints() == []


def test_pictures_of_the_terrain_for_the_readme(tmp_path, open_page):
    places = [(0.15, 0.2), (0.8, 0.85), (0.2, 0.8), (0.75, 0.25), (0.5, 0.55), (0.35, 0.4), (0.6, 0.15)]
    with whole("teach", tmp_path, "wekinator", "patch") as address:
        page = open_page(address, phone=True)
        page.wait(lambda: page.link() == "live", "the instrument")
        page.tab("teach")
        for number, (x, y) in enumerate(places, start=1):
            page.driver.execute_script(
                """const range = document.getElementById("output-0");
                   range.value = arguments[0];
                   range.dispatchEvent(new Event("input"));""",
                0.08 + 0.85 * abs(y - x * x),
            )
            page.finger("#pad", x, y)
            page.press("#example")
            page.wait(lambda number=number: f"{number} example" in page.text("#taught"), "the example")
        page.press("#learn")
        page.wait(lambda: "not shown by about" in page.text("#learned"), "it to be learned", 30)
        page.press("#run")
        page.finger("#pad", 0.7, 0.62)
        page.wait(lambda: page.find("#terrain").get_attribute("data-drawn") == "ground", "the terrain")
        page.wait(lambda: page.find("#run").get_attribute("aria-pressed") == "true", "it to run")
        page.driver.execute_script("scrollTo(0, 0); document.activeElement.blur()")
        page.save(PICTURES / "page-teach.webp")
        assert page.complaints() == []
