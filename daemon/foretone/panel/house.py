"""Who may come in, and what a browser may do with our page: hosts, origins, headers, files."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

from foretone.errors import SettingError

_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.ASCII)
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """One file of the page."""

    body: bytes
    content_type: str


def assets() -> dict[str, Asset]:
    """Every path that can be asked for, with what is there: no other file can ever be reached."""
    found = {}
    for file in (files(__package__) / "page").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in _TYPES:
            found[f"/{file.name}"] = Asset(file.read_bytes(), _TYPES[suffix])
    found["/"] = found.pop("/page.html")
    return found


def loopback(host: str) -> str:
    """The address to listen at, for a host name that means this machine.

    Raises SettingError for any other: whoever reaches the page can play the instrument.
    """
    addresses = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1", "[::1]": "::1"}
    if host not in addresses:
        raise SettingError(
            f"The panel does not listen at {host!r}, only at 127.0.0.1, localhost or ::1; "
            "from another machine use `ssh -L 8700:localhost:8700` and open http://localhost:8700 there."
        )
    return addresses[host]


def known_host(host: str | None) -> bool:
    """Whether a Host header names this machine.

    A page elsewhere can make its own name resolve to 127.0.0.1 (DNS rebinding), but it cannot change the
    name that the browser then sends. Any port will do, because a tunnel may have brought it here.
    """
    return host is not None and _LOOPBACK.fullmatch(host) is not None


def own_page(origin: str | None, host: str | None) -> bool:
    """Whether a WebSocket is asked for by the page that we served, and by no other page or program."""
    return known_host(host) and origin == f"http://{host}"


def headers(host: str) -> dict[str, str]:
    """What a browser is told with every answer. `host` is a Host header that `known_host` accepts."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"'self' ws://{host}",  # older Safari does not count ws: as 'self'
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
