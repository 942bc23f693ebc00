"""The sequencer's ports, with the library's real events and a kernel that is a pipe."""

import errno
import os
import threading

import alsa_midi
import pytest
from alsa_midi import Address, PortCaps

from foretone_hardware import sequencer
from foretone_hardware.device import DeviceError
from foretone_hardware.sequencer import Sequencer

BOTH = alsa_midi.READ_PORT | alsa_midi.WRITE_PORT


class Kernel:
    """What the kernel knows, and one client of it: the part of SequencerClientBase that is used."""

    client_id = 128

    def __init__(self):
        self.ports, self.clients, self.subscribed = {}, {}, []
        self.waiting, self.sent, self.refuses = [], [], False
        self.closed = False
        self._read = []
        self._fd, self._wakes = os.pipe()
        self._lock = threading.Lock()

    def __call__(self, name):
        assert name == "Foretone"
        return self

    # What happens on the machine.

    def plug(self, client, name, port="MIDI 1", caps=BOTH, port_id=0):
        address = Address(client, port_id)
        self.clients[client] = name
        info = alsa_midi.PortInfo(client, port_id, port, caps)
        self.ports[address] = info
        self.happen(alsa_midi.PortStartEvent(address))
        return address

    def unplug(self, address):
        del self.ports[address]
        self.happen(alsa_midi.PortExitEvent(address))

    def say(self, address, text):
        self.happen(alsa_midi.MidiBytesEvent(bytes.fromhex(text), source=address))

    def happen(self, event):
        with self._lock:
            self.waiting.append(event)
            os.write(self._wakes, b".")

    # What the library does.

    def create_port(self, name, caps):
        assert caps & PortCaps.NO_EXPORT
        return self

    def set_client_pool_input(self, size):
        pass

    def connect_from(self, address):
        if address != alsa_midi.SYSTEM_ANNOUNCE and address not in self.ports:
            raise alsa_midi.ALSAError("No such device", -errno.ENODEV)
        self.subscribed.append(("from", Address(*address)))

    def connect_to(self, address):
        self.subscribed.append(("to", address))

    def get_port_info(self, address):
        if address not in self.ports:
            raise alsa_midi.ALSAError("No such file or directory", -errno.ENOENT)
        if isinstance(self.clients[address.client_id], bytes):
            self.clients[address.client_id].decode()
        return self.ports[address]

    def get_client_info(self, client):
        return alsa_midi.ClientInfo(client, self.clients[client])

    def query_next_port(self, client, previous=-1):
        if client not in self.clients:
            raise alsa_midi.ALSAError("No such file or directory", -errno.ENOENT)
        after = [a for a in sorted(self.ports) if a.client_id == client and a.port_id > previous]
        return self.get_port_info(after[0]) if after else None

    def event_input(self, prefer_bytes):
        with self._lock:
            if not self._read:  # it reads all there is, and gives it one by one
                if not self.waiting:
                    raise alsa_midi.ALSAError("Resource temporarily unavailable", -errno.EAGAIN)
                os.read(self._fd, 65536)
                self._read, self.waiting = self.waiting, []
            event = self._read.pop(0)
        if isinstance(event, Exception):
            raise event
        return event

    def event_output(self, event, port, dest):
        self.sent.append((dest, event.midi_bytes.hex(" ")))

    def drain_output(self):
        if self.refuses:
            raise alsa_midi.ALSAError("Cannot allocate memory", -errno.ENOMEM)

    def drop_output_buffer(self):
        self.sent.pop()

    def close(self):
        self.closed = True
        os.close(self._fd)
        os.close(self._wakes)


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    kernel = Kernel()
    monkeypatch.setattr(alsa_midi.client, "SequencerClientBase", kernel)
    monkeypatch.setattr(sequencer, "DEVICE", tmp_path)
    return kernel


class Ears:
    """What was heard and plugged, and waiting for it."""

    def __init__(self, ports):
        self.heard, self.plugged, self._news = [], [], threading.Condition()
        ports.listen(
            lambda port, message: self._add(self.heard, (port, message.hex(" "))),
            lambda port, there: self._add(self.plugged, (port, there)),
        )

    def _add(self, what, item):
        with self._news:
            what.append(item)
            self._news.notify()

    def wait(self, what, count=1):
        with self._news:
            assert self._news.wait_for(lambda: len(what) >= count, 5.0)
        return what[-count:] if count > 1 else what[-1]


@pytest.fixture
def ports(kernel):
    ports = Sequencer()
    yield ports
    ports.close()


def test_what_is_there_is_told_before_listen_returns_and_subscribed_both_ways(kernel, ports):
    toy = kernel.plug(20, "X-TOUCH MINI", "X-TOUCH MINI MIDI 1")
    ears = Ears(ports)
    assert ears.plugged == [("X-TOUCH MINI:X-TOUCH MINI MIDI 1", True)]
    assert kernel.subscribed == [("from", alsa_midi.SYSTEM_ANNOUNCE), ("from", toy), ("to", toy)]


def test_a_port_that_is_listed_and_announced_is_told_once(kernel, ports):
    kernel.plug(20, "Toy")
    ears = Ears(ports)
    kernel.plug(24, "Other")
    ears.wait(ears.plugged, 2)
    assert ears.plugged == [("Toy:MIDI 1", True), ("Other:MIDI 1", True)]


def test_ports_come_and_go_and_equal_ones_are_numbered(kernel, ports):
    ears = Ears(ports)
    first = kernel.plug(20, "Toy")
    kernel.plug(24, "Toy")
    assert ears.wait(ears.plugged, 2) == [("Toy:MIDI 1", True), ("Toy:MIDI 1 #2", True)]
    kernel.unplug(first)
    assert ears.wait(ears.plugged, 3)[-1] == ("Toy:MIDI 1", False)
    kernel.plug(28, "Toy")
    assert ears.wait(ears.plugged, 4)[-1] == ("Toy:MIDI 1", True)


def test_one_way_ports_are_ports_and_private_ones_are_not(kernel, ports):
    kernel.plug(20, "Keys", caps=alsa_midi.READ_PORT)
    kernel.plug(24, "Synth", caps=alsa_midi.WRITE_PORT)
    kernel.plug(28, "Private", caps=BOTH | PortCaps.NO_EXPORT)
    kernel.plug(32, "Deaf", caps=PortCaps.READ)
    kernel.plug(kernel.client_id, "Foretone")
    kernel.plug(36, b"\xff")
    kernel.plug(40, "Last")
    ears = Ears(ports)
    names = [name for name, _ in ears.plugged]
    assert names == ["Keys:MIDI 1", "Synth:MIDI 1", "Last:MIDI 1"]


def test_a_port_that_is_gone_before_we_look_is_left_alone(kernel, ports):
    ears = Ears(ports)
    kernel.happen(alsa_midi.PortStartEvent(Address(50, 0)))
    kernel.happen(alsa_midi.PortExitEvent(Address(50, 0)))
    kernel.plug(20, "Toy")
    assert ears.wait(ears.plugged) == ("Toy:MIDI 1", True)
    assert len(ears.plugged) == 1


def test_messages_have_their_port_and_are_joined(kernel, ports):
    ears = Ears(ports)
    toy, pad = kernel.plug(20, "Toy"), kernel.plug(24, "Pad")
    kernel.say(pad, "F0 00 21 10")
    kernel.say(toy, "BA 01 40")
    kernel.say(pad, "77 F7")
    kernel.say(toy, "90 3C 64 80 3C 00")
    kernel.say(Address(99, 0), "BA 01 41")
    kernel.say(toy, "BA 02 40")
    assert ears.wait(ears.heard, 5) == [
        ("Toy:MIDI 1", "ba 01 40"),
        ("Pad:MIDI 1", "f0 00 21 10 77 f7"),
        ("Toy:MIDI 1", "90 3c 64"),
        ("Toy:MIDI 1", "80 3c 00"),
        ("Toy:MIDI 1", "ba 02 40"),
    ]


def test_wrong_bytes_are_counted_also_after_the_cable_is_pulled(kernel, ports):
    ears = Ears(ports)
    toy = kernel.plug(20, "Toy")
    kernel.say(toy, "01 02 BA 01 40")
    ears.wait(ears.heard)
    assert ports.malformed == 2
    kernel.unplug(toy)
    ears.wait(ears.plugged, 2)
    assert ports.malformed == 2


def test_a_burst_is_heard_to_its_end(kernel, ports):
    ears = Ears(ports)
    toy = kernel.plug(20, "Toy")
    for n in range(1000):
        kernel.say(toy, f"BA 01 {n % 128:02x}")
    assert [message for _, message in ears.wait(ears.heard, 1000)] == [
        f"ba 01 {n % 128:02x}" for n in range(1000)
    ]


def test_an_overrun_is_counted_and_survived(kernel, ports):
    ears = Ears(ports)
    toy = kernel.plug(20, "Toy")
    ears.wait(ears.plugged)
    kernel.happen(alsa_midi.ALSAError("No space left on device", -errno.ENOSPC))
    kernel.say(toy, "BA 01 40")
    assert ears.wait(ears.plugged, 3)[1:] == [("Toy:MIDI 1", False), ("Toy:MIDI 1", True)], "it begins again"
    assert len(ears.heard) == 1
    assert ports.overflowed == 1


def test_sending_reaches_the_port_of_that_name(kernel, ports):
    kernel.plug(20, "Toy")
    other = kernel.plug(24, "Toy")
    Ears(ports)
    ports.send("Toy:MIDI 1 #2", b"\xba\x01\x40")
    ports.send("Toy", b"\xba\x01\x41")
    ports.send("Gone:MIDI 1", b"\xba\x01\x42")
    assert kernel.sent == [(other, "ba 01 40")]


def test_what_the_kernel_refuses_is_dropped_and_counted(kernel, ports):
    kernel.plug(20, "Toy")
    Ears(ports)
    kernel.refuses = True
    ports.send("Toy:MIDI 1", b"\xba\x01\x40")
    assert kernel.sent == []
    assert ports.overflowed == 1
    kernel.refuses = False
    ports.send("Toy:MIDI 1", b"\xba\x01\x40")
    assert len(kernel.sent) == 1


def test_100_plug_cycles_leave_one_thread_and_no_port(kernel):
    before = threading.active_count()
    ports = Sequencer()
    ears = Ears(ports)
    for cycle in range(100):
        toy = kernel.plug(20 + cycle % 3, "Toy")
        ears.wait(ears.plugged, 2 * cycle + 1)
        kernel.say(toy, "BA 01 40")
        kernel.unplug(toy)
    ears.wait(ears.plugged, 200)
    assert len(ears.heard) == 100
    assert [there for _, there in ears.plugged] == [True, False] * 100
    assert {name for name, _ in ears.plugged} == {"Toy:MIDI 1"}
    assert threading.active_count() == before + 1
    ports.close()
    assert threading.active_count() == before
    assert kernel.closed


def test_closing_without_listening(kernel):
    Sequencer().close()
    assert kernel.closed


def test_a_machine_without_a_sequencer_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(sequencer, "DEVICE", tmp_path / "seq")
    with pytest.raises(DeviceError, match="sudo modprobe snd-seq"):
        Sequencer()


def test_a_sequencer_that_is_not_ours_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(sequencer, "DEVICE", tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DeviceError, match="usermod -aG audio"):
        Sequencer()


def test_a_sequencer_that_cannot_be_opened_says_why(monkeypatch, tmp_path):
    def refuse(name):
        raise alsa_midi.ALSAError("Too many open files", -errno.EMFILE)

    monkeypatch.setattr(alsa_midi.client, "SequencerClientBase", refuse)
    monkeypatch.setattr(sequencer, "DEVICE", tmp_path)
    with pytest.raises(DeviceError, match="cannot be opened: Too many open files"):
        Sequencer()
