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

test-floor	= $(firstword $(subst _, ,$(notdir $(1))))
UNIT_SOURCES	:= $(wildcard tests/unit/*.c)
UNIT_TESTS	:= $(patsubst %.c,$(B)/%,$(UNIT_SOURCES))
HARNESS		:= $(patsubst %.c,$(B)/%.o,$(wildcard tests/harness/*.c))
HARNESS_ARCHIVE	:= $(B)/tests/harness.a

$(HARNESS_ARCHIVE): $(HARNESS)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

define unit-rule
$(B)/$(1:.c=): $(B)/$(1:.c=.o) $(HARNESS_ARCHIVE) $(foreach f,$(BELOW_$(call test-floor,$(1:.c=))),$(call floor-archive,$(f)))
	$(CC) $(LDFLAGS) -o $$@ $$^ -lcmocka $(LIBS_ALL)
endef
$(foreach t,$(UNIT_SOURCES),$(eval $(call unit-rule,$(t))))
