# Everything happens in this checkout: packages in .venv/, data in var/. Needs python3 (3.11 or newer) with venv, and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE ?=
export PYTHONUNBUFFERED := 1
export UV_LINK_MODE ?= copy
export HYPOTHESIS_STORAGE_DIRECTORY ?= .hypothesis
TESTED := contactcentre ivr cases visits verification notices audit tests

.PHONY: run soak test interop bench lint fmt fast help setup setup-dev lock chromium e-id e-id-if-possible

help:  ## List what can be made.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: setup e-id-if-possible  ## Set up what is missing, then serve the demo on http://localhost:8000 (PORT=, DATABASE_URL=, REDIS_URL=, DEMO=0).
	@DEMO="$${DEMO:-1}" exec $(BIN)/python manage.py up

test: setup-dev chromium e-id  ## Lint, types and the whole suite, on PostgreSQL and on SQLite.
	@$(BIN)/python tests/run.py

interop: setup-dev  ## Let Go's own library judge our checkpoints, proofs and files, and each way to tamper with them.
	@$(BIN)/python -m tests.interop

fast: setup-dev e-id  ## The quick part of the suite, on SQLite only.
	@TEST_DB=sqlite $(BIN)/python -m pytest -q -n 2 -m "not slow and not browser"

soak: setup-dev  ## Kill the log's sequencers 100 times (LOG_KILLS=), break the gate in three dozen places, then let its machine try 20,000 stories (SOAK=); takes hours.
	@LOG_KILLS="$${LOG_KILLS:-100}" $(BIN)/python -m pytest -q tests/test_log_sequencer_race.py
	@$(BIN)/python -m pytest -q -s --show-capture=no tests/broken_gates.py
	@SOAK="$${SOAK:-20000}" $(BIN)/python -m pytest -q -s tests/test_gate_machine.py

bench: setup-dev  ## Measure; results in benchmarks/results/ and as a table.
	@$(BIN)/python -m benchmarks

lint: setup-dev  ## Lint, format, imports, types, migrations, translations, generated docs.
	@$(BIN)/python tests/run.py lint

fmt: setup-dev  ## Put the code into its one format.
	@$(BIN)/ruff check -q --fix-only . && $(BIN)/ruff format .

setup:
	@$(PYTHON) deploy/setup.py requirements.txt

setup-dev:
	@$(PYTHON) deploy/setup.py requirements-dev.txt

chromium: setup-dev
	@$(BIN)/python tests/chromium.py

e-id: setup-dev
	@$(BIN)/python deploy/e_id/install.py

e-id-if-possible: setup
	@$(BIN)/python deploy/e_id/install.py --optional

lock: setup-dev
	@for each in requirements requirements-dev; do $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url $$each.in -o $$each.txt; done
