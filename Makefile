# Every target prepares .venv itself, from nothing but Python and make. PYTHON=python3.13 chooses another interpreter.
VENV ?= .venv
BIN := $(VENV)/bin
# The interpreter's version is part of the stamp's name: another PYTHON means another environment.
VERSION := $(shell python=$$(scripts/find-python $(PYTHON) 2>/dev/null) && "$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
STAMP := $(VENV)/.ready-$(or $(VERSION),none)
MEMBERS := $(wildcard plugins/*/*/pyproject.toml)
PYTEST := $(BIN)/python -P -m pytest
PYTEST_ARGS ?=
SEEDS ?= 1000
FIRST ?= 1
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench simulate controls networks wheels try-wheels pin

help:
	@echo "make demo        the daemon on the Playground, twenty seconds, no account needed"
	@echo "make test        the test-suite"
	@echo "make lint        ruff, mypy, pyright, import-linter"
	@echo "make format      rewrites the code the way make lint wants it"
	@echo "make bench       the benchmark; BENCH=full takes longer"
	@echo "make simulate    the whole daemon in virtual time, faults and all; SEEDS=20000 FIRST=1 JOBS=2"
	@echo "make controls    takes one guard away at a time and sees the simulation notice"
	@echo "make networks    the connectors against real servers, which needs npm"
	@echo "make wheels      one wheel and one sdist for each distribution, in dist/"
	@echo "make try-wheels  installs them into a second environment and uses them there"
	@echo "make pin         writes constraints.txt anew; PIN=--upgrade moves every version"

$(STAMP): constraints.txt requirements-dev.txt scripts/bootstrap scripts/find-python pyproject.toml $(MEMBERS)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap
	@touch $@

demo: $(STAMP)
	$(BIN)/fieldfare demo

test: $(STAMP)
	$(PYTEST) $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(STAMP)
	$(BIN)/python -m bench

simulate: $(STAMP)
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS)

controls: $(STAMP)
	$(BIN)/python -m tests.simulation.controls --jobs $(JOBS)

networks: $(STAMP)
	$(PYTEST) tests/networks $(PYTEST_ARGS)

wheels: $(STAMP)
	rm -rf dist
	for member in . $(dir $(MEMBERS)); do $(BIN)/python -m build --quiet --no-isolation --outdir dist $$member || exit 1; done

try-wheels: wheels
	VENV="$(VENV)" scripts/try-wheels

pin:
	PYTHON="$(PYTHON)" scripts/pin $(PIN)
