# The commands of this project, the same for a person and for a machine.
# PYTHON=/path/to/python3 chooses the interpreter; JOBS=4 the number of test processes.

.DEFAULT_GOAL := help
.PHONY: help environment demo verdict test lint format certify soak bench docs browser clean
.NOTPARALLEL:

export PYTHON
JOBS ?= 2
RUN := .venv/bin/python -m

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

environment: ## Create or refresh .venv; the other commands do so by themselves.
	@sh scripts/environment.sh

demo: environment ## Train and sample one small network on digits, compare, write runs/demo/report.html.
	$(RUN) thermalize compare --task digits --preset quick --seed 0 --out runs/demo --overwrite

verdict: environment ## Settle every claim, PRESET=quick or full; claims in runs/verdict-PRESET-0 are kept.
	$(RUN) thermalize verdict --preset $(or $(PRESET),quick)

test: environment ## Run every test but the long statistical ones.
	$(RUN) pytest -n $(JOBS) --dist worksteal --durations=15

certify: environment ## Run the long tests, judge every sampler by exact laws, write runs/certificate.
	$(RUN) pytest -n $(JOBS) --dist worksteal --durations=15 -k properties --hypothesis-profile=many
	JAX_DISABLE_MOST_OPTIMIZATIONS=0 $(RUN) pytest -n $(JOBS) --dist worksteal --durations=15 -m certify
	$(RUN) thermalize certify --out runs/certificate --overwrite

soak: environment ## Compare for an hour, MINUTES=60, in one process: memory and open files must stay flat.
	.venv/bin/python scripts/soak.py --minutes $(or $(MINUTES),60) --out runs/soak

bench: environment ## Measure speed beside torch, jax, numpyro and blackjax, write runs/bench; 20 minutes on 2 idle cores.
	$(RUN) benchmarks --out runs/bench $(if $(TORCH_PYTHON),--torch-python $(TORCH_PYTHON))

docs: environment ## Build the documentation as a site in build/docs; a warning is an error.
	@.venv/bin/python -c 'import furo, myst_parser' 2>/dev/null || $(RUN) pip install --quiet --editable '.[docs]' --constraint constraints.txt
	$(RUN) sphinx -b html -q -W --keep-going docs build/docs

browser: environment ## Try the pages in a headless Chromium: widths, themes, keyboard, print.
	@.venv/bin/python -c 'import playwright' 2>/dev/null || $(RUN) pip install --quiet --editable '.[browser]' --constraint constraints.txt
	$(RUN) pytest -m browser tests/browser

lint: environment ## Check the format, the style and the types of code and tests.
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(RUN) mypy

format: environment ## Rewrite the code in the house format.
	$(RUN) ruff format
	$(RUN) ruff check --fix

clean: ## Delete the environment and every cache; runs/ stays.
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
