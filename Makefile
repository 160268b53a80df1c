# Every target works as the first command after a clone, with Python 3.11+ and make:
#
#   make demo                      train a network on handwritten digits; pictures in examples/output
#   make test                      the tests
#   make quick                     a sample of them, another one each time, in less than a minute
#   make check                     lint, formatting, types, tests
#   make coverage                  docs/coverage.md anew: what of NumPy and SciPy is supported
#   make test PYTHON=python3.13    the same with another Python, in a venv of its own

PYTHON ?= python3
PYTEST_FLAGS ?= -q -n auto

# .venv for the default Python, .venv-python3.13 for PYTHON=/somewhere/bin/python3.13
VENV := .venv$(patsubst %,-%,$(filter-out python3,$(notdir $(PYTHON))))
BIN := $(VENV)/bin
SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11) and \
  f"functrace needs Python 3.11 or later, and {sys.executable} is {sys.version.split()[0]}. \
  Name another: make PYTHON=python3.12")

.PHONY: demo test quick check coverage clean
.NOTPARALLEL: # two pips must not install into one venv at the same time

demo: $(VENV)/.has-examples
	$(BIN)/python examples/train_digits.py

test: $(VENV)/.has-test
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

quick: $(VENV)/.has-test
	$(BIN)/python -m pytest $(PYTEST_FLAGS) --quick

# The tests come last, so that pytest's summary closes the output.
check: $(VENV)/.has-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

coverage: $(VENV)/.has-dev
	$(BIN)/python docs/coverage.py

clean:
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .hypothesis examples/output

# A stamp for each extra; it is renewed when pyproject.toml has changed.
$(VENV)/.has-%: pyproject.toml
	@$(PYTHON) -c '$(SUPPORTED)'
	@echo "installing functrace[$*] into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
