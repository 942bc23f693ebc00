"""Every tab of the page, at the size of a desk and of a phone: it works, keeps nobody out, and comes back."""

import pytest
from panel_control import ABOUT
from panel_shown import CORNERS
from selenium.webdriver.common.keys import Keys

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # selenium's own sockets
]

TABS = ("play", "teach", "sessions", "instrument", "health")
PAD = {"name": "pad", "role": "source", "kind": "pad", "axes": ["x", "y", "z"], "hears": [], "plays": []}


@pytest.fixture
def taught(control, shown):
    """A control process whose instrument has a mapping that was shown four examples, and learned them."""
    shown.show(*CORNERS)
    shown.train()
    shown.write()
    control.about = {**ABOUT, "file": str(shown.file), "parts": [*ABOUT["parts"], PAD, shown.about()]}
    control.settings["teach"] = {"guard": 0.0, "count_in": 0.0}
    plain = control.state
    control.taught = shown.glance()
    control.state = lambda now: {**plain(now), "taught": {"teach": control.taught}}
    control.start()
    return control


@pytest.fixture(params=["desktop", "phone"])
def page(request, taught, start_panel, open_page):
    _, address = start_panel()
    page = open_page(address, phone=request.param == "phone")
    page.wait(lambda: page.link() == "live" and page.find("#tab-teach").is_displayed(), "the mapping")
    return page


def drawn(page):
    return page.find("#terrain").get_attribute("data-drawn")


def test_no_tab_keeps_anybody_out(page, taught):
    taught.faults = ["arm: PCA9685 does not answer at 0x40."]
    for tab in TABS:
        page.tab(tab)
        if tab == "teach":
            page.wait(lambda: drawn(page) == "ground", "the terrain")
            page.wait(lambda: page.find("[data-take]"), "the takes")
        if tab == "health":
            page.wait(lambda: page.find('.finding[data-check="versions"]'), "the findings")
        assert page.barriers() == [], tab
        small, wide = page.driver.execute_script(
            """const touched = "button, a.act, select, input:not(.unseen), [role=slider]";
               const all = [...document.querySelectorAll(touched)];
               const box = (e) => (e.closest("label") ?? e).getBoundingClientRect();
               const least = matchMedia("(min-width: 900px)").matches ? 28 : 44;
               return [all.filter((e) => e.getClientRects().length && box(e).height < least - 0.5)
                 .map((e) => `${e.tagName} ${e.id || e.className} ${box(e).height}`),
                 document.documentElement.scrollWidth - document.documentElement.clientWidth];"""
        )
        assert small == [], f"too small for a finger in {tab}"
        assert wide <= 0, f"{tab} is wider than the screen"
    assert page.complaints() == []
    page.driver.execute_script("document.body.append(document.createElement('button'))")
    assert any("button-name" in barrier for barrier in page.barriers()), "and it would be found"


def test_the_terrain_is_drawn_and_points_where_one_more_example_helps(page, taught):
    page.tab("teach")
    page.wait(lambda: drawn(page) == "ground", "the terrain")
    canvas = page.find("#terrain")
    assert canvas.get_attribute("data-examples") == "4"
    assert canvas.get_attribute("aria-label").startswith("cutoff over x and y. It plays ")
    across, up = map(float, canvas.get_attribute("data-wanted").split(","))
    says = page.text("#advice-says")
    assert f"x {across * 100:.0f}, y {up * 100:.0f}" in says
    page.press("#go")
    page.wait(lambda: taught.asked("hold"), "the hand to be there")
    assert taught.asked("hold")[-1] == ["pad", [pytest.approx(across), pytest.approx(up), 0.5]]

    page.driver.execute_script(
        """const pick = document.getElementById("across");
           pick.value = "2";
           pick.dispatchEvent(new Event("change"));"""
    )
    page.wait(lambda: "cutoff over z and y" in canvas.get_attribute("aria-label"), "another cut")
    page.finger("#pad", 0.25, 0.75)
    page.wait(lambda: len(taught.asked("hold")) > 1, "the finger")
    page.wait(
        lambda: taught.asked("hold")[-1][1] == [pytest.approx(0.3), pytest.approx(0.75, abs=0.03),
                                                pytest.approx(0.25, abs=0.03)],
        "the two chosen inputs to follow it",
    )  # fmt: skip


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_two_fingers_move_three_inputs(page, taught):
    page.tab("teach")
    box = page.driver.execute_script(
        """const box = document.getElementById("pad").getBoundingClientRect();
           return [box.left, box.top, box.width, box.height];"""
    )

    def at(number, x, y):
        return {"id": number, "x": box[0] + x * box[2], "y": box[1] + (1 - y) * box[3]}

    def touch(kind, *points):
        page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", at(0, 0.2, 0.3))
    touch("touchStart", at(0, 0.2, 0.3), at(1, 0.5, 0.9))
    touch("touchMove", at(0, 0.4, 0.3), at(1, 0.5, 0.7))
    wanted = ["pad", [pytest.approx(value, abs=0.02) for value in (0.4, 0.3, 0.7)]]
    page.wait(lambda: taught.asked("hold")[-1:] == [wanted], "both fingers")
    touch("touchEnd")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_teaching_goes_by_keys_and_is_spoken(page, taught):
    page.tab("teach")
    page.wait(lambda: page.find('#pad input[data-axis="2"]'), "the pad's own sliders")
    name = page.find('#pad input[data-axis="0"]').get_attribute("aria-label")
    page.press('#pad input[data-axis="0"]', Keys.ARROW_RIGHT)
    page.wait(lambda: taught.asked("hold"), "a step")
    assert (name, taught.asked("hold")[-1][1][0]) == ("x", pytest.approx(0.31))
    assert page.find("#pad .dot.first.focus"), "and it is seen where the keys go"

    page.press("#record", Keys.ENTER)
    page.wait(lambda: taught.asked("do")[-1:] == [["teach", "record"]], "the take")
    taught.taught = {**taught.taught, "recording": True, "begins": 1e12}
    page.wait(lambda: page.text("#taught").startswith("Recording in "), "the count-in")
    assert page.find(".shout").is_displayed()
    assert page.find("#taught").get_attribute("role") == "status"
    taught.taught = {**taught.taught, "begins": None}
    page.wait(lambda: page.text("#taught") == "Recording.", "the take to begin")
    page.press("#record", Keys.ENTER)
    page.wait(lambda: taught.asked("do")[-1] == ["teach", "stop"], "its end")
    taught.taught = {**taught.taught, "recording": False, "training": {"progress": 0.0, "loss": 0.5}}
    page.wait(lambda: "misses 50 % so far" in page.text("#learned"), "the lesson")
    taught.taught = {**taught.taught, "training": {"progress": 0.5, "loss": 0.1}}
    page.wait(lambda: page.find("#loss").is_displayed(), "its curve")
    ended = {"scores": {"error": 0.02}, "held_out": {"error": 0.1}, "losses": [0.6, 0.2, 0.02]}
    taught.taught = {**taught.taught, "training": ended}
    page.wait(lambda: "by 2 %, what it was not shown by about 10 %" in page.text("#learned"), "its end")
    for key, verb in (
        ("#example", "example"),
        ("#randomise", "randomise"),
        ("#learn", "train"),
        ("#run", "run"),
    ):
        page.press(key, Keys.SPACE)
        page.wait(lambda verb=verb: taught.asked("do")[-1][1] == verb, verb)
    page.press("#output-1", Keys.END)
    page.wait(lambda: taught.asked("do")[-1] == ["teach", "set", 0.5, 1], "what should sound")
    page.press('[data-take="2"] button', Keys.ENTER)
    page.wait(lambda: taught.asked("do")[-1] == ["teach", "delete", "take", 2], "a take to be forgotten")
    page.press("#forget")
    page.wait(lambda: taught.asked("do")[-1] == ["teach", "delete", "take", 4], "the last one")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_health_tells_each_finding_with_its_cure_and_each_part(page, taught):
    taught.faults = ["arm: <img src=x onerror=alert(1)> does not answer at 0x40."]
    taught.waits = ["teach: waiting for LightPad to be plugged in"]
    page.tab("health")
    page.wait(lambda: page.find('.finding[data-part="arm"][data-level="bad"]'), "the part that is out")
    assert "LightPad" in page.text('.finding[data-part="teach"][data-level="waiting"]')
    assert page.find('.finding[data-part="teach"] .sign').get_attribute("aria-label") == "waiting"
    assert "<img src=x" in page.text('.finding[data-part="arm"]')
    assert page.find("#health img") is None
    page.press("#look-again")
    page.wait(lambda: page.text("#looked").startswith("Looked at"), "the look")
    page.wait(lambda: page.find('.finding[data-check="controllers"][data-level="bad"] .cure'), "its cure")
    assert page.find('.finding[data-check="controllers"] .sign').get_attribute("aria-label") == "wrong"
    assert "wrong" in page.text("#sum")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_file_is_shown_once_an_instrument_that_did_not_answer_does(page, taught, shown):
    shown.file.write_text("# The one that was gone\n")
    taught.stop(leave_socket=True)
    page.wait(lambda: page.link() == "waiting", "the page to notice")
    page.tab("instrument")
    taught.start()
    page.wait(lambda: page.find("#file").get_attribute("value").startswith("# The one"), "its file")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_the_file_of_another_instrument_is_shown_and_nothing_typed_is_lost(page, taught, shown):
    def plays(name):
        file = shown.file.with_name(f"{name}.toml")
        file.write_text(f"# {name}\n")
        taught.about = {**taught.about, "file": str(file)}

    text = "return document.getElementById('file').value"
    page.tab("instrument")
    plays("another")
    page.wait(lambda: page.driver.execute_script(text) == "# another\n", "the other file")
    page.driver.execute_script(
        """const fetch = window.fetch;
           window.held = [];
           window.fetch = (...asked) => asked[0] !== "/instrument" ? fetch(...asked)
             : new Promise((go) => window.held.push(() => go(fetch(...asked))));"""
    )
    plays("third")
    page.wait(lambda: page.driver.execute_script("return window.held.length"), "the page to ask")
    page.driver.execute_script("document.getElementById('file').value = '# typed'")
    page.driver.execute_async_script(
        "for (const go of window.held) go(); setTimeout(arguments[0], 500)"  # as long as an answer takes
    )
    assert page.driver.execute_script(text) == "# typed"


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_tabs_go_by_arrow_keys_and_the_address_keeps_the_choice(page, taught):
    page.press("#tab-play", Keys.ARROW_LEFT)
    page.wait(lambda: page.find("#health").is_displayed(), "the last tab")
    assert page.driver.execute_script("return [document.activeElement.id, location.hash]") == [
        "tab-health", "#health"]  # fmt: skip
    for tab in ("health", "teach"):  # the second is there only once the instrument has told of a mapping
        page.tab(tab)
        page.driver.refresh()
        page.wait(
            lambda tab=tab: page.link() == "live" and page.find(f"#{tab}").is_displayed(), "the same tab"
        )
    taught.about = {**taught.about, "parts": ABOUT["parts"]}
    page.wait(
        lambda: page.find("#play").is_displayed() and not page.find("#tab-teach").is_displayed(), "no mapping"
    )


def test_a_killed_panel_is_told_on_every_tab_and_teaching_goes_on_after_it(taught, start_panel, open_page):
    process, address = start_panel()
    page = open_page(address, phone=True)
    page.wait(lambda: page.link() == "live" and page.find("#tab-teach").is_displayed(), "the mapping")
    page.tab("teach")
    page.wait(lambda: drawn(page) == "ground", "the terrain")
    process.kill()
    process.wait()
    page.wait(lambda: page.link() == "lost", "the page to notice")
    for tab in reversed(TABS):
        page.tab(tab)
        assert "connection lost" in page.text("#link")
    _, again = start_panel(port=int(address.rstrip("/").rpartition(":")[2]))
    assert again == address
    page.tab("teach")
    page.wait(lambda: page.link() == "live", "the page to come back")
    page.press("#example")
    page.wait(lambda: taught.asked("do") == [["teach", "example"]], "one example, once")
    page.tab("health")
    page.wait(lambda: page.text("#looked"), "the findings")


def test_two_pages_play_one_instrument(taught, start_panel, open_page):
    _, address = start_panel()
    one, other = open_page(address), open_page(address)
    other.wait(lambda: other.positions().get("arm") is not None, "the stage of the second page")
    other.drag("lever", to=0.9)
    other.choose("duet", "mode", "filter")
    one.look()
    one.wait(lambda: one.positions()["lever"] == pytest.approx(0.9, abs=0.03), "what the other one did")
    one.wait(lambda: one.positions()["arm"] == pytest.approx(0.1, abs=0.03), "the answer")
    one.wait(lambda: one.chosen("duet", "mode") == "filter", "the mode")
    one.drag("lever", to=0.2)
    one.press("#ghost")
    other.look()
    other.wait(lambda: other.positions()["lever"] == pytest.approx(0.2, abs=0.03), "what the first one did")
    other.wait(lambda: other.find("#ghost").get_attribute("aria-pressed") == "true", "the ghost")


def test_whatever_it_is_called_is_text_on_the_page(taught, start_panel, open_page):
    evil = "<img src=x onerror=alert(1)>"
    parts = [{**part, "name": evil} if part["name"] == "pad" else part for part in taught.about["parts"]]
    taught.about = {**taught.about, "title": f"</title><script>alert(1)</script>{evil}", "parts": parts}
    taught.taught = {**taught.taught, "training": {"failed": evil}}
    taught.faults = [f"{evil}: {evil}"]
    _, address = start_panel()
    page = open_page(address)
    page.wait(lambda: page.link() == "live" and page.find("#tab-teach").is_displayed(), "the mapping")
    for tab in TABS:
        page.tab(tab)
        found = "return document.querySelectorAll('img, body script').length"
        assert page.driver.execute_script(found) == 0, tab
    assert page.find("#health").is_displayed()
    assert page.text('#parts-now [data-level="bad"]').count("<img") == 2
    assert page.complaints() == []


def test_classes_and_movements_are_taught_too(control, shown, start_panel, open_page):
    text, _, _ = shown.file.read_text().partition("[player.teach.output.level]")
    shown.file.write_text(
        text.replace('"level"', '"kind", "wave"')
        + '[player.teach.output.kind]\nlearn = "class-knn"\nclasses = 4\n'
        + '[player.teach.output.wave]\nlearn = "dtw"\n[sink.out]\nkind = "osc"\nplays = ["teach"]\n'
    )
    about = {**shown.about(), "axes": ["cutoff", "kind", "wave"]}
    control.about = {**ABOUT, "file": str(shown.file), "parts": [*ABOUT["parts"], PAD, about]}
    control.settings["teach"] = {"guard": 0.0, "count_in": 0.0}
    plain = control.state
    glance = {**shown.glance(), "labels": [0.5, 0.75, 0.5]}
    control.state = lambda now: {**plain(now), "taught": {"teach": glance}}
    control.start()
    _, address = start_panel()
    page = open_page(address, phone=True)
    page.wait(lambda: page.link() == "live" and page.find("#tab-teach").is_displayed(), "the mapping")
    page.tab("teach")
    page.wait(
        lambda: page.find("#output-1").get_attribute("aria-valuetext") == "3 of 4", "the class that is set"
    )
    page.press("#output-1", Keys.ARROW_RIGHT)
    page.wait(lambda: control.asked("do")[-1:] == [["teach", "set", 0.5, 4, 0.5]], "the next class")
    page.wait(lambda: page.find("#movement").is_displayed(), "the movements")
    page.driver.execute_script("document.getElementById('movement').value = '1'")
    page.press("#record")
    page.wait(lambda: control.asked("do")[-1] == ["teach", "gesture", 1], "the movement")
    page.driver.execute_script(
        """const pick = document.getElementById("output");
           pick.value = "2";
           pick.dispatchEvent(new Event("change"));"""
    )
    page.wait(lambda: "they have no terrain" in page.text("#advice-says"), "why there is none")
    assert page.barriers() == []
