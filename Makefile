# make            what there is to make
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.13 python3.12 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := $(VENV)/bin
GUEST := build/kernel/guest$(notdir $(VENV))
BENCH ?= predict latency idle
INSTRUMENT ?= empi
MINUTES ?= 15
UPDATES ?= 12000
MIXTURES ?= 5
SESSIONS ?=

.PHONY: help
help:  ## print this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

.PHONY: install
install: $(BIN)/.installed  ## make .venv with everything, and the system packages that compiled parts need

# Without .installed, something could not be had the last time, and is tried again.
$(BIN)/.installed: pyproject.toml deploy/install deploy/kernel.py $(wildcard daemon/foretone/synth/kernel*.[ch])
	@deploy/install "$(PYTHON)" "$(VENV)"

.PHONY: play
play: install  ## play the EMPI in the browser; no Pi and no sound card needed
	@$(BIN)/foretone play empi --ghost

.PHONY: test
test: install  ## style, types, import arrows and every test
	@deploy/install browser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -Im pytest

.PHONY: pictures
pictures: install  ## the pictures of the page that the README shows
	PICTURES=$(CURDIR)/daemon $(BIN)/python -Im pytest tests/panel -k pictures

.PHONY: test-image
test-image: install  ## boot the card that make image built, in QEMU: SSH, deploy, rollback, pull the plug
	$(BIN)/python -Im pytest -m card tests/box

.PHONY: test-powercut
test-powercut: install  ## pull the plug of that card at 50 random moments, or CUTS=10
	$(BIN)/python -Im pytest -s -m powercut tests/box

.PHONY: test-arm
test-arm: install  ## unit tests on emulated aarch64 with the packages of the card; as root: make test-arm [TESTS=tests/synth]
	@tests/arm/run $(BIN)/python $(TESTS)

.PHONY: fuzz
fuzz: install  ## ten minutes of wrong bytes and odd orders; make test has 20 s of it
	FUZZ_SECONDS=600 $(BIN)/python -Im pytest tests/fuzz tests/synth/test_sound_torment.py

.PHONY: test-kernel
test-kernel: install $(GUEST)/root.img  ## the drivers and the daemon on a real kernel's devices, in QEMU
	@tests/kernel/run-guest $(GUEST) $(CHECKS)

$(GUEST)/root.img: tests/kernel/make-guest $(BIN)/.installed
	@deploy/install kernel
	@tests/kernel/make-guest $(VENV) $(GUEST)

.PHONY: test-box
test-box: install  ## boot a box in a container and kill, fill and break it; needs root, systemd-container, mmdebstrap
	$(BIN)/python -Im pytest -m box tests/box

.PHONY: bench
bench: install  ## measure, side by side with peers: make bench BENCH="predict latency idle"
	@for name in $(BENCH); do $(BIN)/python tests/bench/$$name.py || exit 1; done

.PHONY: model
model: install  ## train a model: make model INSTRUMENT=lightpad [SESSIONS=folder]; or put MODEL=mine.tflite on a BOX=
ifdef MODEL
	@$(BIN)/python deploy/box.py model "$(BOX)" "$(MODEL)"
else
ifeq ($(SESSIONS),)
	mkdir -p build/sessions
	for seed in 1 2 3; do $(BIN)/foretone practise $(INSTRUMENT) --seed $$seed --minutes $(MINUTES) --out build/sessions/$(INSTRUMENT)-$$seed.csv; done
endif
	$(BIN)/foretone-train mdrnn $(or $(SESSIONS),build/sessions/$(INSTRUMENT)-*.csv) --seed 1 --mixtures $(MIXTURES) --updates $(UPDATES) --out deploy/instruments/$(INSTRUMENT)-s.tflite --report build/$(INSTRUMENT)-s.html
endif

.PHONY: image image-lock flash
image: install  ## a card for a Pi, build/foretone.img.zst; needs root and names what else it needs
	@deploy/image/build $(BIN)/python
image-lock: install  ## take the newest packages of Debian and Python into the next card
	@deploy/image/lock
	@deploy/image/lock-wheels $(BIN)/python
flash: install  ## write a card, read it back, give it its box.toml: make flash DEV=/dev/sdX BOX=box.toml
	@$(BIN)/python deploy/flash.py "$(DEV)" "$(BOX)"

.PHONY: deploy rollback doctor logs backup restore support sessions
deploy: install  ## play this checkout on a box, in seconds; it goes back by itself if it fails: make deploy BOX=empi-1
rollback: install  ## play the version that played before
doctor: install  ## what is wrong with a box, and its cure
logs: install  ## what a box says, as it says it
backup: install  ## everything that is a box, in one file
restore: install  ## make a box the one of a backup: make restore BOX=empi-1 FILE=backups/...
support: install  ## one file for whoever helps, without secrets
sessions: install  ## fetch what was played on a box
deploy rollback doctor logs backup restore support sessions:
	@$(BIN)/python deploy/box.py $@ "$(BOX)" $(if $(FILE),"$(FILE)")

.PHONY: boxes
boxes: install  ## the boxes on this network: name, version, instrument, address, health
	@$(BIN)/foretone box find

.PHONY: format
format: install  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: clean
clean:  ## remove what make made
	rm -rf $(VENV) build
