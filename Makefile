# Two commands do everything on a fresh machine that has Python 3.11 and git:
#   make quickstart   virtual environment, pinned packages, the main job: table and figure
#   make test         the same environment, then ruff, mypy and all tests
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: quickstart fast test lint format clean
.DEFAULT_GOAL := help

help:
	@sed -n '1,4p' Makefile; echo "#   make fast         the quickstart in under 2 minutes: one seed, few steps"

quickstart: $(STAMP)
	$(BIN)/python run_benchmark.py quickstart

fast: $(STAMP)
	$(BIN)/python run_benchmark.py quickstart --fast

test: $(STAMP) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

# torch first and alone: with it in place nothing after it asks for another build.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or call make PYTHON=python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt ".[dev]"
	@touch $(STAMP)
