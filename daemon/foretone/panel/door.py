"""Who may come in: everyone on this machine; from elsewhere, once the owner opens the door, who has the key.

A page elsewhere on the web must get in nowhere: neither by asking for our address itself (`own_page`), nor by
having its own name resolve to it (DNS rebinding, `known_host`).
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import os
import re
import secrets
import socket
from pathlib import Path

from foretone.errors import SettingError

COOKIE = "foretone"
"""Holds the key in a browser that has shown it."""

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?", re.ASCII)
_LOOPBACK = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1", "[::1]": "::1"}


class Door:
    """Where the panel listens, and whom it lets in.

    host
        An address to listen at. With no key only loopback is allowed; SettingError for any other.
    key
        What a visitor from another machine must show, or None: then nobody comes from there.
    """

    def __init__(self, host: str = "127.0.0.1", key: str | None = None) -> None:
        if key is None and host not in _LOOPBACK:
            raise SettingError(
                f"The panel does not listen at {host!r}, only at 127.0.0.1, localhost or ::1, unless you say "
                "--open; or, from another machine, use `ssh -L 8700:localhost:8700` and open "
                "http://localhost:8700 there."
            )
        self.host = _LOOPBACK.get(host, host)
        self._key = key
        here = socket.gethostname().lower().removesuffix(".local")
        self._names = {"localhost"} if key is None else {"localhost", here, f"{here}.local"}

    def known_host(self, host: str | None) -> bool:
        """Whether a Host header names this machine.

        A page elsewhere can make its own name resolve to our address, but it cannot change the name that the
        browser then sends; an address has no name. Any port will do: a tunnel may have brought it here.
        """
        found = _HOST.fullmatch(host or "")
        if found is None:
            return False
        name = found["name"].lower()
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return self._key is not None or str(address) in _LOOPBACK

    def own_page(self, origin: str | None, host: str | None) -> bool:
        """Whether a WebSocket is asked for by the page that we served, and by no other page or program."""
        return self.known_host(host) and origin == f"http://{host}"

    def other_page(self, site: str | None, mode: str | None) -> bool:
        """Whether a browser says that a page elsewhere asks, and not a person who follows a link.

        `site` and `mode` are the headers Sec-Fetch-Site and Sec-Fetch-Mode, which no page can change.
        Browsers send them to an address that they trust, such as localhost. Another port is another page.
        """
        return site in ("cross-site", "same-site") and mode != "navigate"

    def lets_in(self, peer: str | None, shown: str | None) -> bool:
        """Whether a visitor from the address `peer`, who shows this key, may come in."""
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address((peer or "").partition("%")[0]).is_loopback:
                return True
        return self.fits(shown)

    def fits(self, shown: str | None) -> bool:
        """Whether this is the key. It takes as long for a wrong one."""
        return self._key is not None and hmac.compare_digest(
            self._key.encode(), (shown or "").encode(errors="surrogatepass")
        )


def key(path: Path) -> str:
    """The key of this box, made at the first call and kept in `path`, for its owner's eyes only.

    SettingError when it can neither be read nor written. Remove the file to have another one made.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            if kept := path.read_text().strip():
                return kept
        path.parent.mkdir(parents=True, exist_ok=True)
        made = secrets.token_urlsafe(16)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{made}\n")
    except OSError as error:
        raise SettingError(f"The panel's key cannot be kept in {path} ({error.strerror}).") from error
    return made


def invitation(port: int, key: str) -> str:
    """The address of the page with the key in it, and the same as a code for a phone's camera."""
    import segno  # only when the door is opened

    name = socket.gethostname().lower().removesuffix(".local")
    address = f"http://{name}.local:{port}/?key={key}"
    lines: list[str] = []
    code = segno.make(address, error="l")
    for upper, lower in _pairs([list(row) for row in code.matrix_iter(border=2)]):
        lines.append("".join(" ▄▀█"[2 * (not up) + (not low)] for up, low in zip(upper, lower, strict=True)))
    return "\n".join([*lines, f"From another machine: {address}"])


def _pairs(rows: list[list[int]]) -> list[tuple[list[int], list[int]]]:
    """Two rows of the code in one line of text."""
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    return list(zip(rows[::2], rows[1::2], strict=True))
