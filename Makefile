# Everything runs in .venv, made here from Python 3.11 or newer and hash-pinned wheels.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes --only-binary :all:

.PHONY: demo test test-faults lint type bench bench-nightly docs check clean

demo: $(VENV)/.core
	$(BIN)/headwater demo build/demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -m "not faults" $(PYTEST)

test-faults: $(VENV)/.dev
	$(BIN)/python -m pytest -m faults $(PYTEST)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.dev
	$(BIN)/mypy

check: lint type test

bench: $(VENV)/.dev
	$(BIN)/python -m bench

bench-nightly: $(VENV)/.dev
	$(BIN)/python -m bench --nightly

docs: $(VENV)/.dev
	$(BIN)/python -m docs.generate

clean:
	rm -rf build $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Headwater needs Python 3.11 or newer; say which: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements/core.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) -r requirements/core.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.core
	$(INSTALL) -r requirements/dev.txt
	@touch $@
