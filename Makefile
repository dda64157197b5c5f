# `make run` and `make test` work in a fresh clone: they set themselves up in .venv with Python 3.11 to 3.13 and pip.
VENV := .venv
BIN := $(VENV)/bin
OUTPUT ?= runs/avatars
# Flags of the run beside the defaults, such as RUN_FLAGS="--preset full".
RUN_FLAGS ?=
READY := $(VENV)/.ready

# TensorFlow's start-up log says nothing a user can act on.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: setup run demo test lint load slow bench parity clean help

help:
	@echo "make run        train, attack and package on the built-in data set (OUTPUT=$(OUTPUT))"
	@echo "make demo       a local page to try what make run made: drop your own photo"
	@echo "make test       lint and all fast tests"
	@echo "make lint       style, types, and which part may import which"
	@echo "make load       20,000 requests under reloads, killed servers, hostile and fuzzed requests (about 4 minutes)"
	@echo "make slow       tests that take minutes, or root: killed trainings, full disks, workers elsewhere"
	@echo "make bench      the benchmarks, written into docs/benchmarks.md; installs what they compare with (about an hour)"
	@echo "make parity     compares with tensorflow-addons and tensorflow-io, in an environment of their own (2 GB)"
	@echo "make setup      only make .venv"

setup: $(READY)

$(READY): pyproject.toml setup.py
	@sh tools/make_venv.sh $(VENV)
	@touch $@

run: setup
	$(BIN)/python -m pipeline.run --runner DirectRunner --output $(OUTPUT) $(RUN_FLAGS)

demo: setup
	$(BIN)/python -m pipeline.demo $(OUTPUT)

# Most of the time goes into tracing graphs, which uses one core; files run side by side, the tests of a file in order.
test: setup lint
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

load: setup
	$(BIN)/python -m pytest tests/serving/test_load.py --full_load

slow: setup
	$(BIN)/python -m pytest --slow -m slow

bench: setup
	$(BIN)/python -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu '.[bench]'
	$(BIN)/python -m benchmarks

parity: setup
	@sh tools/parity/run.sh .venv-parity $(BIN)/python

clean:
	rm -rf $(VENV) .venv-parity runs build *.egg-info
