# The one entry point for every task. `make` alone lists them.

MAKEFLAGS += --no-builtin-rules --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1
export TRACEWIRE_REQUIRE_EXTENSIONS := 1

# Arguments for pytest, seconds of each fuzz target, parts of the soak and of `make test` if not all,
# and how many of the latter run at once.
ARGS ?=
SECONDS ?= 60
PARTS ?=
ONLY ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# Each CPython from 3.11 up that really runs and can make an environment: on PATH, then pyenv's.
PYENV_ROOT ?= $(HOME)/.pyenv
FOLDERS := $(subst :, ,$(PATH)) $(wildcard $(PYENV_ROOT)/versions/*/bin)
present = $(wildcard $(FOLDERS:%=%/python$1))
running = $(shell $1 -Ic 'import ensurepip, sys; print(sys.executable)' 2>/dev/null)
python = $(firstword $(foreach each,$(call present,$1),$(call running,$(each))))
VERSIONS := $(foreach each,$(sort $(patsubst python%,%,$(notdir $(call present,3.1[1-9])))),\
	$(if $(call python,$(each)),$(each)))
PYTHON := $(call python,$(firstword $(VERSIONS)))

VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' package/__init__.py)
SDIST := dist/tracewire-$(VERSION).tar.gz
SOURCES := $(wildcard pyproject.toml setup.py MANIFEST.in README.md LICENSE) \
	$(shell find package codec protocol spec -type f -not -name '*.pyc')
SUITE := --ignore=tests/bench $(ARGS)

# The wheel built from the sdist, in an environment of its own, with all that the tests import. For the
# Python of .venv that is copied from there, for pip takes a minute. $1: the Python. $2: switches of the
# build; as variables of the target they would hold for .venv, too.
define install
rm -rf $(@D)
$1 -m venv $(if $(filter $1,$(PYTHON)),--without-pip )$(@D)
$(if $(filter $1,$(PYTHON)),cp -Rp .venv/lib/python*/site-packages $(@D)/lib/python*)
$2 $(@D)/bin/python -m pip wheel --no-deps --wheel-dir $(@D)/wheel $(SDIST)
$(@D)/bin/python -m pip uninstall --yes tracewire
$(@D)/bin/python -m pip install "$$(echo $(@D)/wheel/*.whl)[test]"
touch $@
endef

.PHONY: help
help: ## list the tasks
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 18

.PHONY: setup
setup: .venv/installed ## make .venv: tracewire as it is now, and the tools of every other task

.venv/installed: $(SOURCES)
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 up that can make a venv was found." >&2; exit 1; }
	test -x .venv/bin/cython || { $(PYTHON) -m venv .venv && \
		.venv/bin/pip install --upgrade setuptools cython; }
	@# Of the last build only the compiled half may be used again.
	find build/release/lib* -type f -not -name '*.so' -delete 2>/dev/null || true
	.venv/bin/pip install --no-build-isolation ".[test,nats]"
	touch $@

# The parts of `make test`: what measures time runs alone; the others beside each other, the longest first.
ALONE := bench
TOGETHER = $(VERSIONS:%=test-python%) test-sanitized gate coverage lint check-generated
chosen = $(filter $(or $(ONLY),%),$1)
environments = .venv/installed $(patsubst test-python%,.venv-%/installed,$(filter test-python%,$1)) \
	$(if $(wildcard $(ASAN)),$(patsubst test-%,.venv-%/installed,$(filter test-sanitized,$1)))

.PHONY: test
test: ## all parts that judge, or ONLY="lint bench"; the suite on each Python is of the wheel from the sdist
	@# What an environment cannot be made for fails then.
	-$(MAKE) --keep-going --jobs=$(JOBS) $(call environments,$(call chosen,$(TOGETHER)))
	@.ci/parts $(JOBS) "$(call chosen,$(ALONE))" "$(call chosen,$(TOGETHER))"

.PHONY: parts
parts: ## the names of the parts of `make test`
	@printf '%s\n' $(ALONE) $(TOGETHER)

.PHONY: test-quick
test-quick: .venv/installed ## the suite in .venv; ARGS="-k name" selects
	.venv/bin/pytest $(SUITE)

# Some tests are of what no version of Python changes, and run on the first alone, as those of properties
# do. Sockets and processes come up on the first and the last; between them unit tests alone run.
FIRST := $(firstword $(VERSIONS))
ONCE = $(if $(filter $1,$(FIRST)),,-m "not once" --ignore=tests/property)
PART = $(if $(filter $1,$(FIRST) $(lastword $(VERSIONS))),,--ignore=tests/interop --ignore=tests/sweeps)

test-python%: .venv-%/installed
	.venv-$*/bin/python -m pytest -o cache_dir=.venv-$*/cache $(call ONCE,$*) $(call PART,$*) $(SUITE)

.PRECIOUS: .venv-%/installed
.venv-%/installed: $(SDIST)
	$(call install,$(call python,$*))

$(SDIST): $(SOURCES) | .venv/installed
	.venv/bin/python -m build --sdist --no-isolation

# Unit tests of the tool, of connections and of timings, where the codec is looked at alone.
NOT_CODEC = $(addprefix --ignore-glob=tests/unit/,test_cli* test_conn* test_timings* test_census* \
	test_hello* test_service* test_address* test_fanout* test_rollout* test_soak*)

.PHONY: coverage
coverage: .venv/installed ## the codec's unit tests on the reference: every branch of it must run
	COVERAGE_FILE=.venv/coverage .venv/bin/pytest -o cache_dir=.venv/cache -k "not compiled" \
		-m "not once" $(NOT_CODEC) --ignore=tests/unit/test_leaks.py \
		--cov --cov-report=term-missing tests/unit $(ARGS)

# gcc's sanitizers must be in the process before Python is; PYTHONMALLOC shows them each object.
ASAN = $(shell gcc -print-file-name=libasan.so 2>/dev/null)
UBSAN = $(shell gcc -print-file-name=libubsan.so 2>/dev/null)
SANITIZED = LD_PRELOAD="$(ASAN) $(UBSAN)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=1:redzone=128 UBSAN_OPTIONS=print_stacktrace=1 \
	LSAN_OPTIONS=suppressions=$(CURDIR)/tests/leaks.supp:print_suppressions=0

# What has no part in the compiled codec but that peers call it, or none at all, and takes long where all
# is watched.
NOT_SANITIZED = $(patsubst %,tests/unit/test_%.py,cbor cddl conftest generated specification) $(filter-out tests/interop/test_peers.py tests/interop/test_peers_bodies.py \
	tests/interop/test_peers_frames.py tests/interop/test_peers_grease.py,\
	$(wildcard tests/interop/test_*.py))

.PHONY: test-sanitized
ifeq ($(wildcard $(ASAN)),)
test-sanitized: ## the suite on a build with gcc's address and undefined sanitizers; leaks fail
	@echo "test-sanitized is skipped: gcc with libasan is not installed"; exit $${TRACEWIRE_NO_SKIPS:-0}
else
test-sanitized: .venv-sanitized/installed
	@# Not what the compiled codec has no part in: the reference, and whole programs.
	$(SANITIZED) .venv-sanitized/bin/python -m pytest --capture=sys -o cache_dir=.venv-sanitized/cache \
		-k "not reference" -m "not once" $(NOT_CODEC) $(addprefix --ignore=,$(NOT_SANITIZED) tests/sweeps) \
		$(SUITE)
endif

.venv-sanitized/installed: $(SDIST)
	$(call install,$(PYTHON),TRACEWIRE_SANITIZE=1 CC=gcc)

.PHONY: lint
lint: .venv/installed ## ruff, mypy, the stub held to the compiled module, names of news fragments
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy -p tracewire
	.venv/bin/mypy $(wildcard spec/generators spec/model tests fuzz examples)
	.venv/bin/python -m mypy.stubtest --mypy-config-file pyproject.toml tracewire.codec.compiled._speedups
	$(DRAFT) > /dev/null

DRAFT := .venv/bin/towncrier build --draft --version $(VERSION)

.PHONY: news
news: .venv/installed ## what the next version brings, from docs/news
	@$(DRAFT)

.PHONY: format
format: .venv/installed ## let ruff format and sort
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# A heap that is not given back between calls: growth of cost is asked of the codec, not of it.
bench: export MALLOC_TRIM_THRESHOLD_ := 1073741824

.PHONY: bench
bench: .venv/installed ## the ratios of tests/bench, each inside one run
	.venv/bin/pytest tests/bench $(ARGS)

.PHONY: gate
gate: .venv/installed ## instruction counts against the merge base and the last release
	.venv/bin/python -m tests.bench.gate

.PHONY: fuzz
fuzz: .venv/installed ## each fuzz target for SECONDS=60
	.venv/bin/python -m fuzz.run --seconds $(SECONDS)

.PHONY: soak
soak: .venv/installed ## the long runs, hours of them; figures go to docs/soak.md; PARTS="a b" selects
	.venv/bin/python -m fuzz.soak $(PARTS)

.PHONY: demo
demo: .venv/installed ## a guild that is slow, a switch to frames and back, what tracing costs; ARGS=--stay
	.venv/bin/python -m examples.guild.run $(ARGS)

.PHONY: demo-peers
demo-peers: .venv/installed ## old, new and bare peers pass messages; each delivery is checked
	.venv/bin/python -m examples.demo.run

# In this order: the worked examples are made from the vectors.
GENERATORS := $(addprefix spec.generators.,vectors.generate collisions examples contents)

.PHONY: mutants
mutants: .venv/installed ## plants bugs in peers, one at a time, and says what the conformance suite sees
	.venv/bin/python -m tests.interop.mutants

.PHONY: mutate
mutate: .venv/installed ## plants random bugs in protocol/, and says which test sees each; ARGS="--seed 2"
	.venv/bin/python -m tests.mutate $(ARGS)

.PHONY: matrix
matrix: .venv/installed ## every peer of every generation sends to every other; writes docs/matrix.md
	.venv/bin/python -m tests.interop.matrix --write docs/matrix.md

.PHONY: upgrade
upgrade: .venv/installed ## six processes are upgraded under load and go back; writes docs/rolling-upgrade.md
	.venv/bin/python -m tests.interop.upgrade --write docs/rolling-upgrade.md

.PHONY: model
model: .venv/installed ## search the model of the rollout; writes docs/model.md
	.venv/bin/python -m spec.model.check --write docs/model.md

.PHONY: oracles
oracles: .venv/installed ## other decoders judge 100,000 frames; writes docs/oracles.md
	.venv/bin/python -m tests.interop.oracles --write docs/oracles.md

.PHONY: generate
generate: .venv/installed ## write the vectors and the worked examples anew
	for each in $(GENERATORS); do .venv/bin/python -m $$each || exit; done

.PHONY: check-generated
check-generated: .venv/installed ## fail if a generated file is not what its generator writes
	rm -rf build/generated && mkdir -p build/generated && cp -r spec build/generated
	cd build/generated && for each in $(GENERATORS); do ../../.venv/bin/python -m $$each || exit; done
	diff -r -x __pycache__ spec build/generated/spec

.PHONY: dist
dist: .venv/installed ## the sdist, and the wheel built from it
	rm -rf dist
	.venv/bin/python -m build

.PHONY: clean
clean: ## remove all that the tasks made, the environments too
	rm -rf .venv* build dist tests/interop/peers/node/node_modules *.egg-info .benchmarks .hypothesis .coverage* .*_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
