# Set-up, the lab, checks and tests. What an operator or a workflow runs on a stack is `oceanid`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PY := .venv/bin/python
# As a module: in this folder, whichever checkout .venv was made for.
OCEANID := $(PY) -m operations.cli
STACK ?= dev
# The checks and tests must not depend on what a shell happens to export; what the commands take
# from it is in operations/delivery/shell.py.
unexport PYTHONPATH PYTHONHOME PULUMI_STACK
export PYTHONDONTWRITEBYTECODE := 1

# ---- what may be given to which target --------------------------------------------------------

# Anything else is refused, and nothing but STACK comes from the shell: it exports such names for
# something else. What a value has to be is for `oceanid` to say.
TAKES_preview := STACK
TAKES_preflight := STACK
TAKES_report := STACK
TAKES_rollback := STACK TO
TAKES_scan := FILES SARIF
TO := HEAD
FILES :=
SARIF :=
MOVED := drift import-firewall init login plan post-comment promote refresh restore-state rotate-token unlock
$(foreach t,$(filter $(MOVED),$(MAKECMDGOALS)),$(error `make $t` is now a command of oceanid: see `oceanid --help` after `make set-up`))
WANTED := $(or $(MAKECMDGOALS),$(.DEFAULT_GOAL))
GIVEN := $(filter-out PYTHON,$(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $v)),$v)))
$(foreach v,$(GIVEN),$(foreach t,$(WANTED),$(if $(filter $v,$(TAKES_$t)),,$(error $v means nothing to `make $t`: leave it out$(if $(TAKES_$t), ($t takes $(TAKES_$t)))))))
$(foreach v,$(GIVEN),$(if $(strip $($v)),,$(error $v is empty: give it a value or leave it out)))
ifneq (,$(filter up,$(WANTED)))
  ifneq (dev,$(STACK))
    $(error `make up` acts on dev, and the shell's STACK is $(STACK): use `oceanid promote`, or `env -u STACK make up`)
  endif
endif

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	@echo 'oceanid --help  the commands on stacks, once `make set-up` has run (.venv/bin/oceanid)'

# ---- set-up -----------------------------------------------------------------------------------

.PHONY: set-up
set-up: .venv/.installed ## Python packages and the command `oceanid`, into .venv

.venv/.installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "setup: $(PYTHON) is missing or older than 3.11: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m workshop.toolchain.packages

# Renovate reads this command in the head of each lock, and takes options by `=` only.
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version=3.11 --generate-hashes

.PHONY: lock-packages
lock-packages: .venv/.installed ## after a change of requirements*.txt: write requirements*.lock again
	@$(COMPILE) --output-file=requirements.lock requirements.txt
	@$(COMPILE) --constraint=requirements.lock --output-file=requirements-dev.lock requirements-dev.txt

.PHONY: toolchain
toolchain: .venv/.installed ## what the lab and the tests need, built once for this machine
	@$(PY) -m workshop.toolchain

# ---- the lab, and aliases ---------------------------------------------------------------------

.PHONY: up
up: lab-up ## all set-up, the local lab, then `pulumi up` of dev with the policy pack
	@$(OCEANID) up --stack dev
	@$(OCEANID) lab status

.PHONY: lab-up lab-down lab-status
lab-up: .venv/.installed ## oceanid lab up: build what the lab needs, and start it
	@$(OCEANID) lab up

lab-down: .venv/.installed ## oceanid lab down: end what lab-up started; its data stays
	@$(OCEANID) lab down

lab-status: .venv/.installed ## oceanid lab status: what runs, and what runs where
	@$(OCEANID) lab status

.PHONY: preview preflight report rollback scan
preview: $(if $(filter dev,$(STACK)),lab-up,.venv/.installed) ## oceanid preview --stack STACK
	@$(OCEANID) preview --stack '$(STACK)'

preflight: .venv/.installed ## oceanid preflight --stack STACK
	@$(OCEANID) preflight --stack '$(STACK)'

report: .venv/.installed ## oceanid report --stack STACK
	@$(OCEANID) report --stack '$(STACK)'

rollback: .venv/.installed ## oceanid rollback --stack STACK --to TO
	@$(OCEANID) rollback --stack '$(STACK)' --to '$(TO)'

scan: .venv/.installed ## oceanid scan FILES, or every manifest here; SARIF=file too
	@$(OCEANID) scan $(if $(SARIF),--sarif '$(SARIF)') $(FILES)

# ---- checks and tests -------------------------------------------------------------------------

.PHONY: test
# Four workers on two cores: the engine's tests and the network lab's mostly wait.
test: check toolchain network-programs monitoring-programs ## every check and test there is; what CI runs
	@$(PY) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: check
check: .venv/.installed ## format, lint, types, imports, workflows
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy .
	@cd components/egress/gate_program && ../../../$(PY) -m mypy --config-file= --strict --no-namespace-packages --cache-dir=../../../.toolchain/mypy-programs __main__.py probes.py
	@$(PY) -m pytest --quiet tests/unit/test_imports.py
	@$(PY) -m workshop.toolchain.workflows

.PHONY: test-unit
test-unit: .venv/.installed ## no cluster, no engine, a few minutes
	@$(PY) -m pytest --quiet -n 2 --dist loadfile -m "not e2e and not network and not slow" \
	  tests/unit tests/components tests/policies tests/report

.PHONY: rehearse
rehearse: toolchain ## every step of the workflows from a clean checkout, on two labs and a bucket
	@OCEANID_REHEARSE=1 $(PY) -m pytest tests/delivery/test_journey.py

.PHONY: test-e2e
test-e2e: toolchain ## the real engine against the lab
	@$(PY) -m pytest -m e2e tests

.PHONY: network-programs
network-programs: .venv/.installed
	@$(PY) -m workshop.toolchain network

.PHONY: monitoring-programs
monitoring-programs: .venv/.installed
	@$(PY) -m workshop.toolchain monitoring

.PHONY: test-network
test-network: network-programs ## real nodes, pods and packets; needs root
	@$(PY) -m pytest -n 2 --dist loadfile -m network tests

.PHONY: bench
bench: toolchain network-programs ## the figures of the README, each held to its goal
	@$(PY) -m workshop.bench

# ---- tidy -------------------------------------------------------------------------------------

.PHONY: clean
clean: ## remove what the above made (the user's cache of built programs stays)
	@if [ -e .venv/.installed ] && { [ -d .lab ] || [ -d .toolchain ]; }; then $(OCEANID) lab clean; \
	  else rm -rf .toolchain .lab .delivery .hypothesis; fi
	@rm -rf .venv .venv.lock
