# Two commands: `make fit` and `make test`. Each sets .venv up first, which does nothing the second time.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup fit test checks compiled format lock sbom backtest report

setup:
	@$(PYTHON) bootstrap.py

fit: setup
	$(BIN)/bayescsc fit --overwrite --out runs/england
	$(BIN)/bayescsc decline runs/england

# pytest is last: its closing line says how many tests ran. Files go to its processes in the order of `tests/conftest.py`,
# the longest first; by the number of their tests, as xdist would have it, the longest would come last.
test: setup
	@$(MAKE) --no-print-directory --jobs=2 checks compiled
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

checks:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The other core's work meanwhile: what the suite's processes would each compile.
compiled:
	$(BIN)/python tests/processes/compile_before.py

# The record of the baseline's backtest ships with the panel; run it anew when the panel or the baseline changes.
backtest: setup
	$(BIN)/bayescsc backtest --overwrite --out runs/backtest
	mkdir -p data/backtests
	cp runs/backtest/backtest.json data/backtests/england.json

# The example report in the repository and its pictures (which need Chromium), from the run of `make fit` and what lies
# beside it: a sensitivity analysis, a backtest. The day that it says it was made is given, so that it can be made again.
MADE := 2026-11-30
report: setup
	$(BIN)/bayescsc report runs/england --overwrite --made $(MADE) --out reports/england
	$(BIN)/python reports/pictures.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What is installed to run this, with versions and licences (CycloneDX).
sbom: setup
	$(BIN)/python docs/sbom.py > sbom.cdx.json

# Keeps what is locked unless pyproject.toml says otherwise; `make lock UPGRADE=--upgrade` takes the newest of all.
lock: setup
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.12 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --quiet $(UPGRADE) --output-file requirements.lock
