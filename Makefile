# make            builds the release preset; the program is build/release/fathom
# make demo       trains a model on real images and writes its report
# make test       builds everything and runs the tests
# make bench      races the benchmarks with their peers (WORKS="chain csv"; default all)
# make sanitize   runs the tests under AddressSanitizer and UndefinedBehaviorSanitizer
# make format     formats the sources;  make lint  checks what tools can check
#
# Each installs the packages that it lacks first. PRESET=dev chooses another preset.

PRESET ?= release
JOBS ?= $(shell nproc)
MAKEFLAGS += --no-print-directory
BUILD = cmake --build --preset
# One status line on a terminal, only warnings and errors in a log.
QUIET = $(shell [ -t 2 ] || echo -- --quiet)
SOURCES = $(shell find fathom apps tests bench examples -name '*.cpp' -o -name '*.h')

all: build/$(PRESET)/build.ninja
	@$(BUILD) $(PRESET) -j $(JOBS) $(QUIET)

demo: build/release/build.ninja
	@$(BUILD) release -j $(JOBS) --target fathom_cli $(QUIET)
	@tools/demo.sh

test: all
	@ctest --preset $(PRESET) -j $(JOBS)

bench: all
	@tools/install_deps.sh bench
	@bench/setup_peers.sh
	@bench/run.py $(or $(WORKS),all)

sanitize:
	@$(MAKE) test PRESET=ubsan
	@$(MAKE) test PRESET=asan

format:
	@tools/install_deps.sh format
	@clang-format-14 -i $(SOURCES)

lint: build/$(PRESET)/build.ninja
	@tools/install_deps.sh format
	@tools/check_layers.py
	@clang-format-14 --dry-run --Werror $(SOURCES)
	@$(BUILD) $(PRESET) -j $(JOBS) --target all_verify_interface_header_sets $(QUIET)

clean:
	@rm -rf build/release build/dev build/asan build/ubsan build/tsan build/demo

# Configuring again when sources come or go is ninja's own business.
build/%/build.ninja: CMakePresets.json | build/packages
	@cmake --preset $* --log-level=WARNING >/dev/null
	@touch $@

# Looked at again only when the list or the machine's package data base has changed.
build/packages: tools/install_deps.sh $(wildcard /var/lib/dpkg/status)
	@mkdir -p build
	@tools/install_deps.sh build
	@touch $@

.PHONY: all demo test bench sanitize format lint clean
.SECONDARY:
