# Two commands: `make lab` opens the course, `make test` proves it. Both set up what they need.
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= lab,test
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed-$(subst $(comma),-,$(EXTRAS))
comma  := ,

# JupyterLab asks root, as in a container, to say so.
ROOT_MAY := $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)


.PHONY: help lab test notebooks pictures lint setup clean

help:
	@echo "make lab        set up, then open JupyterLab at the first lesson"
	@echo "make test       set up, then run every test, the notebooks included"
	@echo "make notebooks  run every lesson again and store its outputs"
	@echo "make pictures   draw the pictures of the README again"
	@echo "make lint       check the style of the code and the notebooks"
	@echo "make clean      remove the environment that make set up"

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "$(PYTHON) is too old: Python 3.10 or newer is needed (make PYTHON=python3.12 ...)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -e '.[$(EXTRAS)]'
	@touch $@

lab: $(STAMP)
	$(BIN)/jupyter lab $(ROOT_MAY) --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=600 tests notebooks

notebooks: $(STAMP)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb

pictures: $(STAMP)
	$(BIN)/python -m r2p1d_edu.lab.readme_pictures docs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV)
