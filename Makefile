# Two commands for a fresh machine: `make demo` runs the main job, `make test` the tests.
PYTHON ?= python3
VENV ?= .venv
# a file of versions to install, e.g. .ci/oldest.txt
CONSTRAINTS ?=
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUNTIME := $(VENV)/.runtime
# two or more at once, one thread each: a file's tests stay together until another process has nothing to do
# whose compiled modules are kept, for many tests start processes
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: dist docs demo test quick slow coverage mutants fuzz check lint types bench validate clean
.DEFAULT_GOAL := test

# Two stamps, renewed when the dependencies change: what latmm needs to run, and the tools of its developers. The
# install itself is editable. setuptools' finder of it comes after the path, where a script beside a clone named
# latmm would take the clone's folder for the package; with the clone itself on the path, the package is found
# first
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS))

$(RUNTIME): pyproject.toml Makefile
	@echo "installing latmm and what it needs into $(VENV), some 600 MB, once: a minute or two"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -e .
	@pwd > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/latmm-clone.pth"
	@touch $@

$(STAMP): $(RUNTIME)
	@echo "installing the tools of the tests into $(VENV), some 400 MB more, once"
	@$(PIP) -e '.[dev]'
	@touch $@

demo: $(RUNTIME)
	$(BIN)/latmm compare structures/si.cif structures/ge.cif --normal 0 0 1 -T 10:500:10 \
	    -o si-ge.nc --plot si-ge.png --force

test: $(STAMP)
	$(PYTEST)

# what takes less than about half a second each
quick: $(STAMP)
	$(PYTEST) -m "not slow"

slow: $(STAMP)
	$(PYTEST) -m slow

# lines of latmm that the tests run, in all processes; fails under 95 %
coverage: $(STAMP)
	$(PYTEST) --cov --cov-report=term-missing:skip-covered

# a random sample of changes to the code, each of which the tests should notice (takes long)
mutants: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[mutants]'
	$(BIN)/python tests/mutants.py $(MUTANTS)

# the hostile corpus, each case in a fork of its own under limits
fuzz: $(STAMP)
	LATMM_EXAMPLES=3000 $(BIN)/python -m pytest -q tests/test_hostile.py -k any_options
	PYTHONPATH=tests $(BIN)/python -m hostile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

# the documents and the reference as pages in docs/_build/html; a warning is an error
docs: $(RUNTIME)
	@$(PIP) -e '.[docs]'
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

# wheel and sdist; the wheel alone, in a fresh environment, runs the demo from an empty folder
dist:
	PYTHON=$(PYTHON) .ci/dist

# builds the peers' environments (minutes), then what benchmarks/ measures, on a quiet machine (takes long)
bench: $(STAMP)
	benchmarks/peers.sh
	$(BIN)/python benchmarks/kernel.py speed
	$(BIN)/python benchmarks/kernel.py robustness
	$(BIN)/python benchmarks/kernel.py scaling
	$(BIN)/python benchmarks/continuum.py
	$(BIN)/python benchmarks/modes.py
	$(BIN)/python benchmarks/sampling.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/contact.py
	$(BIN)/python benchmarks/conventions.py
	$(BIN)/python benchmarks/interfaces.py
	$(BIN)/python benchmarks/registry.py
	$(BIN)/python benchmarks/layers_gain.py
	$(BIN)/python benchmarks/disorder.py

# the tables of docs/validation.md, each line one command (some minutes)
validate: $(STAMP)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/validation.py

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
