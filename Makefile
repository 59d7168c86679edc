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
# Nothing can be added to a container afterwards, so the image has everything that an option may ask for.
EXTRAS = $(shell sed -n '/optional-dependencies/,/^dev = /s/^\([a-z]*\) = \[".*/--extra \1/p' pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help run install setup test container-test soak bench bench-panel docs-pictures lint audit words lock lock-check clean

help: ## Say what there is
	@echo "ImageServer: a picture server for network photo frames"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r name what; do printf '%-22s%s\n' "$$name" "$$what"; done

run: ## Start the server on port 8099, its data in var/ (PORT=8100 for another port)
	$(PREPARE) run $(CHOSEN)
	@exec $(BIN)/imageserver serve --data "$(DATA)" $(PORT_FLAG)

install: ## Install it as a service of systemd, or bring the service up to date (sudo make install)
	@conf/install.sh

setup: ## Prepare .venv for development
	$(PREPARE) dev $(CHOSEN)

# pytest comes last, so that its closing line is the last of all. Tests wait half of their time, for programs that start and
# end and for disks, so there are more of them at work than most machines have cores.
test: lint ## Check style and types, run all tests
	@$(BIN)/python -m pytest -n 4 --dist worksteal

container-test: ## Build the image and use it as an owner does (needs podman, and root or rights to run containers)
	@tests/container/run.sh

# -p no:randomly, so that every run of it is the same one.
soak: setup ## Run the long tests and print their figures
	@$(BIN)/python -m pytest tests/soak -m soak -q -s -p no:randomly

bench: setup ## Measure the server, and write bench.json and bench.png (PEER=http://HOST:PORT beside another one)
	@$(BIN)/python -m tests.bench.bench_server --json bench.json --plot bench.png $(if $(PEER),--peer "$(PEER)")

bench-panel: setup ## Measure what panels show, and write proof.png (PHOTOS=DIR for photos of your own)
	@$(BIN)/python -m tests.bench.bench_panel --sheet proof.png $(if $(PHOTOS),--photos "$(PHOTOS)")
	@$(BIN)/python -m tests.bench.bench_crop $(if $(PHOTOS),--photos "$(PHOTOS)")

docs-pictures: setup ## Write the pictures of the READMEs anew (docs/pictures/page-*.jpg)
	@PYTHONPATH=tests $(BIN)/python -m browser.docs_pictures

lint: setup ## Check style and types only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# pip-audit has an environment of its own, which uv makes from its lock file and keeps. AUDIT="--osv-url …" for a mirror.
audit: setup ## Look for known weaknesses of the locked packages; fails where that cannot be known
	@$(BIN)/python .ci/audit.py --tool "$(BIN)/uv run --quiet --no-project --isolated --python $(BIN)/python \
		--with-requirements requirements-audit.txt -- pip-audit $(AUDIT)" requirements*.txt

# What the Russian of a new message is stands empty until somebody writes it, and a test fails until then.
words: setup ## Take new messages of the pages into the translations (imageserver/web/locale)
	@$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --keyword N_ --no-location --omit-header \
		--output-file .venv/messages.pot imageserver/web
	@$(BIN)/pybabel --quiet update --domain messages --input-file .venv/messages.pot --output-dir imageserver/web/locale \
		--ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date --width 118

# What a house needs is there from the start, so that Home Assistant works from the container and from `make run`.
lock: setup ## Write the requirement files anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) pyproject.toml --extra mqtt --extra mdns --output-file requirements.txt
	@$(COMPILE) --group build --constraint requirements.txt --output-file requirements-build.txt
	@$(COMPILE) pyproject.toml $(EXTRAS) --constraint requirements.txt --output-file requirements-all.txt
	@$(COMPILE) pyproject.toml --extra dev --constraint requirements.txt --constraint requirements-build.txt \
		--output-file requirements-dev.txt
	@$(COMPILE) --group audit --constraint requirements-dev.txt --output-file requirements-audit.txt

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
