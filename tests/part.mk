# Tests: every tests/unit/test-*.c is one cmocka program; tests/tools/*.c are helpers that tests start.
UNIT_TESTS := $(patsubst %.c,%,$(wildcard tests/unit/test-*.c))
TEST_TOOLS := $(patsubst %.c,%,$(wildcard tests/tools/*.c))
ALL_LIBS := common survey coredump monitord cli helper
$(foreach t,$(UNIT_TESTS),$(eval $(call test_program,$(t),$(t).c,$(ALL_LIBS),cmocka $(PKGS))))
$(foreach t,$(TEST_TOOLS),$(eval $(call test_program,$(t),$(t).c,common,jansson)))

test-programs: $(TEST_PROGRAMS)
.PHONY: test-programs
