# The two commands to begin with: `make demo` and `make test`. Both make .venv from the hashed lock first.

# Snakemake starts jobs through the shell, by the path of .venv's Python.
ifneq ($(words $(CURDIR)),1)
$(error The path of this folder, $(CURDIR), contains a blank, at which the shell would split it: move it to one without)
endif
ifneq (,$(findstring ',$(CURDIR))$(findstring ",$(CURDIR)))
$(error The path of this folder, $(CURDIR), contains a quote, which the shell would take for its own: move it to one without)
endif

PYTHONS := python3.13 python3.12 python3.14 python3
VENV := .venv/installed
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake
CORES ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

# Modules are compiled once and kept: with this set, each of the many short processes would compile them again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

help: ## what there is to make
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(VENV) ## the worked example, from query to figure, on the embedded archive
	@echo "The worked example: 20 full-size frames of a synthetic flare; about a minute on two cores, 2.9 GB of disk."
	@$(BIN)/aia-sequence run --cores $(CORES)

test: $(VENV) ## the whole test suite
	@$(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder

test-slurm: $(VENV) ## the worked example on a real Slurm that is started and stopped here; wants root, slurm-wlm and munge
	@$(BIN)/python -m pytest -m slurm tests/workflow/test_slurm.py

test-catalogue: $(VENV) ## 200 short events, two of which fail; takes an hour and a half (EVENTS=10 CHANNELS=171 takes minutes)
	@EVENTS=$(or $(EVENTS),200) CHANNELS="$(or $(CHANNELS),131 171 211)" $(BIN)/python -m pytest -m catalogue tests/workflow/test_many_events.py

example-active-region: $(VENV) ## half a day of an active region in six channels, to derotated cubes (examples/configs)
	@$(BIN)/aia-sequence run examples/configs/active-region.yaml --cores $(CORES)

bench-plan: $(VENV) ## time and memory of planning 10 to 5,000 events
	@$(BIN)/python tests/benchmarks/plan.py

bench-scale: $(VENV) ## what catalogues of 1, 10 and 100 events cost: time, files, MB of each event (EVENTS="1 10" for less)
	@$(BIN)/python tests/benchmarks/scale.py --events $(or $(EVENTS),1 10 100)

bench-calibrate: $(VENV) ## level 1.5 against the gallery's own loop, on the same 20 frames; up to 100 frames; cut-outs from query to level 1.5
	@$(BIN)/python tests/benchmarks/calibrate.py --growth 100 --cutouts

bench-psf: $(VENV) ## point spread function and deconvolution of a frame, beside aiapy's; takes five minutes
	@$(BIN)/python tests/benchmarks/psf.py

bench-figures: $(VENV) ## memory and time of figures, movie and viewer as a sequence grows from 20 to 1,000 frames
	@$(BIN)/python tests/benchmarks/figures.py

test-faults: $(VENV) ## every fault of the archive, at every stage: what becomes of it, as a table
	@$(BIN)/python -m pytest -q tests/workflow/test_faults.py
	@sed -n '/^| stage/,$$p' docs/faults.md

test-hostile: $(VENV) ## every generated attack, a hundred times as often as in the suite, and a table of what became of them
	@rm -f .hostile; AIA_HOSTILE=$(or $(TIMES),100) AIA_HOSTILE_TALLY=.hostile $(BIN)/python -m pytest -q -m hostile; \
	status=$$?; rm -f .hostile; exit $$status

test-kill: $(VENV) ## the worked example, killed at 25 random moments and repeated
	@AIA_KILLS=25 $(BIN)/python -m pytest -q tests/workflow/test_kill.py

bench-transfer: $(VENV) ## 50 files over the loopback interface, beside curl
	@$(BIN)/python tests/benchmarks/transfer.py

cache-report: $(VENV) ## what the level-1 cache holds, and which events use it
	@$(BIN)/aia-sequence cache

faults: $(VENV) ## write docs/faults.md again
	@PYTHONPATH=tests $(BIN)/python tests/workflow/test_faults.py

verify: $(VENV) ## hash everything again and compare it with what was recorded
	@$(BIN)/aia-sequence verify

repair: $(VENV) ## verify, and have what is wrong made again, and nothing else
	@$(BIN)/aia-sequence repair -- --cores $(CORES)

archive: $(VENV) ## pack all finished events with tables, figures, provenance and the workflow itself, for Zenodo
	@$(BIN)/aia-sequence archive $(or $(ARCHIVE),archive.zip)

rebuild: $(VENV) ## rebuild the figures of ARCHIVE=paper.zip, or of the unpacked archive that this is (by the code in it), and compare them
	@$(BIN)/aia-sequence rebuild $(ARCHIVE) --cores $(CORES)

lint: $(VENV) ## style of Python and Snakemake files, types of the library, and spelling
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/typos
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile rules examples
	@$(SNAKEMAKE) --lint

lock: $(VENV) ## resolve envs/requirements.in and envs/docs.in again
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --upgrade \
		--no-emit-index-url --no-emit-find-links --output-file envs/requirements.txt envs/requirements.in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --upgrade \
		--no-emit-index-url --no-emit-find-links --output-file envs/docs.txt envs/docs.in
	@$(BIN)/python envs/pin.py

config-docs: $(VENV) ## the table of options in config/README.md, from the schema
	@$(BIN)/python -m aia_sequence.config.docs config/README.md

docs: .venv/docs/installed ## the page of the library's functions, docs/api/_build/index.html, from their docstrings
	@PYTHONPATH=.venv/docs $(BIN)/python -m sphinx -q -W --keep-going -E docs/api docs/api/_build

rule-graph: $(VENV) ## the graph of rules in docs/architecture.md
	@$(BIN)/python docs/graph.py

serve: $(VENV) ## the embedded archive alone, for any JSOC client, on http://127.0.0.1:8080
	@$(BIN)/aia-sequence serve --port 8080

clean: ## remove what `make demo` made; the level-1 cache and the environment stay
	@rm -rf results logs benchmarks resources/*/calibration resources/*/psf

# Stamped when all is installed, so an interrupted installation starts again.
$(VENV): .venv/packages pyproject.toml scripts/aia_sequence/__init__.py
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . \
	&& $(BIN)/python envs/warm_up.py && touch $@

.venv/packages: envs/requirements.txt .python-version
	@python=; for candidate in $(PYTHONS); do \
		if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.12 or newer is needed; none of $(PYTHONS) is one." >&2; exit 1; fi; \
	echo "Making .venv with $$($$python --version) from envs/requirements.txt"; \
	$$python -m venv --clear .venv \
	&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement envs/uv.txt \
	&& $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement envs/requirements.txt \
	&& touch $@

# Sphinx stands beside the packages of the workflow, which do without it.
.venv/docs/installed: envs/docs.txt $(VENV)
	@rm -rf .venv/docs && $(BIN)/uv pip install --quiet --python $(BIN)/python --target .venv/docs --require-hashes --requirement $< \
	&& touch $@

.PHONY: help demo example-active-region test test-slurm test-catalogue bench-plan bench-scale bench-calibrate bench-psf bench-figures test-faults test-hostile test-kill bench-transfer cache-report faults verify repair archive rebuild lint lock config-docs docs rule-graph serve clean
