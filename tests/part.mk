# Tests: every tests/unit/test-*.c is one cmocka program; tests/tools/*.c are programs that tests start.
UNIT_TESTS := $(patsubst %.c,%,$(wildcard tests/unit/test-*.c))
TEST_TOOLS := $(patsubst %.c,%,$(wildcard tests/tools/*.c))
BENCH_TOOLS := $(patsubst %.c,%,$(wildcard tests/bench/*.c))
FUZZERS := $(patsubst %.c,%,$(wildcard tests/fuzz/fuzz-*.c))
FUZZ_SECONDS ?= 20
TEST_LIBS := common survey coredump coredump/unwind monitord cli helper
TEST_PKGS := libsystemd libnotify jansson inih popt sqlite3 libarchive glib-2.0 $(L_unwind)
$(foreach t,$(UNIT_TESTS),$(eval $(call test_program,$(t),$(t).c,$(TEST_LIBS),cmocka $(TEST_PKGS))))
$(foreach t,$(TEST_TOOLS) $(BENCH_TOOLS) $(FUZZERS),$(eval $(call test_program,$(t),$(t).c,common survey coredump coredump/unwind monitord helper,$(L_monitord) $(L_unwind))))
# Libraries that tests preload into a program.
PRELOADS := $(patsubst %.c,$(B)/%.so,$(wildcard tests/preload/*.c))
$(B)/tests/preload/%.so: tests/preload/%.c Makefile
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 $(WARN) $(CFLAGS) -shared -fPIC -o $@ $<
SUITES ?= unit integration lint

test-programs: $(TEST_PROGRAMS) $(PRELOADS)
check: all test-programs
	$(Q)$(PYTHON) tests/run $(B) $(SUITES)
check-system:
	$(Q)$(PYTHON) tests/run $(B) system
lint: all
	$(Q)VIGIL_BUILD=$(B) tests/lint
bench: all test-programs
	$(Q)$(PYTHON) tests/bench/run $(B)
fuzz: test-programs
	$(Q)for f in $(FUZZERS); do $(B)/$$f $(FUZZ_SECONDS) || exit 1; done
run: all
	$(Q)units/run-daemon $(B)
.PHONY: test-programs check check-system lint bench fuzz run
