# The commands of the README. Each does all the set-up that it needs. BUILD=DIR builds elsewhere than in build/, JOBS=N
# limits the parallelism.
BUILD ?= build
JOBS ?= $(shell nproc)

.PHONY: help deps configure build test demo bench model mutants check clean
.DEFAULT_GOAL := help

help:
	@echo 'make deps    install the Debian packages of packages.txt that are missing'
	@echo 'make build   build the programs into $(BUILD)/bin'
	@echo 'make demo    three monitors lose a member and get it back, with real data'
	@echo 'make test    build and run all tests'
	@echo 'make bench   build and run the benchmarks'
	@echo 'make model   check the protocol'"'"'s model over its whole state space, and refute it without each rule'
	@echo 'make mutants plant bugs, one after the other, and expect the simulator to catch each'
	@echo 'make check   formatting, the layer rule, lint, and g++ and clang++ without a warning'
	@echo 'make clean   remove what was built'

deps:
	@scripts/deps

# Ninja where it is there; a build directory keeps the generator that it was made with.
configure: deps
	@test -e $(BUILD)/build.ninja -o -e $(BUILD)/Makefile || \
	  cmake -S . -B $(BUILD) $$(command -v ninja > /dev/null && echo -G Ninja)

build: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target programs

test: configure
	@cmake --build $(BUILD) --parallel $(JOBS)
	@scripts/run_tests $(BUILD) $(JOBS)

demo: build
	@SYNOD_BIN=$(abspath $(BUILD))/bin scripts/demo

bench: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target programs benchmarks
	@scripts/run_benchmarks $(BUILD)

model: deps
	@model/run --build $(BUILD) --jobs $(JOBS)

mutants: deps
	@scripts/mutants --jobs $(JOBS)

check: deps
	@scripts/check $(JOBS)

clean:
	rm -rf $(BUILD) build-clang build-mutants
