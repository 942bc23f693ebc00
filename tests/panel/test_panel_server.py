"""What passes between pages, the control process and the synth, and what the panel survives."""

import asyncio
import time

import numpy as np
from panel_visit import until, visit, with_panel

from foretone.panel import outbox, relay
from foretone.ring import Ring


def test_the_instrument_reaches_the_page_and_the_page_the_instrument(run_folder, control):
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about") and page.told("state"), "about and state")
        await page.ask({"hold": ["lever", [0.25]]})
        await page.ask({"set": ["duet", "mode", "filter"]})
        await page.ask({"ghost": True})
        await until(lambda: control.asked("ghost") == [True], "the ghost")
        assert control.asked("hold") == [["lever", [0.25]]]
        assert control.asked("set") == [["duet", "mode", "filter"]]
        assert page.told("about") == [control.about]
        await until(lambda: page.told("state")[-1]["world"]["lever"] == [0.25], "the lever")

    with_panel(run_folder, story)


def test_a_refused_wish_is_told_to_the_page_and_to_nobody_else(run_folder, control):
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await page.ask('{"hold": ["lever", [NaN]]}')
        await until(lambda: page.told("refused"), "the refusal")
        await page.socket.send_bytes(b"\x00\x01")
        await page.ask({"ghost": True})
        await until(lambda: control.asked("ghost"), "the wish after it")
        assert {key for message in control.received for key in message} == {"hello", "ghost"}

    with_panel(run_folder, story)


def test_a_message_too_large_ends_the_connection_and_no_other(run_folder, control):
    control.start()

    async def story(panel, address, session):
        other = await visit(session, address)
        page = await visit(session, address)
        await page.ask("x" * 10_000)
        await until(lambda: page.socket.closed, "the end of it")
        # Whoever still sends may find the door shut (1006) before reading why.
        assert page.socket.close_code in (1009, 1006)
        await other.ask({"ghost": True})
        await until(lambda: control.asked("ghost"), "the other page")

    with_panel(run_folder, story)


def test_a_number_that_is_none_does_not_blind_the_page(run_folder, control):
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("state"), "a state")
        control.tell({"state": {"now": 1.0, "late": float("nan")}})
        control.tell({"nonsense": 1})
        await until(lambda: any(state["late"] is None for state in page.told("state")), "the state")

    with_panel(run_folder, story)


def test_a_frozen_page_gets_no_more_frames_and_then_every_event(run_folder, control):
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address, frozen=True)
        await until(lambda: len(page.frames) == outbox.ROOM, "a full house")
        for number in range(20):
            # From a thread, because a socket of this kind holds ten datagrams and then waits.
            state = {"now": 1.0, "events": [[number, "lever", [0.5]]]}
            await asyncio.to_thread(control.tell, {"state": state})
        hellos = len(control.asked("hello"))
        await until(lambda: len(control.asked("hello")) > hellos, "the next hello")
        assert len(page.frames) == outbox.ROOM
        await page.ask({"seen": outbox.ROOM})
        events = await until(
            lambda: [event for state in page.told("state") for event in state["events"]], "the events"
        )
        assert [time for time, _, _ in events] == list(range(20))

    with_panel(run_folder, story)


def test_without_a_page_nothing_is_asked(run_folder, control, monkeypatch):
    monkeypatch.setattr(relay, "HELLO", 0.01)
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: len(control.asked("hello")) > 5, "hellos")
        await page.socket.close()
        await until(lambda: not panel.pages, "the page to be gone")
        told = len(control.asked("hello"))
        for _ in range(100):
            await (await session.get(address)).read()
        assert len(control.asked("hello")) <= told + 1

    with_panel(run_folder, story)


def test_the_control_process_may_come_late_be_killed_and_come_back(run_folder, control):
    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("control") == [False], "word that there is none")
        control.start()
        await until(lambda: page.told("control")[-1] and page.told("state"), "the first start")
        control.stop(leave_socket=True)
        await until(lambda: page.told("control")[-1] is False, "word of its end")
        control.about = {**control.about, "title": "another"}
        control.start()
        await until(lambda: page.told("about")[-1]["title"] == "another", "the new instrument")
        await until(lambda: page.told("control")[-1], "word that it is back")

    with_panel(run_folder, story)


def test_sound_goes_to_those_who_listen_and_survives_the_synth(run_folder):
    path = run_folder / "sound.ring"
    block = np.arange(960, dtype=np.int16).reshape(480, 2)

    async def story(panel, address, session):
        page, other = [await visit(session, address) for _ in range(2)]
        await until(lambda: page.told("sound"), "word of the synth")
        assert not page.told("sound")[-1]["alive"]
        for device in ("hw:1", "hw:2"):
            ring = Ring.create(path, 48000, device)

            def heard_of(ring=ring, device=device):
                ring.beat(time.monotonic(), 0.0, 0, 0)
                return page.told("sound")[-1]["device"] == device and page.told("sound")[-1]["alive"]

            await until(heard_of, f"the synth on {device}")
            await page.ask({"listen": True})
            before = len(page.sound)

            def more(ring=ring, before=before):
                ring.write(block)
                return len(page.sound) > before + 3 * block.nbytes

            await until(more, "sound")
            assert page.sound[before : before + block.nbytes] == block.astype("<i2").tobytes()
            ring.close()
            await page.ask({"listen": False})
        path.unlink()
        await until(lambda: not page.told("sound")[-1]["alive"], "word of its end")
        assert other.sound == b""

    with_panel(run_folder, story)
