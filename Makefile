# `make demo` shows the main job on the embedded sandbox, `make test` runs the tests; each sets up what it needs.

# Two tests for each processor: many of them wait for time limits.
WORKERS = $(shell echo $$(( 2 * $$(nproc) )))
# Hundreds of short processes would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo recording test before lint image corpus unit integration e2e-slow fuzz setup setup-dev clean help

help:
	@echo "make demo         a leaky image refused, hardened, passed and shared, on virtual machines here"
	@echo "make test         lint, types and every test"
	@echo "make unit         the tests that boot nothing (minutes)"
	@echo "make corpus       the cases of every rule, and docs/corpus.md written anew (minutes)"
	@echo "make integration  the tests that boot virtual machines (minutes)"
	@echo "make e2e-slow     longer proofs, not part of make test: cloud-init and systemd images, every fault at every call"
	@echo "make fuzz         thousands of mutated images put to the reading at rest; needs root (minutes)"
	@echo "make recording    record the terminal that the README shows"
	@echo "make clean        remove the virtual environment and build leftovers; images stay in the cache"

setup:
	@tools/setup

setup-dev:
	@tools/setup --dev

demo: setup
	@.venv/bin/python -m amigate.sandbox.demo

recording: setup
	@.venv/bin/python tools/recording.py

test: before unit integration

# Each of both keeps one processor busy, or waits.
before: setup-dev
	@$(MAKE) --no-print-directory -j2 lint image

lint: setup-dev
	@echo "==> lint and types"
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy

image: setup-dev
	@echo "==> the image that most machines of the tests are made from"
	@.venv/bin/amigate sandbox images build lean

unit: setup-dev
	@echo "==> tests that boot nothing"
	@.venv/bin/pytest -m "not vm and not slow" --ignore=tests/faults -n $(WORKERS) --dist loadfile --corpus=-
	@echo "==> faults at every call, machines that hang, lie or die, runs that are killed"
	@.venv/bin/pytest tests/faults -m "not slow" -n $(WORKERS) --dist worksteal

corpus: setup-dev
	@.venv/bin/pytest tests/corpus tests/unit -m "(corpus or trap) and not vm" -n $(WORKERS) --corpus=docs/corpus.md

integration: setup-dev
	@echo "==> tests that boot virtual machines"
	@.venv/bin/pytest -m "vm and not slow" -n 2 --dist loadfile

e2e-slow: setup-dev
	@echo "==> every fault at every call"
	@.venv/bin/pytest -m "slow and not vm" -s
	@echo "==> slow tests that boot virtual machines"
	@.venv/bin/pytest -m "slow and vm"

fuzz: setup-dev
	@.venv/bin/python -m tests.contract.disk.fuzz

clean:
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache
