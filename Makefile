# The door: each target is a script or CMake, which do the work. `make help` lists them.
PREFIX ?= /usr/local
.DEFAULT_GOAL := help
.PHONY: build demo test test-engines test-upstream wheel sanitize faults fuzz lint format install clean help

build: ## get what is missing, build; leaves the program at build/isles
	@scripts/build dev
	@echo "isles: ready: build/isles"

demo: build ## watch real programs run side by side in one process (about a minute)
	@"$$(build/isles info --python)" demo/demo.py

test: build ## build with warnings as errors, run all tests
	@scripts/run-tests build

test-engines: ## the tests on every engine here, and on CPython 3.13, 3.14 and 3.15 in a Debian root (needs root)
	@scripts/test-engines

sanitize: ## the tests under the address, undefined-behaviour and thread sanitizers
	@scripts/sanitize

faults: ## make every allocation and thread creation fail once
	@scripts/faults

test-upstream: build ## CPython's own tests of concurrent.interpreters and its pool, on the Python package
	@PYTHONPATH="$(CURDIR)/build/python" "$$(build/isles info --python)" tests/upstream/run.py

wheel: build ## the Python package's source archive and wheel into build/wheel
	@"$$(build/isles info --python)" -B scripts/make_wheel.py

fuzz: ## feed made-up bytes to the codec for a minute each way
	@scripts/fuzz

lint: ## clang-format, clang-tidy, shellcheck
	@scripts/lint

format: ## let clang-format write
	@scripts/lint --fix

install: ## install a release build to PREFIX (/usr/local), below DESTDIR if set
	@scripts/build release
	@cmake --install build-release --prefix "$(PREFIX)"
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi
	@echo "isles: installed below $(DESTDIR)$(PREFIX): $(DESTDIR)$(PREFIX)/bin/isles"

clean: ## remove the build folders (not the cache)
	@rm -rf build build-release build-asan build-tsan build-faults build-fuzz build-engines

help: ## this list
	@echo "Isles: many isolated Python interpreters in one process"
	@sed -n 's/^\([a-z-]*\):[a-z ]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done
