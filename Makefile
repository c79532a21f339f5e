# make study   install into .venv and run the main job
# make test    everything that must hold: lint, types, layers, tests, doctests, examples
# make check   lint, types, layers, circles and lengths of files: seconds
# make fmt     write the code as the formatter does
# make bench   the measured claims, as tables
PYTHON ?= python3
BIN := .venv/bin

.PHONY: study test check fmt bench clean
study: .venv/.installed
	$(BIN)/tensorrank study

test: check
	$(BIN)/pytest -n auto
	for example in examples/*.py; do $(BIN)/python $$example --quick || exit 1; done

check: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/test_imports.py

fmt: .venv/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.installed-bench
	$(BIN)/python benchmarks/run.py

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

.venv/.installed-bench: .venv/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

clean:
	rm -rf .venv build dist tensorrank-study examples/out .mypy_cache .pytest_cache .ruff_cache
