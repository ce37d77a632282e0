# The six commands: demo run test check bench clean. Each prepares .venv by itself.
PYTHON3 ?= python3
PYTHON := .venv/bin/python
STAMP := .venv/.requirements

.PHONY: demo run test check bench clean setup browser lock

demo: setup
	$(PYTHON) manage.py demo
	$(if $(filter 1,$(DEMO_NO_RUN)),,$(MAKE) run)

run: setup
	$(PYTHON) -m prodacct.supervise

test: setup
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q $(ARGS)

check: setup
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	.venv/bin/lint-imports
	$(PYTHON) -m mypy
	PRODACCT_ROLE=owner $(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) -m pytest -q tests/architecture

bench: setup
	$(PYTHON) -m bench $(ARGS)

browser: setup
	$(PYTHON) -m pytest -q -m browser tests/browser

# The data may lie outside .local (see prodacct/local.py), so the launcher removes it.
clean:
	if [ -x $(PYTHON) ]; then $(PYTHON) -m prodacct.local remove; fi
	rm -rf .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune \
		-exec rm -rf {} +

setup: $(STAMP)

$(STAMP): requirements.lock
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "prodacct needs Python 3.11 or newer: make PYTHON3=/path/to/python3.11" >&2; exit 1; }
	@[ -x $(PYTHON) ] || $(PYTHON3) -m venv .venv || \
		{ rm -rf .venv; echo "No venv: install python3-venv, or give another PYTHON3" >&2; exit 1; }
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements.lock
	@touch $@

lock:
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		requirements.in -o requirements.lock
