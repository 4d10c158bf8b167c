# Everything happens in .venv, made on first use from the locked requirements; each target can be run again at any time.
.PHONY: demo up test lint bench bench-rpc docs clean
.DELETE_ON_ERROR:

VENV := .venv
RUN := $(VENV)/bin/python

demo: $(VENV)/.run
	@$(RUN) examples/shop/demo.py

up: $(VENV)/.run
	@$(RUN) examples/shop/demo.py --leave

# With ARGS, only what they name. System tests have the machine to themselves.
test: $(VENV)/.test
ifdef ARGS
	$(RUN) -m pytest $(ARGS)
else
	$(RUN) -m pytest tests/unit tests/contract -n auto --maxprocesses 8
	$(RUN) -m pytest tests/system
endif

lint: $(VENV)/.lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy tests/typing/*.py examples/chat/*.py
	$(VENV)/bin/basedpyright
	$(VENV)/bin/lint-imports
	$(RUN) tools/check_code.py
	$(VENV)/bin/deptry src

bench: $(VENV)/.run
	@$(RUN) bench/run.py $(ARGS)

bench-rpc: $(VENV)/.run
	@$(RUN) bench/rpc/run.py $(ARGS)

docs: $(VENV)/.run
	@$(RUN) tools/make_docs.py

clean:
	rm -rf $(VENV) build dist docs/_build .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f src/snowfox/spawner/launcher
	find src tests tools bench examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: requirements/run.txt pyproject.toml src/snowfox/spawner/launcher.c
	@tools/make-venv $(VENV) run

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@tools/make-venv $(VENV) test

$(VENV)/.lint: requirements/lint.txt $(VENV)/.test
	@tools/make-venv $(VENV) lint
