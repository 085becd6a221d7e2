# Everything a fresh machine needs: Python 3.11, make and a package index.
PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

# Compiled after the installation, on all cores: pip does it on one, which takes a quarter of its time.
define install_from
	$(PIP) --require-hashes --no-compile -r $(1)
	$(PIP) --no-build-isolation --editable .
	-@$(BIN)/python -m compileall -qq -j 0 .venv/lib
endef

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo ui test lint types imports unit integration end-to-end slow bench bench-quick lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or run make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.lock pyproject.toml | .venv/bin/python
	$(call install_from,requirements.lock)
	@touch $@

# The dev lock has all of the other, so that one call makes both environments.
.venv/.installed-dev: requirements-dev.lock requirements.lock pyproject.toml | .venv/bin/python
	$(call install_from,requirements-dev.lock)
	@touch .venv/.installed $@

install: .venv/.installed ## Make the environment in .venv/

install-dev: .venv/.installed-dev ## ... with what the tests need

demo: install ## A year of real sales: backfill, nightly run, reports
	@$(BIN)/inventra demo

ui: install ## Dagster's page and the download site
	@$(BIN)/inventra ui

test: install-dev ## Everything that CI runs
	@$(MAKE) --no-print-directory --jobs 2 lint types imports
	@$(MAKE) --no-print-directory unit slow bench-quick

lint: install-dev ## ruff and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests --config dbt_project/.sqlfluff --disable-progress-bar

types: install-dev ## mypy
	$(BIN)/mypy

imports: install-dev ## The layers of docs/architecture.md
	$(BIN)/lint-imports

unit: install-dev ## Unit and definitions tests
	$(BIN)/pytest tests/unit tests/definitions $(TWO_WORKERS)

integration: install-dev ## Tests against a real, embedded Postgres
	$(BIN)/pytest tests/integration $(LONGEST_FIRST)

end-to-end: install-dev ## The real webserver and daemon, driven over GraphQL
	$(BIN)/pytest tests/end_to_end

slow: install-dev ## ... both at once, with a worker more: the page's daemon mostly waits
	$(BIN)/pytest tests/integration tests/end_to_end $(LONGEST_FIRST) --numprocesses 3

bench: install-dev ## The figures of README.md
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.analytics
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -W ignore -m benchmarks.forecast
	$(BIN)/python -W ignore -m benchmarks.accuracy

bench-quick: install-dev ## A week instead of a year, small files: proves that the benchmarks run
	$(BIN)/python -W ignore -m benchmarks.pipeline --quick
	$(BIN)/python -W ignore -m benchmarks.analytics --quick
	$(BIN)/python -W ignore -m benchmarks.ingest --quick
	$(BIN)/python -W ignore -m benchmarks.forecast --quick
	$(BIN)/python -W ignore -m benchmarks.accuracy --quick

lock: install-dev ## Pin every dependency anew
	$(BIN)/uv pip compile pyproject.toml --extra build $(LOCK_OPTIONS) --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra build --extra dev --extra bench --constraints requirements.lock $(LOCK_OPTIONS) --output-file requirements-dev.lock

# Files of tests are shared out: those of one file use one database.
TWO_WORKERS := --numprocesses 2 --dist loadscope
# In the order of tests/integration/conftest.py, not by how many tests a file has.
LONGEST_FIRST := $(TWO_WORKERS) --no-loadscope-reorder

LOCK_OPTIONS := --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --no-strip-extras --quiet

clean: ## Remove what the demo and the tests made; .venv/ stays
	-@[ -x $(BIN)/inventra ] && $(BIN)/inventra db stop
	rm -rf .inventra
