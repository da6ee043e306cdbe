# The commands of the README. Each does all the set-up that it needs. BUILD=DIR builds elsewhere than in build/, JOBS=N
# limits the parallelism.
BUILD ?= build
JOBS ?= $(shell nproc)
# How long `make fuzz` runs each target, and which (all if empty).
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?=
# Which bugs `make mutants` plants (all if empty).
ONLY ?=
# What `make test-long` gives to each fuzz target and each size of cluster.
LONG_FUZZ_SECONDS ?= 600
LONG_SEEDS ?= 2000
# Options of `make bench-recovery`: scripts/bench_recovery --help.
RECOVERY ?=

.PHONY: help deps configure build test demo bench bench-recovery model mutants check fuzz test-asan test-tsan test-long clean
.DEFAULT_GOAL := help

help:
	@echo 'make deps       install the Debian packages of packages.txt that are missing'
	@echo 'make build      build the programs into $(BUILD)/bin'
	@echo 'make demo       three monitors lose a member and get it back, with real data'
	@echo 'make test       build and run all tests'
	@echo 'make bench      build and run the benchmarks'
	@echo 'make bench-recovery  seconds, bytes and memory of store synchronizations, beside what the machine takes at least;'
	@echo '                RECOVERY="--mebibytes 100 --rounds 3" chooses (scripts/bench_recovery --help)'
	@echo 'make model      check the protocol'"'"'s model over its whole state space, and refute it without each rule'
	@echo 'make mutants    plant bugs, one after the other, and expect that each is caught; ONLY="NAME..." chooses'
	@echo 'make check      formatting, the layer rule, lint, and g++ and clang++ without a warning'
	@echo 'make fuzz       libFuzzer on every decoder of bytes from outside, FUZZ_SECONDS=$(FUZZ_SECONDS) each;'
	@echo '                FUZZ_TARGETS="NAME..." chooses; a finding is left in test/fuzz/regress/NAME/'
	@echo 'make test-asan  unit, script and regression tests, and 30 seeds, under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make test-tsan  what has threads under ThreadSanitizer: store, messenger, client, one cluster of processes'
	@echo 'make test-long  the rest, for hours: all tests under both, LONG_FUZZ_SECONDS=$(LONG_FUZZ_SECONDS) of each'
	@echo '                fuzz target, LONG_SEEDS=$(LONG_SEEDS) seeds of each size'
	@echo 'make clean      remove what was built'

# $(call configure_in,DIRECTORY,OPTIONS): Ninja where it is there; a build directory keeps the generator that it was made
# with.
configure_in = test -e $(1)/build.ninja -o -e $(1)/Makefile || \
  cmake -S . -B $(1) $$(command -v ninja > /dev/null && echo -G Ninja) $(2)
# Builds with a sanitizer are optimised a little, and know their lines. Clang compiles them in three quarters of the time
# of g++.
sanitized = -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG='-O1 -g1' -DSYNOD_SANITIZE=$(1) \
  -DCMAKE_CXX_COMPILER=clang++-14

deps:
	@scripts/deps

configure: deps
	@$(call configure_in,$(BUILD))

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

bench-recovery: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target programs recovery_tools
	@SYNOD_BIN=$(abspath $(BUILD))/bin scripts/bench_recovery $(RECOVERY)

model: deps
	@model/run --build $(BUILD) --jobs $(JOBS)

mutants: deps
	@scripts/mutants --build $(BUILD)-mutants --jobs $(JOBS) $(addprefix --only ,$(ONLY))

check: deps
	@scripts/check $(JOBS)

.PHONY: configure-asan configure-tsan
configure-asan: deps
	@$(call configure_in,$(BUILD)-asan,$(call sanitized,address))
configure-tsan: deps
	@$(call configure_in,$(BUILD)-tsan,$(call sanitized,thread))

fuzz: deps
	@for name in $(FUZZ_TARGETS); do \
	  test -e test/fuzz/$${name}_fuzz.cc || { echo "fuzz: there is no target $$name" >&2; exit 2; }; done
	@$(call configure_in,$(BUILD)-fuzz,$(call sanitized,fuzz))
	@cmake --build $(BUILD)-fuzz --parallel $(JOBS) \
	  --target $(if $(FUZZ_TARGETS),$(foreach name,$(FUZZ_TARGETS),fuzz_$(name) libfuzzer_$(name)),fuzzers)
	@scripts/fuzz $(BUILD)-fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

test-asan: configure-asan
	@cmake --build $(BUILD)-asan --parallel $(JOBS) --target tests_of_one_process
	@scripts/run_tests $(BUILD)-asan $(JOBS) -L '^(unit|script|regress|sanitizers|asan)$$'

test-tsan: configure-tsan
	@cmake --build $(BUILD)-tsan --parallel $(JOBS) \
	  --target synod synod-mon synod-store sync_order store_test store_threads_test msg_test client_test planted_race
	@scripts/run_tests $(BUILD)-tsan $(JOBS) \
	  -R '^(store_test|store_threads_test|msg_test|client_test|planted_race_.*|cluster_test_quorum)$$'

test-long: configure configure-asan configure-tsan
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(LONG_FUZZ_SECONDS)
	@cmake --build $(BUILD) --parallel $(JOBS) --target synod-sim
	@$(BUILD)/bin/synod-sim run --first-seed 1000 --seeds $(LONG_SEEDS) --members 3 --minutes 10
	@$(BUILD)/bin/synod-sim run --first-seed 1000 --seeds $(LONG_SEEDS) --members 5 --minutes 10
	@cmake --build $(BUILD)-asan --parallel $(JOBS)
	@scripts/run_tests $(BUILD)-asan $(JOBS)
	@cmake --build $(BUILD)-tsan --parallel $(JOBS)
	@scripts/run_tests $(BUILD)-tsan $(JOBS)

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-mutants build-clang
