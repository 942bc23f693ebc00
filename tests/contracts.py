"""For mypy, not for pytest: every kind keeps the contract of its role, as `foretone/parts.py` states it."""

from foretone import parts
from foretone.control import Hands
from foretone.mapping.verbs import Helper, Nobody
from foretone.players.forearms import Forearms
from foretone.players.mapping import Mapping
from foretone.players.mdrnn import MDRNN
from foretone.replay import Rows
from foretone.run import Performer
from foretone.sinks.osc import OSC as OSCSink
from foretone.sinks.synth import Synth
from foretone.sinks.wekinator import Wekinator as WekinatorSink
from foretone.sources.ghost import Ghost
from foretone.sources.microphone import Microphone
from foretone.sources.osc import OSC as OSCSource
from foretone.sources.replay import Replay
from foretone.sources.riot import RIoT
from foretone.sources.wekinator import Wekinator as WekinatorSource
from foretone.workshop import Workshop
from foretone_hardware.ads1115 import ADS1115
from foretone_hardware.fake import FakeBoard
from foretone_hardware.fake.midi import FakeMidi
from foretone_hardware.icm20948 import ICM20948
from foretone_hardware.lightpad import LightPad
from foretone_hardware.lsm6dsox import LSM6DSOX
from foretone_hardware.mcp3008 import MCP3008
from foretone_hardware.midi import MIDI
from foretone_hardware.midi_clock import MIDIClock
from foretone_hardware.pca9685 import PCA9685
from foretone_hardware.pi import Pi
from foretone_hardware.pwmled import PWMLED
from foretone_hardware.sequencer import Sequencer
from foretone_hardware.ssd1306 import SSD1306
from foretone_hardware.ws2812 import WS2812
from foretone_hardware.xtouch import XTouch

listeners: list[type[parts.Listener]] = [Microphone, WekinatorSource, OSCSource, RIoT]
ticked: list[type[parts.Ticked]] = [Replay, Rows]
sensors: list[type[parts.Sensor]] = [ADS1115, Ghost, ICM20948, LSM6DSOX, MCP3008]
players: list[type[parts.Player]] = [Mapping, Forearms, MDRNN]
sinks: list[type[parts.Sink]] = [WekinatorSink, OSCSink, Synth]
actuators: list[type[parts.Actuator]] = [PCA9685, PWMLED, SSD1306, WS2812]
controllers: list[type[parts.Controller]] = [LightPad, MIDI, MIDIClock, XTouch]
ports: list[type[parts.Midi]] = [FakeMidi, Sequencer]
boards: list[type[parts.Board]] = [FakeBoard, Pi]
hands: list[type[Hands]] = [Performer]
helpers: list[type[Helper]] = [Nobody, Workshop]
