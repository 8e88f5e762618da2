# Everything a newcomer and CI need. `make demo` and `make test` work on a fresh clone with only python3, git and make.

PYTHON ?= python3
BIN = .venv/bin
# Debian keeps what makes a virtual environment in a package of its own; only root can fetch it without a question.
VENV_FROM_DEBIAN = test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv

.PHONY: help demo run test test-all test-slow test-node lint types docs check bench mutants lock clean

help:
	@echo "make demo       practice CRMs, the daemon and its page, on this machine; Ctrl-C ends it"
	@echo "make test       the whole test suite, under two minutes"
	@echo "make test-slow  hundreds of kills and other minutes-long suites"
	@echo "make test-node  the emulators against the vendors' Node.js clients (needs node and npm)"
	@echo "make check      lint, types, documentation checks and the tests: what CI runs"
	@echo "make bench      the benchmarks, as ratios against peers (writes nothing)"
	@echo "make mutants    how many deliberate mistakes in sla/ the tests notice; hours, goes on where it was stopped"
	@echo "                (SAMPLE=40 tries so many of each module, MODULES='run clock' only these)"
	@echo "make lock       renew the development lock after a change of dependencies"

# One stamp per environment: made again whenever the lock or the package's own metadata change.
.venv/.demo-ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("sla-sidecar needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(VENV_FROM_DEBIAN); } \
	  || { echo "Python cannot make virtual environments here; on Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/.dev-ready: .venv/.demo-ready requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: .venv/.demo-ready
	@exec $(BIN)/sla-sidecar demo

run: .venv/.demo-ready
	@exec $(BIN)/sla-sidecar run --config config.toml

# Two workers for each core: a good part of the suite waits for processes and sockets.
test: .venv/.dev-ready
	$(BIN)/pytest -n $$(( 2 * $$($(PYTHON) -c 'import os; print(os.cpu_count() or 1)') ))

test-slow: .venv/.dev-ready
	$(BIN)/pytest -m slow

test-node: .venv/.dev-ready
	$(BIN)/pytest -m node

lint: .venv/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev-ready
	$(BIN)/mypy

docs: .venv/.dev-ready
	$(BIN)/pytest tests/test_docs.py

check: lint types docs test

# In an environment of its own: what is installed beside the product changes what it costs to import.
bench: requirements-bench.lock
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	.venv-bench/bin/python -W ignore -m benchmarks

# Ctrl-C stops it, the next call goes on. `make clean` forgets the verdicts, which a changed function does by itself.
mutants: requirements-mutation.lock
	$(PYTHON) -m venv .venv-mutation
	.venv-mutation/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-mutation.lock
	SLA_CASES=400 .venv-mutation/bin/python -m benchmarks.mutants --run $(or $(SAMPLE),100000) $(MODULES)

lock:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --group dev --group bench -o requirements-bench.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --group dev --group mutation -o requirements-mutation.lock

clean:
	rm -rf .venv .venv-bench .venv-mutation mutants .demo node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
