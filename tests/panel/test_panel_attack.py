"""The panel as somebody attacks it who must not get in, and as somebody harms it who may."""

import asyncio
import contextlib
import json
import os

import aiohttp
import pytest
from panel_visit import until, visit, with_panel

from foretone.event import Event
from foretone.instrument import find
from foretone.panel import errands, server, workbench
from foretone.panel.door import COOKIE, Door
from foretone.panel.library import Library
from foretone.session import Header, row

KEY = "a-key-of-a-test-0123456789"
POLICY = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")


async def raw(address, request):
    """The answer to bytes that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.split(":")[2].rstrip("/")))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [
        ("cross-site", "no-cors", 403), ("cross-site", "cors", 403), ("same-site", "cors", 403),
        ("cross-site", "websocket", 403), ("cross-site", "navigate", 200), ("same-origin", "cors", 200),
        ("none", "navigate", 200),
    ],
)  # fmt: skip
def test_a_page_elsewhere_cannot_even_ask(run_folder, site, mode, status):
    async def story(panel, address, session):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        for path in ("sessions", "health", "page.js"):
            assert (await session.get(address + path, headers=headers)).status == status

    with_panel(run_folder, story)


@pytest.mark.parametrize("host", ["localhost", "rebound.example", "localhost:8700; script-src *"])
def test_whatever_is_answered_carries_the_policy(run_folder, host):
    async def story(panel, address, session):
        for path in ("", "nothing", f"?key={KEY}", "sessions", "health", "live"):
            answer = await session.get(address + path, headers={"Host": host}, allow_redirects=False)
            assert all(name in answer.headers for name in POLICY), (path, answer.status)
            assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
            assert "*" not in answer.headers["Content-Security-Policy"]

    with_panel(run_folder, story, door=Door("127.0.0.1", KEY))


@pytest.mark.parametrize(
    "shown", [b"\xff\xfe", b"\xed\xa0\x80", b"a" * 7000, b'"', b"=;=;", KEY.encode() + b"\xff"]
)
def test_a_cookie_that_is_no_text_does_not_open_and_breaks_nothing(run_folder, monkeypatch, shown):
    monkeypatch.setattr(Door, "lets_in", lambda self, _, key: self.fits(key))  # as from another machine

    async def story(panel, address, session):
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: %s=%s\r\n\r\n"
        answer = await raw(address, request % (COOKIE.encode(), shown))
        assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))
        answer = await raw(
            address, b"GET /?key=%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 403 ")

    with_panel(run_folder, story, door=Door("127.0.0.1", KEY))


def test_nothing_but_a_page_of_ours_changes_anything_wherever_it_is_posted(run_folder, control):
    control.about = {**control.about, "file": str(find("empi"))}
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        routes = [
            (route.method, route.resource.canonical)
            for route in panel._runner.app.router.routes()
            if route.method not in ("GET", "HEAD")
        ]
        assert len(routes) >= 3
        for method, path in routes:
            answer = await session.request(method, address.rstrip("/") + path, data="x")
            assert answer.status == 403, path

    with_panel(run_folder, story)


def test_an_upload_without_a_length_is_cut_off_too(run_folder, control):
    control.about = {**control.about, "file": str(find("empi"))}
    control.start()

    async def endless():
        for _ in range(64):
            yield b"#" * workbench.LARGEST

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        ours = {"Origin": address.rstrip("/")}
        # The door may be shut before all of it was sent.
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with session.post(f"{address}instrument/save", data=endless(), headers=ours) as answer:
                assert answer.status == 413
        await page.ask({"ghost": True})
        await until(lambda: control.asked("ghost"), "the page to go on")

    with_panel(run_folder, story)


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 20_000, "a = " + "{b=" * 5000, "a = " + "9" * 5000, "a" + ".a" * 15_000 + " = 1", "\x00",
     'title = "' + "x" * 60_000],
)  # fmt: skip
def test_a_file_that_is_made_to_hurt_is_a_sentence(tmp_path, text):
    assert workbench.check(tmp_path / "mine.toml", text)


@pytest.mark.parametrize("model", ["/dev/zero", "fifo", "/etc/passwd", "a\\u0000b"])
def test_a_model_that_has_no_end_or_is_none_is_a_sentence(tmp_path, model):
    os.mkfifo(tmp_path / "fifo")
    text = find("empi").read_text().replace('model = "empi-s.tflite"', f'model = "{model}"')
    (fault,) = [told for told in workbench.check(tmp_path / "mine.toml", text) if "duet" in told]
    assert "root:" not in fault


def test_a_link_in_a_folder_leads_nowhere(run_folder, tmp_path):
    for name in ("sessions", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "sessions" / "link.csv").symlink_to(tmp_path / "secret")
    (tmp_path / "models" / "link.tflite").symlink_to(tmp_path / "secret")
    (tmp_path / "models" / "link.report.html").symlink_to(tmp_path / "secret")

    async def story(panel, address, session):
        for path in (
            "sessions/link.csv",
            "sessions/link.csv/look",
            "models/link.tflite",
            "models/link.report.html",
        ):
            assert (await session.get(address + path)).status == 404, path
        assert await (await session.get(f"{address}sessions")).json() == []

    with_panel(run_folder, story, library=Library(tmp_path / "sessions", tmp_path / "models"))


def test_a_flood_of_cuts_is_not_a_flood_of_processes(run_folder, tmp_path):
    header = Header("EMPI", ("lever",), ("lever",), ("duet",), "2026-11-21T20:00:00+00:00")
    rows = [row(Event(1.0 + 0.1 * n, "lever", (0.5,)), [0], 1, 0.0) for n in range(100)]
    (tmp_path / "one.csv").write_text(header.text() + "".join(rows))

    async def story(panel, address, session):
        page = await visit(session, address)
        for _ in range(10):
            await page.ask({"trim": ["one.csv", 1, 2]})
        await until(lambda: any("being cut just now" in said for said in page.told("refused")), "the refusal")
        assert len(panel._relay.errands._tasks) <= errands.MOST
        # Those that were begun end with the panel, and leave no process.

    with_panel(run_folder, story, library=Library(tmp_path, None))


def test_a_flood_of_pages_ends_at_the_door(run_folder, monkeypatch):
    monkeypatch.setattr(server, "MOST_PAGES", 2)

    async def story(panel, address, session):
        pages = [await visit(session, address) for _ in range(2)]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await visit(session, address)
        await pages[0].socket.close()
        await until(lambda: panel.pages == 1, "one to leave")
        await visit(session, address)

    with_panel(run_folder, story)


def test_the_panels_own_socket_is_for_its_owner_alone(run_folder):
    async def story(panel, address, session):
        (own,) = run_folder.glob("panel-*.sock")
        assert own.stat().st_mode & 0o777 == 0o600

    with_panel(run_folder, story)


def test_what_the_instrument_is_called_is_text_wherever_it_stands(run_folder, control):
    """`test_page_tabs.py` looks at it in a browser; here it must come as JSON and as nothing else."""
    control.about = {**control.about, "title": "</script><script>alert(1)</script>"}
    control.start()

    async def story(panel, address, session):
        page = await visit(session, address)
        await until(lambda: page.told("about"), "the instrument")
        for path in ("sessions", "models", "health", "instrument"):
            answer = await session.get(address + path)
            assert answer.content_type == "application/json", path
            json.loads(await answer.text())

    with_panel(run_folder, story)
