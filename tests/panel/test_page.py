"""The page in a real browser, at the size of a phone and of a desk."""

import socket

import numpy as np
import pytest
from panel_control import ABOUT
from selenium.webdriver.common.keys import Keys

from foretone.ring import Ring

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # selenium's own sockets
]


@pytest.fixture
def played(control, start_panel, open_page):
    """`played(phone=True)` opens the page of an instrument that plays."""

    def played(phone=False):
        control.start()
        _, address = start_panel()
        page = open_page(address, phone)
        page.wait(lambda: page.positions().get("arm") is not None, "the arm to stand on the stage")
        return page

    return played


@pytest.fixture(params=["desktop", "phone"])
def page(request, played):
    """At both sizes, where that makes a difference."""
    return played(phone=request.param == "phone")


@pytest.fixture
def desktop(played):
    """At one size, for what is the same at any."""
    return played()


def test_dragging_the_lever_holds_it_and_moves_the_arm(page, control):
    page.drag("lever", to=0.9)
    page.wait(lambda: control.asked("hold"), "a hold")
    page.wait(lambda: control.asked("hold")[-1] == ["lever", [pytest.approx(0.9, abs=0.03)]], "the last hold")
    page.wait(lambda: page.positions()["arm"] == pytest.approx(0.1, abs=0.03), "the arm to follow")
    page.wait(lambda: page.positions()["light"] == pytest.approx(0.1, abs=0.03), "the light to follow")
    assert page.positions()["lever"] == pytest.approx(0.9, abs=0.03)


def test_the_lever_is_dragged_again_and_again(page, control):
    for to in (0.9, 0.1, 0.6):
        page.drag("lever", to=to)
        page.wait(lambda to=to: control.lever == [pytest.approx(to, abs=0.03)], f"the lever at {to}")


def test_a_knob_does_not_jump_when_it_is_taken_off_its_middle(page, control):
    page.drag("lever", to=0.55, start=0.55, steps=1)
    page.wait(lambda: control.asked("hold"), "a hold")
    assert control.asked("hold")[-1][1][0] == pytest.approx(0.5, abs=0.02)


def test_holds_come_at_most_sixty_times_a_second(desktop, control):
    seconds = desktop.driver.execute_async_script(
        """const begin = performance.now(), done = arguments[0];
           const track = document.querySelector('[data-part="lever"] .track');
           let n = 0;
           const timer = setInterval(() => {
             track.dispatchEvent(new KeyboardEvent("keydown", { key: n++ % 2 ? "ArrowUp" : "ArrowDown" }));
             if (n === 200) { clearInterval(timer); done((performance.now() - begin) / 1000); }
           }, 4);"""
    )
    desktop.wait(lambda: control.asked("hold")[-1][1] == [0.5], "the newest hold")
    assert 5 < len(control.asked("hold")) <= 60 * seconds + 2


def test_the_lever_is_played_with_keys(desktop, control):
    track = '[data-part="lever"] .track'
    assert desktop.find(track).get_attribute("role") == "slider"
    desktop.press(track, Keys.ARROW_UP)
    desktop.wait(lambda: control.asked("hold") == [["lever", [pytest.approx(0.52)]]], "a small step")
    desktop.press(track, Keys.END)
    desktop.wait(lambda: control.asked("hold")[-1] == ["lever", [1]], "the end")
    assert desktop.find(track).get_attribute("aria-valuetext") == "100 percent"


def test_a_released_arm_is_limp(page, control):
    control.arm = []
    page.wait(lambda: page.positions()["arm"] is None, "the arm to hang")
    assert "limp" in page.text('[data-part="arm"] .name')


def test_a_mode_is_chosen_and_comes_back(page, control):
    assert page.chosen("duet", "mode") == "call-response"
    assert page.text("#hint") == "Drag the left lever. Stop: it answers."
    page.choose("duet", "mode", "filter")
    page.wait(lambda: control.asked("set") == [["duet", "mode", "filter"]], "the setting")
    page.wait(lambda: page.text("#hint") == "Drag the left lever. It moves when you move.", "the hint")
    control.settings["duet"]["mode"] = "battle"
    page.wait(lambda: page.chosen("duet", "mode") == "battle", "a change from elsewhere")


def test_what_a_finger_holds_is_not_rebuilt_when_a_knob_is_turned(desktop, control):
    track = desktop.find('[data-part="lever"] .track')
    control.settings["duet"]["mode"] = "battle"
    hellos = len(control.asked("hello"))
    desktop.wait(lambda: len(control.asked("hello")) > hellos + 1, "the instrument to tell of itself again")
    desktop.wait(lambda: desktop.chosen("duet", "mode") == "battle", "the knob")
    assert track == desktop.find('[data-part="lever"] .track')


def test_a_slider_shows_its_unit_and_sets_the_value(page, control):
    slider = page.slider("duet", "silence")
    assert page.find(slider).get_attribute("aria-valuetext") == "0.80 s"
    page.press(slider, Keys.END)
    page.wait(lambda: control.asked("set")[-1:] == [["duet", "silence", 10]], "the setting")
    page.wait(lambda: page.find(slider).get_attribute("aria-valuetext") == "10.0 s", "the value")
    control.settings["voice"]["volume"] = 0.25
    page.wait(lambda: page.chosen("voice", "volume") == "0.25", "a change from elsewhere")


def test_the_ghost_comes_and_a_hand_sends_it_away(page, control):
    page.press("#ghost")
    page.wait(lambda: control.ghost, "the ghost")
    page.wait(lambda: page.find("#ghost").get_attribute("aria-pressed") == "true", "the button")
    page.drag("lever", to=0.2)
    page.wait(lambda: page.find("#ghost").get_attribute("aria-pressed") == "false", "the ghost to go")


def test_it_says_when_the_instrument_is_gone_and_comes_back(page, control):
    control.stop(leave_socket=True)
    page.wait(lambda: page.link() == "waiting", "the page to notice")
    assert "waiting" in page.text("#link")
    control.start()
    page.wait(lambda: page.link() == "live", "the page to come back")


def test_it_is_not_live_before_it_knows_the_instrument(control, start_panel, open_page):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as busy:
        busy.bind(str(control.path))
        _, address = start_panel()
        page = open_page(address)
        page.wait(lambda: page.link() != "connecting", "something to be told")
        assert page.link() == "waiting", "whoever listens may not be there yet"
    control.path.unlink()
    control.start()
    page.wait(lambda: page.link() == "live", "the instrument")
    assert page.text("#title").upper() == "EMPI"


def test_predictions_latencies_and_faults_are_shown_as_text(page, control):
    control.faults = ["arm: <img src=x onerror=alert(1)> does not answer at 0x40."]
    page.wait(lambda: "<img src=x" in page.text("#faults"), "the fault")
    assert page.find("#faults img") is None
    assert page.text('#latency [data-path="due_to_played"]').split()[-2:] == ["0.10", "0.40"]
    assert page.find("#timeline").get_attribute("data-ahead") == "1"


def test_nothing_leaves_the_origin_and_the_console_is_empty(page):
    page.wait(lambda: page.link() == "live", "the connection")
    page.press("#listen")
    requests = page.requests()
    own = page.address.removeprefix("http://")
    assert f"ws://{own}live" in requests
    assert {address.removeprefix("http://").removeprefix("ws://")[: len(own)] for address in requests} == {
        own
    }
    assert page.complaints() == []


def test_the_page_fits_its_screen_and_everything_has_a_name(page):
    overflow, nameless, small = page.driver.execute_script(
        """const all = [...document.querySelectorAll("button, input, [role=slider], [role=meter]")];
           const seen = all.filter(e => e.getClientRects().length);
           const named = e => e.textContent.trim() || e.ariaLabel || e.labels?.length;
           const target = e => (e.closest("label, .track") ?? e).getBoundingClientRect();
           return [document.documentElement.scrollWidth - innerWidth,
             seen.filter(e => !named(e)).map(e => e.outerHTML),
             seen.filter(e => e.role !== "meter" && target(e).height < 28).map(e => e.outerHTML)];"""
    )
    assert overflow <= 0
    assert nameless == []
    assert small == []


def test_listening_plays_the_synths_own_samples(page, run_folder):
    ring = Ring.create(run_folder / "sound.ring", 48000, "default", paced=True)
    page.wait(lambda: page.text("#sound") == "No sound card: press Listen here to hear it.", "the synth")
    page.press("#listen")
    block = np.full((960, 2), 1000, np.int16)

    def played():
        ring.write(block)
        return int(page.find("#listen").get_attribute("data-played") or 0) > 2000

    page.wait(played, "samples to reach the loudspeaker")
    page.press("#listen")
    assert page.find("#listen").get_attribute("aria-pressed") == "false"
    ring.close()


def test_a_panel_that_is_killed_and_started_again_is_found(control, start_panel, open_page):
    control.start()
    process, address = start_panel()
    page = open_page(address)
    page.wait(lambda: page.positions().get("arm") is not None, "the stage")
    process.kill()
    process.wait()
    page.wait(lambda: page.link() == "lost", "the page to notice")
    _, again = start_panel(port=int(address.rstrip("/").rpartition(":")[2]))
    assert again == address
    page.wait(lambda: page.link() == "live", "the page to come back")
    page.drag("lever", to=0.8)
    page.wait(lambda: control.asked("hold"), "a hold")


def test_a_source_of_three_axes_is_held_whole(control, start_panel, open_page):
    parts = [
        {**part, "axes": ["x", "y", "z"]} if part["name"] == "lever" else part for part in ABOUT["parts"]
    ]
    control.about = {**ABOUT, "parts": parts}
    control.lever = [0.2, 0.4, 0.6]
    control.start()
    _, address = start_panel()
    page = open_page(address)
    page.wait(lambda: page.positions().get("lever.2") == 0.6, "the third lever")
    page.drag("lever", to=0.9, axis=1)
    page.wait(lambda: control.lever == [0.2, pytest.approx(0.9, abs=0.03), 0.6], "the second axis alone")


def test_a_real_board_shows_what_was_played_and_cannot_be_dragged(control, start_panel, open_page):
    control.about = {**control.about, "board": "pi"}
    control.start()
    control.state = lambda now: {
        "now": now,
        "events": [[now, "lever", [0.3]], [now, "duet", [0.7]]],
        "ahead": [],
        "world": {},
        "ghost": False,
    }
    _, address = start_panel()
    page = open_page(address)
    page.wait(lambda: page.positions() == {"lever": 0.3, "arm": 0.7, "light": 0.7}, "what was played")
    assert page.text("#hint") == "Move the lever. Stop: it answers."
    assert page.find('[data-part="lever"] .track').get_attribute("tabindex") is None
    assert not page.find("#ghost").is_displayed()


@pytest.mark.parametrize("tab", ["play", "sessions", "instrument"])
def test_no_tab_is_wider_than_the_screen(page, tab):
    page.press(f"#tab-{tab}")
    wide = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    page.wait(lambda: page.find(f"#{tab}").is_displayed(), "the tab")
    scrolled, seen = page.driver.execute_script(wide)
    assert scrolled <= seen


def test_a_knob_is_where_its_value_is_on_a_low_screen_too(page):
    if not page.phone:
        page.driver.set_window_size(1280, 700)
    middles = """const [track, knob] = [".track", ".knob"].map((of) => document.querySelector(
                   `[data-part="lever"] ${of}`).getBoundingClientRect());
                 return [track.top + track.height / 2, knob.top + knob.height / 2];"""
    page.wait(lambda: page.positions()["lever"] == 0.5, "the lever in the middle")
    track, knob = page.driver.execute_script(middles)
    assert knob == pytest.approx(track, abs=2)
