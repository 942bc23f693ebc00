"""Every shipped instrument has a wiring page, and the page says what the file says."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from foretone import kinds, shelf
from foretone.instrument import load

WIRING = Path(__file__).parents[2] / "hardware" / "wiring"
FILES = {path.stem: path for path in shelf.shipped("*.toml")}
PLACES = ("address", "channel", "select", "pin", "port")
HEADER = {
    2: 3, 3: 5, 4: 7, 5: 29, 6: 31, 7: 26, 8: 24, 9: 21, 10: 19, 11: 23, 12: 32, 13: 33, 14: 8, 15: 10,
    16: 36, 17: 11, 18: 12, 19: 35, 20: 38, 21: 40, 22: 15, 23: 16, 24: 18, 25: 22, 26: 37, 27: 13,
}  # fmt: skip
"""Each GPIO's pin on the header of every model."""


def rows(page, title):
    """The table under a heading, as lists of cells."""
    text = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)
    ]
    return cells[2:]


@pytest.mark.parametrize("name", FILES)
def test_the_parts_are_where_the_page_says(name):
    told = {
        cells[0].strip("`"): dict(re.findall(r"`(\w+) = (\w+)`", cells[2]))
        for cells in rows((WIRING / f"{name}.md").read_text(encoding="utf-8"), "Parts")
    }
    wanted = {}
    for part in load(FILES[name]).parts.values():
        known = kinds.settings(part.maker)
        where = {key: part.settings.get(key, known[key].default) for key in PLACES if key in known}
        where = {key: value for key, value in where.items() if isinstance(value, int)}
        if where:
            wanted[part.name] = where
    assert {
        part: {key: int(value, 0) for key, value in where.items()} for part, where in told.items()
    } == wanted


@pytest.mark.parametrize("name", FILES)
def test_the_pins_are_those_of_the_header_and_of_the_file(name):
    page = (WIRING / f"{name}.md").read_text(encoding="utf-8")
    wired = {}
    for pin, gpio, _ in rows(page, "Pins"):
        if number := re.match(r"\d+\b(?! ?V|\.)", gpio):
            wired[int(number[0])] = int(pin)
    assert all(HEADER[gpio] == pin for gpio, pin in wired.items())
    instrument = load(FILES[name])
    used = set()
    for part in instrument.parts.values():
        used |= {"i2c": {2, 3}, "spi": {10}}.get(next(iter(kinds.house(part.maker)), ""), set())
        used |= {part.settings["pin"]} if "pin" in part.settings else set()
    assert set(wired) == used


@pytest.mark.parametrize("name", FILES)
def test_the_drawing_is_shown_and_names_the_addresses(name):
    page = (WIRING / f"{name}.md").read_text(encoding="utf-8")
    assert f"({name}.svg)" in page
    drawing = WIRING / f"{name}.svg"
    words = " ".join(ElementTree.parse(drawing).getroot().itertext())
    addresses = re.findall(r"`address = (\w+)`", page)
    assert all(f"address {address}" in words for address in addresses)
    assert drawing.stat().st_size < 20_000
    assert f"(wiring/{name}.md)" in (WIRING.parent / "README.md").read_text(encoding="utf-8")
