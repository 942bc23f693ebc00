"""What the page's tab Health is told: what the doctor finds, while the page goes on."""

import asyncio
import threading

from panel_visit import until, visit, with_panel

from foretone import doctor
from foretone.doctor.machine import Finding, Level


def test_the_findings_are_the_doctors_each_with_its_cure(run_folder, control):
    async def story(panel, address, session):
        found = (await (await session.get(f"{address}health")).json())["findings"]
        assert {"power", "heat", "room", "controllers", "versions"} <= {each["check"] for each in found}
        (silent,) = [each for each in found if each["check"] == "controllers"]
        assert silent["level"] == "bad"
        assert silent["says"] == "the instrument does not answer"
        assert silent["cure"]
        assert all(each["says"] and each["level"] in set(Level) for each in found)

    with_panel(run_folder, story)


def test_a_part_that_is_out_is_told_with_its_name(run_folder, control):
    control.faults = ["arm: <b>PCA9685</b> does not answer at 0x40."]
    control.start()

    async def story(panel, address, session):
        answer = await session.get(f"{address}health")
        assert answer.content_type == "application/json"
        found = (await answer.json())["findings"]
        assert control.faults[0] in [each["says"] for each in found]

    with_panel(run_folder, story)


def test_a_slow_look_holds_up_neither_the_page_nor_a_second_look(run_folder, control, monkeypatch):
    control.start()
    looks, go_on = [], threading.Event()

    def slow(machine):
        looks.append(machine.state)
        assert go_on.wait(8)
        return [Finding("card", Level.GOOD, "it is well")]

    monkeypatch.setattr(doctor, "findings", slow)

    async def story(panel, address, session):
        page = await visit(session, address)
        asked = [asyncio.create_task(session.get(f"{address}health")) for _ in range(3)]
        await until(lambda: looks, "the look to begin")
        states = len(page.told("state"))
        await until(lambda: len(page.told("state")) > states + 5, "the page to go on")
        go_on.set()
        answers = [await answer for answer in asked]
        assert [(await answer.json())["findings"][0]["says"] for answer in answers] == ["it is well"] * 3
        assert looks == [run_folder], "three pages ask, and one look is taken"

    with_panel(run_folder, story)
