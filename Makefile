# jobd: one Makefile, no configure step.  `make help` lists the targets.
#
# Objects live in build/$(CONFIG)/, so that configurations never mix:
#	make				release
#	make SAN=address,undefined	with sanitizers (also thread)
#	make CC=clang

comma	:= ,
SAN	?=
CC	:= $(if $(filter default,$(origin CC)),gcc,$(CC))
CONFIG	:= $(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)$(if $(filter-out gcc,$(CC)),-$(notdir $(CC)))
B	:= build/$(CONFIG)
VERSION	:= $(shell cat VERSION)

# V=1 shows the commands.
Q	:= $(if $(V),,@)
say	= $(if $(V),,@printf '  %-4s %s\n' $(1) $@)

PREFIX	?= /usr/local
DESTDIR	?=

WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef -Wvla \
	-Wpointer-arith -Wcast-qual -Wformat=2 -Wswitch-enum -Wimplicit-fallthrough \
	$(if $(findstring clang,$(CC)),-Wconditional-uninitialized -Wno-gnu-zero-variadic-macro-arguments,-Werror=jump-misses-init)
WERROR	?= -Werror
CFLAGS	?= -O2 -g
# Fortify needs an optimiser and quarrels with the sanitizers.
HARDEN	:= $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all -DJOBD_SANITIZED=1)
ALLCFLAGS := -std=gnu11 -D_GNU_SOURCE -I. -I$(B) $(WARN) $(WERROR) $(CFLAGS) $(HARDEN) $(SANFLAGS) -MMD -MP \
	-DJOBD_VERSION='"$(VERSION)"'
# The unwinder (daemon/engine/watchdog.c) is linked in; a sanitizer brings its own.
LDFLAGS	:= -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(if $(SAN),,-static-libgcc) $(SANFLAGS)

# ---- the floors, from the ground up; tests/layers.sh keeps them apart ----
FLOORS	:= proto daemon/base daemon/engine daemon/wire daemon/store daemon/exec daemon/scheduler daemon/server
floor-objects = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c))
floor-archive = $(B)/$(1).a
ARCHIVES := $(foreach f,$(FLOORS),$(call floor-archive,$(f)))

LIBS_proto	:= -lcjson
LIBS_base	:= -linih
LIBS_engine	:= -levent_extra -levent_core -lpthread
LIBS_wire	:= -lsystemd
LIBS_store	:= -lsqlite3 -lpthread
LIBS_exec	:= -lcurl -lssl -lcrypto -lpcre2-8
# Part of jobctl: only top and job files need them, and loading them would take every call a quarter longer.
# Debian wants them shared (packaging/debian/rules), so that they are mended in one place.
LIBS_client	?= -l:libinih.a -l:libncursesw.a -l:libtinfo.a
LIBS_ALL	:= $(LIBS_exec) $(LIBS_store) $(LIBS_wire) $(LIBS_engine) $(LIBS_base) $(LIBS_proto) -lm

.PHONY: all man docs check check-long unit system crash sim fuzz lint demo bench install deb check-deb check-systemd \
	clean help deps
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

all: deps $(B)/jobd $(B)/jobd-runner $(B)/jobctl man	# build the three programs, and their man pages

help:			# list the targets
	@sed -n 's/^\([a-z-]*\):.*\t# \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

# Says what is missing and installs it; says nothing when all is there.  Not with NO_DEPS=1.
deps:
	$(if $(NO_DEPS),,@packaging/install-dependencies)

GENERATED := $(patsubst %,$(B)/%.h,$(wildcard proto/*.varlink)) \
	$(patsubst packaging/completion/%,$(B)/client/completion_%.h,$(wildcard packaging/completion/*))

$(B)/%.o: %.c Makefile VERSION | deps $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALLCFLAGS) -c -o $@ $<

# An archive, of objects.
define archive-rule
$(1): $(2)
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
endef
$(foreach f,$(FLOORS),$(eval $(call archive-rule,$(call floor-archive,$(f)),$(call floor-objects,$(f)))))

# Texts as C strings: the interface files, which the daemons serve back; what jobctl completion prints.
c-string = { printf 'static const char $(1)[] =\n'; sed 's/[\\"]/\\&/g; s/\t/\\t/g; s/.*/"&\\n"/' $<; printf ';\n'; } >$@

$(B)/%.varlink.h: %.varlink
	@mkdir -p $(@D)
	$(Q)$(call c-string,varlink_text)

$(B)/client/completion_%.h: packaging/completion/%
	@mkdir -p $(@D)
	$(Q)$(call c-string,completion_$(subst .,_,$*))

# Upper floors first, so that each archive finds what it needs below.
UPWARD	:= $(call floor-archive,daemon/server) $(call floor-archive,daemon/scheduler) $(call floor-archive,daemon/exec) \
	$(call floor-archive,daemon/store) $(call floor-archive,daemon/wire) $(call floor-archive,daemon/engine) \
	$(call floor-archive,daemon/base) $(call floor-archive,proto)
LOW	:= $(call floor-archive,daemon/wire) $(call floor-archive,daemon/engine) $(call floor-archive,daemon/base) $(call floor-archive,proto)

RUNNER_OBJECTS := $(call floor-objects,daemon/runner)
CLIENT_OBJECTS := $(call floor-objects,client)

$(B)/jobd: $(call floor-objects,daemon) $(UPWARD)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)

$(B)/jobd-runner: $(RUNNER_OBJECTS) $(LOW)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_wire) $(LIBS_engine) $(LIBS_base) $(LIBS_proto)

$(B)/jobctl: $(CLIENT_OBJECTS) $(call floor-archive,proto)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_client) $(LIBS_proto)

# All of jobctl but its main().
$(eval $(call archive-rule,$(call floor-archive,client),$(filter-out %/main.o,$(CLIENT_OBJECTS))))

# The man pages, from docs/man/ and from what the programs say of themselves.
MAN	:= build/man
MAN_SOURCES := $(wildcard docs/man/*.in packaging/man/* config/*.conf proto/*.varlink) CHANGELOG.md VERSION

man: $(MAN)/jobctl.1	# the man pages alone, in build/man/
$(MAN)/jobctl.1: $(MAN_SOURCES) $(B)/man-commands $(B)/jobd $(B)/jobd-runner
	$(call say,MAN)
	$(Q)packaging/man/build $(B) $(MAN)

$(B)/man-commands: $(B)/packaging/man/commands.o $(call floor-archive,client) $(call floor-archive,proto)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_client) $(LIBS_proto)

include tests/tests.mk

check: deps lint man $(PROGRAMS) $(UNIT_TESTS) $(TOOLS) $(DEMO) $(SIM) $(FUZZ)	# build, and pass all tests
	$(call run-tests,check) $(UNIT_TESTS) $(SCRIPTS)

# Thousands of random inputs where check takes hundreds, and of worlds where it takes some.
check-long: TEST_ENV += JOBD_LONG=1
check-long: deps lint man $(PROGRAMS) $(UNIT_TESTS) $(TOOLS) $(SIM) $(FUZZ)	# the same with thousands of random inputs
	$(call run-tests,check-long) $(UNIT_TESTS) $(SCRIPTS)

unit: $(UNIT_TESTS) $(PROGRAMS)	# the unit tests alone
	$(call run-tests,unit) $(UNIT_TESTS)

system: man $(PROGRAMS) $(TOOLS) $(DEMO)	# the system tests alone
	$(call run-tests,system) $(wildcard tests/system/*_*.sh)

crash: $(PROGRAMS) $(TOOLS)	# die at every fault point, and recover
	$(call run-tests,crash) $(wildcard tests/crash/*.sh)

sim: $(SIM)		# simulate: SEED=n repeats one, SEEDS=n runs that many
	$(TEST_ENV) $(SIM) $(if $(SEED),$(SEED),--seeds $(or $(SEEDS),200))

fuzz: $(FUZZ)		# replay and mutate the corpora; ROUNDS=n
	$(TEST_ENV) ROUNDS=$(or $(ROUNDS),200000) tests/fuzz/run.sh

lint:			# the floors' order, and AWAIT inside a nested switch
	@tests/layers.sh --self-test
	@tests/layers.sh
	@tests/nested-await.sh --self-test
	@tests/nested-await.sh

docs: all $(TOOLS) $(DEMO)	# make the outputs in docs/engine.md and live.md anew
	docs/generate $(B)

demo: all $(TOOLS) $(DEMO)	# nine jobs at once, and the article's table
	@tests/demo/demo.sh $(B)

bench: all $(TOOLS) $(BENCH)	# measure, beside the peers that are installed
	@tests/bench/run.sh $(B)


install: all		# install under DESTDIR and PREFIX
	packaging/install "$(B)" "$(DESTDIR)" "$(PREFIX)"

deb: deps		# build the Debian package: build/deb/jobd_*.deb
	@packaging/deb

# What boots a Debian with a real systemd, for the tests that need one.
TESTBED	?= $(firstword $(shell command -v systemd-testbed) $(wildcard ../shared/testbed/systemd-testbed))
FRESH_ROOT ?= $(firstword $(shell command -v fresh-root) $(wildcard ../shared/testbed/fresh-root))
BOOTING	:= TESTBED='$(abspath $(TESTBED))' FRESH_ROOT='$(abspath $(FRESH_ROOT))'

check-deb: deb		# install, upgrade and purge it in a clean root; build it twice, with the same bytes
	@$(BOOTING) tests/deb/run.sh build/deb/jobd_*.deb

check-systemd: deb	# the services under a real systemd, and clients of others
	@$(BOOTING) tests/systemd/run.sh build/deb/jobd_*.deb

clean:			# remove what was built
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# What is made on the way is kept.
.SECONDARY:
