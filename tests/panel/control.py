"""A control process for tests: real Unix datagrams, and an instrument simple enough to predict.

The arm follows the lever 50 ms later, mirrored; what is set comes back in the next state.
"""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import threading
import time
from pathlib import Path

MODES = ["observe", "filter", "call-response", "battle"]


def number(key, value, low, high, unit=""):
    return {"key": key, "value": value, "low": low, "high": high, "unit": unit}


ABOUT = {
    "title": "EMPI",
    "axes": ["lever"],
    "board": "fake",
    "seed": 1,
    "parts": [
        {"name": "lever", "role": "source", "kind": "ads1115", "axes": ["lever"], "hears": [], "plays": []},
        {
            "name": "duet",
            "role": "player",
            "kind": "mdrnn",
            "axes": ["lever"],
            "hears": ["lever"],
            "settings": [
                {"key": "mode", "value": "call-response", "choices": MODES},
                number("silence", 0.8, 0.1, 10, "s"),
                number("pi_temperature", 1.0, 0.01, 10),
                number("sigma_temperature", 0.1, 0.0001, 10),
                number("time_scale", 1.0, 0.1, 10),
            ],
        },
        {"name": "arm", "role": "sink", "kind": "pca9685", "plays": ["duet"], "axes": ["position"]},
        {"name": "light", "role": "sink", "kind": "pwmled", "plays": ["duet"], "axes": ["brightness"]},
        {
            "name": "voice",
            "role": "sink",
            "kind": "synth",
            "plays": ["lever", "duet"],
            "axes": [],
            "settings": [number("volume", 0.8, 0, 1)],
        },
    ],
}


class Control:
    """Answers panels in a thread of its own from `start` to `stop`; both may be called again."""

    def __init__(self, folder: Path, about=ABOUT) -> None:
        self.path = folder / "control.sock"
        self.about = about
        self.received: list[dict] = []
        self.subscribers: dict[str, float] = {}
        self.lever = [0.5]
        self.arm = [0.5]
        self.ghost = False
        self.faults: list[str] = []
        self.waits: list[str] = []
        self.settings = {
            part["name"]: {each["key"]: each["value"] for each in part["settings"]}
            for part in about["parts"]
            if "settings" in part
        }
        self.played = 0
        self._events: list = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._ended = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path.unlink(missing_ok=True)
        self._socket.bind(str(self.path))
        self._socket.settimeout(1 / 30)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self, *, leave_socket=False) -> None:
        """End; `leave_socket` as kill -9 would."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join(5)
        self._thread = None
        self._socket.close()
        if not leave_socket:
            self.path.unlink(missing_ok=True)

    def asked(self, kind: str) -> list:
        """The values of every message of one kind that has arrived."""
        return [message[kind] for message in list(self.received) if kind in message]

    def tell(self, message: dict) -> None:
        """Send to every panel that said hello within 3 s."""
        now = time.monotonic()
        for address, since in list(self.subscribers.items()):
            with contextlib.suppress(OSError):
                if now - since < 3:
                    self._socket.sendto(json.dumps(message).encode(), address)

    def state(self, now: float) -> dict:
        events, self._events = self._events, []
        return {
            "now": now,
            "events": events,
            "ahead": [[now + 0.4, "duet", [1 - self.lever[0]]]],
            "world": {"lever": self.lever, "arm": self.arm, "light": [1 - self.lever[0]]},
            "settings": self.settings,
            "ghost": self.ghost,
            "counts": {"events_in": len(self.asked("hold")), "played": self.played, "dropped": 0},
            "latency_ms": {"due_to_played": {"p50": 0.1, "p99": 0.4, "max": 0.6, "n": 321}},
            "faults": self.faults,
            "waits": self.waits,
            "late": "",
        }

    def _about_now(self) -> dict:
        about = copy.deepcopy(self.about)
        for part in about["parts"]:
            for setting in part.get("settings", ()):
                setting["value"] = self.settings[part["name"]][setting["key"]]
        return about

    def _run(self) -> None:
        due = time.monotonic()
        moves = []
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                data, address = self._socket.recvfrom(65536)
                self._take(json.loads(data), address, moves)
            now = time.monotonic()
            while moves and moves[0][0] <= now:
                at, self.arm = moves.pop(0)
                self.played += 1
                self._events.append([at, "duet", self.arm])
            if now >= due:
                due = now + 1 / 30
                self.tell({"state": self.state(now)})

    def _take(self, message: dict, address: str, moves: list) -> None:
        self.received.append(message)
        now = time.monotonic()
        if "hello" in message:
            self.subscribers[address] = now
            with contextlib.suppress(OSError):  # it may be gone again
                self._socket.sendto(json.dumps({"about": self._about_now()}).encode(), address)
        elif "hold" in message:
            self.ghost = False
            self.lever = message["hold"][1]
            self._events.append([now, "lever", self.lever])
            moves.append((now + 0.05, [1 - self.lever[0]]))
        elif "set" in message:
            part, key, value = message["set"]
            self.settings[part][key] = value
        elif "ghost" in message:
            self.ghost = message["ghost"]
