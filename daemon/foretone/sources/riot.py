"""An R-IoT, the wireless inertial sensor of IRCAM's ISMM team, over OSC. Three generations are told apart.

    /ID/raw, 12 whole numbers    1    the chip's own counts; its pose is in /ID/quat, four floats, w first
    /ID/raw, 20 floats           2    IRCAM's firmware: battery, switch, force, rates (deg/ms), field,
                                      temperature, quaternion (w first), angles, heading
    /ID/raw, 22 floats           2    BITalino's: force, rates (deg/ms), field, temperature, 2 switches,
                                      2 analogue inputs, quaternion (w first), angles, heading
    /riot/v3/ID/..., a bundle    3    gyroscope x y z t (rad/s), absoluteorientation/quaternion x y z w t
                                      (w last), and more

Sources: Ircam-RnD/RIoT, RIoT_v1_5.ino; Ircam-R-IoT/bitalino-riot-firmware; ircam-ismm/riot-v3, firmware 3.20;
ircam-ismm/como, comote-format.js.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

from pythonosc.osc_message import OscMessage

from foretone.clock import Clock
from foretone.datagrams import Datagrams
from foretone.errors import PacketError
from foretone.event import Event
from foretone.packet import messages
from foretone.parts import Emit, Range
from foretone_hardware.imu import AXES, scaled

COUNT = 0.07
"""deg/s of one count of the first generation's gyroscope (LSM9DS0 at 2000 deg/s)."""
RAW = {12: (slice(5, 8), COUNT, None), 20: (slice(5, 8), 1000.0, slice(12, 16)),
       22: (slice(3, 6), 1000.0, slice(14, 18))}  # fmt: skip
"""By how many numbers /ID/raw has: where the rates are, how many deg/s one of them is, the quaternion."""
OTHERS = ("euler", "analog", "bitalino")
"""What the first two generations also send."""


class RIoT:
    """The pose and the turning of one unit, worn and scaled as an LSM6DSOX, whose place it can take.

    Units may share a port: each source takes its own `id` from what arrives there, in a thread that only
    parses and emits. An event's time is that of arrival: the first two generations send none.

    host
        Loopback unless the owner says so. A unit on the air needs "0.0.0.0", or this computer's address.
    port
        8000 is where the third generation sends, 8888 where the second does.
    id
        The unit's own, as in its configuration; empty for whichever is heard.
    dps
        deg/s at which a rate is 0 or 1.
    deadband
        How far an axis must move to be heard; a unit sends 200 times a second, even at rest.
    """

    axes = AXES

    def __init__(
        self,
        name: str,
        clock: Clock,
        emit: Emit,
        *,
        host: str = "127.0.0.1",
        port: Annotated[int, Range(1, 65535)] = 8000,
        id: str = "",
        dps: Literal[250, 500, 1000, 2000] = 1000,
        deadband: Annotated[float, Range(0, 0.5)] = 0.004,
    ) -> None:
        self.id = id
        self._name, self._emit, self._dps, self._deadband = name, emit, dps, deadband
        self._position: tuple[float, ...] | None = None
        self._turning = _Told("", (0.0, 0.0, 0.0), None)
        self._post = _Post.at(host, port, clock)
        self._post.sources = (*self._post.sources, self)
        self.port = self._post.datagrams.port

    @property
    def malformed(self) -> int:
        """Packets that were not understood; each is dropped whole, and the next one is read.

        They are nobody's, so they are told by one of those that share the port.
        """
        return self._post.datagrams.malformed if self._post.sources[:1] == (self,) else 0

    @property
    def overflowed(self) -> int:
        """Packets that came faster than they were read, told as `malformed` is."""
        return self._post.datagrams.overflowed if self._post.sources[:1] == (self,) else 0

    def close(self) -> None:
        """Stop listening; when the last one on a port closes, its thread has ended when this returns."""
        self._post.leave(self)

    def take(self, told: _Told, stamp: float) -> None:
        """A unit told something; from the thread that listens."""
        if self.id not in ("", told.unit):
            return
        if told.rates is not None:
            self._turning = told
        if told.pose is None:
            return
        rates = self._turning.rates if self._turning.unit == told.unit else None
        values = scaled(told.pose, rates or (0.0, 0.0, 0.0), self._dps)
        before = self._position
        if before is None or any(abs(a - b) >= self._deadband for a, b in zip(values, before, strict=True)):
            self._position = values
            self._emit(Event(stamp, self._name, values))


class _Told(NamedTuple):
    """What one message says: which unit, its rates (deg/s) and its pose (w first), either or both."""

    unit: str
    rates: Sequence[float] | None
    pose: Sequence[float] | None


class _Post:
    """A port, and the sources that share it."""

    _all: ClassVar[dict[tuple[str, int], _Post]] = {}

    @classmethod
    def at(cls, host: str, port: int, clock: Clock) -> _Post:
        """The post at a port, the same for every source on it as long as one is open."""
        post = cls._all.get((host, port))
        if post is None:
            post = cls._all[host, port] = cls(host, port, clock)
        return post

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        self._place = (host, port)
        self.sources: tuple[RIoT, ...] = ()
        self.datagrams = Datagrams("riot", host, port, clock, self._take)

    def leave(self, source: RIoT) -> None:
        self.sources = tuple(other for other in self.sources if other is not source)
        if not self.sources and self._all.pop(self._place, None) is self:
            self.datagrams.close()

    def _take(self, packet: bytes, stamp: float) -> None:
        for told in [told for message in messages(packet) if (told := _told(message)) is not None]:
            for source in self.sources:
                source.take(told, stamp)


def _told(message: OscMessage) -> _Told | None:
    """What a message says of the pose; None for what is of an R-IoT, but not of the pose."""
    said = message.params
    match message.address.split("/"):
        case ["", "riot", "v3", unit, "gyroscope"]:
            return _Told(unit, [math.degrees(rate) for rate in _numbers(said, 3)], None)
        case ["", "riot", "v3", unit, "absoluteorientation", "quaternion"]:
            x, y, z, w = _numbers(said, 4)
            return _Told(unit, None, _unit((w, x, y, z)))
        case ["", "riot", "v3", _, *_]:
            return None
        case ["", unit, "raw"] if len(said) in RAW:
            where, size, pose = RAW[len(said)]
            numbers = _numbers(said, len(said))
            return _Told(unit, [size * rate for rate in numbers[where]], pose and _unit(numbers[pose]))
        case ["", unit, "quat"] if len(said) == 4:
            return _Told(unit, None, _unit(_numbers(said, 4)))
        case ["", _, kind] if kind in OTHERS:
            return None
    raise PacketError(f"{message.address} with {len(said)} values is not of an R-IoT")


def _unit(quaternion: Sequence[float]) -> list[float]:
    size = math.hypot(*quaternion)
    if not 0.5 < size < 2.0:
        raise PacketError(f"a quaternion of length {size:g}, not 1")
    return [part / size for part in quaternion]


def _numbers(said: Sequence[object], count: int) -> list[float]:
    """The first so many of a message's values; PacketError when they are not all finite numbers."""
    numbers = [float(value) for value in said[:count] if type(value) in (float, int)]  # type: ignore[arg-type]
    if len(numbers) < count or not all(map(math.isfinite, numbers)):
        raise PacketError(f"expected {count} finite numbers")
    return numbers
