# `make run` and `make test` work in a fresh clone: they set themselves up in .venv with Python 3.11 to 3.13 and pip.
VENV := .venv
BIN := $(VENV)/bin
OUTPUT ?= runs/avatars
# Flags of the run beside the defaults, such as RUN_FLAGS="--preset full".
RUN_FLAGS ?=
# What `make demo` shows; the model of spoken words that is in the package, if nothing is said.
RUN ?=
READY := $(VENV)/.ready

# TensorFlow's start-up log says nothing a user can act on.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: setup run demo test lint docs figures load slow cluster bench parity constraints clean help

help:
	@echo "make run        train, attack and package on the built-in data set (OUTPUT=$(OUTPUT))"
	@echo "make demo       a local page: say a word, and see and hear what leaves the device; RUN=runs/avatars shows a run"
	@echo "make test       lint, the documentation and all fast tests"
	@echo "make docs       the documentation as a site in site/; a broken link or an undocumented public name is an error"
	@echo "make figures  the charts of the pages on results, drawn from the figures that are kept there"
	@echo "make lint       style, types, which part may import which, and known faults of the packages, where a database can be reached"
	@echo "make load       20,000 requests under reloads, killed servers, hostile and fuzzed requests (about 4 minutes)"
	@echo "make slow       tests that take minutes, or root: killed trainings, full disks, workers elsewhere"
	@echo "make cluster    runs on other Beam engines, workers in network namespaces, one killed at work (root; Prism is made where Go is)"
	@echo "make bench      the benchmarks, written into docs/results/benchmarks.md; installs what they compare with (about an hour)"
	@echo "make parity     compares with tensorflow-addons and tensorflow-io, in an environment of their own (2 GB)"
	@echo "make setup      only make .venv, with the versions in constraints.txt"
	@echo "make constraints  take the newest versions into constraints.txt"

setup: $(READY)

$(READY): pyproject.toml setup.py constraints.txt
	@sh tools/make_venv.sh $(VENV) constraints.txt
	@touch $@

run: setup
	$(BIN)/python -m pipeline.run --runner DirectRunner --output $(OUTPUT) $(RUN_FLAGS)

demo: setup
	$(BIN)/python -m pipeline.demo $(RUN)

# Most of the time goes into tracing graphs, which uses one core; files run side by side, the tests of a file in order.
test: setup lint docs
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
# Told, not an error: a fault that is published tomorrow must not keep a fresh clone from running its tests.
	-@$(BIN)/python -m tools.audit_packages constraints.txt $(VENV)/.audited

# mkdocs-material tells of mkdocs 2, which pyproject.toml keeps out.
docs: setup
	$(BIN)/python -m tools.documented_names
	NO_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict

# A test tells where a page has other figures than its charts.
figures: setup
	$(BIN)/python -m tools.charts

load: setup
	$(BIN)/python -m pytest tests/serving/test_load.py --full_load

slow: setup
	$(BIN)/python -m pytest --slow -m slow

# Go puts Prism where the command looks for it: GOBIN, GOPATH/bin or ~/go/bin.
cluster: setup
	@$(BIN)/python -c 'from pipeline.orchestration.prism import find_prism; find_prism()' 2> /dev/null \
		|| { command -v go > /dev/null \
			&& go install "$$($(BIN)/python -c 'from pipeline.orchestration.prism import PACKAGE; print(PACKAGE)')"; } \
		|| echo "neither prism nor a Go that can make it is here: what needs it will skip" >&2
	$(BIN)/python -m pytest --slow -rs tests/tools/test_portable_cluster.py tests/pipeline/orchestration/test_engine_jobs.py

bench: setup
	$(BIN)/python -m pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu '.[bench]'
	$(BIN)/python -m benchmarks

parity: setup
	@sh tools/parity/run.sh .venv-parity $(BIN)/python

# Python's own packages are left out, and so is this one.
constraints:
	@sh tools/make_venv.sh .venv-newest /dev/null
	@{ sed -n '/^#/p' constraints.txt; .venv-newest/bin/python -m pip freeze --exclude-editable \
		--exclude pip --exclude setuptools --exclude wheel; } > .venv-newest/constraints.txt
	@mv .venv-newest/constraints.txt constraints.txt && rm -rf .venv-newest

clean:
	rm -rf $(VENV) .venv-newest .venv-parity runs build site *.egg-info
