# Two commands: `make lab` opens the course, `make test` proves it. Both set up what they need.
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= lab,test
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed-$(subst $(comma),-,$(EXTRAS))
comma  := ,

.PHONY: help lab test lint setup clean

help:
	@echo "make lab    set up, then open JupyterLab at the first lesson"
	@echo "make test   set up, then run every test, the notebooks included"
	@echo "make lint   check the style of the code and the notebooks"
	@echo "make clean  remove the environment that make set up"

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "$(PYTHON) is too old: Python 3.10 or newer is needed (make PYTHON=python3.12 ...)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[$(EXTRAS)]'
	@touch $@

lab: $(STAMP)
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV)
