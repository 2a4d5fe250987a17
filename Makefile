# Rowhouse: `make run` serves it, `make demo` serves it with sample rows, `make test` tests it.
# Only Python 3.11+ and make are needed. PYTHON=/path/to/python chooses another interpreter.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet

# The checks need settings and secrets, but must leave the service's own alone.
CHECK := ROWHOUSE_DATA=$(VENV)/check ROWHOUSE_LOGS=$(VENV)/check

.PHONY: run demo test check bench fuzz
.DEFAULT_GOAL := run

run: $(VENV)/run.stamp
	@$(PY) manage.py up

demo: $(VENV)/run.stamp
	@$(PY) manage.py up --demo

test: $(VENV)/dev.stamp
	$(PY) -m pytest --numprocesses=auto --dist=loadfile

check: $(VENV)/dev.stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(CHECK) $(PY) -m mypy .
	$(CHECK) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(MAKE) --no-print-directory test

# Hours: other requests, steps and names each time than the few that `make test` tries.
fuzz: $(VENV)/dev.stamp
	$(PY) -m pytest --hypothesis-profile=long -s tests/fuzz

bench: $(VENV)/dev.stamp
	$(PY) -m tests.bench

# A stamp is as new as its last installation: a changed requirements file installs again.
$(VENV)/run.stamp: requirements/run.txt $(VENV)/made.stamp
	@echo "Installing what Rowhouse needs into $(VENV) …"
	@$(PIP) install --requirement requirements/run.txt
	@touch $@

# After run.stamp, not beside it: two installations at once would harm each other.
$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Installing what the tests need into $(VENV) …"
	@$(PIP) install --requirement requirements/dev.txt
	@touch $@

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("Rowhouse needs Python 3.11 or later: make PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@touch $@
