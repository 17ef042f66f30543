# Two commands do everything on a fresh machine that has Python 3.11 and git:
#   make quickstart   virtual environment, pinned packages, the main job: table and figure
#   make test         the same environment, then ruff, mypy and all tests
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: quickstart fast emoji test lint gpu gpu-wheels docs format clean
.DEFAULT_GOAL := help

help:
	@sed -n '1,4p' Makefile; echo "#   make fast         the quickstart in under 2 minutes: one seed, few steps"; \
	echo "#   make emoji        every table, figure, map and cost of the paper on the embedded data"; \
	echo "#   make gpu          on a machine with a card: its tests, and how fast it is"; \
	echo "#   make docs         the documentation as a site, in site/"

quickstart: $(STAMP)
	$(BIN)/python run_benchmark.py quickstart

fast: $(STAMP)
	$(BIN)/python run_benchmark.py quickstart --fast

# Every table and ablation of the paper in its embedded form, then maps and costs.
emoji: $(STAMP)
	$(BIN)/python run_benchmark.py sweep run sweeps/emoji-*.yaml --store results/emoji
	$(BIN)/python run_benchmark.py report --store results/emoji --by-sweep --html
	$(BIN)/python run_benchmark.py maps --store results/emoji --sweep emoji-maps
	$(BIN)/python run_benchmark.py cost --threads 1 --out results/emoji/cost

test: $(STAMP) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# On a machine with a card: its own Python with torch, no network. gpu-wheels fetches what such a
# machine may lack, elsewhere and for its version of Python, into .gpu/.
GPU_PYTHON_VERSION ?= 3.12
GPU_WHEELS ?= open_clip_torch|ftfy|wcwidth|pydantic|pydantic_core|annotated-types|typing-inspection|typing_extensions|submitit

gpu:
	scripts/gpu.sh

gpu-wheels: $(STAMP)
	rm -rf .gpu
	$(BIN)/python -m pip download --quiet --no-deps --only-binary=:all: --implementation cp \
		--python-version $(GPU_PYTHON_VERSION) --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
		--dest .gpu $$($(BIN)/python -m pip list --format freeze | grep -iE '^($(GPU_WHEELS))==')

# The documentation as a site, every warning an error.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --site-dir site

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

# torch first: with it in place nothing after it asks for another build of it. Editable, so that no
# copy of harness/ goes stale in the environment; by the pinned build backend, which comes first, too.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or call make PYTHON=python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch hatchling editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-build-isolation --editable ".[dev]"
	@# OpenCV, of the corruptions, wants libGL, which machines without a screen lack
	@$(BIN)/python -c "import cv2" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --constraint constraints.txt opencv-python-headless
	@touch $(STAMP)
