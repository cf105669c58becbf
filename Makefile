# omslaunch: build, test, install.
#
#   make                  build into build/
#   make demo             one real upgrade in a throw-away lab, shown      (as root; installs what is missing)
#   make demo NODES=3     the same of three nodes in two regions
#   make check            everything that can be tested on this machine    (as root; installs what is missing)
#   make unit | check-lab | check-live | check-cli | check-faults | lint | fuzz        parts of it
#   make check-mysql MYSQLD=/usr/sbin/mysqld    the suites of the MetaDB and the command line on that MySQL server
#   make bench            benchmarks against peers, as ratios
#   make install          PREFIX (/usr/local), DESTDIR
#   make uninstall | clean | format
#
# CC=clang, SANITIZE=1 (AddressSanitizer and UBSan), BUILD=folder, V=1

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
bindir = $(PREFIX)/bin
libexecdir = $(PREFIX)/libexec/omslaunch
datadir = $(PREFIX)/share/omslaunch
mandir = $(PREFIX)/share/man
docdir = $(PREFIX)/share/doc/omslaunch
plugindir = $(PREFIX)/libexec/docker/cli-plugins

CC = gcc
AR = gcc-ar
PKG_CONFIG ?= pkg-config
INSTALL ?= install
OPT ?= -O2
# One short line a file; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

# ---- flags -------------------------------------------------------------------------------------
# Each warning has found a real bug somewhere; all are errors. We run as root, so we set our own hardening
# flags instead of hoping for the distribution's.
WARNINGS := -Wall -Wextra -Werror -Wformat=2 -Wshadow -Wundef -Wvla -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion -Wdate-time
HARDENING := -fPIE -fstack-protector-strong -fno-strict-aliasing
HARDENING_LD := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
ifeq ($(shell uname -m),x86_64)
HARDENING += -fcf-protection=full -fstack-clash-protection
endif
ifdef SANITIZE
HARDENING += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HARDENING_LD += -fsanitize=address,undefined
else
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifdef FUZZ
HARDENING += -fsanitize=fuzzer-no-link
endif

pkg = $(shell $(PKG_CONFIG) $(1) $(2) 2>/dev/null)
# Either client library serves: MariaDB's connector or Oracle's libmysqlclient.
MYSQL_PKG := $(firstword $(foreach p,mysqlclient libmariadb,$(shell $(PKG_CONFIG) --exists $(p) && echo $(p))))
MYSQL_CFLAGS := $(if $(MYSQL_PKG),$(call pkg,--cflags,$(MYSQL_PKG)),$(shell mysql_config --cflags 2>/dev/null))
MYSQL_LIBS := $(if $(MYSQL_PKG),$(call pkg,--libs,$(MYSQL_PKG)),$(shell mysql_config --libs 2>/dev/null))

CPPFLAGS := -I. -D_GNU_SOURCE -DOMSLAUNCH_VERSION='"$(VERSION)"' \
	$(call pkg,--cflags,jansson libcurl yaml-0.1 libcrypto libzstd libseccomp) $(MYSQL_CFLAGS)
PATHS := -DOMSLAUNCH_LIBEXECDIR='"$(libexecdir)"' -DOMSLAUNCH_DATADIR='"$(datadir)"'
CFLAGS ?= $(OPT) -g
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(HARDENING) $(CFLAGS)
LIBS_BASE := $(call pkg,--libs,jansson yaml-0.1 libcrypto)
LIBS_ENGINE := $(call pkg,--libs,libcurl)
LIBS_HOOKS := $(call pkg,--libs,libseccomp)
LIBS_METADB := $(MYSQL_LIBS) $(call pkg,--libs,libzstd)

# ---- rooms -------------------------------------------------------------------------------------
# A room is a folder and an archive. What it may use is the list of archives its tests link, whole, so
# that a call to a higher room is an undefined symbol.
# Those of omslaunch-metadb, the other program.
METADB_ROOMS := wire model backup dump restore ops
ROOMS := base net engine inspect policy spec state hooks upgrade launcher $(METADB_ROOMS)
DIR_base := launcher/base
DIR_net := launcher/net
DIR_engine := launcher/engine
DIR_inspect := inspect
DIR_policy := policy
DIR_spec := launcher/spec
DIR_state := launcher/state
DIR_hooks := hooks
DIR_upgrade := launcher/upgrade
$(foreach r,$(METADB_ROOMS),$(eval DIR_$(r) := hooks/metadb/$(r)))
DIR_launcher := launcher
USES_base := base
USES_net := net base
USES_engine := engine net base
USES_inspect := inspect engine net base
USES_policy := policy inspect engine net base
USES_spec := spec inspect engine net base
USES_state := state base
USES_hooks := hooks engine net base
USES_upgrade := upgrade hooks state spec policy inspect engine net base
USES_wire := wire base
USES_model := model wire base
USES_backup := backup model wire base
USES_dump := dump backup model wire base
USES_restore := restore backup model wire base
USES_ops := ops restore dump backup model wire base
USES_launcher := launcher upgrade hooks state spec policy inspect engine net base
LIBS_FOR_base := $(LIBS_BASE) -lpthread
LIBS_FOR_state := $(LIBS_BASE)
$(foreach r,$(METADB_ROOMS),$(eval LIBS_FOR_$(r) := $(LIBS_METADB) $(LIBS_BASE) -lpthread))
$(foreach r,net engine inspect policy spec,$(eval LIBS_FOR_$(r) := $(LIBS_ENGINE) $(LIBS_BASE) -lpthread))
$(foreach r,hooks upgrade launcher,$(eval LIBS_FOR_$(r) := $(LIBS_HOOKS) $(LIBS_ENGINE) $(LIBS_BASE) -lpthread))

MAINS := launcher/main.c hooks/metadb/main.c
sources = $(filter-out $(MAINS),$(wildcard $(DIR_$(1))/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
archives = $(foreach r,$(USES_$(1)),$(BUILD)/lib$(r).a)
whole = -Wl,--whole-archive $(call archives,$(1)) -Wl,--no-whole-archive

BINARIES := $(BUILD)/omslaunch $(BUILD)/omslaunch-metadb

# The program finds its own files beside itself, so that it runs from here as it will from PREFIX.
DATA := $(BUILD)/version_paths.yaml $(BUILD)/rule_defaults.yaml

.PHONY: all
all: $(BINARIES) $(DATA)

$(DATA): $(BUILD)/%.yaml: policy/%.yaml
	@mkdir -p $(@D)
	cp $< $@

define room_rules
$(BUILD)/lib$(1).a: $$(call objects,$(1))
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(PATHS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/omslaunch: $(BUILD)/launcher/main.o $(call archives,launcher)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(HARDENING_LD) $(LDFLAGS) $< $(call archives,launcher) $(LIBS_FOR_launcher) -o $@

$(BUILD)/omslaunch-metadb: $(BUILD)/hooks/metadb/main.o $(call archives,ops)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(HARDENING_LD) $(LDFLAGS) $< $(call archives,ops) $(LIBS_FOR_ops) -o $@

# ---- tests -------------------------------------------------------------------------------------
# tests/unit/ROOM/test_X.c is one cmocka program; it links its room and what the room may use.
unit_tests = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/$(1)/test_*.c))
UNIT_TESTS := $(foreach r,$(ROOMS),$(call unit_tests,$(r)))

define unit_rules
$$(call unit_tests,$(1)): $(BUILD)/tests/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $$(call archives,$(1))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(HARDENING_LD) $$< $$(call whole,$(1)) $$(LIBS_FOR_$(1)) -lcmocka -o $$@
endef
$(foreach r,$(ROOMS),$(eval $(call unit_rules,$(r))))

# What the tests of the sandbox start by the hundred.
$(BUILD)/tests/unit/hooks/probe: tests/unit/hooks/probe.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O1 -static $< -o $@
$(filter %/test_sandbox,$(UNIT_TESTS)): | $(BUILD)/tests/unit/hooks/probe

# tests/fuzz/ROOM/fuzz_X.c is one libFuzzer target. Outside of `make fuzz` it is a unit test over the files
# in tests/fuzz/corpus/X/.
fuzz_tests = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/$(1)/fuzz_*.c))
FUZZ_TESTS := $(foreach r,$(ROOMS),$(call fuzz_tests,$(r)))
FUZZ_SECONDS ?= 20
FUZZ_DRIVER = $(if $(FUZZ),-fsanitize=fuzzer,$(BUILD)/tests/fuzz/driver.o -lcmocka)

define fuzz_rules
$$(call fuzz_tests,$(1)): $(BUILD)/tests/fuzz/$(1)/%: $(BUILD)/tests/fuzz/$(1)/%.o $(BUILD)/tests/fuzz/driver.o $$(call archives,$(1))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(HARDENING_LD) $$< $$(call whole,$(1)) $$(FUZZ_DRIVER) $$(LIBS_FOR_$(1)) -o $$@
endef
$(foreach r,$(ROOMS),$(eval $(call fuzz_rules,$(r))))

# VALGRIND=1 runs each program under valgrind.
.PHONY: unit unit-build fuzz fuzz-run
unit-build: $(UNIT_TESTS) $(FUZZ_TESTS)
unit: unit-build
	VALGRIND=$(VALGRIND) UNIT_JOBS=$(UNIT_JOBS) tests/run-unit $(UNIT_TESTS) $(FUZZ_TESTS)

fuzz:
	$(MAKE) BUILD=$(BUILD)-fuzz CC=clang SANITIZE=1 FUZZ=1 fuzz-run
fuzz-run: $(FUZZ_TESTS)
	tests/fuzz/run $(FUZZ_SECONDS) $^

# ---- on real engines and databases ----------------------------------------------------------------
# Each suite starts what it needs in a folder of its own, and leaves nothing behind.
.PHONY: check demo check-lab check-live check-cli check-faults check-mysql bench bench-metadb bench-scale bench-hooks

# The second make is there so that a fresh machine has the libraries when the flags are worked out.
check:
	tests/live/deps.sh check
	tests/live/deps.sh lint
	tests/run-all

demo:
	tests/live/deps.sh check
	$(MAKE) --no-print-directory -j2 all
	OMSLAUNCH_BUILD=$(abspath $(BUILD)) contrib/demo/$(if $(filter 3,$(NODES)),nodes,run)

# The engine room alone, every call of it.
$(BUILD)/tests/live/engine_test: $(BUILD)/tests/live/engine_test.o $(call archives,engine)
	$(CC) $(ALL_CFLAGS) $(HARDENING_LD) $< $(call whole,engine) $(LIBS_FOR_engine) -lcmocka -o $@

# What an upgrade does until the new container is created, for the comparison of old and new.
$(BUILD)/tests/live/spec/create: $(BUILD)/tests/live/spec/create.o $(call archives,upgrade)
	$(CC) $(ALL_CFLAGS) $(HARDENING_LD) $< $(call archives,upgrade) $(LIBS_FOR_upgrade) -o $@

# Runs a program in the sandbox of the hooks.
$(BUILD)/tests/live/confined: $(BUILD)/tests/live/confined.o $(call archives,hooks)
	$(CC) $(ALL_CFLAGS) $(HARDENING_LD) $< $(call archives,hooks) $(LIBS_FOR_hooks) -o $@

# What the others start: images, servers, the runbook by hand. It sees whether anything is left on the
# machine only while no other lab is up.
check-lab:
	tests/live/selftest.sh
check-live: all $(BUILD)/tests/live/confined $(BUILD)/tests/live/engine_test $(BUILD)/tests/live/spec/create
	OMSLAUNCH_BUILD=$(abspath $(BUILD)) tests/live/run
check-cli: all
	OMSLAUNCH_VALGRIND=$(VALGRIND) OMSLAUNCH_BUILD=$(abspath $(BUILD)) tests/cli/run

# Debian has no MySQL, so this is no part of `check`. A server that was unpacked anywhere will do, with its
# share/ beside or above it.
check-mysql:
	@[ -x '$(MYSQLD)' ] || { echo "make check-mysql: MYSQLD='$(MYSQLD)' is no program" >&2; \
		echo 'HINT: name the server: make check-mysql MYSQLD=/usr/sbin/mysqld' >&2; exit 64; }
	$(MAKE) --no-print-directory -j2 all $(BUILD)/tests/live/confined
	tests/run-mysql '$(abspath $(MYSQLD))' '$(abspath $(BUILD))'

# What makes one exact thing go wrong: a library for LD_PRELOAD, and a proxy in front of an engine.
FAULT_TOOLS := $(BUILD)/tests/fault/killer.so $(BUILD)/tests/fault/proxy
$(BUILD)/tests/fault/killer.so: tests/fault/killer.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu11 $(WARNINGS) -O1 -g -fPIC -shared $< -ldl -o $@
$(BUILD)/tests/fault/proxy: tests/fault/proxy.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu11 $(WARNINGS) -O1 -g $< -o $@

check-faults: all $(FAULT_TOOLS)
	OMSLAUNCH_BUILD=$(abspath $(BUILD)) tests/fault/run

bench: bench-metadb bench-scale bench-hooks
bench-hooks: all
	OMSLAUNCH_BUILD=$(abspath $(BUILD)) tests/bench/hooks/run
bench-scale: all
	tests/live/deps.sh check
	OMSLAUNCH_BUILD=$(abspath $(BUILD)) tests/bench/scale/run $(NODES)
bench-metadb: all
	tests/live/deps.sh bench
	OMSLAUNCH_BUILD=$(abspath $(BUILD)) tests/bench/metadb/run

# ---- install -----------------------------------------------------------------------------------
GENERATED := $(BUILD)/omslaunch.1 $(BUILD)/omslaunch.bash $(BUILD)/_omslaunch $(BUILD)/omslaunch.fish
$(BUILD)/omslaunch.1: $(BUILD)/omslaunch
	$< generate man >$@
$(BUILD)/omslaunch.bash: $(BUILD)/omslaunch
	$< generate bash >$@
$(BUILD)/_omslaunch: $(BUILD)/omslaunch
	$< generate zsh >$@
$(BUILD)/omslaunch.fish: $(BUILD)/omslaunch
	$< generate fish >$@

.PHONY: install uninstall clean
install: all $(GENERATED)
	$(INSTALL) -D -m 755 $(BUILD)/omslaunch $(DESTDIR)$(bindir)/omslaunch
	$(INSTALL) -d $(DESTDIR)$(plugindir)
	ln -sf $(bindir)/omslaunch $(DESTDIR)$(plugindir)/docker-omslaunch
	$(INSTALL) -D -m 755 $(BUILD)/omslaunch-metadb $(DESTDIR)$(libexecdir)/omslaunch-metadb
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(datadir) policy/version_paths.yaml policy/rule_defaults.yaml
	$(INSTALL) -D -m 644 $(BUILD)/omslaunch.1 $(DESTDIR)$(mandir)/man1/omslaunch.1
	$(INSTALL) -D -m 644 $(BUILD)/omslaunch.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/omslaunch
	$(INSTALL) -D -m 644 $(BUILD)/_omslaunch $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_omslaunch
	$(INSTALL) -D -m 644 $(BUILD)/omslaunch.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/omslaunch.fish
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(docdir) README.md docs/*.md

uninstall:
	rm -f $(DESTDIR)$(bindir)/omslaunch $(DESTDIR)$(plugindir)/docker-omslaunch $(DESTDIR)$(mandir)/man1/omslaunch.1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/omslaunch \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_omslaunch \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/omslaunch.fish
	rm -rf $(DESTDIR)$(libexecdir) $(DESTDIR)$(datadir) $(DESTDIR)$(docdir)

clean:
	rm -rf $(BUILD) $(BUILD)-*

# ---- style and law -----------------------------------------------------------------------------
ours = $(shell find launcher inspect policy hooks tests contrib -name '$(1)')
LINT_JOBS ?= 2
TIDY = $(patsubst %.c,$(BUILD)/%.tidy,$(call ours,*.c))

.PHONY: lint lint-format lint-rooms lint-rules lint-shell lint-cppcheck lint-tidy format
lint: lint-format lint-rooms lint-rules lint-shell lint-cppcheck lint-tidy

lint-format:
	clang-format --dry-run -Werror $(call ours,*.[ch])

lint-rooms:
	tests/lint/test-rooms
	CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' tests/lint/rooms

lint-rules:
	tests/lint/test-rules
	tests/lint/rules
	tests/lint/test-dialect
	tests/lint/dialect

lint-shell:
	tests/lint/shell

# ctuuninitvar looks across files, on one core only, and does not see what a function fills.
lint-cppcheck:
	cppcheck -q -j$(LINT_JOBS) --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=ctuuninitvar --std=c11 -I. -D_GNU_SOURCE $(call ours,*.c)

# A file is looked at again only when it or one of its headers has changed.
lint-tidy:
	@$(MAKE) --no-print-directory -k -j$(LINT_JOBS) $(TIDY)
$(BUILD)/%.tidy: %.c .clang-tidy tests/.clang-tidy
	@mkdir -p $(@D)
	@echo clang-tidy $<
	@clang-tidy --quiet $< -- $(CPPFLAGS) $(PATHS) -std=gnu11 2>$@.log || { cat $@.log; false; }
	@$(CC) $(CPPFLAGS) $(PATHS) -MM -MP -MT $@ -MF $@.d $< && touch $@

format:
	clang-format -i $(call ours,*.[ch])

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
