# Two commands: `make lab` opens the course, `make test` proves it. Both set up what they need.
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= lab,test,site
COURSE ?= course
FORMAT ?= csv
WORKERS ?= 2
BIN    := $(VENV)/bin
comma  := ,
# What pip installed is noted in files such as .venv/installed-lab-test-site.
STAMP  := $(VENV)/installed-$(subst $(comma),-,$(EXTRAS))
LAB    := $(VENV)/installed-lab
TEACH  := $(VENV)/installed-lab-grading
SITE   := $(VENV)/installed-site

# JupyterLab asks root, as in a container, to say so.
ROOT_MAY := $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)


.PHONY: help lab check test versions notebooks pictures explorer site lint audit experiments bench assignments grade setup clean

help:
	@echo "make lab        set up, then open JupyterLab at the first lesson"
	@echo "make test       set up, then run every test, the notebooks included"
	@echo "make check      set up, then style and the fast tests: a minute"
	@echo "make versions   the tests with the lowest and with newer versions of PyTorch, each in an environment of its own"
	@echo "make notebooks  run every lesson again and store its outputs"
	@echo "make pictures   draw the pictures of the README again"
	@echo "make explorer   write explorer.html, the explorer as one page that needs no kernel and no network"
	@echo "make site       write site/: every lesson and the explorer as pages that need no kernel and no network"
	@echo "make lint       check the style of the code and the notebooks, and the types of the package"
	@echo "make audit      hold the installed packages against known weaknesses (needs network)"
	@echo "make experiments  judge the claims of lesson 12 from the stored runs; experiments/README.md says how to train them"
	@echo "make bench      measure our speed beside that of the peers: about ten minutes"
	@echo "make assignments            for teachers: make the course and the students' zips"
	@echo "make grade SUBMISSIONS=dir  for teachers: grade what is in dir or zip (FORMAT=moodle|canvas|gradescope, ROSTER=csv)"
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

# What takes longer (the lessons, browsers, every convolution under every instruction set) is for `make test`.
check: lint
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) -q -m "not slow and not browser" tests

TORCHES ?= 2.6.0 2.13.0 2.14.1
versions: $(TORCHES:%=tested-%)
tested-%:
	$(PYTHON) -m venv $(VENV)-torch-$*
	$(VENV)-torch-$*/bin/python -m pip install --quiet $(PIP_ARGS) 'torch==$*' -e '.[$(EXTRAS)]'
	$(MAKE) --no-print-directory test VENV=$(VENV)-torch-$* STAMP=

notebooks: $(STAMP)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb

pictures: $(STAMP)
	$(BIN)/python docs/pictures.py docs

explorer: $(STAMP)
	$(BIN)/python -c "from r2p1d_edu.lab.explorer.bundle import write_page; print(write_page('explorer.html'))"

site: $(SITE)
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env --conf-dir docs/site --doctree-dir build/site/doctrees notebooks build/site/pages
	rm -rf site && mv build/site/pages site
	@echo "open site/index.html"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: $(STAMP)
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) pip-audit
	$(BIN)/python -m pip_audit --local --skip-editable

experiments: $(STAMP)
	$(BIN)/python -m experiments verdicts

bench: $(STAMP)
	$(BIN)/python -m benchmarks

assignments: $(TEACH)
	$(BIN)/python -m classroom assignments --to "$(COURSE)"

grade: $(TEACH)
	@test -n "$(SUBMISSIONS)" || { echo "say where the submissions are: make grade SUBMISSIONS=folder"; exit 2; }
	$(BIN)/python -m classroom grade "$(SUBMISSIONS)" --to "$(COURSE)" -n $(WORKERS) --format $(FORMAT) $(ROSTER:%=--roster "%")

clean:
	rm -rf $(VENV)
