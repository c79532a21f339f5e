# make study   install into .venv and run the main job
# make test    everything that must hold: lint, types, layers, tests, doctests, examples
# make check   lint, types, layers, circles and lengths of files: seconds
# make docs    the site, in site/: open site/index.html
# make examples   every script of examples/, in its quick form
# make fmt     write the code as the formatter does
# make test-torch   the tests that need PyTorch or transformers, with PyTorch's build for processors
# make dist   the wheel and the source distribution, built, tried and left in dist/: RELEASING.md says when
# make bench   the measured claims, as tables
# make atlas   compute what the packaged atlas lacks, and write it
# make fuzz    hostile files, command lines and calls: SECONDS=60 TARGET=all SEED=0
# make differential   ranks and reductions against FLINT and brute force: SECONDS=60 SEED=0
PYTHON ?= python3
# Builds of PyTorch for processors; those of the usual index bring gigabytes for GPUs.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
BIN := .venv/bin
SECONDS ?= 60
SEED ?= 0
TARGET ?= all
EXAMPLES := $(wildcard examples/*.py)

.PHONY: study test test-torch check docs examples $(EXAMPLES) fmt dist bench atlas fuzz differential clean
# Else every program that the tests and examples begin would translate the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

study: .venv/.installed
	$(BIN)/tensorrank study

# Linters and examples take one processor each, two at a time; the examples compile most kernels that the tests need.
test: .venv/.installed-test
	$(MAKE) -j2 check examples
	$(BIN)/pytest -n auto

test-torch: .venv/.installed-torch
	$(BIN)/pytest -rs $$(grep -rlE 'importorskip\(.(torch|transformers).' tests)

check: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/test_imports.py

# Warnings are errors; the variable silences an advertisement.
docs: .venv/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

examples: $(EXAMPLES)

$(EXAMPLES): .venv/.installed-test
	$(BIN)/python $@ --quick

fmt: .venv/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dist: .venv/.installed-test
	$(BIN)/python release/check.py --python $(PYTHON)

bench: .venv/.installed-bench
	$(BIN)/python benchmarks/run.py

atlas: .venv/.installed
	$(BIN)/python benchmarks/atlas.py

fuzz: .venv/.installed-fuzz
	PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(SECONDS) --target $(TARGET) --seed $(SEED)

differential: .venv/.installed-test
	PYTHONPATH=tests $(BIN)/python -m differential --seconds $(SECONDS) --seed $(SEED)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tensorrank needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.installed-test: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ .venv/.installed

.venv/.installed-docs: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@ .venv/.installed

.venv/.installed-torch: .venv/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --extra-index-url $(TORCH_INDEX) -e '.[torch,hf]'
	@touch $@

.venv/.installed-fuzz: .venv/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@touch $@

.venv/.installed-bench: .venv/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

clean:
	rm -rf .venv .cache build dist site tensorrank-study examples/out .mypy_cache .pytest_cache .ruff_cache
