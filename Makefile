# Rowhouse: `make run` serves it, `make demo` serves it with sample rows, `make test` tests it.
# Only Python 3.11+ and make are needed. PYTHON=/path/to/python chooses another interpreter.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --require-hashes --requirement

# The checks need settings and secrets, but must leave the service's own alone.
CHECK := ROWHOUSE_DATA=$(VENV)/check ROWHOUSE_LOGS=$(VENV)/check

# Compiled code that encodes batches; where it is not there, Python does its work.
NATIVE := ingest/validation/native/rows.so
RUN := $(VENV)/run.stamp $(NATIVE)
DEV := $(VENV)/dev.stamp $(NATIVE)

# What runs once more through PgBouncer in transaction mode: tests of code that opens connections
# (background runs, streams, jobs, several processes), that does more in a transaction than read or
# write (locks, savepoints, temporary tables, COPY, snapshots, deferred constraints, prepared
# statements), or that leans on settings of a session or a role. Other requests go the same ways.
POOLED := $(addprefix tests/api/,test_backups.py test_closure.py test_covid_reads.py \
	test_dashboard.py test_health.py test_ingest_conflicts.py test_ingest_constraints.py \
	test_ingest_encoded.py test_ingest_keys.py test_ingest_pieces.py test_ingest_policies.py \
	test_metrics_query.py test_open311_reads.py test_open311_reports.py test_replay.py \
	test_replay_races.py test_reports.py test_row_delete.py test_rows.py) \
	$(addprefix tests/integration/,backups/test_restore.py test_ingest_concurrency.py \
	test_ingest_model.py test_references.py test_processes.py test_jobs.py \
	test_refresh.py test_refresh_readers.py)

.PHONY: run demo test test-pooled test-both lint check lock pictures bench bench-scale faults fuzz \
	fuzz-costs soak
.DEFAULT_GOAL := run

run: $(RUN)
	@$(PY) manage.py up

demo: $(RUN)
	@$(PY) manage.py up --demo

test: $(DEV)
	$(PY) -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

test-pooled: $(DEV)
	ROWHOUSE_TEST_POOLER=1 $(PY) -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder $(POOLED)

# Beside each other: linters need one core, and tests now and then wait for processes they start.
check: $(DEV)
	@$(MAKE) --no-print-directory --jobs=2 lint test-both

test-both: $(DEV)
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-pooled

lint: $(DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(CHECK) $(PY) -m mypy .
	$(VENV)/bin/lint-imports --no-logo
	$(CHECK) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

# Pins what requirements/*.in name, with the checksums of all files of each version: those of every
# platform and Python. Versions stay as they are; `make lock LOCK_OPTIONS=--upgrade` takes new ones.
LOCK_OPTIONS :=
lock: $(DEV)
	for name in run dev peers; do \
		$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate $(LOCK_OPTIONS) \
			requirements/$$name.in --output-file requirements/$$name.txt || exit; done

# The pictures of the documentation: written by the browser tests, then looked at by a person.
pictures: $(DEV)
	ROWHOUSE_PICTURES=1 $(PY) -m pytest tests/browser

# Hours: other requests, steps and names each time than the few that `make test` tries.
fuzz: $(DEV)
	$(PY) -m pytest --hypothesis-profile=long -s tests/fuzz

# The part of it that measures bodies made to hurt: ten minutes.
fuzz-costs: $(DEV)
	$(PY) -m pytest --hypothesis-profile=long -s tests/fuzz/test_costs.py

bench: $(DEV)
	$(PY) -m tests.bench

# The long form of tests/faults; the short one is part of `make test`.
faults: $(DEV)
	$(PY) -m pytest tests/faults --hypothesis-profile=long

# Processes, PgBouncer, many receipts, a target of ten million rows: a quarter of an hour.
bench-scale: $(DEV)
	$(PY) -m tests.bench.scale

soak: $(DEV)
	$(PY) -m tests.bench.soak

# A stamp is as new as its last installation: a changed requirements file installs again.
$(VENV)/run.stamp: requirements/run.txt $(VENV)/made.stamp
	@echo "Installing what Rowhouse needs into $(VENV) …"
	@$(INSTALL) requirements/run.txt
	@touch $@

# After run.stamp, not beside it: two installations at once would harm each other.
$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "Installing what the tests need into $(VENV) …"
	@$(INSTALL) requirements/dev.txt
	@touch $@

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("Rowhouse needs Python 3.11 or later: make PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

NATIVE_FLAGS := -O3

# The library carries the digest of its sources: Python loads none that was built from others.
DIGEST := import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())
$(NATIVE): $(sort $(wildcard ingest/validation/native/*.[ch]))
	@$(CC) -std=c11 $(NATIVE_FLAGS) -Wall -Wextra -shared -fPIC -o $@ $(filter %.c,$^) \
		-DSOURCE_DIGEST=\"$$(cat $^ | $(PYTHON) -c '$(DIGEST)')\" \
		|| echo "Without a C compiler Python encodes the batches: more slowly."
