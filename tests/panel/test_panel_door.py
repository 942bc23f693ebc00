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
from foretone.panel.server import Panel, main


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
def test_it_does_not_listen_beyond_this_machine(run_folder, host):
    with pytest.raises(SettingError, match="ssh -L"):
        Panel(run_folder, host)


def test_a_run_folder_that_cannot_be_used_is_one_sentence(tmp_path, capsys):
    assert main(tmp_path / "absent", "127.0.0.1", 0, print) == 1
    assert main(tmp_path / ("long" * 40), "127.0.0.1", 0, print) == 1
    assert capsys.readouterr().err.count("name a run folder") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_and_leaves_nothing(run_folder, start_panel, number):
    process, _ = start_panel()
    assert [path.name for path in run_folder.iterdir()] == [f"panel-{process.pid}.sock"]
    os.kill(process.pid, number)
    assert process.wait(5) == 0
    assert list(run_folder.iterdir()) == []
