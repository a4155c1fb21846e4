# Two commands: `make lab` opens the course, `make test` proves it. Both set up what they need.
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= lab,test
COURSE ?= course
WORKERS ?= 2
BIN    := $(VENV)/bin
comma  := ,
# What pip installed is noted in files such as .venv/installed-lab-test.
STAMP  := $(VENV)/installed-$(subst $(comma),-,$(EXTRAS))
LAB    := $(VENV)/installed-lab
TEACH  := $(VENV)/installed-lab-grading

# JupyterLab asks root, as in a container, to say so.
ROOT_MAY := $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)


.PHONY: help lab check test notebooks pictures lint experiments assignments grade setup clean

help:
	@echo "make lab        set up, then open JupyterLab at the first lesson"
	@echo "make test       set up, then run every test, the notebooks included"
	@echo "make notebooks  run every lesson again and store its outputs"
	@echo "make pictures   draw the pictures of the README again"
	@echo "make lint       check the style of the code and the notebooks, and the types of the package"
	@echo "make check      lint, and the quick tests"
	@echo "make experiments  train the grid of lesson 12, or go on with it: up to 90 minutes on two cores"
	@echo "make assignments            for teachers: make the course and the students' zips"
	@echo "make grade SUBMISSIONS=dir  for teachers: grade what is in dir"
	@echo "make clean      remove the environment that make set up"

setup: $(STAMP)

$(VENV)/installed-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "$(PYTHON) is too old: Python 3.10 or newer is needed (make PYTHON=python3.12 ...)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -e '.[$(subst -,$(comma),$*)]'
	@touch $@

lab: $(LAB)
	$(BIN)/jupyter lab $(ROOT_MAY) --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

# One thread each: threads of several workers that share a busy core wait for each other.
test: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
	  --nbval --nbval-current-env --nbval-cell-timeout=900 tests notebooks

notebooks: $(STAMP)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb

pictures: $(STAMP)
	$(BIN)/python docs/pictures.py docs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What is quick: style, types and all tests below ten seconds.
check: lint
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" tests

experiments: $(STAMP)
	$(BIN)/python -m r2p1d_edu experiments

assignments: $(TEACH)
	$(BIN)/python -m r2p1d_edu assignments --to "$(COURSE)"

grade: $(TEACH)
	@test -n "$(SUBMISSIONS)" || { echo "say where the submissions are: make grade SUBMISSIONS=folder"; exit 2; }
	$(BIN)/python -m r2p1d_edu grade "$(SUBMISSIONS)" --to "$(COURSE)"

clean:
	rm -rf $(VENV)
