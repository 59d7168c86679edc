# Two commands: `make run` and `make test`. Written for GNU make 3.81, which macOS ships.

# A Python that the person names counts, also against an .venv of another one; otherwise the first that will do.
CHOSEN := $(if $(filter undefined,$(origin PYTHON)),,--chosen)
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && exit; \
	done; echo python3)
PREPARE = @$(PYTHON) .ci/environment.py
BIN := .venv/bin

# A port written after `make run` is a flag and beats the options; PORT of the environment reaches the server as it is.
PORT_FLAG := $(if $(findstring command,$(origin PORT)),--port $(PORT))
DATA := var/data

# One resolution for every Python from 3.11 on and every system; no address of an index, which is the machine's business.
COMPILE := $(BIN)/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help run setup test soak lint lock lock-check clean

help: ## Say what there is
	@echo "ImageServer: a picture server for network photo frames"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r name what; do printf '%-20s%s\n' "$$name" "$$what"; done

run: ## Start the server on port 8099, its data in var/ (PORT=8100 for another port)
	$(PREPARE) run $(CHOSEN)
	@exec $(BIN)/imageserver serve --data "$(DATA)" $(PORT_FLAG)

setup: ## Prepare .venv for development
	$(PREPARE) dev $(CHOSEN)

# pytest comes last, so that its closing line is the last of all.
test: lint ## Check style and types, run all tests
	@$(BIN)/python -m pytest

# -p no:randomly, so that every run of it is the same one.
soak: setup ## Run the long tests and print their figures
	@$(BIN)/python -m pytest tests/soak -m soak -q -p no:randomly

lint: setup ## Check style and types only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

lock: setup ## Write the requirement files anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) pyproject.toml --output-file requirements.txt
	@$(COMPILE) --group build --constraint requirements.txt --output-file requirements-build.txt
	@$(COMPILE) pyproject.toml --extra dev --constraint requirements.txt --constraint requirements-build.txt \
		--output-file requirements-dev.txt

# The files are their own starting point, so newer versions out there do not count as a difference.
lock-check: setup ## Check that the requirement files are what `make lock` would write
	@rm -rf .venv/lock-check && mkdir .venv/lock-check
	@cp Makefile pyproject.toml requirements*.txt .venv/lock-check
	@cd .venv/lock-check && $(MAKE) --no-print-directory BIN=../bin --old-file=setup lock
	@for name in requirements*.txt; do diff -u "$$name" ".venv/lock-check/$$name" || \
		{ echo "This is not what pyproject.toml asks for: make lock"; exit 1; }; done
	@echo "The requirement files are fresh."

clean: ## Remove what was made here, except pictures and options in var/
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find imageserver plugins tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
