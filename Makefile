# The commands of the project; the README, CI and people use these and no others.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PY := .venv/bin/python
STACK ?= dev
# The checks and tests must not depend on what a shell happens to export; what the commands take
# from it is in delivery/shell.py.
unexport PYTHONPATH PYTHONHOME PULUMI_STACK
export PYTHONDONTWRITEBYTECODE := 1

# ---- what may be given to which target --------------------------------------------------------

# Anything else is refused: neither `make rollback STAKC=prod` nor `make up STACK=prod` acts on dev.
TAKE_STACK := preview preflight report report-images init plan promote refresh drift drift-issue \
  unlock restore-state rollback rotate-token import-firewall
TAKE_FROM := promote
TAKE_TO := rollback
TAKE_LOCK := unlock
TAKE_VERSION := restore-state
TAKE_SECRETS_PROVIDER := init
TAKE_PULUMI_BACKEND_URL := login
TAKE_FILES := scan
TAKE_SARIF := scan

# From make's command line only: a shell exports such a name for something else.
$(foreach v,FROM TO LOCK VERSION SECRETS_PROVIDER FILES SARIF,$(eval $v :=))
WANTED := $(or $(MAKECMDGOALS),$(.DEFAULT_GOAL))
KNOWN := PYTHON $(patsubst TAKE_%,%,$(filter TAKE_%,$(.VARIABLES)))
GIVEN := $(filter-out PYTHON,$(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $v)),$v)))
STACKS := $(patsubst Pulumi.%.yaml,%,$(sort $(wildcard Pulumi.*.yaml)))
nearest = $(shell $(PYTHON) -c 'import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1, 0))' '$1' $(KNOWN))
$(foreach v,$(filter-out $(KNOWN),$(GIVEN)),$(error there is no variable $v: the nearest is $(call nearest,$v) (one of the environment goes before make: $v=… make …)))
$(foreach v,$(GIVEN),$(foreach t,$(WANTED),$(if $(filter $t,$(TAKE_$v)),,$(error $v means nothing to `make $t`: leave it out$(if $(TAKE_$v), (it is for: $(TAKE_$v)))))))
$(foreach v,$(GIVEN),$(if $(strip $($v)),,$(error $v is empty: give it a value or leave it out)))
ifneq (,$(filter $(TAKE_STACK),$(WANTED)))
  ifeq (,$(filter $(STACK),$(STACKS)))
    $(error STACK=$(STACK): there is no Pulumi.$(STACK).yaml: use one of $(STACKS), or write that file)
  endif
endif
ifneq (,$(filter up,$(WANTED)))
  ifneq (dev,$(STACK))
    $(error `make up` acts on dev, and the shell's STACK is $(STACK): use `make promote`, or `env -u STACK make up`)
  endif
endif

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# ---- set-up -----------------------------------------------------------------------------------

.venv/.installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "setup: $(PYTHON) is missing or older than 3.11: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m toolchain.packages

.PHONY: toolchain
toolchain: .venv/.installed ## find or build the engine and the rest; nothing when up to date
	@$(PY) -m toolchain

# ---- the lab and the stacks -------------------------------------------------------------------

.PHONY: up
up: lab-up ## all set-up, the local lab, then `pulumi up` of dev with the policy pack
	@$(PY) -m delivery up --stack dev
	@$(PY) -m lab status

.PHONY: preview
preview: $(if $(filter dev,$(STACK)),lab-up,toolchain) ## preview of STACK (dev or prod) with the policy pack
	@$(PY) -m delivery preview --stack $(STACK)

.PHONY: preflight
preflight: toolchain ## is STACK's fleet fit for an update? what `preview` and `up` ask first
	@$(PY) -m delivery preflight --stack $(STACK)

.PHONY: report
report: toolchain ## one HTML page about STACK, as it is deployed: report-STACK.html
	@$(PY) -m delivery report --stack $(STACK)

.PHONY: report-images
report-images: report ## pictures of that page for the documentation, into docs/images
	@$(PY) -m tests.report.images report-$(STACK).html docs/images

.PHONY: login
login: toolchain ## the state of the stacks is kept where PULUMI_BACKEND_URL says; checks that it can be
	@$(PY) -m delivery login

.PHONY: init
init: toolchain ## make STACK in the backend, once; SECRETS_PROVIDER=awskms://… for KMS
	@$(PY) -m delivery init --stack $(STACK) $(if $(SECRETS_PROVIDER),--secrets-provider '$(SECRETS_PROVIDER)')

.PHONY: plan
plan: toolchain ## preview STACK and save the plan that `make promote` is held to
	@$(PY) -m delivery plan --stack $(STACK)

.PHONY: promote
promote: toolchain ## the commit that is green in FROM goes to STACK by its saved plan, or back
	@$(PY) -m delivery promote --stack $(STACK) --source $(or $(FROM),dev)

.PHONY: refresh
refresh: toolchain ## take what is really there into STACK's state
	@$(PY) -m delivery refresh --stack $(STACK)

.PHONY: drift
drift: toolchain ## what differs between STACK's state and the real things; fails when something does
	@$(PY) -m delivery drift --stack $(STACK)

.PHONY: drift-issue
drift-issue: .venv/.installed ## in CI: keep one issue on what `make drift` has found
	@$(PY) -m delivery drift-issue --stack $(STACK)

.PHONY: comment
comment: .venv/.installed ## what the last previews of all stacks show, as Markdown
	@$(PY) -m delivery comment

.PHONY: summary
summary: .venv/.installed ## in CI: the same on the page of the run
	@$(PY) -m delivery summary

.PHONY: post-comment
post-comment: .venv/.installed ## in CI: keep one comment with it on the pull request PULL_REQUEST
	@$(PY) -m delivery post-comment

.PHONY: unlock
unlock: toolchain ## release the lock on STACK that a killed run has left; LOCK=… for another machine's
	@$(PY) -m delivery unlock --stack $(STACK) $(if $(LOCK),--lock '$(LOCK)')

.PHONY: restore-state
restore-state: toolchain ## list the versions of STACK's state, or put VERSION back
	@$(PY) -m delivery restore-state --stack $(STACK) $(if $(VERSION),--version '$(VERSION)')

.PHONY: rollback
rollback: toolchain ## put STACK back to what the commit TO describes (the last one by default)
	@$(PY) -m delivery rollback --stack $(STACK) --to $(or $(TO),HEAD)

.PHONY: rotate-token
rotate-token: $(if $(filter dev,$(STACK)),lab-up,toolchain) ## put the new token in ESC_ACCESS_TOKEN into STACK's stores, tried first
	@$(PY) -m delivery rotate-token --stack $(STACK)

.PHONY: import-firewall
import-firewall: toolchain ## write a Pulumi import file of the rules STACK wants and that exist
	@$(PY) -m delivery import-firewall --stack $(STACK)

.PHONY: lab-up
lab-up: toolchain ## the local control plane and the stand-ins
	@$(PY) -m lab up

.PHONY: lab-down
lab-down: .venv/.installed ## end what lab-up started; its data stays
	@$(PY) -m lab down

.PHONY: lab-status
lab-status: .venv/.installed ## what runs, and what runs where
	@$(PY) -m lab status

# ---- checks and tests -------------------------------------------------------------------------

.PHONY: test
# Four workers on two cores: the engine's tests and the network lab's mostly wait.
test: check toolchain network-programs monitoring-programs ## every check and test there is; what CI runs
	@$(PY) -m pytest -n 4 --dist loadfile

.PHONY: check
check: .venv/.installed ## format, lint, types, imports, workflows
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy .
	@cd components/programs/egress_check && ../../../$(PY) -m mypy --config-file= --strict --no-namespace-packages --cache-dir=../../../.toolchain/mypy-programs __main__.py probes.py
	@$(PY) -m pytest --quiet tests/unit/test_imports.py
	@$(PY) -m toolchain.workflows

.PHONY: test-unit
test-unit: .venv/.installed ## no cluster, no engine, seconds
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
	@$(PY) -m toolchain.network

.PHONY: monitoring-programs
monitoring-programs: .venv/.installed
	@$(PY) -m toolchain.monitoring

.PHONY: test-network
test-network: network-programs ## real processes and packets in network namespaces; needs root
	@$(PY) -m pytest -n 4 --dist loadfile -m network tests/network

.PHONY: bench
bench: toolchain network-programs ## the figures of the README, each held to its goal
	@$(PY) -m bench

# What the repository itself holds, all of it; the tests' manifests are wrong on purpose.
SCANNED = $(or $(FILES),--whole $(shell git ls-files '*.yaml' '*.yml' '*.json' ':(glob)**/Kustomization' ':!tests'))

.PHONY: scan
scan: .venv/.installed ## the manifest scanner on FILES, or on every manifest here; SARIF=file too
	@$(if $(SARIF),mkdir -p '$(dir $(SARIF))' && { $(PY) -m policies scan --format sarif $(SCANNED) >'$(SARIF)' 2>/dev/null || true; })
	@$(PY) -m policies scan $(SCANNED)

# ---- tidy -------------------------------------------------------------------------------------

.PHONY: clean
clean: ## remove what the above made (the user's cache of built programs stays)
	@if [ -e .venv/.installed ] && { [ -d .lab ] || [ -d .toolchain ]; }; then $(PY) -m lab clean; \
	  else rm -rf .toolchain .lab .delivery .hypothesis; fi
	@rm -rf .venv .venv.lock
