# SPDX-License-Identifier: GPL-2.0-or-later
#
# Vigil's one makefile: builds out of tree under build/, non-recursive.
#   make                     build everything          make run        survey, then the daemon
#   make check               unit + integration + lint
#   make check-system        Vigil in a booted Debian (root); VIGIL_SYSTEM_SUITES="bookworm trixie forky"
#   make SANITIZE=address,undefined check              the same tests, instrumented
#   make fuzz                libFuzzer; FUZZ_SECONDS=600 FUZZ_TARGETS="fuzz-wire fuzz-json"
#   make install DESTDIR= PREFIX=                      make uninstall
# Variables a packager may set: CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR and the dir variables below.

VERSION   := 0.1.0
PREFIX    ?= /usr/local
sysconfdir ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
bindir    ?= $(PREFIX)/bin
libexecdir ?= $(PREFIX)/libexec/vigil
datadir   ?= $(PREFIX)/share
mandir    ?= $(datadir)/man
localedir ?= $(datadir)/locale
userunitdir ?= $(PREFIX)/lib/systemd/user
systemunitdir ?= $(PREFIX)/lib/systemd/system

CC        ?= gcc
PKG_CONFIG ?= pkg-config
PYTHON    ?= $(firstword $(foreach p,python3 /usr/bin/python3,$(if $(shell $(p) -c 'import pytest' 2>/dev/null && echo y),$(p))) python3)
SANITIZE  ?=
WERROR    ?= $(if $(CI),1)
V         ?=

B := build/$(if $(SANITIZE),sanitize,default)
Q := $(if $(V),,@)
SAY = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

PKGS := libsystemd libnotify jansson inih popt sqlite3 libarchive libdw libelf libseccomp
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))

# Warnings, each for a reason we have met: shadowed names, missing prototypes, implicit fallthrough,
# strings written to, formats built at run time, pointer arithmetic on void is fine (GNU C).
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings \
	-Wimplicit-fallthrough -Wformat=2 -Wvla -Wundef -Wno-missing-field-initializers \
	-Wno-format-nonliteral $(if $(WERROR),-Werror)

CFLAGS ?= -O2 -g
HARDEN := $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
SANFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
ALL_CPPFLAGS := -I. -I$(B) -D_GNU_SOURCE -DVIGIL_VERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS := -std=gnu17 $(WARN) $(PKG_CFLAGS) $(HARDEN) $(SANFLAGS) $(CFLAGS) -pthread
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS) -pthread

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

# ---- libraries: one per folder, everything in it but the files that hold a main() ----------------
LIB_DIRS := common survey coredump coredump/unwind coredump/debuginfod monitord cli helper
define library
$(1)_SRC := $$(filter-out $(1)/main%.c,$$(wildcard $(1)/*.c))
$(1)_LIB := $$(B)/lib$(subst /,-,$(1)).a
$$($(1)_LIB): $$($(1)_SRC:%.c=$$(B)/%.o)
endef
$(foreach d,$(LIB_DIRS),$(eval $(call library,$(d))))

# pkg-config modules and libraries that each program really needs
L_common   := jansson inih
L_survey   := $(L_common)
L_coredump := libsystemd sqlite3 libarchive glib-2.0 $(L_common)
libs = $(shell $(PKG_CONFIG) --libs $(filter-out -l%,$(1))) $(filter -l%,$(1))

# ---- programs: NAME, main file, folders it links, pkg-config modules (or -lNAME). Each folder's part.mk names its own.
PROGRAMS :=
TEST_PROGRAMS :=
define link_rule
$$(B)/$(1): $$(B)/$(2:.c=.o) $$(foreach d,$(3),$$($$(d)_LIB))
	$$(call SAY,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(call libs,$(4))
endef
define program
PROGRAMS += $$(B)/$(1)
$(call link_rule,$(1),$(2),$(3),$(4))
endef
define test_program
TEST_PROGRAMS += $$(B)/$(1)
$(call link_rule,$(1),$(2),$(3),$(4))
endef

# ---- files made from templates: the install paths are substituted, nothing else -------------------
SUBST := sed $(foreach v,bindir libexecdir sysconfdir datadir localedir,-e 's|@$(v)@|$($(v))|g') -e 's|@VERSION@|$(VERSION)|g'
# The paths that were built in; whoever depends on it is made anew when `make PREFIX=…` names others.
$(B)/paths: FORCE
	$(Q)mkdir -p $(@D) && echo '$(foreach v,bindir libexecdir sysconfdir datadir localedir PREFIX,$($(v)))' | cmp -s - $@ || \
		echo '$(foreach v,bindir libexecdir sysconfdir datadir localedir PREFIX,$($(v)))' >$@
FORCE:
$(B)/%: %.in Makefile $(B)/paths
	$(call SAY,GEN,$@)
	$(Q)mkdir -p $(@D) && $(SUBST) $< >$@

# ---- install: rows of FILE:DIRECTORY[:NEWNAME[:MODE]], filled by the part.mk files ------------------
INSTALL_FILES :=
OWN_DIRS := $(datadir)/vigil/schema $(datadir)/vigil $(libexecdir) # what is ours alone goes, too
INSTALL_LINKS := # rows of LINK:TARGET
GENERATED :=

PARTS := $(wildcard */part.mk)
include $(PARTS)

all: $(PROGRAMS) $(GENERATED)

install_dir = $(DESTDIR)$(word 2,$(subst :, ,$(1)))
install_name = $(or $(word 3,$(subst :, ,$(1))),$(notdir $(firstword $(subst :, ,$(1)))))
install_mode = $(or $(word 4,$(subst :, ,$(1))),644)
define NEWLINE


endef
# Each file is one recipe line, so that a failing one stops make.
install: all
	$(foreach f,$(INSTALL_FILES),$(Q)install -D -m $(call install_mode,$(f)) $(firstword $(subst :, ,$(f))) $(call install_dir,$(f))/$(call install_name,$(f))$(NEWLINE)	)
	$(foreach l,$(INSTALL_LINKS),$(Q)mkdir -p $(dir $(DESTDIR)$(firstword $(subst :, ,$(l)))) && ln -sfn $(word 2,$(subst :, ,$(l))) $(DESTDIR)$(firstword $(subst :, ,$(l)))$(NEWLINE)	)
uninstall:
	$(foreach f,$(INSTALL_FILES),$(Q)rm -f $(call install_dir,$(f))/$(call install_name,$(f))$(NEWLINE)	)
	$(foreach l,$(INSTALL_LINKS),$(Q)rm -f $(DESTDIR)$(firstword $(subst :, ,$(l)))$(NEWLINE)	)
	$(foreach d,$(OWN_DIRS),$(Q)[ ! -d $(DESTDIR)$(d) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(d)$(NEWLINE)	)

$(B)/%.o: %.c Makefile $(PARTS)
	$(call SAY,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.a:
	$(call SAY,AR,$@)
	$(Q)rm -f $@ && ar rcsD $@ $^

clean:
	rm -rf build

.PHONY: FORCE all clean install uninstall

-include $(shell find $(B) -name '*.d' 2>/dev/null)
