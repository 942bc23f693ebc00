"""The page as a visitor uses it: a real, headless Chromium, real pointers and keys."""

from __future__ import annotations

import base64
import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

DESKTOP = (1280, 800)
PHONE = (390, 844)
SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # its sandbox does not start for root
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def missing() -> str:
    """Why there is no browser on this machine, or ""."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)} (apt install chromium chromium-driver)" if absent else ""


def axe() -> str:
    """axe-core, the script that looks for barriers, from the package that carries it (deploy/install)."""
    try:
        files = metadata.files("axe-playwright-python")
    except metadata.PackageNotFoundError:
        pytest.skip("axe-core is not installed; the next make tries again")
    (file,) = [each for each in files if each.name == "axe.min.js"]
    return Path(file.locate()).read_text(encoding="utf-8")


def start() -> webdriver.Chrome:
    """A headless Chromium that keeps its console and its requests; `quit()` it."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for switch in SWITCHES:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


class Page:
    """The page at `address`, opened in a new tab; `phone` gives it a phone's size and a finger."""

    def __init__(self, driver: webdriver.Chrome, address: str, phone: bool = False) -> None:
        self.driver, self.address, self.phone = driver, address, phone
        self._home = driver.current_window_handle
        driver.switch_to.new_window("tab")
        self._handle = driver.current_window_handle
        driver.get_log("browser")
        driver.get_log("performance")
        width, height = PHONE if phone else DESKTOP
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone},
        )
        driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
        driver.get(address)

    def look(self) -> Page:
        """Look at this page again, after another one."""
        self.driver.switch_to.window(self._handle)
        return self

    def close(self) -> None:
        """Leave the page."""
        self.look()
        self.driver.close()
        self.driver.switch_to.window(self._home)

    def wait(self, condition, what: str, seconds: float = 10.0):
        """Poll `condition()` until it is true, and return what it gave; fail with `what` was waited for."""
        waiting = WebDriverWait(
            self.driver, seconds, 0.03, ignored_exceptions=[StaleElementReferenceException]
        )
        return waiting.until(lambda _: condition(), f"waited for {what}")

    def find(self, selector: str):
        """The first element that a CSS selector finds, or None."""
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found[0] if found else None

    def text(self, selector: str) -> str:
        """What is written there, as a person sees it; "" when it is not there."""
        found = self.find(selector)
        return found.text if found else ""

    def link(self) -> str:
        """How the page is connected: connecting, live, lost or waiting."""
        return self.driver.execute_script("return document.body.dataset.link")

    def positions(self) -> dict[str, float | None]:
        """Where everything on the stage is, 0..1, by part name; None when limp.

        A second axis is "name.1", a third "name.2".
        """
        return self.driver.execute_script(
            """return Object.fromEntries([...document.querySelectorAll("#levers > [data-part]")].map(e => [
                 e.dataset.part + (Number(e.dataset.axis) ? "." + e.dataset.axis : ""),
                 e.dataset.limp === "true" || e.dataset.value === "" ? null : Number(e.dataset.value)]));"""
        )

    def drag(self, part: str, to: float, start: float | None = None, steps: int = 8, axis: int = 0) -> None:
        """Take the lever's knob (or its track at `start`), move to position `to` in 0..1, and let go."""
        box, half = self.driver.execute_script(
            """const [part, axis] = arguments;
               const lever = document.querySelector(`[data-part="${part}"][data-axis="${axis}"]`);
               const knob = lever.querySelector(".knob");
               const box = lever.querySelector(".track").getBoundingClientRect();
               return [[box.left, box.top, box.width, box.height], knob.offsetHeight / 2];""",
            part,
            axis,
        )
        left, top, width, height = box
        begin = self.positions()[part if axis == 0 else f"{part}.{axis}"] if start is None else start

        def y(value: float) -> int:
            return round(top + half + (1 - value) * (height - 2 * half))

        kind = "touch" if self.phone else "mouse"
        finger = PointerInput(kind, f"{kind} of the test")
        actions = ActionBuilder(self.driver, mouse=finger, duration=20)
        x = round(left + width / 2)
        finger.create_pointer_move(duration=0, x=x, y=y(begin))
        finger.create_pointer_down(button=0)
        for step in range(1, steps + 1):
            finger.create_pointer_move(duration=20, x=x, y=y(begin + (to - begin) * step / steps))
        finger.create_pointer_up(button=0)
        actions.perform()

    def finger(self, selector: str, x: float, y: float) -> None:
        """Touch something at a place of it, 0..1 from the left and from below, and let go."""
        found = self.find(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", found)
        box = self.driver.execute_script(
            "const b = arguments[0].getBoundingClientRect(); return [b.left, b.top, b.width, b.height]", found
        )
        left, top, width, height = box
        kind = "touch" if self.phone else "mouse"
        actions = ActionBuilder(self.driver, mouse=PointerInput(kind, f"{kind} of the test"), duration=20)
        pointer = actions.pointer_action.source
        pointer.create_pointer_move(duration=0, x=round(left + x * width), y=round(top + (1 - y) * height))
        pointer.create_pointer_down(button=0)
        pointer.create_pointer_up(button=0)
        actions.perform()

    def press(self, selector: str, *keys: str) -> None:
        """Click there; with `keys`, give it the focus and type them instead."""
        try:
            self._press(selector, *keys)
        except StaleElementReferenceException:  # the list that it stands in was told anew meanwhile
            self._press(selector, *keys)

    def _press(self, selector: str, *keys: str) -> None:
        found = self.find(selector)
        if keys:
            self.driver.execute_script("arguments[0].focus()", found)
            self.driver.switch_to.active_element.send_keys(*keys)
        else:
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", found)
            found.click()

    def barriers(self) -> list[str]:
        """What axe-core finds that would keep somebody out: its rules of serious and critical impact.

        The page's own policy holds: the script comes through the debugger, not through the page.
        """
        self.driver.execute_script(axe())
        found = self.driver.execute_async_script(
            """const done = arguments[0];
               const places = (nodes) => nodes.slice(0, 5).map((node) => node.target.join(" ")).join(", ");
               axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
                 done(violations.map((v) => [v.impact, v.id, v.help, places(v.nodes)])));"""
        )
        return [": ".join(each) for each in found if each[0] in ("serious", "critical")]

    def choose(self, part: str, key: str, value: str) -> None:
        """Click one choice of a setting, such as duet, mode, filter."""
        self.press(f'.choice[data-part="{part}"][data-key="{key}"] input[value="{value}"]')

    def chosen(self, part: str, key: str) -> str:
        """What a setting shows: a choice, or a number as text."""
        return self.find(f'[data-part="{part}"][data-key="{key}"]').get_attribute("data-value")

    def slider(self, part: str, key: str) -> str:
        """The CSS selector of a number's slider, for `press`."""
        return f'.slider[data-part="{part}"][data-key="{key}"] input'

    def complaints(self) -> list[str]:
        """What stands in the browser's console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The address of every request since the page was opened, or since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [
            message["params"].get("url") or message["params"]["request"]["url"]
            for message in messages
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
        ]

    def tab(self, name: str) -> None:
        """Choose a tab, and look at it from its top."""
        self.wait(lambda: self.find(f"#tab-{name}").is_displayed(), f"the tab {name}")
        self.press(f"#tab-{name}")
        self.wait(lambda: self.find(f"#{name}").is_displayed(), f"what is in {name}")
        self.driver.execute_script("scrollTo(0, 0)")

    def save(self, path: Path) -> None:
        """A picture of what is on the screen, as WebP."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 82})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
