# Two commands on a fresh machine: make demo, make test. Python 3.11 or newer is all that is presumed.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help setup demo test lab lint unit notebooks benchmarks clean

help:
	@echo "make demo        profile, quantize and autotune a real model; writes demo-output/"
	@echo "make test        everything CI runs"
	@echo "make lab         JupyterLab with the tutorials"
	@echo "make setup       only build the environment in .venv"
	@echo "make benchmarks  the figures of docs/measurements.md (an hour and more)"

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "TAuto needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "installing into .venv (a few minutes the first time)"
	$(PIP) install --upgrade pip
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup
	$(BIN)/python -m tutorials.demo

lab: setup
	$(BIN)/jupyter lab --notebook-dir=tutorials

test: lint unit notebooks

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# two processes share the suite; then what measures time (marked `alone`) has the machine for itself
unit: setup
	$(BIN)/pytest --durations=15 -n 2 -m "not alone"
	$(BIN)/pytest --durations=15 -m alone

# nbval runs each tutorial, once, and nbconvert renders what came of it; that nbconvert --execute fails and passes
# the same cells is tested in tests/magics
notebooks: setup
	$(BIN)/pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=600 --executed=demo-output/tutorials tutorials
	$(BIN)/jupyter nbconvert --to html --output-dir=demo-output demo-output/tutorials/*.ipynb

benchmarks: setup
	$(BIN)/python -m benchmarks.all

clean:
	rm -rf .venv demo-output .mypy_cache .pytest_cache .ruff_cache
