"""What the page is made of, and what a browser may do with it."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

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


def headers(host: str) -> dict[str, str]:
    """What a browser is told with every answer. `host` is a Host header that the door knows."""
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
