"""Who may come into the panel, what a browser is told, and where the panel listens."""

import asyncio
import os
import re
import signal
import socket

import aiohttp
import pytest
from panel_visit import with_panel

from foretone.errors import SettingError
from foretone.panel import server
from foretone.panel.door import COOKIE, Door, invitation, key
from foretone.panel.server import Panel, main

KEY = "a-key-of-a-test-0123456789"


def test_the_page_comes_with_a_strict_policy(run_folder):
    async def story(panel, address, session):
        answer = await session.get(address)
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"

    with_panel(run_folder, story)


def test_all_that_the_page_is_made_of_comes_from_the_panel(run_folder):
    async def story(panel, address, session):
        waiting, seen = ["/"], set()
        while waiting:
            path = waiting.pop()
            seen.add(path)
            answer = await session.get(address.rstrip("/") + path)
            assert answer.status == 200, path
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            text = await answer.text()
            assert not re.findall(
                r"https?://(?!www\.w3\.org/2000/svg)|<script(?! type=\"module\" src)|style=", text
            )
            found = re.findall(r"""(?:from|href=|src=|addModule\() ?["'](?:\.?)(/[^"']+)""", text)
            waiting += [each for each in found if each not in seen]
        assert {"/page.js", "/page.css", "/icon.svg", "/worklet.js", "/timeline.js"} <= seen

    with_panel(run_folder, story)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8700", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:9000", 200),
        ("localhost", 200),
        ("rebound.example:8700", 421),
        ("127.0.0.1.rebound.example", 421),
        ("192.168.1.20:8700", 421),
        ("localhost:8700@rebound.example", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_are_answered(run_folder, host, status):
    async def story(panel, address, session):
        assert (await session.get(address, headers={"Host": host})).status == status

    with_panel(run_folder, story)


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://rebound.example", "https://{host}", "http://127.0.0.1:1", "http://{host}/"],
)
def test_no_other_page_may_open_the_socket(run_folder, control, origin):
    control.start()

    async def story(panel, address, session):
        host = address.removeprefix("http://").rstrip("/")
        headers = {} if origin is None else {"Origin": origin.format(host=host)}
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(f"{address}live", headers=headers)
        assert control.received == []

    with_panel(run_folder, story)


@pytest.mark.parametrize(
    "path", ["/../server.py", "/%2e%2e/server.py", "/page/page.js", "/page.html", "/etc/passwd"]
)
def test_no_other_file_can_be_reached(run_folder, path):
    async def story(panel, address, session):
        raw = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.split(":")[2].rstrip("/")))
        writer.write(raw.encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"default-src 'none'" in answer

    with_panel(run_folder, story)


def test_nothing_can_be_posted(run_folder):
    async def story(panel, address, session):
        assert (await session.post(address, data=b"x")).status == 405

    with_panel(run_folder, story)


def test_a_taken_port_leads_to_the_next_and_the_address_is_true(run_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def story(panel, address, session):
            assert address != f"http://127.0.0.1:{port}/"
            assert (await session.get(address)).status == 200

        with_panel(run_folder, story, port=port)


def test_when_its_ports_are_all_taken_any_free_one_will_do(run_folder, monkeypatch):
    monkeypatch.setattr(server, "PORTS_TO_TRY", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def story(panel, address, session):
            assert (await session.get(address)).status == 200

        with_panel(run_folder, story, port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "example.org", ""])
def test_it_does_not_listen_beyond_this_machine_unless_it_is_opened(host):
    with pytest.raises(SettingError, match="ssh -L"):
        Door(host)
    assert Door(host, KEY).host == host


def test_a_run_folder_that_cannot_be_used_is_one_sentence(tmp_path, capsys):
    assert main(Panel(tmp_path / "absent", port=0), print) == 1
    assert main(Panel(tmp_path / ("long" * 40), port=0), print) == 1
    assert capsys.readouterr().err.count("name a run folder") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_and_leaves_nothing(run_folder, start_panel, number):
    process, _ = start_panel()
    assert [path.name for path in run_folder.iterdir()] == [f"panel-{process.pid}.sock"]
    os.kill(process.pid, number)
    assert process.wait(5) == 0
    assert list(run_folder.iterdir()) == []


@pytest.fixture
def elsewhere():
    """An address of this machine that is not loopback: whoever asks there comes from there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; a network for documentation, RFC 5737
        except OSError:
            pytest.skip("this machine has no network but loopback")
        return probe.getsockname()[0]


def test_from_elsewhere_nobody_comes_in_without_the_key(run_folder, control, elsewhere):
    control.start()

    async def story(panel, address, session):
        there = f"http://{elsewhere}:{panel.port}"
        for path in ("/", "/page.js", "/sessions", "/live", "/?key=wrong", "/?key="):
            answer = await session.get(there + path, allow_redirects=False)
            assert answer.status == 403, path
            assert "locked" in await answer.text()
        for shown in ("wrong", "", KEY[:-1], KEY + "x"):
            answer = await session.get(there, headers={"Cookie": f"{COOKIE}={shown}"})
            assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(f"{there}/live", headers={"Origin": there})
        assert control.received == []

    with_panel(run_folder, story, door=Door("0.0.0.0", KEY))


def test_who_has_shown_the_key_comes_in_and_it_leaves_the_address(run_folder, control, elsewhere):
    control.start()

    async def story(panel, address, session):
        there = f"http://{elsewhere}:{panel.port}"
        answer = await session.get(f"{there}/?key={KEY}", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        held = {"Cookie": cookie.partition(";")[0]}
        assert (await session.get(f"{there}/page.js", headers=held)).status == 200
        socket_of_page = await session.ws_connect(f"{there}/live", headers={**held, "Origin": there})
        while "about" not in await socket_of_page.receive_json(timeout=5):
            pass
        await socket_of_page.close()

    with_panel(run_folder, story, door=Door("0.0.0.0", KEY))


def test_even_with_the_key_no_other_page_may_open_the_socket(run_folder, elsewhere):
    async def story(panel, address, session):
        there = f"http://{elsewhere}:{panel.port}"
        for origin in ("http://rebound.example", "null", address.rstrip("/")):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await session.ws_connect(
                    f"{there}/live", headers={"Cookie": f"{COOKIE}={KEY}", "Origin": origin}
                )

    with_panel(run_folder, story, door=Door("0.0.0.0", KEY))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("box.local:8700", True),
        ("BOX", True),
        ("192.168.1.20:8700", True),
        ("[fd00::2]:8700", True),
        ("localhost", True),
        ("rebound.example", False),
        ("box.local.rebound.example", False),
        ("192.168.1.20.rebound.example", False),
        ("0x7f000001", False),
        ("box.local@rebound.example", False),
    ],
)
def test_an_open_door_answers_to_its_own_names_and_to_addresses(monkeypatch, host, known):
    monkeypatch.setattr(socket, "gethostname", lambda: "box")
    assert Door("0.0.0.0", KEY).known_host(host) is known


def test_the_key_is_made_once_and_is_for_its_owner_only(tmp_path):
    path = tmp_path / "home" / "panel.key"
    made = key(path)
    assert len(made) >= 20
    assert path.stat().st_mode & 0o777 == 0o600
    assert key(path) == made
    path.unlink()
    assert key(path) != made


def test_a_key_that_cannot_be_kept_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be kept"):
        key(tmp_path / "file" / "panel.key")


def test_the_invitation_is_a_code_of_the_address(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "box")
    *code, address = invitation(8700, KEY).split("\n")
    assert address == f"From another machine: http://box.local:8700/?key={KEY}"
    rows = [[bit for cell in line for bit in divmod(" ▄▀█".index(cell), 2)] for line in code]
    upper = [[1 - rows[n][2 * m] for m in range(len(rows[n]) // 2)] for n in range(len(rows))]
    lower = [[1 - rows[n][2 * m + 1] for m in range(len(rows[n]) // 2)] for n in range(len(rows))]
    drawn = [row for pair in zip(upper, lower, strict=True) for row in pair]
    import segno

    wanted = [list(row) for row in segno.make(address.partition(": ")[2], error="l").matrix_iter(border=2)]
    assert drawn[: len(wanted)] == wanted
