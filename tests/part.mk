# Tests: every tests/unit/test-*.c is one cmocka program; tests/tools/*.c are programs that tests start.
UNIT_TESTS := $(patsubst %.c,%,$(wildcard tests/unit/test-*.c))
TEST_TOOLS := $(patsubst %.c,%,$(wildcard tests/tools/*.c))
BENCH_TOOLS := $(patsubst %.c,%,$(wildcard tests/bench/*.c))
FUZZERS := $(patsubst %.c,%,$(wildcard tests/fuzz/fuzz-*.c))
FUZZ_SECONDS ?= 20
FUZZ_TARGETS ?= $(notdir $(FUZZERS))
FUZZ_CC ?= clang
TEST_LIBS := common survey coredump coredump/unwind coredump/debuginfod monitord cli helper
TEST_PKGS := libsystemd libnotify jansson inih popt sqlite3 libarchive glib-2.0 $(L_unwind)
$(foreach t,$(UNIT_TESTS),$(eval $(call test_program,$(t),$(t).c,$(TEST_LIBS),cmocka $(TEST_PKGS))))
$(foreach t,$(TEST_TOOLS) $(BENCH_TOOLS) $(FUZZERS),$(eval $(call test_program,$(t),$(t).c,common survey coredump coredump/unwind coredump/debuginfod monitord helper,$(L_monitord) $(L_unwind))))
ifdef LIBFUZZER
$(FUZZERS:%=$(B)/%): ALL_LDFLAGS += -fsanitize=fuzzer
endif
# Libraries that tests preload into a program.
PRELOADS := $(patsubst %.c,$(B)/%.so,$(wildcard tests/preload/*.c))
$(B)/tests/preload/%.so: tests/preload/%.c Makefile
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 $(WARN) $(CFLAGS) -shared -fPIC -o $@ $<
SUITES ?= unit integration lint

test-programs: $(TEST_PROGRAMS) $(PRELOADS)
fuzz-programs: $(FUZZERS:%=$(B)/%)
# The corpus is replayed instrumented, whatever else is tested.
ifeq ($(B),build/sanitize)
replay-programs: fuzz-programs
else
replay-programs:
	$(Q)$(MAKE) B=build/sanitize SANITIZE=address,undefined fuzz-programs
endif
check: all test-programs replay-programs
	$(Q)$(PYTHON) tests/run $(B) $(SUITES)
check-system:
	$(Q)$(PYTHON) tests/run $(B) system
lint: all
	$(Q)VIGIL_BUILD=$(B) tests/lint
bench: all test-programs
	$(Q)$(PYTHON) tests/bench/run $(B)
fuzz:
	$(Q)if echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' | \
		$(FUZZ_CC) -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null; then \
		$(MAKE) B=build/fuzz CC=$(FUZZ_CC) SANITIZE=fuzzer-no-link,address,undefined LIBFUZZER=1 \
			CPPFLAGS='$(CPPFLAGS) -DVIGIL_LIBFUZZER' $(FUZZ_TARGETS:%=build/fuzz/tests/fuzz/%) && \
			tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_TARGETS); \
	else \
		echo "'$(FUZZ_CC)' has no libFuzzer: the targets make up their own input instead"; \
		$(MAKE) B=build/sanitize SANITIZE=address,undefined $(FUZZ_TARGETS:%=build/sanitize/tests/fuzz/%) && \
			for t in $(FUZZ_TARGETS); do build/sanitize/tests/fuzz/$$t $(FUZZ_SECONDS) || exit 1; done; \
	fi
run: all
	$(Q)units/run-daemon $(B)
.PHONY: test-programs fuzz-programs replay-programs check check-system lint bench fuzz run
