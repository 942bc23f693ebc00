"""For mypy, not for pytest: every kind keeps the contract of its role, as `foretone/parts.py` states it."""

from foretone import parts
from foretone.control import Hands
from foretone.players.mdrnn import MDRNN
from foretone.replay import Rows
from foretone.run import Performer
from foretone.sinks.osc import OSC as OSCSink
from foretone.sinks.synth import Synth
from foretone.sources.ghost import Ghost
from foretone.sources.osc import OSC as OSCSource
from foretone.sources.replay import Replay
from foretone_hardware.ads1115 import ADS1115
from foretone_hardware.fake import FakeBoard
from foretone_hardware.fake.midi import FakeMidi
from foretone_hardware.mcp3008 import MCP3008
from foretone_hardware.midi import MIDI
from foretone_hardware.midi_clock import MIDIClock
from foretone_hardware.pca9685 import PCA9685
from foretone_hardware.pi import Pi
from foretone_hardware.pwmled import PWMLED
from foretone_hardware.sequencer import Sequencer

listeners: list[type[parts.Listener]] = [OSCSource]
ticked: list[type[parts.Ticked]] = [Replay, Rows]
sensors: list[type[parts.Sensor]] = [ADS1115, Ghost, MCP3008]
players: list[type[parts.Player]] = [MDRNN]
sinks: list[type[parts.Sink]] = [OSCSink, Synth]
actuators: list[type[parts.Actuator]] = [PCA9685, PWMLED]
controllers: list[type[parts.Controller]] = [MIDI, MIDIClock]
ports: list[type[parts.Midi]] = [FakeMidi, Sequencer]
boards: list[type[parts.Board]] = [FakeBoard, Pi]
hands: list[type[Hands]] = [Performer]
