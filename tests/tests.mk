# The tests.  A unit test's file begins with its floor's name: tests/unit/engine_task.c links the
# floors from the ground up to engine, no higher; so a floor is tested without those above it.

BELOW_proto	:= proto
BELOW_base	:= daemon/base $(BELOW_proto)
BELOW_engine	:= daemon/engine $(BELOW_base)
BELOW_wire	:= daemon/wire $(BELOW_engine)
BELOW_store	:= daemon/store $(BELOW_wire)
BELOW_exec	:= daemon/exec $(BELOW_store)
BELOW_scheduler	:= daemon/scheduler $(BELOW_exec)
BELOW_server	:= daemon/server $(BELOW_scheduler)

BELOW_client	:= client proto

BELOW_runner	:= $(BELOW_wire)

LINK_proto	:= $(LIBS_proto)
LINK_base	:= $(LIBS_base) $(LINK_proto)
LINK_engine	:= $(LIBS_engine) $(LINK_base)
LINK_wire	:= $(LIBS_wire) $(LINK_engine)
LINK_store	:= $(LIBS_store) $(LINK_wire)
LINK_runner	:= $(LINK_wire)
LINK_client	:= $(LIBS_client) $(LIBS_proto)
LINK_exec	:= $(LIBS_ALL)
LINK_scheduler	:= $(LIBS_ALL)
LINK_server	:= $(LIBS_ALL)

test-floor	= $(firstword $(subst _, ,$(notdir $(1))))
UNIT_SOURCES	:= $(wildcard tests/unit/*.c)
UNIT_TESTS	:= $(patsubst %.c,$(B)/%,$(UNIT_SOURCES))
HARNESS_ARCHIVE	:= $(B)/tests/harness.a

$(eval $(call archive-rule,$(HARNESS_ARCHIVE),$(patsubst %.c,$(B)/%.o,$(wildcard tests/harness/*.c))))

# All of the runner but its main(): for tests of its parts, and of what it leaves on disk.
RUNNER_ARCHIVE	:= $(B)/daemon/runner.a

$(eval $(call archive-rule,$(RUNNER_ARCHIVE),$(filter-out %/main.o,$(RUNNER_OBJECTS))))

define unit-rule
$(B)/$(1:.c=): $(B)/$(1:.c=.o) $(HARNESS_ARCHIVE) $(if $(filter runner exec server,$(call test-floor,$(1:.c=))),$(RUNNER_ARCHIVE)) $(foreach f,$(BELOW_$(call test-floor,$(1:.c=))),$(call floor-archive,$(f)))
	$$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $$@ $$^ -lcmocka $(LINK_$(call test-floor,$(1:.c=))) $(if $(filter store exec scheduler server,$(call test-floor,$(1:.c=))),-lsqlite3) -lpthread
endef
$(foreach t,$(UNIT_SOURCES),$(eval $(call unit-rule,$(t))))

# Small programs that the system tests, the demo and the benches use.
TOOLS := $(patsubst %.c,$(B)/%,$(wildcard tests/tools/*.c))
$(B)/tests/tools/%: $(B)/tests/tools/%.o $(B)/tests/tools/lib/varlink.o
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcjson -lpthread $(TOOL_LIBS)
$(B)/tests/tools/sql: TOOL_LIBS := -lsqlite3

# How many tests run side by side, and what they find: the programs under test, the source.
TEST_JOBS	?= 2
TEST_ENV	:= JOBD_STRICT=1 BIN=$(abspath $(B)) JOBD_BIN=$(abspath $(B)) JOBD_SOURCE=$(CURDIR)
run-tests	= @$(TEST_ENV) tests/run $(B)/log/$(1) $(TEST_JOBS)

PROGRAMS := $(B)/jobd $(B)/jobd-runner $(B)/jobctl

# Scripts that are tests: what they need is built before.
SCRIPTS := $(wildcard tests/system/*_*.sh) $(wildcard tests/crash/*.sh) tests/sim/run.sh tests/fuzz/run.sh

SIM := $(B)/tests/sim/sim
$(SIM): $(patsubst %.c,$(B)/%.o,$(wildcard tests/sim/*.c)) $(HARNESS_ARCHIVE) $(UPWARD)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)

FUZZ := $(patsubst %.c,$(B)/%,$(filter-out tests/fuzz/main.c,$(wildcard tests/fuzz/*.c)))
$(FUZZ): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/main.o $(UPWARD)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)

# The demo's own programs stand on nothing of ours but, for one, the engine.
DEMO := $(patsubst %.c,$(B)/%,$(wildcard tests/demo/*.c))
$(DEMO): $(B)/tests/demo/%: $(B)/tests/demo/%.o $(call floor-archive,daemon/engine) $(call floor-archive,daemon/base) $(call floor-archive,proto)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_engine) $(LIBS_proto) -lm

# The peers share their way of measuring; libuv's is built where its headers are.
PEER_SHARED := tests/bench/peers/measure.c tests/bench/peers/load.c
PEER_SOURCES := $(filter-out $(PEER_SHARED),$(wildcard tests/bench/peers/*.c))
PEER_SOURCES := $(if $(wildcard /usr/include/uv.h),$(PEER_SOURCES),$(filter-out %/libuv.c,$(PEER_SOURCES)))
PEERS_BUILT := $(PEER_SOURCES:%.c=$(B)/%)
$(B)/tests/bench/peers/%: $(B)/tests/bench/peers/%.o $(PEER_SHARED:%.c=$(B)/%.o)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PEER_LIBS) -levent_core
$(B)/tests/bench/peers/libuv: PEER_LIBS := -luv
$(B)/tests/bench/peers/multi: PEER_LIBS := -lcurl
$(B)/tests/bench/peers/evhttp: PEER_LIBS := -levent_openssl -levent_extra -lssl -lcrypto

BENCH_OWN := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
$(B)/tests/bench/engine: $(B)/tests/bench/peers/measure.o
$(B)/tests/bench/checks: $(PEER_SHARED:%.c=$(B)/%.o)
$(B)/tests/bench/whole: $(B)/tests/bench/peers/measure.o $(B)/tests/tools/lib/varlink.o
# What it costs that the engine watches itself: the same engine with that left out, beside one with it.  Both are
# aligned alike, as where a loop of a dozen instructions happens to lie matters more than what is measured.
ALIGNED	:= -falign-functions=64 -falign-loops=32
define engine-variant
$(B)/$(1)/%.o: %.c Makefile VERSION | deps $(GENERATED)
	@mkdir -p $$(@D)
	$$(call say,CC)
	$(Q)$(CC) $(ALLCFLAGS) $(ALIGNED) $(2) -c -o $$@ $$<
$(B)/$(1)/tests/bench/engine: $(patsubst %.c,$(B)/$(1)/%.o,$(wildcard daemon/engine/*.c) tests/bench/engine.c) $(B)/tests/bench/peers/measure.o $(call floor-archive,daemon/base) $(call floor-archive,proto)
	$$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $$@ $$^ $(LIBS_ALL)
endef
$(eval $(call engine-variant,sees,))
$(eval $(call engine-variant,blind,-DENGINE_BLIND))
BENCH_VARIANTS := $(B)/sees/tests/bench/engine $(B)/blind/tests/bench/engine

$(BENCH_OWN): $(B)/tests/bench/%: $(B)/tests/bench/%.o $(UPWARD)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)

BENCH := $(BENCH_OWN) $(BENCH_VARIANTS) $(PEERS_BUILT)
